//! Routes and addresses, as the kernel tells them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A route to a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Where it leads, such as `10.0.0.0/8`.
    pub destination: IpNet,
    /// The link that it uses; empty if it drops what it is asked to send.
    pub link: String,
    /// The number of its table.
    #[serde(default = "main_table", skip_serializing_if = "is_main_table")]
    pub table: u32,
    /// The next hop; `None` if the network is on the link itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Whether its scope is the link: the host is in that network itself.
    #[serde(default)]
    pub on_link: bool,
}

impl Route {
    /// `RT_TABLE_MAIN` of rtnetlink(7).
    pub const MAIN: u32 = 254;

    /// Whether it leads everywhere: a default route, or one of the two halves (`0.0.0.0/1`,
    /// `128.0.0.0/1`) that VPN clients set in its place.
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() <= 1
    }
}

fn main_table() -> u32 {
    Route::MAIN
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde wants it
fn is_main_table(table: &u32) -> bool {
    *table == Route::MAIN
}

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkAddress {
    /// The link.
    pub link: String,
    /// The address, with the length of its network's prefix.
    pub address: IpNet,
}

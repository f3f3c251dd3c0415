//! The kernel's routes and addresses, by rtnetlink(7): `/proc/net/route` has those of the
//! main table alone.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::{Stream, TryStreamExt};
use ipnet::IpNet;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::LinkAttribute;
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteScope, RouteType,
};
use rtnetlink::{Handle, RouteMessageBuilder};

use super::{Host, HostError};
use crate::route::{LinkAddress, Route};
use crate::texts::phrases::host as phrases;

/// `RT_TABLE_LOCAL`: the kernel's own entries for this host's addresses.
const LOCAL_TABLE: u32 = 255;

/// How long the kernel may take; a router with the internet's whole table takes a second.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

impl Host {
    /// The kernel's routes of both families and all tables but `local`, sorted, and the
    /// addresses of all links.
    ///
    /// # Errors
    /// [`HostError::Io`] if the kernel refuses to tell.
    pub fn routes_and_addresses(&self) -> Result<(Vec<Route>, Vec<LinkAddress>), HostError> {
        let told = self.block_on(async {
            let (connection, handle, _) = rtnetlink::new_connection()?;
            let connection = tokio::spawn(connection);
            let told = tokio::time::timeout(LIMIT, ask(&handle)).await;
            connection.abort();
            told.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        told.map_err(|source| HostError::io("read", phrases::ROUTES, source))
    }
}

async fn ask(handle: &Handle) -> io::Result<(Vec<Route>, Vec<LinkAddress>)> {
    let mut names = BTreeMap::new();
    for message in all(handle.link().get().execute()).await? {
        let name = message.attributes.into_iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        });
        names.insert(message.header.index, name.unwrap_or_default());
    }
    let mut routes = Vec::new();
    for question in [
        RouteMessageBuilder::<Ipv4Addr>::new().build(),
        RouteMessageBuilder::<Ipv6Addr>::new().build(),
    ] {
        let messages = all(handle.route().get(question).execute()).await?;
        routes.extend(messages.iter().filter_map(|message| route(message, &names)));
    }
    routes.sort();
    routes.dedup();
    let messages = all(handle.address().get().execute()).await?;
    let mut addresses: Vec<LinkAddress> =
        messages.iter().filter_map(|message| address(message, &names)).collect();
    addresses.sort();
    Ok((routes, addresses))
}

async fn all<T>(answers: impl Stream<Item = Result<T, rtnetlink::Error>>) -> io::Result<Vec<T>> {
    answers.try_collect().await.map_err(io::Error::other)
}

fn route(message: &RouteMessage, names: &BTreeMap<u32, String>) -> Option<Route> {
    use RouteType::{BlackHole, Prohibit, Unicast, Unreachable};
    let header = &message.header;
    if !matches!(header.kind, Unicast | BlackHole | Prohibit | Unreachable) {
        return None;
    }
    let mut route = Route {
        destination: IpNet::new(unspecified(header)?, header.destination_prefix_length).ok()?,
        link: String::new(),
        table: u32::from(header.table),
        gateway: None,
        on_link: header.scope == RouteScope::Link,
    };
    let name = |index: u32| names.get(&index).cloned().unwrap_or_default();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => {
                route.destination =
                    IpNet::new(ip(to)?, header.destination_prefix_length).ok()?.trunc();
            }
            RouteAttribute::Gateway(gateway) => route.gateway = ip(gateway),
            RouteAttribute::Oif(index) => route.link = name(*index),
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::MultiPath(hops) if route.link.is_empty() => {
                route.link = hops.first().map(|hop| name(hop.interface_index)).unwrap_or_default();
            }
            _ => {}
        }
    }
    (route.table != LOCAL_TABLE).then_some(route)
}

/// A default route has no destination among its attributes.
fn unspecified(header: &RouteHeader) -> Option<IpAddr> {
    use rtnetlink::packet_route::AddressFamily;
    match header.address_family {
        AddressFamily::Inet => Some(Ipv4Addr::UNSPECIFIED.into()),
        AddressFamily::Inet6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// The far end of a point-to-point link stands under `Address`, its own under `Local`.
fn address(message: &AddressMessage, names: &BTreeMap<u32, String>) -> Option<LinkAddress> {
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let only = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    Some(LinkAddress {
        link: names.get(&message.header.index).cloned()?,
        address: IpNet::new(local.or(only)?, message.header.prefix_len).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_of_this_machine() {
        let (routes, addresses) = Host::live().unwrap().routes_and_addresses().unwrap();
        let loopback = LinkAddress { link: "lo".into(), address: "127.0.0.1/8".parse().unwrap() };
        assert!(addresses.contains(&loopback), "{addresses:?}");
        // Each IPv4 network that a link is in has a route of the main table.
        let text = crate::host::input::read_text(std::path::Path::new("/proc/net/route"));
        let main = text.unwrap().unwrap().lines().skip(1).count();
        let found = routes
            .iter()
            .filter(|route| route.table == Route::MAIN && route.destination.addr().is_ipv4());
        assert!(found.count() >= main, "{routes:?}");
    }

    #[test]
    fn a_route_of_another_table_and_one_that_drops() {
        let names = BTreeMap::from([(7, "tun0".to_owned())]);
        let mut message = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(Ipv4Addr::new(10, 8, 0, 0), 13)
            .output_interface(7)
            .table_id(51820)
            .build();
        let found = route(&message, &names).unwrap();
        assert_eq!((found.link.as_str(), found.table), ("tun0", 51820));
        assert_eq!(found.destination.to_string(), "10.8.0.0/13");

        message.header.kind = RouteType::BlackHole;
        assert!(route(&message, &names).is_some());
        message.header.kind = RouteType::Broadcast;
        assert_eq!(route(&message, &names), None);
    }
}

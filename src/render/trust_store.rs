//! Where a distribution takes authorities from that all programs of a host shall trust.

use crate::facts::Facts;

/// How the trust store is told of an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustStore {
    /// Where files of authorities go.
    pub directory: &'static str,
    /// The end that their names must have.
    pub suffix: &'static str,
    /// What puts the store together then.
    pub argv: &'static [&'static str],
}

/// RHEL and kin (update-ca-trust(8)), also openEuler and Kylin.
const P11_KIT: TrustStore = TrustStore {
    directory: "/etc/pki/ca-trust/source/anchors",
    suffix: ".pem",
    argv: &["update-ca-trust", "extract"],
};
/// Debian and kin (update-ca-certificates(8)).
const DEBIAN: TrustStore = TrustStore {
    directory: "/usr/local/share/ca-certificates",
    suffix: ".crt",
    argv: &["update-ca-certificates"],
};
/// SUSE, whose program has the same name.
const SUSE: TrustStore = TrustStore {
    directory: "/etc/pki/trust/anchors",
    suffix: ".pem",
    argv: &["update-ca-certificates"],
};

/// The trust store of a host; `None` if it has none that can be told, or nothing can be run.
pub fn store(facts: &Facts) -> Option<TrustStore> {
    let has = |program: &str| facts.programs.contains_key(program);
    if !facts.live {
        None
    } else if has("update-ca-trust") {
        Some(P11_KIT)
    } else if has("update-ca-certificates") {
        Some(if has("zypper") { SUSE } else { DEBIAN })
    } else {
        None
    }
}

/// All of them: which one it is turns out once a host is looked at.
pub const ALL: [TrustStore; 3] = [P11_KIT, DEBIAN, SUSE];

/// Where the authority of a registry goes in a store.
pub fn path(store: TrustStore, registry: &str) -> String {
    // A colon is taken for a list of paths by some.
    let name = registry.replace([':', '[', ']'], "_");
    format!("{}/landfall-{name}{}", store.directory, store.suffix)
}

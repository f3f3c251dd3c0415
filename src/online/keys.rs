//! Whose keys upstream signs its packages with: `bundles/signing-keys.tsv`, which says where its facts
//! come from and is part of the program.

use super::{Fingerprint, Manager};

const TABLE: &str = include_str!("../../bundles/signing-keys.tsv");

/// The fingerprint of the key that packages for this manager are signed with; `None` only if the
/// table is broken, which its test rules out.
pub fn pinned(manager: Manager) -> Option<Fingerprint> {
    let wanted = match manager {
        Manager::Apt => "deb",
        Manager::Dnf | Manager::Yum => "rpm",
    };
    rows().find_map(|(what, fingerprint)| (what == wanted).then(|| fingerprint.parse().ok())?)
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_are_known() {
        assert_eq!(rows().count(), 2);
        let deb = pinned(Manager::Apt).unwrap();
        let rpm = pinned(Manager::Dnf).unwrap();
        assert_eq!(deb.short(), "0ebfcd88");
        assert_eq!(rpm.short(), "621e9f35");
        assert_eq!(pinned(Manager::Yum), Some(rpm));
    }
}

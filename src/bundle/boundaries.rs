//! What an upgrade crosses: `bundles/boundaries.tsv`, which says where its facts come from.

use crate::topology::release;

const BOUNDARIES: &str = include_str!("../../bundles/boundaries.tsv");

/// Something that is otherwise from a release line on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// The older engine may not read what the newer one leaves.
    OneWay {
        /// What changes.
        what: &'static str,
    },
    /// The newer engine has not got the storage driver.
    DriverRemoved {
        /// Which.
        driver: &'static str,
    },
}

/// The boundaries between two versions, in either direction. None if one cannot be read.
pub fn between(from: &str, to: &str) -> Vec<Boundary> {
    let (Some(from), Some(to)) = (release(from), release(to)) else { return Vec::new() };
    let (low, high) = (from.min(to), from.max(to));
    rows()
        .filter_map(|(line, boundary)| (low < line && line <= high).then_some(boundary?))
        .collect()
}

/// Whether an engine may not read what another one, of a newer line, leaves.
pub fn is_one_way(from: &str, to: &str) -> bool {
    between(from, to).iter().any(|boundary| matches!(boundary, Boundary::OneWay { .. }))
}

fn rows() -> impl Iterator<Item = ((u32, u32), Option<Boundary>)> {
    let lines = BOUNDARIES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|row| {
        let mut columns = row.split('\t');
        let (line, kind, what) = (columns.next()?, columns.next()?, columns.next()?);
        let boundary = match kind {
            "one-way" => Some(Boundary::OneWay { what }),
            "driver-removed" => Some(Boundary::DriverRemoved { driver: what }),
            _ => None,
        };
        Some((release(line)?, boundary))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_sound() {
        let count = BOUNDARIES.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().filter(|(_, boundary)| boundary.is_some()).count(), count);
        assert!(rows().zip(rows().skip(1)).all(|(a, b)| a.0 <= b.0), "oldest first");
    }

    #[test]
    fn what_is_crossed() {
        let driver = |driver| Boundary::DriverRemoved { driver };
        assert_eq!(
            between("20.10.24+dfsg1", "26.1.5"),
            ["aufs", "overlay", "devicemapper"].map(driver)
        );
        assert_eq!(between("25.0.1", "28.5.2"), []);
        assert_eq!(between("24.0.7", "25.0.0"), [driver("devicemapper")]);
        assert!(is_one_way("28.5.2", "29.1.0") && is_one_way("29.1.0", "28.5.2"));
        assert!(is_one_way("18.06.3-ce", "18.09.0"));
        assert!(!is_one_way("20.10.5", "26.1.5") && !is_one_way("29.0.0", "29.4.2"));
        assert_eq!(between("unknown", "26.1.5"), []);
    }
}

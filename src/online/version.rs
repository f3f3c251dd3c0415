//! Versions of packages: the engine's own in them, and which is the newest.

use std::cmp::Ordering;

/// The engine's version in a package's: `28.5.2` in `5:28.5.2-1~debian.12~bookworm`, in
/// `5:20.10.24~3-0~debian-bookworm` and in `3:28.5.2-1.el9.x86_64`.
pub fn upstream(version: &str) -> &str {
    let without_epoch = version.split_once(':').map_or(version, |(_, rest)| rest);
    without_epoch.split(['-', '~']).next().unwrap_or(without_epoch)
}

/// Whether a version of the engine is the one that is asked for: all of its numbers, or the first of
/// them.
pub fn fits(version: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| {
        let rest = version.strip_prefix(wanted);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+']))
    })
}

/// The newest of these that is of the engine's version that is wanted: all of its numbers, or the
/// first of them.
pub(super) fn choose<'v>(
    offered: impl IntoIterator<Item = &'v String>,
    wanted: Option<&str>,
) -> Option<&'v String> {
    let offered = offered.into_iter().filter(|version| fits(upstream(version), wanted));
    offered.max_by(|a, b| compare(a, b))
}

/// By parts of digits and of letters, as dpkg and rpm do; a tilde sorts before the end.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    let mut pairs = a.iter().zip(&b).map(|(a, b)| a.cmp(b));
    pairs.find(|order| order.is_ne()).unwrap_or_else(|| {
        let longer = |parts: &[Part]| parts.first().is_some_and(|part| *part == Part::Tilde);
        match a.len().cmp(&b.len()) {
            Ordering::Less if longer(&b[a.len()..]) => Ordering::Greater,
            Ordering::Greater if longer(&a[b.len()..]) => Ordering::Less,
            order => order,
        }
    })
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Tilde,
    Letters(String),
    Number(u128),
}

fn parts(version: &str) -> Vec<Part> {
    // Without an epoch it is 0.
    let version = match version.split_once(':') {
        Some(_) => version.to_owned(),
        None => format!("0:{version}"),
    };
    let mut parts = Vec::new();
    let mut rest = version.as_str();
    while let Some(first) = rest.chars().next() {
        let length = |is: fn(char) -> bool| rest.find(|letter| !is(letter)).unwrap_or(rest.len());
        let taken = if first.is_ascii_digit() {
            let taken = length(|letter| letter.is_ascii_digit());
            parts.push(Part::Number(rest[..taken].parse().unwrap_or(u128::MAX)));
            taken
        } else if first == '~' {
            parts.push(Part::Tilde);
            1
        } else if first.is_ascii_alphabetic() {
            let taken = length(|letter| letter.is_ascii_alphabetic());
            parts.push(Part::Letters(rest[..taken].to_owned()));
            taken
        } else {
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_version() {
        for (package, own) in [
            ("5:28.5.2-1~debian.12~bookworm", "28.5.2"),
            ("5:20.10.24~3-0~debian-bookworm", "20.10.24"),
            ("3:28.5.2-1.el9.x86_64", "28.5.2"),
            ("0:1.7.28-1.el9.x86_64", "1.7.28"),
            ("1.6.20-1", "1.6.20"),
            ("5:20.10.24+dfsg1-1~debian.12~bookworm", "20.10.24+dfsg1"),
        ] {
            assert_eq!(upstream(package), own);
        }
    }

    #[test]
    fn the_newest_of_what_is_wanted() {
        let offered = [
            "5:28.5.2-1~debian.12~bookworm",
            "5:29.0.0~rc.1-1~debian.12~bookworm",
            "5:28.10.0-1~debian.12~bookworm",
            "5:28.5.2-2~debian.12~bookworm",
            "5:9.0.0-1~debian.12~bookworm",
        ]
        .map(str::to_owned);
        let chosen = |wanted| choose(&offered, wanted).map(String::as_str);
        assert_eq!(chosen(None), Some("5:29.0.0~rc.1-1~debian.12~bookworm"));
        assert_eq!(chosen(Some("28.5.2")), Some("5:28.5.2-2~debian.12~bookworm"));
        assert_eq!(chosen(Some("28")), Some("5:28.10.0-1~debian.12~bookworm"));
        assert_eq!(chosen(Some("28.5")), Some("5:28.5.2-2~debian.12~bookworm"));
        assert_eq!(chosen(Some("2")), None);
        assert_eq!(chosen(Some("28.5.20")), None);
    }

    #[test]
    fn tildes_and_epochs() {
        for (older, newer) in [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0.1"),
            ("1.0-1", "1:0.1-1"),
            ("1.9", "1.10"),
            ("1.6.20-1", "1.6.20-2"),
        ] {
            assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
        }
        assert_eq!(compare("0:1.0", "1.0"), Ordering::Equal);
    }
}

//! Which values a key takes: enumerations, ranges and forms, as `bundles/daemon-options.tsv` says.

use crate::nearest::nearest;
use crate::texts::phrases::daemon_json as phrases;

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// All that its type allows.
    Any,
    /// One of these, separated by commas.
    OneOf(&'static str),
    /// These, separated by commas, and names of plugins.
    Names(&'static str),
    /// Numbers: `A..B` and single ones, separated by commas.
    Range(&'static str),
    /// A whole number with a unit, or this.
    Size(Option<&'static str>),
    /// A time span as Go writes it.
    Duration,
    /// `HOST:PORT`.
    HostPort,
}

/// What is wrong with a value, and what would be right.
pub type Fault = (&'static str, Box<str>);

impl Values {
    pub(super) fn parse(text: &'static str) -> Option<Self> {
        Some(match text.split_once(':') {
            None if text == "-" => Self::Any,
            None if text == "size" => Self::Size(None),
            None if text == "duration" => Self::Duration,
            None if text == "host-port" => Self::HostPort,
            Some(("one-of", names)) => Self::OneOf(names),
            Some(("names", names)) => Self::Names(names),
            Some(("range", ranges)) if parsed(ranges).is_some() => Self::Range(ranges),
            Some(("size", other)) => Self::Size(Some(other)),
            _ => return None,
        })
    }

    /// What is wrong with a value, as text.
    pub fn fault(self, value: &str) -> Option<Fault> {
        match self {
            Self::Any => None,
            Self::OneOf(names) => {
                let is_one = names.split(',').any(|name| name == value);
                let hint = match nearest(value, names.split(',')) {
                    Some(nearest) => format!("write `{nearest}`; {}", phrases::one_of(names)),
                    None => phrases::one_of(names),
                };
                (!is_one).then(|| (phrases::NOT_ONE_OF, hint.into()))
            }
            Self::Names(names) => {
                let is_known = names.split(',').any(|name| name == value);
                let is_plugin = value.contains(['/', ':']);
                let meant = nearest(value, names.split(',')).filter(|_| !is_known && !is_plugin)?;
                Some((phrases::MISTYPED, phrases::or_plugin(meant, names).into()))
            }
            Self::Range(ranges) => {
                let allowed = parsed(ranges).unwrap_or_default();
                let number = value.parse::<i64>().ok().filter(|_| !value.starts_with('+'));
                let is_in = |number: i64| {
                    allowed.iter().any(|(least, most)| (*least..=*most).contains(&number))
                };
                let wrong = !number.is_some_and(is_in);
                wrong.then(|| (phrases::OUT_OF_RANGE, phrases::range(ranges).into()))
            }
            Self::Size(other) => (other != Some(value) && !is_size(value))
                .then(|| (phrases::SIZE_FORM, phrases::SIZE_HINT.into())),
            Self::Duration => (!is_duration(value))
                .then(|| (phrases::DURATION_FORM, phrases::DURATION_HINT.into())),
            Self::HostPort => {
                let port = value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
                port.is_none_or(|port| port == 0)
                    .then(|| (phrases::HOST_PORT_FORM, phrases::HOST_PORT_HINT.into()))
            }
        }
    }
}

/// The least and the greatest number of each range.
fn parsed(ranges: &str) -> Option<Vec<(i64, i64)>> {
    let one = |range: &str| {
        let Some((least, most)) = range.split_once("..") else {
            let only = range.parse().ok()?;
            return Some((only, only));
        };
        let end =
            |text: &str, open: i64| if text.is_empty() { Some(open) } else { text.parse().ok() };
        Some((end(least, i64::MIN)?, end(most, i64::MAX)?))
    };
    ranges.split(',').map(one).collect()
}

/// A number with a unit. Without one it would be bytes, which nobody means.
pub(super) fn is_size(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    lower
        .strip_suffix(['k', 'm', 'g', 't'])
        .is_some_and(|number| !number.starts_with(['0', '+']) && number.parse::<u32>().is_ok())
}

/// `time.ParseDuration` of Go: numbers, each with a unit.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        if rest[..digits].parse::<f64>().is_err() {
            return false;
        }
        rest = &rest[digits..];
        let units = ["ns", "us", "µs", "ms", "s", "m", "h"];
        let Some(unit) = units.into_iter().find(|unit| rest.starts_with(unit)) else {
            return false;
        };
        rest = &rest[unit.len()..];
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes() {
        for text in ["1s", "500ms", "1m30s", "1.5h", "10us"] {
            assert!(is_duration(text), "{text}");
        }
        for text in ["", "1", "s", "1 s", "-1s", "1d"] {
            assert!(!is_duration(text), "{text}");
        }
        assert!(is_size("10G") && is_size("1tb") && !is_size("10") && !is_size("0m"));
    }

    #[test]
    fn ranges() {
        let mtu = Values::parse("range:0,68..65535").unwrap();
        for (value, wrong) in
            [("0", false), ("68", false), ("67", true), ("65536", true), ("x", true)]
        {
            assert_eq!(mtu.fault(value).is_some(), wrong, "{value}");
        }
        assert_eq!(Values::parse("range:a..b"), None);
        assert_eq!(Values::parse("nothing"), None);
    }
}

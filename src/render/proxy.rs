//! The daemon's proxy, as daemon.json and as a drop-in has it.

use serde_json::{Map, Value};

use crate::desired::ProxyWanted;
use crate::topology::release;

/// The key of daemon.json.
pub const KEY: &str = "proxies";
/// The first release that knows it.
const SINCE: (u32, u32) = (23, 0);

/// Whether an engine of this version has its proxy in daemon.json; else it is in a drop-in.
pub fn is_key(version: Option<&str>) -> bool {
    version.and_then(release).is_some_and(|release| release >= SINCE)
}

/// What is set, by the keys of daemon.json; empty values are not.
fn set(wanted: &ProxyWanted) -> [(&'static str, &'static str, Option<&str>); 3] {
    fn given(value: &Option<String>) -> Option<&str> {
        value.as_deref().filter(|text| !text.is_empty())
    }
    [
        ("http-proxy", "HTTP_PROXY", given(&wanted.http)),
        ("https-proxy", "HTTPS_PROXY", given(&wanted.https)),
        ("no-proxy", "NO_PROXY", given(&wanted.no)),
    ]
}

/// The value of `proxies` in daemon.json; `None` if nothing is set.
pub fn key(wanted: &ProxyWanted) -> Option<Value> {
    let set = set(wanted).into_iter();
    let keys: Map<String, Value> =
        set.filter_map(|(key, _, value)| Some((key.to_owned(), value?.into()))).collect();
    (!keys.is_empty()).then_some(Value::Object(keys))
}

/// What a value of `proxies` sets.
pub fn of_key(value: &Value) -> ProxyWanted {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    ProxyWanted { http: text("http-proxy"), https: text("https-proxy"), no: text("no-proxy") }
}

/// The text of the drop-in; `None` if nothing is set.
pub fn drop_in(wanted: &ProxyWanted) -> Option<String> {
    let lines: Vec<String> = set(wanted)
        .into_iter()
        // A percent sign begins a specifier (systemd.unit(5)).
        .filter_map(|(_, name, value)| Some((name, value?.replace('%', "%%"))))
        .map(|(name, value)| format!("Environment=\"{name}={value}\"\n"))
        .collect();
    (!lines.is_empty()).then(|| format!("{HEAD}{}", lines.concat()))
}

const HEAD: &str = "# Managed by Landfall: landfall configure --http-proxy, --https-proxy, --no-proxy.\n\
     # From 23.0 on the engine has its proxy in daemon.json, and this goes.\n\
     [Service]\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_set() {
        let wanted = ProxyWanted {
            http: Some(String::new()),
            https: Some("http://p:3128".to_owned()),
            no: Some(".internal".to_owned()),
        };
        let json = serde_json::json!({"https-proxy": "http://p:3128", "no-proxy": ".internal"});
        assert_eq!(key(&wanted), Some(json.clone()));
        assert_eq!(of_key(&json), ProxyWanted { http: None, ..wanted.clone() });
        let text = drop_in(&wanted).unwrap();
        let set: Vec<&str> = text.lines().filter(|line| line.starts_with("Env")).collect();
        let expected =
            ["Environment=\"HTTPS_PROXY=http://p:3128\"", "Environment=\"NO_PROXY=.internal\""];
        assert_eq!(set, expected);
        assert_eq!((key(&ProxyWanted::default()), drop_in(&ProxyWanted::default())), (None, None));
    }
}

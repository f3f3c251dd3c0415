//! Checks keys that shall be set in daemon.json: that they exist, that their types are right,
//! and that the daemon would take their values.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value};

use super::daemon_error::DaemonJsonError;
use super::daemon_options::{self, DaemonOption, MergeRule, OptionType};
use super::daemon_values::{Values, is_size};
use super::json_document::kind_of;
use crate::texts::phrases::daemon_json as phrases;
use crate::topology::{Topology, release};

/// Checks one wanted key, before anything is merged.
///
/// # Errors
/// If it is unknown, misplaced, of the wrong type, with a value that the daemon would refuse,
/// or one that docker.service sets on the command line. `style` is the unit style that is asked
/// for, which an installation may still decide otherwise while it is `None`.
pub fn validate_key(
    key: &str,
    value: &Value,
    style: Option<Topology>,
) -> Result<(), DaemonJsonError> {
    let mut flags = Topology::Modern.daemon_flags().iter().copied();
    if let Some((key, flag)) = flags.find(|(flagged, _)| *flagged == key) {
        return Err(DaemonJsonError::SetByUnit { key, flag, style });
    }
    let option = daemon_options::find(key).filter(|option| option.parent().is_none());
    let Some(option) = option else {
        return Err(match daemon_options::find_nested(key).and_then(DaemonOption::parent) {
            Some(parent) => DaemonJsonError::Misplaced { key: key.to_string(), parent },
            None => DaemonJsonError::UnknownKey {
                key: key.to_string(),
                nearest: daemon_options::nearest(key),
            },
        });
    };
    check_type(key, option.kind, value)?;
    check_value(key, option.kind, value)?;
    check_listed(option, value)
}

/// Checks a value, and those within it, against what the table lists.
fn check_listed(option: &DaemonOption, value: &Value) -> Result<(), DaemonJsonError> {
    let one = |path: &str, values: Values, value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Ok(()),
        };
        match values.fault(&text) {
            Some((reason, hint)) => Err(wrong(path, text, reason, hint)),
            None => Ok(()),
        }
    };
    one(option.key, option.values, value)?;
    let within = |name: &str, value: &Value| {
        let path = format!("{}.{name}", option.key);
        match daemon_options::find(&path) {
            Some(inner) => one(&path, inner.values, value),
            None => Ok(()),
        }
    };
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| within(name, value)),
        Value::Array(elements) if option.merge == MergeRule::Assignments => {
            let assignments = elements.iter().filter_map(Value::as_str);
            let mut assignments = assignments.filter_map(|element| element.split_once('='));
            assignments.try_for_each(|(name, value)| within(name, &value.into()))
        }
        _ => Ok(()),
    }
}

/// Checks that this engine knows a key: it does not start with one that it does not.
///
/// # Errors
/// [`DaemonJsonError::OtherEngine`]. A version that cannot be told is not checked.
pub fn check_version(key: &str, version: &str) -> Result<(), DaemonJsonError> {
    let Some(engine) = release(version) else { return Ok(()) };
    match daemon_options::find(key) {
        Some(option) if !option.known_to(engine) => Err(DaemonJsonError::OtherEngine {
            key: key.to_string(),
            version: version.to_string(),
            first: option.first,
            last: option.last,
        }),
        _ => Ok(()),
    }
}

fn check_type(path: &str, kind: OptionType, value: &Value) -> Result<(), DaemonJsonError> {
    use OptionType as T;
    let of_object = |inner| {
        object(path, value)?
            .iter()
            .try_for_each(|(key, value)| check_type(&format!("{path}.{key}"), inner, value))
    };
    match kind {
        T::String | T::Address | T::Size => is(value.is_string(), path, phrases::A_STRING, value),
        T::Bool => is(value.is_boolean(), path, phrases::TRUE_OR_FALSE, value),
        T::Int => is(value.is_i64(), path, phrases::A_WHOLE_NUMBER, value),
        T::Uint => is(value.is_u64(), path, phrases::A_WHOLE_NUMBER_NOT_NEGATIVE, value),
        T::Strings | T::Addresses => {
            list(path, value)?.iter().enumerate().try_for_each(|(index, element)| {
                check_type(&format!("{path}[{index}]"), T::String, element)
            })
        }
        T::Pools => list(path, value)?
            .iter()
            .enumerate()
            .try_for_each(|(index, pool)| check_pool(&format!("{path}[{index}]"), pool)),
        T::StringMap => of_object(T::String),
        T::BoolMap => of_object(T::Bool),
        T::StringMapMap => of_object(T::StringMap),
        T::Ulimits | T::Runtimes => of_object(T::Object),
        T::Object => {
            for (key, value) in object(path, value)? {
                if let Some(option) = daemon_options::find(&format!("{path}.{key}")) {
                    check_type(option.key, option.kind, value)?;
                }
            }
            Ok(())
        }
    }
}

fn is(
    right: bool,
    path: &str,
    expected: &'static str,
    value: &Value,
) -> Result<(), DaemonJsonError> {
    match right {
        true => Ok(()),
        false => {
            Err(DaemonJsonError::Type { key: path.to_string(), expected, found: kind_of(value) })
        }
    }
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>, DaemonJsonError> {
    is(value.is_object(), path, phrases::AN_OBJECT, value)?;
    value.as_object().ok_or_else(|| wrong(path, value, phrases::NOT_AN_OBJECT, ""))
}

fn list<'a>(path: &str, value: &'a Value) -> Result<&'a [Value], DaemonJsonError> {
    is(value.is_array(), path, phrases::A_LIST, value)?;
    Ok(value.as_array().map(Vec::as_slice).unwrap_or_default())
}

fn check_pool(path: &str, pool: &Value) -> Result<(), DaemonJsonError> {
    let pool_object = object(path, pool)?;
    let base = pool_object.get("base").and_then(Value::as_str).and_then(parse_cidr);
    let size = pool_object.get("size").and_then(Value::as_u64);
    let (Some((address, prefix)), Some(size)) = (base, size) else {
        return Err(wrong(path, pool, phrases::POOL_INCOMPLETE, phrases::POOL_HINT));
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    match u64::from(prefix) <= size && size <= longest {
        true => Ok(()),
        false => Err(wrong(path, pool, phrases::POOL_SIZE, phrases::POOL_HINT)),
    }
}

fn check_value(key: &str, kind: OptionType, value: &Value) -> Result<(), DaemonJsonError> {
    let text = value.as_str().unwrap_or_default();
    let mut texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    match (key, kind) {
        ("registry-mirrors", _) => texts.try_for_each(|url| check_mirror(key, url)),
        ("insecure-registries", _) => texts.try_for_each(|host| check_insecure(key, host)),
        ("data-root" | "exec-root" | "graph", _) => check_directory(key, text),
        ("bip", _) => check_bridge_address(key, text),
        (_, OptionType::Ulimits) => check_ulimits(key, value),
        (_, OptionType::Runtimes) => check_runtimes(key, value),
        (_, OptionType::Address) => check_address(key, text),
        (_, OptionType::Addresses) => texts.try_for_each(|text| check_address(key, text)),
        (_, OptionType::Size) => check_size(key, text),
        _ => Ok(()),
    }
}

fn wrong(
    key: &str,
    value: impl std::fmt::Display,
    reason: &'static str,
    hint: impl Into<Box<str>>,
) -> DaemonJsonError {
    DaemonJsonError::Value {
        key: key.to_string(),
        value: value.to_string(),
        reason,
        hint: hint.into(),
    }
}

/// The daemon's own rules: a scheme, a host, and nothing behind them.
fn check_mirror(key: &str, url: &str) -> Result<(), DaemonJsonError> {
    let refuse = |reason| Err(wrong(key, url, reason, phrases::MIRROR_HINT));
    let Some((scheme, rest)) = url.split_once("://") else {
        return refuse(phrases::MIRROR_NO_SCHEME);
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return refuse(phrases::MIRROR_OTHER_SCHEME);
    }
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['?', '#']) {
        return refuse(phrases::MIRROR_QUERY);
    }
    if authority.contains('/') {
        return refuse(phrases::MIRROR_PATH);
    }
    if authority.contains('@') {
        return refuse(phrases::MIRROR_USER);
    }
    match is_host_and_port(authority) {
        true => Ok(()),
        false => refuse(phrases::MIRROR_HOST),
    }
}

fn check_insecure(key: &str, registry: &str) -> Result<(), DaemonJsonError> {
    if registry.contains("://") {
        return Err(wrong(key, registry, phrases::INSECURE_SCHEME, phrases::INSECURE_HINT));
    }
    match is_host_and_port(registry) || parse_cidr(registry).is_some() {
        true => Ok(()),
        false => Err(wrong(key, registry, phrases::INSECURE_FORM, phrases::INSECURE_HINT)),
    }
}

/// `HOST` or `HOST:PORT`; an IPv6 address stands in brackets.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if !address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
                return false;
            }
            ("localhost", rest)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_ok = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|p| p > 0)
        }
        None => port.is_empty(),
    };
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    port_ok && host.len() <= 253 && host.split('.').all(label_ok)
}

/// `ADDRESS/PREFIX`.
fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let prefix: u8 = prefix.parse().ok().filter(|_| prefix.bytes().all(|b| b.is_ascii_digit()))?;
    (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, prefix))
}

fn check_directory(key: &str, path: &str) -> Result<(), DaemonJsonError> {
    if !path.starts_with('/') {
        return Err(wrong(key, path, phrases::DIRECTORY_RELATIVE, phrases::DIRECTORY_HINT));
    }
    if path.trim_end_matches('/').is_empty() {
        return Err(wrong(key, path, phrases::DIRECTORY_ROOT, phrases::DIRECTORY_HINT));
    }
    if path.split('/').any(|part| part == "..") || path.contains(char::is_control) {
        return Err(wrong(key, path, phrases::DIRECTORY_CHARACTERS, phrases::DIRECTORY_HINT));
    }
    if key == "data-root" && is_of_the_system(path) {
        return Err(wrong(key, path, phrases::DIRECTORY_OF_SYSTEM, phrases::DIRECTORY_HINT));
    }
    Ok(())
}

/// Directories that hold other things: dockerd would change the mode of such a one, and its
/// files would lie among others.
fn is_of_the_system(path: &str) -> bool {
    const SYSTEM: [&str; 30] = [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "media",
        "mnt",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "srv",
        "sys",
        "tmp",
        "usr",
        "usr/bin",
        "usr/lib",
        "usr/local",
        "usr/sbin",
        "var",
        "var/cache",
        "var/lib",
        "var/lib/containerd",
        "var/lib/landfall",
        "var/log",
        "var/tmp",
    ];
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let path = parts.join("/");
    let beneath = |top: &str| path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    SYSTEM.contains(&path.as_str()) || ["dev", "etc", "proc", "run", "sys"].into_iter().any(beneath)
}

/// The address of the bridge docker0: one of a host, with the length of its network's prefix.
fn check_bridge_address(key: &str, text: &str) -> Result<(), DaemonJsonError> {
    let Some((IpAddr::V4(address), prefix)) = parse_cidr(text) else {
        return Err(wrong(key, text, phrases::BRIDGE_FORM, phrases::BRIDGE_HINT));
    };
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    let host = u32::from(address) & host_bits;
    if prefix > 30 || prefix == 0 {
        return Err(wrong(key, text, phrases::BRIDGE_PREFIX, phrases::BRIDGE_HINT));
    }
    if host == 0 || host == host_bits {
        return Err(wrong(key, text, phrases::BRIDGE_NOT_A_HOST, phrases::BRIDGE_HINT));
    }
    if address.is_loopback() || address.is_multicast() || address == Ipv4Addr::BROADCAST {
        return Err(wrong(key, text, phrases::BRIDGE_RANGE, phrases::BRIDGE_HINT));
    }
    Ok(())
}

fn check_address(key: &str, text: &str) -> Result<(), DaemonJsonError> {
    match text.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(wrong(key, text, phrases::ADDRESS_FORM, phrases::ADDRESS_HINT)),
    }
}

fn check_size(key: &str, text: &str) -> Result<(), DaemonJsonError> {
    match is_size(text) {
        true => Ok(()),
        false => Err(wrong(key, text, phrases::SIZE_FORM, phrases::SIZE_HINT)),
    }
}

/// A soft limit above the hard one keeps containers from starting.
fn check_ulimits(key: &str, limits: &Value) -> Result<(), DaemonJsonError> {
    for (name, limit) in limits.as_object().into_iter().flatten() {
        let number = |field: &str| limit.get(field).map(Value::as_i64);
        let is_right = match (number("Soft"), number("Hard")) {
            // -1 is no limit.
            (Some(Some(soft)), Some(Some(hard))) => soft <= hard && soft >= 0 || hard == -1,
            _ => false,
        };
        if !is_right {
            let path = format!("{key}.{name}");
            return Err(wrong(&path, limit, phrases::ULIMIT_FORM, phrases::ULIMIT_HINT));
        }
    }
    Ok(())
}

fn check_runtimes(key: &str, runtimes: &Value) -> Result<(), DaemonJsonError> {
    for (name, runtime) in runtimes.as_object().into_iter().flatten() {
        let says = |field: &str| {
            runtime.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        };
        if !says("path") && !says("runtimeType") {
            let path = format!("{key}.{name}");
            return Err(wrong(&path, runtime, phrases::RUNTIME_FORM, phrases::RUNTIME_HINT));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "daemon_validate_tests.rs"]
mod tests;

//! What can be wrong with keys and values of daemon.json.

/// A JSON value, as it was found.
pub const NULL: &str = "null";
/// A JSON value, as it was found or is expected.
pub const TRUE_OR_FALSE: &str = "true or false";
/// A JSON value, as it was found.
pub const A_NUMBER: &str = "a number";
/// A JSON value, as it was found or is expected.
pub const A_STRING: &str = "a string";
/// A JSON value, as it was found or is expected.
pub const A_LIST: &str = "a list";
/// What a key that takes one value has.
pub const NO_LIST: &str = "one value";
/// A JSON value, as it was found or is expected.
pub const AN_OBJECT: &str = "an object";
/// A fault of syntax: JSON has none.
pub const COMMENT: &str = "a comment";
/// A fault of syntax.
pub const TRAILING_COMMA: &str = "a comma behind the last entry";
/// A JSON value, as it is expected.
pub const A_LIST_OF_STRINGS: &str = "a list of strings";
/// A JSON value, as it is expected.
pub const A_WHOLE_NUMBER: &str = "a whole number";
/// A JSON value, as it is expected.
pub const A_WHOLE_NUMBER_NOT_NEGATIVE: &str = "a whole number that is not negative";
/// A value of another kind.
pub const NOT_AN_OBJECT: &str = "is not an object";
/// An address pool, as it should be.
pub const POOL_HINT: &str = "such as {\"base\": \"172.30.0.0/16\", \"size\": 24}";
/// An address pool without one of its keys.
pub const POOL_INCOMPLETE: &str = "needs a `base` (ADDRESS/PREFIX) and a `size` (a number)";
/// An address pool.
pub const POOL_SIZE: &str = "has a `size` that does not fit into its `base`";
/// A mirror's URL, as it should be.
pub const MIRROR_HINT: &str = "such as https://mirror.example.internal or http://10.0.0.5:5000";
/// A mirror's URL.
pub const MIRROR_NO_SCHEME: &str = "has no scheme (http:// or https://)";
/// A mirror's URL.
pub const MIRROR_OTHER_SCHEME: &str = "has a scheme other than http and https";
/// A mirror's URL.
pub const MIRROR_QUERY: &str = "has a query or a fragment, which a mirror cannot have";
/// A mirror's URL.
pub const MIRROR_PATH: &str = "has a path, which a mirror cannot have";
/// A mirror's URL.
pub const MIRROR_USER: &str = "has a user name in it; a mirror is used without credentials";
/// A mirror's URL.
pub const MIRROR_HOST: &str = "has no valid host";
/// An insecure registry, as it should be.
pub const INSECURE_HINT: &str = "such as 10.0.0.5:5000, registry.example.internal or 10.0.0.0/8";
/// An insecure registry.
pub const INSECURE_SCHEME: &str = "has a scheme; only HOST[:PORT] or a network is meant";
/// An insecure registry.
pub const INSECURE_FORM: &str = "is neither HOST[:PORT] nor a network ADDRESS/PREFIX";
/// A data directory, as it should be.
pub const DIRECTORY_HINT: &str = "an absolute path, such as /data/docker";
/// A data directory.
pub const DIRECTORY_RELATIVE: &str = "is not an absolute path";
/// A data directory.
pub const DIRECTORY_ROOT: &str = "is the root directory itself";
/// A data directory.
pub const DIRECTORY_CHARACTERS: &str = "has `..` or a control character in it";
/// A data directory.
pub const DIRECTORY_OF_SYSTEM: &str = "is a directory of the system, not one for images";
/// The bridge's address, as it should be.
pub const BRIDGE_HINT: &str = "the bridge's own address with its prefix, such as 172.30.0.1/16";
/// The bridge's address.
pub const BRIDGE_FORM: &str = "is not an IPv4 address with a prefix";
/// The bridge's address.
pub const BRIDGE_PREFIX: &str = "leaves no room for containers, or takes all addresses";
/// The bridge's address.
pub const BRIDGE_NOT_A_HOST: &str = "is a network or broadcast address, not that of a host";
/// The bridge's address.
pub const BRIDGE_RANGE: &str = "is a loopback or multicast address";
/// An IP address, as it should be.
pub const ADDRESS_HINT: &str = "such as 10.0.0.53";
/// A key that holds addresses.
pub const ADDRESS_FORM: &str = "is not an IP address";
/// A size, as it should be.
pub const SIZE_HINT: &str = "such as 50m";
/// A key or log option that holds a size.
pub const SIZE_FORM: &str = "is not a size: a whole number and the unit k, m, g or t";
/// A value of which there are few.
pub const NOT_ONE_OF: &str = "is none of the values that the daemon takes";
/// A name that is most likely mistyped.
pub const MISTYPED: &str = "is nothing that docker has, and looks mistyped";
/// A number.
pub const OUT_OF_RANGE: &str = "is not a number that the daemon takes";
/// A time span, as it should be.
pub const DURATION_HINT: &str = "such as 500ms, 1s or 1m30s";
/// A time span.
pub const DURATION_FORM: &str = "is not a time span: a number and the unit ms, s, m or h";
/// An address to listen on, as it should be.
pub const HOST_PORT_HINT: &str = "such as 127.0.0.1:9323";
/// An address to listen on.
pub const HOST_PORT_FORM: &str = "is not HOST:PORT";
/// A ulimit, as it should be.
pub const ULIMIT_HINT: &str = "such as {\"Name\": \"nofile\", \"Soft\": 1024, \"Hard\": 4096}";
/// A ulimit.
pub const ULIMIT_FORM: &str =
    "needs `Soft` and `Hard`, whole numbers, the first not above the other";
/// A runtime, as it should be.
pub const RUNTIME_HINT: &str =
    "such as {\"path\": \"/usr/bin/crun\"} or {\"runtimeType\": \"io.containerd.kata.v2\"}";
/// A runtime.
pub const RUNTIME_FORM: &str = "needs a `path` or a `runtimeType`";

/// The values that there are.
pub fn one_of(names: &str) -> String {
    format!("one of {}", names.replace(',', ", "))
}

/// What may have been meant, and what else there is.
pub fn or_plugin(meant: &str, names: &str) -> String {
    format!(
        "write `{meant}`; docker has {}; a plugin is named with its tag, as NAME:latest",
        names.replace(',', ", ")
    )
}

/// The numbers that are taken.
pub fn range(ranges: &str) -> String {
    let one = |range: &str| match range.split_once("..") {
        None => range.to_owned(),
        Some((least, "")) => format!("{least} or more"),
        Some((least, most)) => format!("{least} to {most}"),
    };
    format!("a number: {}", ranges.split(',').map(one).collect::<Vec<_>>().join(", or "))
}

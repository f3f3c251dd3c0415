//! What can be wrong with values of flags and of the configuration file.

/// The file does not say what it is.
pub const NO_VERSION: &str = "missing field `version`";
/// The version within a part of a file.
pub const VERSION_AT_TOP: &str = "`version` belongs to the top of the file";
/// An entry of a site file.
pub const NO_HOST: &str = "says neither name nor address nor machine-id";
/// What an entry of a site file needs.
pub const NO_HOST_HINT: &str = "say which host is meant: name, address or machine-id";
/// An entry's group.
pub const NO_GROUP: &str = "is not among the groups of this file";
/// What to do about it.
pub const NO_GROUP_HINT: &str = "write it as it stands beneath groups";
/// An entry's name.
pub const NO_PATTERN: &str = "is no pattern: a bracket is not closed";
/// What a pattern may be.
pub const PATTERN_HINT: &str = "a name, in which * stands for anything, ? for one character";

/// A version of the engine.
pub const VERSION_FORM: &str = "is not a version";
/// The same, as it should be.
pub const VERSION_HINT: &str =
    "numbers as upstream counts: 28.5.2, or 28.5 for the newest of that line";
/// A user's name, as it should be.
pub const USER_HINT: &str = "the name of a user that exists, as `id NAME` takes it";
/// A user's name.
pub const USER_EMPTY: &str = "is empty";
/// A user's name.
pub const USER_CHARACTERS: &str = "is not a user's name";
/// A user's name.
pub const USER_NUMBER: &str = "is a number, not a user's name";
/// A user's name.
pub const USER_TOO_LONG: &str = "is too long for a user's name";
/// A proxy.
pub const PROXY_SCHEME: &str = "does not begin with http://, https:// or socks5://";
/// A proxy.
pub const PROXY_HINT: &str = "such as http://proxy.internal:3128";
/// A proxy.
pub const PROXY_CHARACTERS: &str = "is no URL of a proxy";
/// A proxy with a password in its URL.
pub const PROXY_PASSWORD: &str =
    "holds a name or a password, which everybody could read where it is written";
/// What to do then.
pub const PROXY_PASSWORD_HINT: &str = "systemctl edit docker.service, with [Service] and \
     EnvironmentFile=/etc/docker/proxy.env, a file of mode 0600 with HTTPS_PROXY=…";
/// What is reached directly.
pub const NO_PROXY_CHARACTERS: &str = "is no list of names, addresses and networks";
/// What is reached directly.
pub const NO_PROXY_HINT: &str = "such as 10.0.0.0/8,.internal,harbor.example:5000";
/// A registry's name.
pub const NO_REGISTRY: &str = "is no name of a registry";
/// As it should be.
pub const REGISTRY_HINT: &str =
    "as names of images have it, with the port: \"harbor.internal:5000\"";
/// Half of a client's certificate.
pub const CERT_WITHOUT_KEY: &str = "needs both, cert and key, or neither";
/// Nothing is said of a registry.
pub const REGISTRY_EMPTY: &str = "says neither ca nor cert and key";
/// What can be said.
pub const REGISTRY_KEYS_HINT: &str =
    "registries: {\"harbor.internal\": {ca: FILE, cert: FILE, key: FILE, system-store: true}}";
/// `--registry-ca`.
pub const REGISTRY_CA_FORM: &str = "is not HOST=FILE";
/// `--registry-ca`.
pub const NO_REGISTRY_IN_FRONT: &str = "does not begin with the name of a registry";
/// `--registry-ca`.
pub const REGISTRY_CA_HINT: &str = "such as --registry-ca harbor.internal=harbor-ca.pem; --registry-ca harbor.internal= takes it out";
/// The group's name, as it should be.
pub const GROUP_HINT: &str = "letters, digits, `_`, `-` and `.`, such as docker";
/// The group's name.
pub const GROUP_CHARACTERS: &str = "is not a group's name";
/// The group's name.
pub const GROUP_NUMBER: &str = "is a number, not a group's name";
/// Where a number belongs.
pub const GROUP_NUMBER_HINT: &str = "the number of a new group: --gid NUMBER";
/// The group's name.
pub const GROUP_TOO_LONG: &str = "is longer than 32 characters";
/// The group's id.
pub const GID_RESERVED: &str = "is reserved and cannot be a group's id";
/// The group's id, as it should be.
pub const GID_HINT: &str = "another number, such as 991";
/// The directory for programs, as it should be.
pub const DIRECTORY_HINT: &str = "an absolute path, such as /opt/docker/bin";
/// The directory for programs.
pub const DIRECTORY_RELATIVE: &str = "is not an absolute path";
/// The directory for programs.
pub const DIRECTORY_UPWARDS: &str = "has `..` in it";
/// The directory for programs.
pub const DIRECTORY_ROOT: &str = "is the root directory itself";
/// A code to ignore.
pub const CODE_FORM: &str = "is not the code of a finding";
/// A code to ignore, as it should be.
pub const CODE_HINT: &str = "LF and three digits, such as LF004";
/// The directory for programs, as it should be.
pub const DIRECTORY_CHARACTERS_HINT: &str =
    "letters, digits and / . _ - only: the path stands in systemd units";
/// The directory for programs.
pub const DIRECTORY_CHARACTERS: &str = "has characters that systemd units cannot hold";
/// A time.
pub const NOT_A_TIME: &str = "is not a time";
/// A time, as it should be.
pub const TIME_HINT: &str = "say a time such as 120s, 2m, or 90 (seconds)";
/// A time that cannot be meant.
pub const TIME_OUT_OF_RANGE: &str = "is too short or too long";
/// How long a time may be.
pub const TIME_RANGE_HINT: &str = "it must be between 1s and 24h";
/// What else gave a key.
pub const ANOTHER_SET: &str = "another --set";
/// The argument of --set, as it should be.
pub const SET_HINT: &str = "the form is --set KEY=JSON, such as --set mtu=1450";
/// The argument of --set, as it should be if it is a string.
pub const SET_QUOTES_HINT: &str = "a string needs quotes of its own: --set 'log-driver=\"local\"'";
/// The argument of --set.
pub const SET_FORM: &str = "has no key and value";
/// What belongs beneath `daemon`.
pub const KEYS_OF_DAEMON_JSON: &str = "keys of daemon.json";
/// A file without keys.
pub const FILE_ENDS: &str = "the file ends where a key should be";

/// The argument of --set: what a parser says of the part behind the key.
pub fn set_no_json(key: &str, problem: &str, column: usize) -> String {
    format!("has no valid JSON behind `{key}=`: {problem}, at its character {column}")
}

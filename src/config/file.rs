//! `landfall.yaml`: its keys, and reading them with their places.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Location, Spanned};

use super::error::{ConfigError, Origin};
use super::options::Method;
use crate::desired::KernelWanted;
use crate::digest::Digest;
use crate::nearest::nearest;
use crate::online::Fingerprint;
use crate::texts::phrases::config as phrases;
use crate::topology::Topology;

/// A configuration file that has been read.
#[derive(Clone, Debug)]
pub struct FileConfig {
    path: PathBuf,
    /// Whose entry of a site file it is, if it is one.
    entry: Option<String>,
    pub(super) keys: Keys,
}

/// The keys that stand in a file of another kind. What is wrong with them is found when it is read.
#[derive(Clone, Debug, Default)]
pub struct Layer(());

impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Keys::deserialize(deserializer)?;
        match keys.version {
            Some(_) => Err(serde::de::Error::custom(phrases::VERSION_AT_TOP)),
            None => Ok(Self(())),
        }
    }
}

/// The keys of the file. Every value that can be wrong by more than its type knows its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    version: Option<Spanned<u32>>,
    #[serde(default)]
    pub engine: Engine,
    download: Option<Download>,
    #[serde(default)]
    pub daemon: Daemon,
    #[serde(default)]
    pub group: Group,
    #[serde(default)]
    pub service: Service,
    #[serde(default)]
    pub registries: BTreeMap<String, Spanned<RegistryKeys>>,
    #[serde(default)]
    pub images: Images,
    pub smoke_test: Option<bool>,
    #[serde(default)]
    kernel: Kernel,
    pub require_signature: Option<bool>,
    pub confirm_within: Option<Spanned<String>>,
    #[serde(default)]
    pub ignore: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Engine {
    /// Only upstream's engine so far, so that the key is checked and otherwise not needed.
    #[serde(rename = "kind")]
    _kind: Option<EngineKind>,
    #[serde(default)]
    pub source: Source,
    pub bin_dir: Option<Spanned<String>>,
}

/// What [`KernelWanted`] holds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kernel {
    modules: Option<bool>,
    forwarding: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EngineKind {
    Docker,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Source {
    pub offline: Option<PathBuf>,
    pub sha256: Option<Digest>,
    pub allow_unpinned: Option<bool>,
    pub online: Option<Online>,
}

/// An engine from a mirror.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Online {
    pub method: Option<Method>,
    #[serde(default)]
    pub mirrors: Vec<String>,
    pub version: Option<String>,
    pub gpg_fingerprint: Option<Fingerprint>,
    pub hold: Option<bool>,
    pub replace: Option<bool>,
}

/// How mirrors are reached, and where what comes from them is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Download {
    proxy: Option<DownloadProxy>,
    #[serde(default)]
    ca: Vec<PathBuf>,
    cache_dir: Option<PathBuf>,
}

/// Values as in variables of the environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DownloadProxy {
    #[serde(default)]
    http: String,
    #[serde(default)]
    https: String,
    #[serde(default)]
    no: String,
}

/// What the file says of an engine from a mirror.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnlineConfig {
    /// What comes from there.
    pub method: Option<Method>,
    /// From where, by name or URL.
    pub mirrors: Vec<String>,
    /// Which version.
    pub version: Option<String>,
    /// The digest of its archive.
    pub sha256: Option<Digest>,
    /// Whether it may come without one that is known.
    pub allow_unpinned: Option<bool>,
}

/// What the file says of how mirrors are reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DownloadConfig {
    /// Proxies for http and https, and who is reached without.
    pub proxy: Option<[String; 3]>,
    /// Files with authorities beside the system's.
    pub ca: Vec<PathBuf>,
    /// Where what comes is kept.
    pub cache_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Group {
    pub name: Option<Spanned<String>>,
    pub gid: Option<Spanned<u32>>,
    #[serde(default)]
    pub members: Vec<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Service {
    pub unit_style: Option<Topology>,
    #[serde(default)]
    pub proxy: Proxy,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Proxy {
    pub http: Option<Spanned<String>>,
    pub https: Option<Spanned<String>>,
    pub no: Option<Spanned<String>>,
}

/// The certificates of one registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct RegistryKeys {
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    #[serde(default)]
    pub system_store: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Images {
    #[serde(default)]
    pub load: Vec<PathBuf>,
}

/// Keys of daemon.json in the order of the file, each with its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Daemon(pub Vec<(Spanned<String>, Value)>);

impl<'de> Deserialize<'de> for Daemon {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Daemon;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(phrases::KEYS_OF_DAEMON_JSON)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Daemon, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Daemon(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl FileConfig {
    /// Whether it says where programs go.
    pub fn says_bin_dir(&self) -> bool {
        self.keys.engine.bin_dir.is_some()
    }

    /// Whether it accepts nothing but signed bundles.
    pub fn requires_signature(&self) -> bool {
        self.keys.require_signature == Some(true)
    }

    /// What it says of an engine from a mirror, if it asks for one.
    pub fn online(&self) -> Option<OnlineConfig> {
        let Source { sha256, allow_unpinned, online, .. } = self.keys.engine.source.clone();
        let Online { method, mirrors, version, .. } = online?;
        Some(OnlineConfig { method, mirrors, version, sha256, allow_unpinned })
    }

    /// What it says of how mirrors are reached.
    pub fn download(&self) -> DownloadConfig {
        let Some(Download { proxy, ca, cache_dir }) = &self.keys.download else {
            return DownloadConfig::default();
        };
        DownloadConfig {
            proxy: proxy.clone().map(|it| [it.http, it.https, it.no]),
            ca: ca.iter().map(|path| self.resolve(path)).collect(),
            cache_dir: cache_dir.as_deref().map(|path| self.resolve(path)),
        }
    }

    /// What the kernel shall do at each boot.
    pub(super) fn kernel(&self) -> KernelWanted {
        let Kernel { modules, forwarding } = self.keys.kernel;
        KernelWanted { modules, forwarding }
    }

    /// Whether it names the group.
    pub fn says_group(&self) -> bool {
        self.keys.group.name.is_some()
    }

    /// Reads the text of the file at `path`. Paths in it that are not absolute start from the
    /// file's own directory.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::UnknownKey`] or [`ConfigError::Version`], with
    /// line and column. Values are checked by [`desired`](super::desired).
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let keys: Keys = parse_yaml(text, path)?;
        let file = Self { path: path.to_path_buf(), entry: None, keys };
        match &file.keys.version {
            Some(version) if version.value == 1 => Ok(file),
            Some(version) => {
                Err(ConfigError::Version { origin: file.origin(version), version: version.value })
            }
            None => {
                let problem = phrases::NO_VERSION.to_owned();
                Err(ConfigError::Syntax { origin: place(path, None), problem })
            }
        }
    }

    /// What a file of many hosts says of one of them, as [`FileConfig::parse`] would have read it.
    ///
    /// # Errors
    /// As above. Values have no place of their own any more; the entry is named.
    pub fn of_entry(
        mut values: Map<String, Value>,
        path: &Path,
        entry: &str,
    ) -> Result<Self, ConfigError> {
        values.insert("version".to_owned(), 1.into());
        // JSON is YAML (YAML 1.2.2, section 1.2).
        let mut file = Self::parse(&Value::Object(values).to_string(), path)?;
        file.entry = Some(entry.to_owned());
        Ok(file)
    }

    /// A key of the file that a bundle may not bring along: it says what is trusted, or where
    /// something lies on the host.
    pub fn key_not_for_bundles(&self) -> Option<&'static str> {
        let Keys { engine, download, registries, images, require_signature, ignore, .. } =
            &self.keys;
        let Source { offline, sha256, allow_unpinned, online } = &engine.source;
        let has_source =
            offline.is_some() || sha256.is_some() || allow_unpinned.is_some() || online.is_some();
        [
            (has_source, "engine.source"),
            (download.is_some(), "download"),
            (!registries.is_empty(), "registries"),
            (!images.load.is_empty(), "images.load"),
            (require_signature.is_some(), "require-signature"),
            (!ignore.is_empty(), "ignore"),
        ]
        .into_iter()
        .find_map(|(is_there, key)| is_there.then_some(key))
    }

    /// The file with the keys of `below` where it says nothing itself. Values of both are checked
    /// before, each with its own places.
    pub fn over(mut self, below: Self) -> Self {
        let (own, below) = (&mut self.keys, below.keys);
        own.engine.bin_dir = own.engine.bin_dir.take().or(below.engine.bin_dir);
        let said: Vec<String> = own.daemon.0.iter().map(|(key, _)| key.value.clone()).collect();
        let unsaid = |(key, _): &(Spanned<String>, Value)| !said.contains(&key.value);
        own.daemon.0.extend(below.daemon.0.into_iter().filter(unsaid));
        own.group.name = own.group.name.take().or(below.group.name);
        own.group.gid = own.group.gid.take().or(below.group.gid);
        if own.group.members.is_empty() {
            own.group.members = below.group.members;
        }
        own.service.unit_style = own.service.unit_style.or(below.service.unit_style);
        let (proxy, other) = (&mut own.service.proxy, below.service.proxy);
        proxy.http = proxy.http.take().or(other.http);
        proxy.https = proxy.https.take().or(other.https);
        proxy.no = proxy.no.take().or(other.no);
        own.smoke_test = own.smoke_test.or(below.smoke_test);
        own.kernel.modules = own.kernel.modules.or(below.kernel.modules);
        own.kernel.forwarding = own.kernel.forwarding.or(below.kernel.forwarding);
        own.confirm_within = own.confirm_within.take().or(below.confirm_within);
        self
    }

    /// Where a value of the file stands.
    pub(super) fn origin<T>(&self, value: &Spanned<T>) -> Origin {
        match &self.entry {
            Some(entry) => {
                Origin::Entry { path: self.path.as_path().into(), entry: entry.as_str().into() }
            }
            None => origin(&self.path, value),
        }
    }

    /// A path that is named in the file.
    pub(super) fn resolve(&self, named: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(named)
    }
}

/// Reads YAML as Landfall's files are read.
///
/// # Errors
/// [`ConfigError::Syntax`] and [`ConfigError::UnknownKey`], with line and column.
pub fn parse_yaml<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, ConfigError> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error, path))
}

/// Where a value of a file stands.
pub fn origin<T>(path: &Path, value: &Spanned<T>) -> Origin {
    place(path, Some(value.referenced))
}

fn place(path: &Path, location: Option<Location>) -> Origin {
    let (line, column) = location.map_or((1, 1), |at| (at.line(), at.column()));
    Origin::File { path: path.to_path_buf(), line, column }
}

fn explain(error: &serde_saphyr::Error, path: &Path) -> ConfigError {
    let origin = place(path, error.location());
    match error.without_snippet() {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => ConfigError::UnknownKey {
            origin,
            key: field.clone(),
            nearest: nearest(field, expected.iter().copied()).map(str::to_string),
            known: expected.clone(),
        },
        serde_saphyr::Error::Eof { .. } => {
            ConfigError::Syntax { origin, problem: phrases::FILE_ENDS.to_string() }
        }
        other => {
            // The place is said at the front already.
            let text = other.to_string();
            let problem = text.split(" at line ").next().unwrap_or_default().to_string();
            ConfigError::Syntax { origin, problem }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = FileConfig::parse(text, Path::new("/etc/landfall/landfall.yaml")).unwrap_err();
        assert!(!error.hint().is_empty());
        error.to_string().replace("/etc/landfall/", "")
    }

    #[test]
    fn reads_every_key() {
        let text = r#"
version: 1
engine: {kind: docker, source: {offline: bundle.tgz, allow-unpinned: true}, bin-dir: /opt/bin}
daemon:
  registry-mirrors: [https://mirror.example.internal]
  log-opts: {max-size: 50m, max-file: "3"}
  live-restore: true
group: {name: docker, gid: 991, members: [deploy]}
service: {unit-style: classic, proxy: {http: "http://p:3128", no: .internal}}
registries: {"harbor.internal:5000": {ca: ca.pem, cert: c.pem, key: k.pem, system-store: true}}
images: {load: [a.tar]}
smoke-test: false
confirm-within: 5m
ignore: [LF004]
"#;
        let file = FileConfig::parse(text, Path::new("/etc/landfall/landfall.yaml")).unwrap();
        let daemon = &file.keys.daemon.0;
        let keys: Vec<_> = daemon.iter().map(|(key, _)| key.value.as_str()).collect();
        assert_eq!(keys, ["registry-mirrors", "log-opts", "live-restore"]);
        assert_eq!(daemon[1].1, serde_json::json!({"max-size": "50m", "max-file": "3"}));
        assert_eq!(
            file.origin(&daemon[1].0).to_string(),
            "/etc/landfall/landfall.yaml, line 6, column 3"
        );
        let archive = file.keys.engine.source.offline.as_deref().unwrap();
        assert_eq!(file.resolve(archive), Path::new("/etc/landfall/bundle.tgz"));
        assert_eq!(file.resolve(Path::new("/x.tgz")), Path::new("/x.tgz"));
        assert_eq!(file.keys.smoke_test, Some(false));
        assert_eq!(file.keys.confirm_within.as_ref().map(|time| time.value.as_str()), Some("5m"));
        assert_eq!(file.keys.service.unit_style, Some(Topology::Classic));
    }

    #[test]
    fn a_bundles_keys_hold_where_the_hosts_say_nothing() {
        let parse = |text: &str| FileConfig::parse(text, Path::new("landfall.yaml")).unwrap();
        let host = parse("version: 1\ngroup: {name: ops}\ndaemon: {debug: true}\n");
        let bundle = parse(
            "version: 1\nengine: {bin-dir: /opt/bin}\ngroup: {name: docker, members: [deploy]}\n\
             daemon: {debug: false, live-restore: true}\nsmoke-test: false\n",
        );
        assert_eq!(bundle.key_not_for_bundles(), None);
        let keys = host.over(bundle).keys;
        assert_eq!(keys.group.name.unwrap().value, "ops");
        assert_eq!(keys.group.members[0].value, "deploy");
        assert_eq!(keys.engine.bin_dir.unwrap().value, "/opt/bin");
        assert_eq!(keys.smoke_test, Some(false));
        let daemon: Vec<_> =
            keys.daemon.0.iter().map(|(key, value)| (key.value.as_str(), value.clone())).collect();
        assert_eq!(daemon, [("debug", true.into()), ("live-restore", true.into())]);
        for (text, key) in [
            ("engine: {source: {allow-unpinned: true}}", "engine.source"),
            ("images: {load: [a.tar]}", "images.load"),
            ("require-signature: false", "require-signature"),
            ("engine: {source: {online: {version: 28.5.2}}}", "engine.source"),
            ("download: {ca: [a.pem]}", "download"),
            ("ignore: [LF004]", "ignore"),
        ] {
            let file = parse(&format!("version: 1\n{text}\n"));
            assert_eq!(file.key_not_for_bundles(), Some(key));
        }
    }

    #[test]
    fn how_mirrors_are_reached() {
        let text = "version: 1\nengine: {source: {online: {method: static, mirrors: [tuna], \
             version: 28.5.2}}}\ndownload: {proxy: {https: 'http://p:3128', no: .internal}, ca: \
             [ca.pem], cache-dir: /srv/cache}\n";
        let file = FileConfig::parse(text, Path::new("/etc/landfall/landfall.yaml")).unwrap();
        let online = OnlineConfig {
            method: Some(Method::Static),
            mirrors: vec!["tuna".to_owned()],
            version: Some("28.5.2".to_owned()),
            sha256: None,
            allow_unpinned: None,
        };
        assert_eq!(file.online(), Some(online));
        let proxy = ["", "http://p:3128", ".internal"].map(str::to_owned);
        let download = DownloadConfig {
            proxy: Some(proxy),
            ca: vec![PathBuf::from("/etc/landfall/ca.pem")],
            cache_dir: Some(PathBuf::from("/srv/cache")),
        };
        assert_eq!(file.download(), download);
        let file = FileConfig::parse("version: 1\n", Path::new("landfall.yaml")).unwrap();
        assert_eq!((file.online(), file.download()), (None, DownloadConfig::default()));
    }

    #[test]
    fn errors_name_the_place() {
        for (text, expected) in [
            (
                "version: 1\nengin:\n  kind: docker\n",
                "landfall.yaml, line 2, column 1: there is no key `engin` here; did you mean `engine`?",
            ),
            (
                "version: 1\ngroup:\n  name: docker\n  member: [a]\n",
                "landfall.yaml, line 4, column 3: there is no key `member` here; did you mean `members`?",
            ),
            (
                "version: 1\ncolour: red\n",
                "landfall.yaml, line 2, column 1: there is no key `colour` here",
            ),
            (
                "version: 2\n",
                "landfall.yaml, line 1, column 10: version 2 of the file is not known, only version 1",
            ),
        ] {
            assert_eq!(error(text), expected);
        }
        for (text, place, part) in [
            ("engine: {kind: docker}\n", "line 1", "missing field `version`"),
            ("", "line 1", "missing field `version`"),
            ("# nothing\n", "line 1", "missing field `version`"),
            ("version: 1\nengine: {kind: podman}\n", "line 2, column 16", "podman"),
            ("version: 1\nservice: {unit-style: ancient}\n", "line 2, column 23", "ancient"),
            ("version: 1\ngroup: {gid: many}\n", "line 2, column 14", "invalid"),
            ("version: 1\nsmoke-test: yes\n", "line 2, column 13", "boolean"),
            ("version: 1\ndaemon: [a]\n", "line 2, column 9", "mapping"),
            ("version: 1\nversion: 1\n", "line 2, column 1", "duplicate"),
            (
                "version: 1\ndaemon:\n  debug: true\n  debug: true\n",
                "line 4, column 3",
                "duplicate",
            ),
            ("version: 1\ngroup: {name: [\n", "line 2, column 15", "string"),
            (
                "version: 1\nengine: {source: {sha256: abc}}\n",
                "line 2, column 27",
                "64 hexadecimal digits",
            ),
        ] {
            let message = error(text);
            assert!(message.contains(place) && message.contains(part), "{text:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}

//! The site file: what every host of a site shall be, each finding its own entry in it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::config::{ConfigError, FileConfig, Layer, origin, parse_yaml};
use crate::nearest::{nearest, suggestion};
use crate::texts::phrases::config as phrases;

/// A site file that has been read.
#[derive(Clone, Debug)]
pub struct Site {
    entries: Vec<Entry>,
    /// The same settings as values, which can be laid over each other.
    values: Values,
}

/// Who a host is, to itself.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// Its name, with or without a domain.
    pub name: String,
    /// `/etc/machine-id`; empty if it has none.
    pub machine_id: String,
    /// The addresses of its links.
    pub addresses: Vec<IpAddr>,
}

/// Why there is nothing in the file for a host.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The file is wrong.
    Config(#[from] ConfigError),
    /// No entry is meant for it.
    NoEntry {
        /// The host.
        name: String,
        /// An entry with almost that name.
        nearest: Option<String>,
    },
    /// Several are, in the same way.
    Several {
        /// The host.
        name: String,
        /// What they are called.
        entries: Vec<String>,
    },
    /// There is no entry of that name.
    NoSuchEntry(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Text {
    version: Spanned<u32>,
    /// Only looked at for what is wrong in it.
    #[serde(default, rename = "defaults")]
    _defaults: Layer,
    #[serde(default)]
    groups: BTreeMap<String, Layer>,
    hosts: Vec<Spanned<Entry>>,
}

/// What tells a host, and what it is to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    /// A name, or a pattern with `*` for any characters and `?` for one.
    name: Option<Spanned<String>>,
    address: Option<Spanned<IpAddr>>,
    machine_id: Option<Spanned<String>>,
    #[serde(default)]
    groups: Vec<Spanned<String>>,
    /// Only looked at for what is wrong in it.
    #[serde(default, rename = "config")]
    _config: Layer,
}

/// The file once more, with all settings as values.
#[derive(Clone, Debug, Deserialize)]
struct Values {
    #[serde(default)]
    defaults: Map<String, Value>,
    #[serde(default)]
    groups: BTreeMap<String, Map<String, Value>>,
    hosts: Vec<EntryValues>,
}

#[derive(Clone, Debug, Deserialize)]
struct EntryValues {
    #[serde(default)]
    config: Map<String, Value>,
}

/// How surely an entry is meant for a host; what comes first counts more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    MachineId,
    Address,
    Name,
    Pattern,
}

impl Site {
    /// Reads a site file.
    ///
    /// # Errors
    /// [`ConfigError`] with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let read: Text = parse_yaml(text, path)?;
        if read.version.value != 1 {
            let version = read.version.value;
            return Err(ConfigError::Version { origin: origin(path, &read.version), version });
        }
        for entry in &read.hosts {
            check(entry, &read.groups, path)?;
        }
        let entries = read.hosts.into_iter().map(|entry| entry.value).collect();
        Ok(Self { entries, values: parse_yaml(text, path)? })
    }

    /// The names of its hosts; patterns are not among them.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().filter(|entry| !entry.is_pattern()).map(Entry::label).collect()
    }

    /// What the file says of a host, as its configuration: the entry over its groups, in their
    /// order, over the defaults. Lists replace each other. Beside it, what the entry is called.
    ///
    /// # Errors
    /// [`SiteError`] if not exactly one entry is meant for it; one by machine id counts more than
    /// one by address, that more than one by name, and that more than a pattern.
    pub fn of(&self, who: &Who, path: &Path) -> Result<(String, FileConfig), SiteError> {
        let matching = |entry: &Entry| entry.matches(who);
        let Some(best) = self.entries.iter().filter_map(matching).min() else {
            let names = self.names();
            let nearest = nearest(&who.name, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(SiteError::NoEntry { name: who.name.clone(), nearest });
        };
        let meant: Vec<usize> = (0..self.entries.len())
            .filter(|at| self.entries[*at].matches(who) == Some(best))
            .collect();
        match meant.as_slice() {
            [one] => Ok(self.config(*one, path)?),
            several => Err(SiteError::Several {
                name: who.name.clone(),
                entries: several.iter().map(|at| self.entries[*at].label()).collect(),
            }),
        }
    }

    /// The same for an entry that is named by hand.
    ///
    /// # Errors
    /// [`SiteError::NoSuchEntry`].
    pub fn named(&self, label: &str, path: &Path) -> Result<(String, FileConfig), SiteError> {
        let at = self.entries.iter().position(|entry| entry.label() == label);
        let at = at.ok_or_else(|| SiteError::NoSuchEntry(label.to_owned()))?;
        Ok(self.config(at, path)?)
    }

    fn config(&self, at: usize, path: &Path) -> Result<(String, FileConfig), ConfigError> {
        let entry = &self.entries[at];
        let groups = entry.groups.iter().filter_map(|group| self.values.groups.get(&group.value));
        let mut merged = Map::new();
        for layer in
            [&self.values.defaults].into_iter().chain(groups).chain([&self.values.hosts[at].config])
        {
            lay_over(&mut merged, layer);
        }
        let label = entry.label();
        Ok((label.clone(), FileConfig::of_entry(merged, path, &label)?))
    }
}

impl Entry {
    /// What it is called: what tells its host.
    fn label(&self) -> String {
        let name = self.name.as_ref().map(|name| name.value.clone());
        let address = || self.address.as_ref().map(|address| address.value.to_string());
        let machine_id = || self.machine_id.as_ref().map(|id| id.value.clone());
        name.or_else(address).or_else(machine_id).unwrap_or_default()
    }

    fn is_pattern(&self) -> bool {
        let has_wildcard = |name: &Spanned<String>| name.value.contains(['*', '?', '[', '{']);
        self.name.as_ref().is_some_and(has_wildcard)
    }

    /// All that it says has to be true of the host.
    fn matches(&self, who: &Who) -> Option<Match> {
        let short = who.name.split('.').next().unwrap_or_default();
        let is_named = |name: &Spanned<String>| {
            pattern(&name.value).is_ok_and(|it| it.is_match(&who.name) || it.is_match(short))
        };
        let by_name = self.name.as_ref().is_none_or(is_named);
        let by_address = self.address.as_ref().is_none_or(|it| who.addresses.contains(&it.value));
        let by_id = self.machine_id.as_ref().is_none_or(|it| it.value == who.machine_id);
        let how = match self {
            Self { machine_id: Some(_), .. } => Match::MachineId,
            Self { address: Some(_), .. } => Match::Address,
            _ if self.is_pattern() => Match::Pattern,
            _ => Match::Name,
        };
        (by_name && by_address && by_id).then_some(how)
    }
}

/// What is wrong with an entry beyond the types of its values.
fn check(
    entry: &Spanned<Entry>,
    groups: &BTreeMap<String, Layer>,
    path: &Path,
) -> Result<(), ConfigError> {
    let invalid = |origin, value: &str, reason: &str, hint| {
        let (value, reason) = (value.to_owned(), reason.to_owned());
        Err(ConfigError::Invalid { origin, value, reason, hint })
    };
    if entry.value.label().is_empty() {
        let origin = origin(path, entry);
        return invalid(origin, "hosts", phrases::NO_HOST, phrases::NO_HOST_HINT);
    }
    if let Some(name) = entry.value.name.as_ref().filter(|name| pattern(&name.value).is_err()) {
        let origin = origin(path, name);
        return invalid(origin, &name.value, phrases::NO_PATTERN, phrases::PATTERN_HINT);
    }
    match entry.value.groups.iter().find(|group| !groups.contains_key(&group.value)) {
        None => Ok(()),
        Some(group) => {
            let reason = format!(
                "{}{}",
                phrases::NO_GROUP,
                suggestion(nearest(&group.value, groups.keys().map(String::as_str)))
            );
            invalid(origin(path, group), &group.value, &reason, phrases::NO_GROUP_HINT)
        }
    }
}

/// A name of hosts; case does not count.
fn pattern(text: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(text).case_insensitive(true).build()?.compile_matcher())
}

/// Lays the values of one layer over those beneath it; mappings are merged.
fn lay_over(beneath: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (key, value) in above {
        match (beneath.get_mut(key), value) {
            (Some(Value::Object(beneath)), Value::Object(above)) => lay_over(beneath, above),
            _ => {
                beneath.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, desired};
    use serde_json::json;

    const SITE: &str = "\
version: 1
defaults:
  engine: {source: {offline: docker-28.5.2.tgz}}
  daemon:
    log-opts: {max-size: 50m, max-file: \"3\"}
    registry-mirrors: [https://mirror.internal]
groups:
  fast: {daemon: {registry-mirrors: [https://near.internal], live-restore: true}}
hosts:
  - name: web-1
    groups: [fast]
    config: {daemon: {log-opts: {max-size: 10m}}}
  - name: web-*
  - name: web-1
    address: 10.0.0.9
    config: {group: {members: [deploy]}}
  - machine-id: 0123456789abcdef0123456789abcdef
";

    fn path() -> &'static Path {
        Path::new("/srv/site.yaml")
    }

    fn who(name: &str) -> Who {
        Who { name: name.to_owned(), ..Who::default() }
    }

    #[test]
    fn an_entry_lies_over_its_groups_over_the_defaults() {
        let site = Site::parse(SITE, path()).unwrap();
        let (label, config) = site.of(&who("web-1.example.internal"), path()).unwrap();
        let desired = desired(&Options::default(), Some(&config)).unwrap();
        assert_eq!(label, "web-1");
        assert_eq!(desired.source.archive, Path::new("/srv/docker-28.5.2.tgz"));
        assert_eq!(
            Value::Object(desired.daemon),
            json!({
                "log-opts": {"max-size": "10m", "max-file": "3"},
                "registry-mirrors": ["https://near.internal"], "live-restore": true
            })
        );
        assert_eq!(site.names(), ["web-1", "web-1", "0123456789abcdef0123456789abcdef"]);
    }

    #[test]
    fn what_tells_more_counts_more() {
        let site = Site::parse(SITE, path()).unwrap();
        let label = |who: &Who| site.of(who, path()).map(|(label, _)| label).unwrap();
        assert_eq!(label(&who("WEB-22")), "web-*");
        let mut known = who("web-1");
        known.addresses = vec!["10.0.0.9".parse().unwrap()];
        let (_, config) = site.of(&known, path()).unwrap();
        let wanted = desired(&Options::default(), Some(&config)).unwrap();
        assert_eq!(wanted.group.members, ["deploy"], "the one with the address");
        known.machine_id = "0123456789abcdef0123456789abcdef".to_owned();
        assert_eq!(label(&known), known.machine_id);
        let error = site.of(&who("wed-1"), path()).unwrap_err();
        assert!(matches!(&error, SiteError::NoEntry { nearest: Some(it), .. } if it == "web-1"));
        assert!(matches!(site.named("web", path()), Err(SiteError::NoSuchEntry(_))));
        assert_eq!(site.named("web-*", path()).unwrap().0, "web-*");
    }

    #[test]
    fn the_example_is_one() {
        let site = Site::parse(include_str!("../../examples/site.yaml"), path()).unwrap();
        let (label, config) = site.of(&who("web-7"), path()).unwrap();
        let wanted = desired(&Options::default(), Some(&config)).unwrap();
        assert_eq!(
            (label.as_str(), wanted.group.members.as_slice()),
            ("web-*", &["deploy".to_owned()][..])
        );
        assert_eq!(site.names(), ["db-1", "10.20.0.7", "0123456789abcdef0123456789abcdef"]);
    }

    #[test]
    fn two_entries_of_one_kind_are_refused() {
        let text = "version: 1\nhosts: [{name: a*}, {name: '*b'}]\n";
        let site = Site::parse(text, path()).unwrap();
        let error = site.of(&who("ab"), path()).unwrap_err();
        assert!(matches!(&error, SiteError::Several { entries, .. } if entries == &["a*", "*b"]));
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, expected) in [
            ("version: 2\nhosts: []\n", "line 1, column 10: version 2 of the file is not known"),
            ("version: 1\nhost: []\n", "line 2, column 1: there is no key `host` here"),
            (
                "version: 1\nhosts:\n  - name: a\n    groups: [fsat]\n",
                "line 4, column 14: `fsat` is not among the groups of this file",
            ),
            ("version: 1\nhosts:\n  - groups: []\n", "line 3, column 5: `hosts` says neither"),
            (
                "version: 1\ndefaults: {daemn: {}}\nhosts: []\n",
                "line 2, column 12: there is no key `daemn` here; did you mean `daemon`?",
            ),
            ("version: 1\ndefaults: {version: 1}\nhosts: []\n", "`version` belongs to the top"),
            ("version: 1\nhosts: [{address: 10.0.0}]\n", "line 2, column 19: "),
            ("version: 1\nhosts: [{name: 'a[b'}]\n", "line 2, column 16: `a[b` is no pattern"),
        ] {
            let error = Site::parse(text, path()).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
        let wrong = "version: 1\nhosts: [{name: a, config: {daemon: {registry-mirrors: [x]}}}]\n";
        let site = Site::parse(wrong, path()).unwrap();
        let (_, config) = site.of(&who("a"), path()).unwrap();
        let archive = Options { archive: Some("x".into()), ..Options::default() };
        let error = desired(&archive, Some(&config)).unwrap_err();
        assert!(error.to_string().starts_with("/srv/site.yaml, for a: "), "{error}");
    }
}

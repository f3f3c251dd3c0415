//! The absolute paths that dockerd keeps of its containers and volumes, and how they follow its
//! data to another directory.
//!
//! Seen with 20.10 and 26.1: `config.v2.json` of a container names its log and its files for
//! `/etc`, which dockerd writes anew at each start, and the sources of its mounts, which it never
//! does. 20.10 resolves the source of a named volume when the container is started.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json_document::Document;
use crate::file_state::is_beneath;

/// The files of a container.
pub const OF_CONTAINERS: [&str; 2] = ["config.v2.json", "hostconfig.json"];
/// The options of a volume of the local driver.
pub const OF_VOLUMES: &str = "opts.json";

/// Keys of `config.v2.json` that hold a path in the container's own directory.
const OWN_FILES: [&str; 5] = ["LogPath", "HostnamePath", "HostsPath", "ResolvConfPath", "ShmPath"];

/// Directories that have other names now.
pub struct Renamed<'a> {
    /// New names, by the old ones.
    pub directories: &'a BTreeMap<String, String>,
    /// The engine's directory, as it is named now.
    pub engine: &'a str,
}

impl Renamed<'_> {
    /// The text of such a file with the new names, otherwise byte for byte the same; `None` if it
    /// names none of the directories, or is not what dockerd writes.
    pub fn rewrite(&self, text: &str) -> Option<String> {
        let document = Document::parse(text).ok()?;
        let mut target = document.value().clone();
        self.own_files(&mut target);
        self.mounts(&mut target);
        self.settings(&mut target);
        let changed = target != *document.value();
        changed.then(|| document.rewrite(&target))
    }

    fn own_files(&self, config: &mut Map<String, Value>) {
        for key in OWN_FILES {
            if let Some(value) = config.get_mut(key) {
                self.follow(value);
            }
        }
    }

    fn mounts(&self, config: &mut Map<String, Value>) {
        let mounts = config.get_mut("MountPoints").and_then(Value::as_object_mut);
        for mount in mounts.into_iter().flat_map(Map::values_mut) {
            let volume = self.volume(mount);
            if let Some(source) = mount.get_mut("Source") {
                match volume {
                    Some(volume) => *source = volume.into(),
                    None => self.follow(source),
                }
            }
            if let Some(source) = mount.get_mut("Spec").and_then(|spec| spec.get_mut("Source")) {
                self.follow(source);
            }
        }
    }

    /// Where a volume of the local driver is, whatever its container says: a move by other means
    /// may have left the name of a place before.
    fn volume(&self, mount: &Value) -> Option<String> {
        let text = |key: &str| mount.get(key).and_then(Value::as_str);
        let place = format!("/volumes/{}/_data", text("Name").filter(|name| !name.is_empty())?);
        let is_local = text("Driver") == Some("local") && text("Source")?.ends_with(&place);
        is_local.then(|| format!("{}{place}", self.engine))
    }

    /// What the container was made with, and a volume's own device.
    fn settings(&self, settings: &mut Map<String, Value>) {
        let binds = settings.get_mut("Binds").and_then(Value::as_array_mut);
        for bind in binds.into_iter().flatten() {
            let Some((source, rest)) = bind.as_str().and_then(|bind| bind.split_once(':')) else {
                continue;
            };
            if let Some(renamed) = self.renamed(source) {
                *bind = format!("{renamed}:{rest}").into();
            }
        }
        let mounts = settings.get_mut("Mounts").and_then(Value::as_array_mut);
        for source in mounts.into_iter().flatten().filter_map(|mount| mount.get_mut("Source")) {
            self.follow(source);
        }
        if let Some(device) = settings.get_mut("MountDevice") {
            self.follow(device);
        }
    }

    fn follow(&self, value: &mut Value) {
        if let Some(renamed) = value.as_str().and_then(|path| self.renamed(path)) {
            *value = renamed.into();
        }
    }

    /// The new name of a path; `None` if it lies in none of the directories.
    fn renamed(&self, path: &str) -> Option<String> {
        let all = self.directories.iter();
        let (old, new) =
            all.filter(|(old, _)| is_beneath(path, old)).max_by_key(|(old, _)| old.len())?;
        Some(format!("{new}{}", &path[old.len()..]))
    }
}

/// The sources of a container's mounts, of a parsed `config.v2.json`: what has to be there when it
/// is started.
pub fn sources(config: &Value) -> Vec<&str> {
    let mounts = config.get("MountPoints").and_then(Value::as_object);
    let sources =
        mounts.into_iter().flat_map(Map::values).filter_map(|mount| mount.get("Source")?.as_str());
    sources.filter(|source| source.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(text: &str) -> Option<String> {
        let directories = [
            ("/var/lib/docker", "/data/docker"),
            ("/var/lib/containerd", "/data/docker/containerd"),
            ("/var/lib/docker/volumes/apart", "/data/apart"),
        ];
        let directories =
            directories.map(|(old, new)| (old.to_owned(), new.to_owned())).into_iter().collect();
        Renamed { directories: &directories, engine: "/data/docker" }.rewrite(text)
    }

    /// As 20.10 writes it, shortened.
    const CONFIG: &str = r#"{"State":{"Pid":466,"StartedAt":"2026-11-24T23:04:54.836105005Z"},"ID":"0db8","Args":["\u003c1.50"],"Config":{"Env":["P=/var/lib/docker/x"],"Labels":{"n":12345678901234567890}},"LogPath":"/var/lib/docker/containers/0db8/0db8-json.log","Name":"/two","MountPoints":{"/anon":{"Source":"","Name":"dcc4","Driver":"local","Type":"volume","Spec":{}},"/bound":{"Source":"/var/lib/docker/volumes/things/_data","Name":"","Driver":"","Type":"bind","Spec":{"Type":"bind","Source":"/var/lib/docker/volumes/things/_data","Target":"/bound"}},"/earlier":{"Source":"/srv/old/volumes/other/_data","Name":"other","Driver":"local","Type":"volume","Spec":{"Type":"volume","Source":"other"}},"/near":{"Source":"/var/lib/docker2/x","Type":"bind"},"/nfs":{"Source":"/srv/volumes/n/_data","Name":"n","Driver":"nfs","Type":"volume"},"/things":{"Source":"/var/lib/docker/volumes/things/_data","RW":true,"Name":"things","Driver":"local","Type":"volume","Spec":{"Type":"volume","Source":"things","Target":"/things"}}},"HostnamePath":"/var/lib/docker/containers/0db8/hostname","HostsPath":"","ShmPath":""}"#;

    #[test]
    fn a_container_follows_and_the_rest_stays_byte_for_byte() {
        let expected = CONFIG
            .replace("/var/lib/docker/", "/data/docker/")
            .replace("/srv/old/", "/data/docker/")
            .replace("P=/data/", "P=/var/lib/");
        assert_eq!(rewrite(CONFIG).as_deref(), Some(expected.as_str()));
        assert_eq!(rewrite(&expected), None, "there is nothing left to do");
    }

    #[test]
    fn what_a_container_was_made_with_follows() {
        let made = r#"{"Binds":["/var/lib/docker/volumes/things/_data:/b:ro","things:/t","/var/lib/docker:/d"],"CpuPercent":0,"Mounts":[{"Type":"bind","Source":"/var/lib/containerd/x"},{"Type":"volume","Source":"v"}],"AutoRemove":false}"#;
        let expected = made
            .replace("\"/var/lib/docker", "\"/data/docker")
            .replace("/var/lib/containerd", "/data/docker/containerd");
        assert_eq!(rewrite(made), Some(expected));
        assert_eq!(rewrite(r#"{"Binds":null,"Mounts":null}"#), None);
        let options = r#"{"MountType":"none","MountOpts":"bind","MountDevice":"/var/lib/docker/volumes/apart/x"}"#;
        let expected = options.replace("/var/lib/docker/volumes/apart", "/data/apart");
        assert_eq!(rewrite(options), Some(expected));
    }

    #[test]
    fn what_dockerd_did_not_write_is_left_alone() {
        for text in ["", "{", "[\"/var/lib/docker/x\"]", "{\"LogPath\":7}", "{\"MountPoints\":[]}"]
        {
            assert_eq!(rewrite(text), None, "{text}");
        }
    }

    #[test]
    fn sources_of_mounts() {
        let config: Value = serde_json::from_str(CONFIG).unwrap();
        let things = "/var/lib/docker/volumes/things/_data";
        let expected = [things, "/srv/old/volumes/other/_data", "/var/lib/docker2/x"];
        assert_eq!(sources(&config), [&expected[..], &["/srv/volumes/n/_data", things]].concat());
        assert_eq!(sources(&Value::Null), [""; 0]);
    }
}

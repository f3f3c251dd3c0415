//! What dockerd keeps of its containers and volumes on the disk.

use serde_json::Value;

use crate::file_state::is_beneath;
use crate::host::{Host, HostError};
use crate::render::container_paths::{self, OF_VOLUMES};

/// Containers whose mounts have a source beneath the data-root that is none of their volumes.
///
/// # Errors
/// [`HostError`] if something cannot be read.
pub(super) fn binds(host: &Host, data_root: &str) -> Result<Vec<(String, String)>, HostError> {
    let mut found = Vec::new();
    for id in host.read_dir(&format!("{data_root}/containers"))? {
        let directory = format!("{data_root}/containers/{id}");
        let Some(settings) = json(host, &format!("{directory}/hostconfig.json"))? else { continue };
        let is_inside = |path: &&str| is_beneath(path, data_root);
        let inside: Vec<&str> = bound(&settings).into_iter().filter(is_inside).collect();
        if !inside.is_empty() {
            let name = name(config(host, data_root, &id)?.as_ref(), &id);
            found.extend(inside.into_iter().map(|path| (name.clone(), path.to_owned())));
        }
    }
    Ok(found)
}

/// The sources of bind mounts, as a container's hostconfig.json has them.
fn bound(settings: &Value) -> Vec<&str> {
    let list = |key: &str| settings.get(key).and_then(Value::as_array).into_iter().flatten();
    let binds = list("Binds").filter_map(|bind| bind.as_str()?.split(':').next());
    let mounts = list("Mounts").filter_map(|mount| mount.get("Source")?.as_str());
    binds.chain(mounts).filter(|source| source.starts_with('/')).collect()
}

/// Whether a container is removed once it stops (`docker run --rm`).
///
/// # Errors
/// [`HostError`] if that cannot be read.
pub fn removes_itself(host: &Host, data_root: &str, id: &str) -> Result<bool, HostError> {
    let settings = json(host, &format!("{data_root}/containers/{id}/hostconfig.json"))?;
    Ok(settings.and_then(|settings| settings.get("AutoRemove")?.as_bool()) == Some(true))
}

/// The volumes that are removed together with such a container: those that nobody has named.
///
/// # Errors
/// [`HostError`] if that cannot be read.
pub fn anonymous_volumes(host: &Host, data_root: &str, id: &str) -> Result<Vec<String>, HostError> {
    let config = config(host, data_root, id)?.unwrap_or_default();
    let mounts = config.get("MountPoints").and_then(Value::as_object);
    let names = mounts.into_iter().flatten().filter_map(|(_, mount)| mount.get("Name")?.as_str());
    // moby names them by 64 hexadecimal digits (volume/service, `Create`).
    let is_anonymous =
        |name: &&str| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(names.filter(is_anonymous).map(str::to_owned).collect())
}

/// Containers, and volumes, of the engine whose data are in `data_root` that cannot do without what
/// is in these directories: names, with the first path there.
///
/// # Errors
/// [`HostError`] if something cannot be read.
pub fn still_in(
    host: &Host,
    data_root: &str,
    directories: &[String],
) -> Result<[Vec<(String, String)>; 2], HostError> {
    let is_there = |path: &str| -> Result<bool, HostError> {
        let lies = |path: &str| directories.iter().any(|directory| is_beneath(path, directory));
        Ok(lies(path) || host.real_path(path)?.is_some_and(|real| lies(&real)))
    };
    let (mut containers, mut volumes) = (Vec::new(), Vec::new());
    for id in host.read_dir(&format!("{data_root}/containers"))? {
        let Some(config) = config(host, data_root, &id)? else { continue };
        for source in container_paths::sources(&config) {
            if is_there(source)? {
                containers.push((name(Some(&config), &id), source.to_owned()));
                break;
            }
        }
    }
    for volume in host.read_dir(&format!("{data_root}/volumes"))? {
        let path = format!("{data_root}/volumes/{volume}/{OF_VOLUMES}");
        // Files beside the volumes are no directories.
        let Ok(options) = json(host, &path) else { continue };
        let device = options.as_ref().and_then(|options| options.get("MountDevice")?.as_str());
        if let Some(device) = device.filter(|device| device.starts_with('/'))
            && is_there(device)?
        {
            volumes.push((volume, device.to_owned()));
        }
    }
    Ok([containers, volumes])
}

/// What only the data in `now` hold, and not the older ones in `then`: kinds, with names.
///
/// # Errors
/// [`HostError`] if a directory cannot be read.
pub fn newer(
    host: &Host,
    now: &str,
    then: &str,
) -> Result<Vec<(&'static str, Vec<String>)>, HostError> {
    let only_now = |directory: &str| -> Result<Vec<String>, HostError> {
        let before = host.read_dir(&format!("{then}/{directory}"))?;
        let names = host.read_dir(&format!("{now}/{directory}"))?.into_iter();
        Ok(names.filter(|name| !before.contains(name)).collect())
    };
    let mut containers = Vec::new();
    for id in only_now("containers")? {
        containers.push(name(config(host, now, &id)?.as_ref(), &id));
    }
    let mut images = Vec::new();
    for driver in host.read_dir(&format!("{now}/image"))? {
        let ids = only_now(&format!("image/{driver}/imagedb/content/sha256"))?;
        images.extend(ids.into_iter().map(|id| id.chars().take(12).collect::<String>()));
    }
    let found = [("containers", containers), ("volumes", only_now("volumes")?), ("images", images)];
    Ok(found.into_iter().filter(|(_, names)| !names.is_empty()).collect())
}

/// What dockerd keeps of a container; `None` if it cannot be understood.
fn config(host: &Host, data_root: &str, id: &str) -> Result<Option<Value>, HostError> {
    json(host, &format!("{data_root}/containers/{id}/config.v2.json"))
}

/// A container's name, or else its id.
fn name(config: Option<&Value>, id: &str) -> String {
    let name = config.and_then(|config| config.get("Name")?.as_str());
    name.unwrap_or(id).trim_start_matches('/').to_owned()
}

fn json(host: &Host, path: &str) -> Result<Option<Value>, HostError> {
    Ok(host.read_text(path)?.and_then(|text| serde_json::from_str(&text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn sources_of_bind_mounts() {
        let settings = serde_json::json!({
            "Binds": ["/var/lib/docker:/var/lib/docker:ro", "volume:/x"],
            "Mounts": [{"Type": "bind", "Source": "/srv"}, {"Type": "volume", "Source": "v"}],
        });
        assert_eq!(bound(&settings), ["/var/lib/docker", "/srv"]);
        assert_eq!(bound(&serde_json::json!({"Binds": null})), [""; 0]);
    }

    #[test]
    fn what_ends_with_its_program_need_not_be_there_again() {
        let bed = Bed::new(&["data/containers/a", "data/containers/b"]);
        bed.write("/data/containers/a/hostconfig.json", "{\"AutoRemove\":true}");
        bed.write("/data/containers/b/hostconfig.json", "{\"AutoRemove\":false}");
        let ends = |id| removes_itself(&bed.host, "/data", id).unwrap();
        assert!(ends("a") && !ends("b") && !ends("gone"));
    }

    #[test]
    fn volumes_that_nobody_has_named_go_with_their_container() {
        let bed = Bed::new(&["data/containers/a"]);
        let anonymous = "0123456789abcdef".repeat(4);
        let config = serde_json::json!({"MountPoints": {
            "/scratch": {"Type": "volume", "Name": anonymous},
            "/things": {"Type": "volume", "Name": "things"},
            "/also": {"Type": "volume", "Name": "g".repeat(64)},
            "/etc": {"Type": "bind", "Source": "/etc"},
        }});
        bed.write("/data/containers/a/config.v2.json", &config.to_string());
        let of = |id| anonymous_volumes(&bed.host, "/data", id).unwrap();
        assert_eq!(of("a"), [anonymous]);
        assert_eq!(of("gone"), [""; 0]);
    }

    #[test]
    fn what_still_needs_old_data_is_named() {
        let bed = Bed::new(&["new/containers/a", "new/containers/b", "new/volumes/v", "old/x"]);
        let source = |path: &str, name: &str| {
            format!(r#"{{"Name":"/{name}","MountPoints":{{"/x":{{"Source":"{path}"}}}}}}"#)
        };
        bed.write("/new/containers/a/config.v2.json", &source("/old/x", "app"));
        bed.write("/new/containers/b/config.v2.json", &source("/older/x", "other"));
        bed.write("/new/volumes/metadata.db", "x");
        bed.write("/new/volumes/v/opts.json", r#"{"MountType":"none","MountDevice":"/old/x"}"#);
        let named = |directory: &str| {
            let found = still_in(&bed.host, "/new", &[directory.to_owned()]).unwrap();
            found.map(|names| names.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(named("/old"), [vec!["app"], vec!["v"]]);
        assert_eq!(named("/ol"), [vec![""; 0], vec![]]);
    }
}

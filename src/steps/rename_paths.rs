//! Has containers and volumes in a copy of an engine's data name it, and not the original.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::copy_data::copy_in;
use super::{Action, Before, Context, StepError, Undone};
use crate::render::container_paths::{OF_CONTAINERS, OF_VOLUMES, Renamed};

/// Writes new names of directories into what dockerd keeps of containers and volumes, while it does
/// not run. The copy alone is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamePaths {
    /// The new place, which the copy is not in yet.
    pub to: String,
    /// New names of directories, by the old ones.
    pub directories: BTreeMap<String, String>,
}

impl Action for RenamePaths {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let copy = copy_in(&self.to);
        let mut engines = vec![String::new()];
        // One engine for each mapping of users has its data in a directory of its own.
        let names = context.host.read_dir(&copy)?.into_iter();
        engines.extend(names.filter(|name| is_mapping(name)).map(|name| format!("/{name}")));
        for engine in engines {
            let (data, engine) = (format!("{copy}{engine}"), format!("{}{engine}", self.to));
            let renamed = Renamed { directories: &self.directories, engine: &engine };
            for id in context.host.read_dir(&format!("{data}/containers"))? {
                context.host.interrupt().check()?;
                for name in OF_CONTAINERS {
                    rewrite(context, &format!("{data}/containers/{id}/{name}"), &renamed)?;
                }
            }
            for volume in context.host.read_dir(&format!("{data}/volumes"))? {
                rewrite(context, &format!("{data}/volumes/{volume}/{OF_VOLUMES}"), &renamed)?;
            }
        }
        Ok(())
    }

    /// The copy goes with the step that began it.
    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

fn rewrite(context: &Context<'_>, path: &str, renamed: &Renamed<'_>) -> Result<(), StepError> {
    let host = context.host;
    // Files beside the volumes are no directories.
    let Ok(Some(state)) = host.stat(path) else { return Ok(()) };
    let Some(bytes) = host.read(path)? else { return Ok(()) };
    let text = String::from_utf8(bytes).ok();
    if let Some(text) = text.and_then(|text| renamed.rewrite(&text)) {
        host.write_file(path, text.as_bytes(), state.ownership())?;
    }
    Ok(())
}

/// Whether a directory is that of a mapping of users: "100000.100000".
fn is_mapping(name: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once('.').is_some_and(|(uid, gid)| is_number(uid) && is_number(gid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_state::Ownership;
    use crate::steps::testing::Bed;

    #[test]
    fn containers_and_volumes_of_each_engine_name_the_copy() {
        let copy = "new/.landfall-copy";
        let mapped = format!("{copy}/1000.1000/containers/a");
        let bed = Bed::new(&[
            &format!("{copy}/containers/a"),
            &format!("{copy}/volumes/v"),
            &mapped,
            "old/containers/a",
        ]);
        let config = r#"{"LogPath":"/old/containers/a/log","Name":"/a"}"#;
        let of_mapped = r#"{"LogPath":"/old/1000.1000/containers/a/log"}"#;
        bed.write("/old/containers/a/config.v2.json", config);
        let path = format!("/{copy}/containers/a/config.v2.json");
        bed.write(&path, config);
        bed.host.set_ownership(&path, Ownership::root(0o600)).unwrap();
        bed.write(&format!("/{copy}/containers/a/hostconfig.json"), "not JSON");
        bed.write(&format!("/{copy}/volumes/metadata.db"), "x");
        bed.write(&format!("/{copy}/volumes/v/opts.json"), r#"{"MountDevice":"/old/x"}"#);
        bed.write(&format!("/{mapped}/config.v2.json"), of_mapped);
        let directories = [("/old".to_owned(), "/new".to_owned())].into();
        let step = RenamePaths { to: "/new".to_owned(), directories };
        bed.apply(&step);
        assert_eq!(bed.read(&path), config.replace("/old", "/new"));
        assert_eq!(bed.host.stat(&path).unwrap().unwrap().mode, 0o600);
        assert_eq!(bed.read(&format!("/{copy}/containers/a/hostconfig.json")), "not JSON");
        let options = bed.read(&format!("/{copy}/volumes/v/opts.json"));
        assert_eq!(options, r#"{"MountDevice":"/new/x"}"#);
        let expected = of_mapped.replace("/old", "/new");
        assert_eq!(bed.read(&format!("/{mapped}/config.v2.json")), expected);
        assert_eq!(bed.read("/old/containers/a/config.v2.json"), config, "the original stays");
    }

    #[test]
    fn directories_of_mappings_of_users() {
        assert!(is_mapping("100000.100000"));
        for name in ["containers", "1000", "a.1", "1.", ".1", "165536.165536.1"] {
            assert!(!is_mapping(name), "{name}");
        }
    }
}

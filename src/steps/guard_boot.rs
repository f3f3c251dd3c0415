//! Has the next boot complete the run, or take it back, before anything of the engine starts.
//!
//! The guard is a unit that the engine's units require, with a program to run. It comes before
//! all that the run changes, and goes when the journal says that the run has ended. What is
//! it there for stands in `docs/design/transactions.md`.

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::desired::{SYSTEM_PATH, UNIT_DIR};
use crate::file_state::{Ownership, new_name, parent_of};
use crate::host::labels::Labeller;
use crate::host::{Host, HostError};
use crate::render::boot::{self, RECOVER};
use crate::topology::ALL_UNITS;

/// The name of the copy of Landfall that the boot runs.
const PROGRAM: &str = ".landfall-recover";

/// The target that starts the unit; one that a rescue boot does not reach.
const TARGET: &str = "basic.target.wants";

/// Only where SELinux is on.
const SELINUX: &str = "/sys/fs/selinux/enforce";

/// Guards the next boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardBoot {
    /// Where the program is copied to, unless it lies where all of the system's programs do:
    /// a directory that is there and whose programs can be run, without a trailing slash.
    pub directory: String,
    /// Where data are being copied to: what the run has to complete or to take back lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Action for GuardBoot {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let host = context.host;
        let program = match host.own_program().filter(|path| is_in_system_path(path)) {
            Some(path) => path,
            None => {
                let copy = self.copy();
                host.copy_own_program(&copy)?;
                // A unit without its program would hold the engine for nothing.
                host.sync_directories()?;
                copy
            }
        };
        let text = boot::recover_unit(&program, self.data.as_deref())
            .map_err(|error| HostError::io("write", unit(), std::io::Error::other(error)))?;
        host.write_file(&unit(), text.as_bytes(), Ownership::root(0o644))?;
        for (directory, link) in links() {
            if host.stat(&directory)?.is_none() {
                host.create_dir(&directory, Ownership::root(0o755))?;
            }
            host.remove_file(&link)?;
            host.create_link(&link, &format!("../{RECOVER}"))?;
        }
        self.label(host)?;
        // On disk before the run goes on: what comes next is what it guards.
        Ok(host.sync_directories()?)
    }

    fn undo(&self, context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        if context.host.stat(&unit())?.is_some() {
            // It stands until the journal says that the run has ended.
            return Ok(Undone::Unchanged);
        }
        let removed = self.remove(context.host)?;
        Ok(if removed { Undone::Restored } else { Undone::Unchanged })
    }
}

impl GuardBoot {
    /// The guard that stands on this host, if one does.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be read.
    pub fn of(host: &Host) -> Result<Option<Self>, HostError> {
        let Some(text) = host.read_text(&unit())? else { return Ok(None) };
        let program = boot::program_of(&text).unwrap_or_default();
        let directory = parent_of(&program).unwrap_or_default().trim_end_matches('/').to_owned();
        Ok(Some(Self { directory, data: None }))
    }

    /// Takes it away; `false` if nothing of it was there. What it guards is on disk before.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be removed.
    pub fn remove(&self, host: &Host) -> Result<bool, HostError> {
        let files = [unit(), self.copy(), beside(&unit()), beside(&self.copy())];
        let mut found = false;
        host.sync_directories()?;
        for (directory, link) in links() {
            found = found || host.stat(&link)?.is_some();
            host.remove_file(&link)?;
            host.remove_dir(&directory)?;
        }
        for path in &files {
            found = found || host.stat(path)?.is_some();
            host.remove_file(path)?;
        }
        host.sync_directories()?;
        Ok(found)
    }

    fn copy(&self) -> String {
        format!("{}/{PROGRAM}", self.directory)
    }

    fn label(&self, host: &Host) -> Result<(), StepError> {
        if !host.is_live() || host.stat(SELINUX)?.is_none() {
            return Ok(());
        }
        let labeller = Labeller::find(host, "")?.ok_or(StepError::NoLabeller)?;
        let mut paths = vec![self.copy(), unit()];
        paths.extend(links().flat_map(|(directory, link)| [directory, link]));
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        Ok(labeller.label(host, &paths)?)
    }
}

fn unit() -> String {
    format!("{UNIT_DIR}/{RECOVER}")
}

/// What a cut in the middle of writing a file leaves.
fn beside(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{directory}/{}", new_name(name))
}

/// Each link, and the directory that it lies in: the engine's units require the guard, and the
/// boot starts it also where none of them is enabled.
fn links() -> impl Iterator<Item = (String, String)> {
    let requires = ALL_UNITS.iter().map(|unit| format!("{UNIT_DIR}/{unit}.requires"));
    requires.chain([format!("{UNIT_DIR}/{TARGET}")]).map(|directory| {
        let link = format!("{directory}/{RECOVER}");
        (directory, link)
    })
}

fn is_in_system_path(program: &str) -> bool {
    parent_of(program).is_some_and(|directory| SYSTEM_PATH.split(':').any(|it| it == directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn step() -> GuardBoot {
        GuardBoot { directory: "/opt".to_owned(), data: None }
    }

    #[test]
    fn stands_and_goes_without_a_trace() {
        let bed = Bed::new(&["etc/systemd/system", "opt"]);
        let before = bed.tree();
        let observed = bed.apply(&step());
        assert_eq!(GuardBoot::of(&bed.host).unwrap(), Some(step()));
        for unit in ALL_UNITS {
            let link = bed.host.stat(&format!("{UNIT_DIR}/{unit}.requires/{RECOVER}")).unwrap();
            assert_eq!(link.unwrap().target.as_deref(), Some("../landfall-recover.service"));
        }
        let program = bed.host.stat("/opt/.landfall-recover").unwrap().unwrap();
        assert_eq!((program.mode, program.uid), (0o700, 0));
        assert_eq!(bed.undo(&step(), &observed), Undone::Unchanged, "the run goes on");
        assert!(step().remove(&bed.host).unwrap());
        assert_eq!(bed.tree(), before);
        assert!(!step().remove(&bed.host).unwrap(), "a second time");
        assert_eq!(GuardBoot::of(&bed.host).unwrap(), None);
    }

    #[test]
    fn one_that_is_there_already_is_made_anew() {
        let bed = Bed::new(&["etc/systemd/system", "opt"]);
        bed.apply(&step());
        bed.write("/opt/.landfall-recover", "torn");
        bed.apply(&step());
        assert!(bed.host.stat("/opt/.landfall-recover").unwrap().unwrap().size > 1000);
    }

    #[test]
    fn one_that_was_cut_half_way_goes_too() {
        let bed = Bed::new(&["etc/systemd/system", "opt"]);
        let before = bed.tree();
        bed.write("/opt/..landfall-recover.landfall-new", "half");
        bed.write("/etc/systemd/system/.landfall-recover.service.landfall-new", "half");
        assert_eq!(bed.undo(&step(), &Before::Nothing), Undone::Restored);
        assert_eq!(bed.tree(), before);
    }

    #[test]
    fn other_requirements_of_a_unit_stay() {
        let bed = Bed::new(&["etc/systemd/system/docker.service.requires", "opt"]);
        let other = "/etc/systemd/system/docker.service.requires/mount.service";
        bed.host.create_link(other, "/x").unwrap();
        bed.apply(&step());
        step().remove(&bed.host).unwrap();
        assert!(bed.host.stat(other).unwrap().is_some());
    }
}

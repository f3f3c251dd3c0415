//! How a step can fail: in words.

use std::fmt;

use crate::steps::StepError;
use crate::texts::migrate;

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(f),
            Self::Stage(error) => error.fmt(f),
            Self::Engine(error) => write!(f, "the engine: {error}"),
            Self::Smoke(error) => write!(f, "the test container: {error}"),
            Self::Unit { unit, action, message, .. } => {
                write!(f, "{unit} did not {action}: {message}")
            }
            Self::UnitsRefused(why) => write!(f, "systemd does not accept the units: {why}"),
            Self::SourceChanged(path) => {
                write!(f, "{path} is not what it was when the plan was made")
            }
            Self::NotEmpty(path) => write!(f, "{path} is not empty any more"),
            Self::NotAFile { path, what } => write!(f, "{path} is {what}, not a regular file"),
            Self::StoreDamaged(sha256) => {
                write!(f, "the saved copy {sha256} in /var/lib/landfall/store is damaged or gone")
            }
            Self::WrongVersion { found, wanted } => {
                write!(f, "the API answers with engine version {found}, not {wanted}")
            }
            Self::NotInForce(keys) => {
                write!(f, "the daemon does not follow what daemon.json says of {}", keys.join(", "))
            }
            Self::SocketPermissions { path, mode, gid, wanted_gid } => write!(
                f,
                "{path} has mode {mode:04o} and group id {gid}, not 0660 and {wanted_gid}"
            ),
            Self::ContainersRun(shims) => write!(
                f,
                "containers still run (shims: {})",
                shims.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
            ),
            Self::ContainersDown(down) => {
                f.write_str("containers that ran before do not start:")?;
                for (name, why) in down {
                    write!(f, " {name} ({why})")?;
                }
                Ok(())
            }
            Self::NotSteady { unit, .. } => write!(f, "{unit} did not stay up"),
            Self::NoLabeller => {
                f.write_str("SELinux is on, and there is no program to set labels with")
            }
            Self::WrongLabels(labels) => {
                f.write_str("these keep another label than the policy's:")?;
                for (path, label) in labels {
                    let has = label.has.as_deref().unwrap_or("none");
                    write!(f, " {path} ({has}, not {})", label.wants)?;
                }
                Ok(())
            }
            Self::Mounted(mounts) => {
                write!(f, "file systems are mounted in it: {}", mounts.join(", "))
            }
            Self::NotCompleted(cause) => write!(f, "{cause}"),
            Self::OtherFileSystem(paths) => {
                let paths = paths.join(", ");
                write!(f, "on another file system without being mounted (a subvolume?): {paths}")
            }
            Self::InTheWay { path, why } => f.write_str(&migrate::in_the_way(path, why)),
            Self::CopyDiffers(found) => {
                f.write_str("the copy is not like the original:")?;
                for difference in found {
                    let what = migrate::differs(difference.differs);
                    write!(f, " {} ({what})", difference.path)?;
                }
                Ok(())
            }
            Self::OtherDataRoot { found, wanted } => {
                write!(f, "the daemon keeps its data in {found}, not in {wanted}")
            }
            Self::Lacking(lacking) => {
                write!(f, "the engine does not have any more: {}", lacking.join(", "))
            }
            Self::NotTrusted(path) => {
                write!(f, "fapolicyd does not let {path} run, though it is in its trust")
            }
            Self::OtherTransaction(beyond) => {
                write!(
                    f,
                    "the package manager would do something else now than was shown: {}",
                    beyond.join("; ")
                )
            }
            Self::NotInstalled(names) => write!(
                f,
                "the package manager succeeded, but not all of these are installed in the versions \
                 that were asked for: {}",
                names.join(", ")
            ),
            Self::PackagesAtBoot => f.write_str("packages are not changed while the host comes up"),
            Self::PackagesNeeded(names) => {
                write!(f, "other packages need {}: nothing was removed", names.join(", "))
            }
            Self::NoGroup(name) => write!(f, "group {name} does not exist"),
        }
    }
}

//! Findings of moving data.

use crate::preflight::{Code, Seen, TargetProblem};

pub(super) fn title(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::MigrationTarget => "the data cannot be moved there",
        Code::DriverNotCopied => "what the storage driver keeps cannot be copied as files",
        Code::DataMounts => "file systems are mounted in the engine's data",
        Code::ContainerdStays => "containerd's data stay where they are",
        Code::SameFileSystem => "moving the data may gain nothing",
        Code::BindsOfData => "containers have the engine's data mounted by their path",
        Code::DataRootFlag => "a unit's command line says where the data are",
        _ => return None,
    })
}

pub(super) fn why(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::MigrationTarget => {
            "the copy needs a directory of its own, apart from the data, under the name that it has"
        }
        Code::DriverNotCopied => {
            "its layers are subvolumes, data sets or blocks; a copy of the files would be no layers"
        }
        Code::DataMounts => {
            "one file system is copied: what lies on others would be missing in the copy"
        }
        Code::ContainerdStays => {
            "others run containers with it, which would stop, and look for their data in the old \
             place"
        }
        Code::SameFileSystem => {
            "people move data to have more room, or to keep them off the system's own disk"
        }
        Code::BindsOfData => {
            "they follow the data; made anew as they were, they would have the old place again"
        }
        Code::DataRootFlag => {
            "the daemon does not start when daemon.json says it as well, and the flag is a person's"
        }
        _ => return None,
    })
}

pub(super) fn by_hand(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::MigrationTarget => (
            "ls -la DIR; realpath DIR",
            "name an empty directory, or one that does not exist: landfall migrate-data-root DIR",
        ),
        Code::DriverNotCopied => (
            "docker info --format '{{.Driver}}'",
            "save what is needed (docker save, docker commit, tar of volumes), then install anew \
             with --data-root DIR and load it there",
        ),
        Code::DataMounts => (
            "findmnt -R /var/lib/docker",
            "umount what is named, and mount it in the new place afterwards; or make it a bind \
             mount of the containers that use it",
        ),
        Code::ContainerdStays => ("ctr namespaces list", "nothing: only docker's data are moved"),
        Code::SameFileSystem => (
            "df DIR /var/lib/docker /",
            "nothing, if that is meant; else mount the disk first, then name a directory on it",
        ),
        Code::BindsOfData => (
            "docker inspect --format '{{.HostConfig.Binds}}' NAME",
            "nothing yet; when they are made anew, with the new path: docker rm NAME, docker run -v …",
        ),
        Code::DataRootFlag => (
            "systemctl cat docker.service containerd.service",
            "take it out of the unit (systemctl edit --full), and put docker's into daemon.json \
             as data-root",
        ),
        _ => return None,
    })
}

pub(super) fn seen(seen: &Seen) -> Option<String> {
    Some(match seen {
        Seen::MigrationTarget { path, problem } => match problem {
            TargetProblem::Same => format!("the data are in {path} already"),
            TargetProblem::Inside { data } => format!("{path} lies in the data in {data}"),
            TargetProblem::Around { data } => format!("the data in {data} lie in {path}"),
            TargetProblem::SameByMount { data } => {
                format!("{path} is, by another name, in the data in {data}: a bind mount")
            }
            TargetProblem::Link { real } => format!("{path} is a link, and leads to {real}"),
            TargetProblem::NotADirectory => format!("{path} is no directory"),
            TargetProblem::NotEmpty { names } => {
                format!("{path} is not empty: it holds {}", names.join(", "))
            }
        },
        Seen::DriverNotCopied { driver } => format!("the storage driver {driver}"),
        Seen::DataMounts { path, mounts } => {
            let mounts: Vec<String> =
                mounts.iter().map(|mount| format!("{path}/{mount}")).collect();
            mounts.join(", ")
        }
        Seen::ContainerdStays { root, users, images: false } => {
            format!("{root} is used by {} too", users.join(", "))
        }
        Seen::ContainerdStays { root, users, images: true } => format!(
            "{root} is used by {} too, and docker's images and layers are there: they stay, and \
             little is moved",
            users.join(", ")
        ),
        Seen::SameFileSystem { path, root: true } => format!("{path} is on the root file system"),
        Seen::SameFileSystem { path, root: false } => {
            format!("{path} is on the file system that the data are on")
        }
        Seen::BindsOfData { binds, .. } => {
            let binds: Vec<String> =
                binds.iter().map(|(name, path)| format!("{name} has {path}")).collect();
            binds.join(", ")
        }
        Seen::DataRootFlag { unit, flag } => format!("{unit}: {flag}"),
        _ => return None,
    })
}

pub(super) fn fix(seen: &Seen) -> Option<String> {
    Some(match seen {
        Seen::MigrationTarget { problem: TargetProblem::Same, .. } => {
            "nothing has to be moved".to_owned()
        }
        Seen::MigrationTarget { problem: TargetProblem::SameByMount { .. }, path } => {
            format!(
                "findmnt -T {path} shows it; name a directory apart from the data: landfall \
                 migrate-data-root DIR"
            )
        }
        Seen::MigrationTarget { problem: TargetProblem::Link { real }, .. } => {
            format!("name it as it is: landfall migrate-data-root {real}")
        }
        Seen::MigrationTarget { problem: TargetProblem::NotEmpty { .. }, path } => {
            format!("name one in it that does not exist: landfall migrate-data-root {path}/docker")
        }
        Seen::DataMounts { path, mounts } => {
            let first = mounts.first().map(|mount| format!("{path}/{mount}")).unwrap_or_default();
            format!("umount {first}; after the move mount it in the new place")
        }
        other => by_hand(other.code())?.1.to_owned(),
    })
}

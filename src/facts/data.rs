//! An engine's data, and the place that they shall be moved to.

use std::time::Duration;

use super::containers;
use super::doctor::processes;
use super::doctor::units::{exec_start, exec_start_line};
use crate::adoption::Flags;
use crate::desired::DEFAULT_CONTAINERD_ROOT;
use crate::file_state::{FileKind, parent_of};
use crate::host::{Host, HostError};
use crate::topology::Topology;
use crate::unit_state::UnitState;

/// How long each directory is counted.
const COUNT_LIMIT: Duration = Duration::from_secs(30);
/// How long `ctr` may take.
const CTR_LIMIT: Duration = Duration::from_secs(10);
/// Names of namespaces that dockerd makes in a containerd (moby, cmd/dockerd).
const DOCKERS: [&str; 2] = ["moby", "plugins.moby"];
/// Where containerd listens.
const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";
/// containerd's configuration file.
pub const CONTAINERD_CONFIG: &str = "/etc/containerd/config.toml";

/// An engine's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFacts {
    /// dockerd's.
    pub docker: DataDirectory,
    /// The flag by which docker.service sets its data-root, if it does.
    pub flag: Option<String>,
    /// The containerd that is a unit of its own, if one runs.
    pub containerd: Option<ContainerdData>,
    /// Containers that have a directory of the engine's data mounted by its path, and which.
    pub binds: Vec<(String, String)>,
    /// Where they shall go.
    pub target: Target,
}

/// A directory of data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataDirectory {
    /// The directory, all links resolved.
    pub path: String,
    /// The directory as it was asked for.
    pub named: String,
    /// Where it lies on its disk (see [`Host::place_on_disk`]).
    pub on_disk: String,
    /// Bytes on disk, and inodes.
    pub bytes: u64,
    /// Files, directories and all else.
    pub inodes: u64,
    /// Whether all of it was counted in time.
    pub counted: bool,
    /// The file system that it lies on.
    pub device: u64,
    /// What people mounted in it: relative paths.
    pub mounts: Vec<String>,
    /// Names in it.
    pub names: Vec<String>,
}

/// A containerd that is a unit of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerdData {
    /// Its data.
    pub directory: DataDirectory,
    /// What its unit starts, as it is written there.
    pub exec_start: String,
    /// Whether `--root` on its command line says where its data are.
    pub by_flag: bool,
    /// Others that use it: namespaces, or kubelet's unit.
    pub others: Vec<String>,
}

/// The place that data shall be moved to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// As it was asked for.
    pub path: String,
    /// Where that really is, if links lead elsewhere.
    pub real: Option<String>,
    /// Where it lies on its disk, or would lie (see [`Host::place_on_disk`]).
    pub on_disk: String,
    /// What stands there.
    pub kind: Option<FileKind>,
    /// Names in it.
    pub names: Vec<String>,
    /// Whether the root file system would hold them.
    pub on_root: bool,
}

/// Looks at the data of an engine whose daemon says that they are in `data_root`.
///
/// # Errors
/// [`HostError`] if something cannot be read.
pub fn gather(
    host: &Host,
    data_root: &str,
    topology: Topology,
    units: &std::collections::BTreeMap<String, UnitState>,
    target: &str,
) -> Result<DataFacts, HostError> {
    let docker = directory(host, data_root)?;
    let flag = processes::command_of(host, "dockerd")?
        .map(|command| Flags::parse(&command))
        .and_then(|flags| flags.daemon.get("data-root").cloned())
        .map(|value| format!("--data-root {}", value.as_str().unwrap_or_default()));
    let unit = units.get("containerd.service").filter(|unit| unit.is_active());
    let containerd = match unit.filter(|_| topology == Topology::Modern) {
        Some(unit) => Some(containerd(host, unit)?),
        None => None,
    };
    let binds = containers::binds(host, &docker.path)?;
    Ok(DataFacts { docker, flag, containerd, binds, target: look_at(host, target)? })
}

fn directory(host: &Host, path: &str) -> Result<DataDirectory, HostError> {
    let named = path.to_owned();
    let path = host.real_path(path)?.unwrap_or_else(|| path.to_owned());
    let usage = host.usage(&path, COUNT_LIMIT)?;
    let file_system = host.file_system(&path)?;
    // A volume of the local driver is mounted by dockerd while a container uses it.
    let mut mounts = Vec::new();
    for mount in host.others_mounted_beneath(&path)? {
        let volume = mount.strip_suffix("/_data").filter(|volume| volume.starts_with("volumes/"));
        let options = volume.map(|volume| format!("{path}/{volume}/opts.json"));
        let is_dockers = match options {
            Some(options) => host.stat(&options)?.is_some(),
            None => false,
        };
        if !is_dockers {
            mounts.push(mount);
        }
    }
    Ok(DataDirectory {
        bytes: if usage.complete { usage.bytes } else { file_system.used.max(usage.bytes) },
        inodes: usage.inodes,
        counted: usage.complete,
        device: file_system.device,
        names: host.read_dir(&path)?,
        on_disk: host.place_on_disk(&path)?,
        mounts,
        named,
        path,
    })
}

fn containerd(host: &Host, unit: &UnitState) -> Result<ContainerdData, HostError> {
    let mut texts = Vec::new();
    for path in unit.fragment.iter().chain(&unit.drop_ins) {
        texts.extend(host.read_text(path)?);
    }
    let command = exec_start(&texts);
    // A variable of the unit may hold it, too.
    let running = processes::command_of(host, "containerd")?.unwrap_or_default();
    let words = [command.clone(), running].concat();
    let by_flag = option(&words, "root").is_some();
    let directory = directory(host, &root_of(host, &words)?)?;
    let mut others = namespaces(host, &command, &directory.path)?;
    if host.unit_state("kubelet.service")?.load == "loaded" {
        others.push("kubelet.service".to_owned());
    }
    let exec_start = exec_start_line(&texts).unwrap_or_default();
    Ok(ContainerdData { directory, exec_start, by_flag, others })
}

/// Where containerds that run keep their data: those of units, of docker itself, and of others.
///
/// # Errors
/// [`HostError`] if something cannot be read.
pub fn running_containerd_roots(host: &Host) -> Result<Vec<String>, HostError> {
    let mut roots = Vec::new();
    for name in ["containerd", "docker-containerd"] {
        for command in processes::commands_of(host, name)? {
            roots.push(root_of(host, &command)?);
        }
    }
    Ok(roots)
}

/// Where a containerd that is started by this command keeps its data.
fn root_of(host: &Host, command: &[String]) -> Result<String, HostError> {
    if let Some(root) = option(command, "root") {
        return Ok(root.trim_end_matches('/').to_owned());
    }
    let config = option(command, "config").or_else(|| short(command, "-c"));
    let config = host.read_text(config.as_deref().unwrap_or(CONTAINERD_CONFIG))?;
    let root = config.as_deref().and_then(configured_root);
    let root = root.unwrap_or_else(|| DEFAULT_CONTAINERD_ROOT.to_owned());
    Ok(root.trim_end_matches('/').to_owned())
}

/// The value of a long option on a command line, in either of its forms.
fn option(command: &[String], name: &str) -> Option<String> {
    let is = |word: &str, rest: &str| {
        let word = word.strip_prefix("--").or(word.strip_prefix('-'));
        word.and_then(|word| word.strip_prefix(name)).is_some_and(|found| found == rest)
    };
    let attached = command.iter().find_map(|word| {
        let (key, value) = word.split_once('=')?;
        is(key, "").then(|| value.to_owned())
    });
    attached.or_else(|| {
        let at = command.iter().position(|word| is(word, ""))?;
        command.get(at + 1).cloned()
    })
}

fn short(command: &[String], name: &str) -> Option<String> {
    let at = command.iter().position(|word| word == name)?;
    command.get(at + 1).cloned()
}

/// `root` at the top of config.toml, before the first table.
pub fn configured_root(text: &str) -> Option<String> {
    let top = text.lines().map(str::trim).take_while(|line| !line.starts_with('['));
    top.filter_map(|line| line.split_once('=')).find_map(|(key, value)| {
        let value = value.trim();
        let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        let inner = value[1..].split(quote).next()?;
        (key.trim() == "root").then(|| inner.to_owned())
    })
}

/// Namespaces that are not dockerd's: asked of containerd, or else told by what has run in it.
fn namespaces(host: &Host, command: &[String], root: &str) -> Result<Vec<String>, HostError> {
    let beside = command.first().and_then(|program| parent_of(program));
    let ctr = beside.map(|directory| format!("{directory}/ctr"));
    let ctr = ctr.filter(|path| host.stat(path).is_ok_and(|found| found.is_some()));
    let program = ctr.or_else(|| host.find_program("ctr"));
    let listed = program.and_then(|program| {
        let argv = [&program, "--address", CONTAINERD_SOCKET, "namespaces", "list", "-q"];
        host.run_ok(&argv, CTR_LIMIT).ok()
    });
    let names = match listed {
        Some(listed) => listed.lines().map(|line| line.trim().to_owned()).collect(),
        None => host.read_dir(&format!("{root}/io.containerd.runtime.v2.task"))?,
    };
    let is_others = |name: &String| !name.is_empty() && !DOCKERS.contains(&name.as_str());
    Ok(names.into_iter().filter(is_others).collect())
}

fn look_at(host: &Host, path: &str) -> Result<Target, HostError> {
    // What does not exist lies where the nearest directory above it does.
    let mut above = path;
    let real = loop {
        match (host.real_path(above)?, parent_of(above)) {
            (Some(real), _) => {
                break format!("{}{}", real.trim_end_matches('/'), &path[above.len()..]);
            }
            (None, Some(parent)) => above = parent,
            (None, None) => break path.to_owned(),
        }
    };
    let kind = host.stat(path)?.map(|state| state.kind);
    Ok(Target {
        names: if kind == Some(FileKind::Directory) { host.read_dir(path)? } else { Vec::new() },
        on_root: host.file_system(path)?.device == host.file_system("/")?.device,
        on_disk: host.place_on_disk(&real)?,
        real: (real != path).then_some(real),
        kind,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn options_of_containerd() {
        for command in ["/usr/bin/containerd --root /a", "containerd -root=/a", "c --root=/a -l x"]
        {
            assert_eq!(option(&words(command), "root").as_deref(), Some("/a"), "{command}");
        }
        assert_eq!(option(&words("containerd --rootless=/a"), "root"), None);
        assert_eq!(short(&words("containerd -c /b"), "-c").as_deref(), Some("/b"));
    }

    #[test]
    fn the_root_in_config_toml() {
        let text = "version = 2\n  root = \"/data/containerd\" # moved\n[plugins]\nroot = '/x'\n";
        assert_eq!(configured_root(text).as_deref(), Some("/data/containerd"));
        assert_eq!(configured_root("[plugins]\nroot = '/x'\n"), None);
        assert_eq!(configured_root("#root = \"/x\"\ndisabled_plugins = [\"cri\"]\n"), None);
    }

    #[test]
    fn the_root_of_a_containerd_that_runs() {
        let bed = crate::steps::testing::Bed::new(&["etc/containerd", "run"]);
        let root = |command: &str| root_of(&bed.host, &words(command)).unwrap();
        assert_eq!(root("containerd"), "/var/lib/containerd");
        bed.write("/etc/containerd/config.toml", "root = \"/data/ctd\"\n");
        assert_eq!(root("containerd"), "/data/ctd");
        assert_eq!(root("containerd --root /a/"), "/a");
        bed.write("/run/other.toml", "root = '/data/docker/containerd/daemon'\n");
        let expected = "/data/docker/containerd/daemon";
        assert_eq!(root("containerd --config /run/other.toml --log-level info"), expected);
    }
}

//! Units of engines, closer: what systemd says of them, and unit files that lead nowhere.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Dangling, UnitDetails};
use crate::desired::UNIT_DIR;
use crate::facts::start_command::{COMMAND_PREFIXES, assignment, lines};
use crate::file_state::FileKind;
use crate::host::{Host, HostError};
use crate::topology::ALL_UNITS;

/// How names of units of engines begin, and of what uses them.
const PREFIXES: [&str; 6] =
    ["buildkit", "containerd", "cri-docker", "docker", "kubelet", "landfall"];

/// Where systemd looks for units of the system, in its order (systemd.unit(5), “Unit File Load
/// Path”), and the place of older distributions.
pub(in crate::facts) const DIRECTORIES: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    UNIT_DIR,
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// How long systemctl may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What systemd knows of the units of engines.
///
/// # Errors
/// [`HostError`] if systemd does not answer, or a unit file cannot be read.
pub fn gather(host: &Host) -> Result<BTreeMap<String, UnitDetails>, HostError> {
    let mut names: Vec<String> = ALL_UNITS.map(str::to_owned).to_vec();
    names.extend(host.read_dir(UNIT_DIR)?.into_iter().filter(|name| is_engines(name)));
    names.sort();
    names.dedup();
    let mut argv = vec![
        "systemctl",
        "show",
        "--property=Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,Result,NRestarts,FragmentPath,DropInPaths",
    ];
    argv.extend(names.iter().map(String::as_str));
    let shown = host.run_ok(&argv, LIMIT)?;
    let mut units = BTreeMap::new();
    for values in parse_show(&shown) {
        let value = |key: &str| values.get(key).copied().unwrap_or_default();
        let mut texts = Vec::new();
        for path in std::iter::once(value("FragmentPath")).chain(value("DropInPaths").split(' ')) {
            if !path.is_empty() {
                texts.extend(host.read_text(path)?);
            }
        }
        let command = exec_start(&texts);
        let program_exists = match command.first() {
            Some(program) if program.starts_with('/') => Some(host.real_path(program)?.is_some()),
            _ => None,
        };
        let details = UnitDetails {
            fragment: value("FragmentPath").to_owned(),
            load: value("LoadState").to_owned(),
            active: value("ActiveState").to_owned(),
            file_state: value("UnitFileState").to_owned(),
            needs_reload: value("NeedDaemonReload") == "yes",
            result: value("Result").to_owned(),
            restarts: value("NRestarts").parse().unwrap_or(0),
            command,
            program_exists,
        };
        units.insert(value("Id").to_owned(), details);
    }
    Ok(units)
}

fn is_engines(name: &str) -> bool {
    let is_unit = name.ends_with(".service") || name.ends_with(".socket");
    is_unit && !name.contains('@') && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What `systemctl show` prints of several units: a block for each.
fn parse_show(text: &str) -> Vec<HashMap<&str, &str>> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(|block| block.lines().filter_map(|line| line.split_once('=')).collect()).collect()
}

/// The words of the last command that the unit and its drop-ins set.
pub fn exec_start(texts: &[String]) -> Vec<String> {
    let Some(command) = exec_start_line(texts) else { return Vec::new() };
    let command = command.trim_start_matches(COMMAND_PREFIXES);
    command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect()
}

/// The last command that the unit and its drop-ins set, as it is written. An empty `ExecStart=`
/// takes back what stood before (systemd.service(5)).
pub fn exec_start_line(texts: &[String]) -> Option<String> {
    let mut commands: Vec<String> = Vec::new();
    for text in texts {
        for line in lines(text) {
            match assignment(&line.text) {
                Some(("ExecStart", "")) => commands.clear(),
                Some(("ExecStart", command)) => commands.push(command.to_owned()),
                _ => {}
            }
        }
    }
    commands.pop()
}

/// Drop-ins for units of engines that are not there, and links that enable such units.
///
/// # Errors
/// [`HostError`] if a directory cannot be listed.
pub fn dangling(host: &Host) -> Result<Dangling, HostError> {
    let mut found = Dangling::default();
    for name in host.read_dir(UNIT_DIR)? {
        let path = format!("{UNIT_DIR}/{name}");
        if let Some(unit) = name.strip_suffix(".d")
            && is_engines(unit)
            && !host.read_dir(&path)?.is_empty()
            && !exists(host, unit)?
        {
            found.drop_ins.push(path);
        } else if name.ends_with(".wants") || name.ends_with(".requires") {
            for unit in host.read_dir(&path)? {
                found.links.extend(dangling_link(host, &path, &unit)?);
            }
        } else {
            found.links.extend(dangling_link(host, UNIT_DIR, &name)?);
        }
    }
    Ok(found)
}

/// The link and its target, if nothing is at its end. systemd only looks at the name of the
/// link: another file of that name will do.
fn dangling_link(
    host: &Host,
    directory: &str,
    unit: &str,
) -> Result<Option<(String, String)>, HostError> {
    if !is_engines(unit) {
        return Ok(None);
    }
    let path = format!("{directory}/{unit}");
    let Some(state) = host.stat(&path)?.filter(|state| state.kind == FileKind::Symlink) else {
        return Ok(None);
    };
    let masked = state.target.as_deref() == Some("/dev/null");
    if masked || host.real_path(&path)?.is_some() || exists(host, unit)? {
        return Ok(None);
    }
    Ok(state.target.map(|target| (path, target)))
}

fn exists(host: &Host, unit: &str) -> Result<bool, HostError> {
    for directory in DIRECTORIES {
        let path = format!("{directory}/{unit}");
        if host.stat(&path)?.is_some() && host.real_path(&path)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn blocks_of_systemctl_show() {
        let shown = "Id=docker.service\nLoadState=loaded\nNeedDaemonReload=no\n\nId=docker.socket\n\
            LoadState=not-found\n";
        let blocks = parse_show(shown);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[1]["Id"], "docker.socket");
        assert_eq!(blocks[0]["LoadState"], "loaded");
    }

    #[test]
    fn the_last_command_counts() {
        let unit = "[Service]\nExecStartPre=/bin/true\nExecStart=/usr/bin/dockerd -H fd:// \\\n  \
            --containerd=/run/containerd/containerd.sock\n";
        let command = exec_start(&[unit.to_owned()]);
        assert_eq!(command[..3], ["/usr/bin/dockerd", "-H", "fd://"]);
        assert_eq!(command.len(), 4);
        let drop_in = "[Service]\nExecStart=\nExecStart=-/opt/bin/dockerd --debug\n";
        let command = exec_start(&[unit.to_owned(), drop_in.to_owned()]);
        assert_eq!(command, ["/opt/bin/dockerd", "--debug"]);
        assert!(exec_start(&["[Socket]\nListenStream=/run/docker.sock\n".to_owned()]).is_empty());
    }

    #[test]
    fn files_that_lead_nowhere() {
        let bed = Bed::new(&[
            "etc/systemd/system/docker.service.d",
            "etc/systemd/system/containerd.service.d",
            "etc/systemd/system/multi-user.target.wants",
            "usr/lib/systemd/system",
        ]);
        bed.write("/usr/lib/systemd/system/containerd.service", "");
        bed.write("/etc/systemd/system/docker.service.d/proxy.conf", "");
        bed.write("/etc/systemd/system/containerd.service.d/limits.conf", "");
        let wants = "/etc/systemd/system/multi-user.target.wants";
        let link = |name: &str, target: &str| {
            bed.host.create_link(&format!("{wants}/{name}"), target).unwrap();
        };
        link("docker.service", "/etc/systemd/system/docker.service");
        link("containerd.service", "/lib/systemd/system/containerd.service");
        link("ssh.service", "/lib/systemd/system/ssh.service");
        bed.host.create_link("/etc/systemd/system/docker.socket", "/dev/null").unwrap();
        let found = dangling(&bed.host).unwrap();
        assert_eq!(found.drop_ins, ["/etc/systemd/system/docker.service.d"]);
        let target = "/etc/systemd/system/docker.service".to_owned();
        assert_eq!(found.links, [(format!("{wants}/docker.service"), target)]);
    }

    /// Units that generators, `systemctl set-property` and `systemd-run` make are units too.
    #[test]
    fn units_are_looked_for_where_systemd_does() {
        for directory in DIRECTORIES {
            let drop_ins = format!("{UNIT_DIR}/docker-made.service.d");
            let bed =
                Bed::new(&[drop_ins.trim_start_matches('/'), directory.trim_start_matches('/')]);
            bed.write(&format!("{drop_ins}/nice.conf"), "");
            let link = format!("{UNIT_DIR}/docker-linked.service");
            bed.host.create_link(&link, "/nowhere/docker-linked.service").unwrap();
            let found = dangling(&bed.host).unwrap();
            assert_eq!((found.drop_ins.len(), found.links.len()), (1, 1), "{directory}");
            bed.write(&format!("{directory}/docker-made.service"), "");
            if directory != UNIT_DIR {
                bed.write(&format!("{directory}/docker-linked.service"), "");
                assert_eq!(dangling(&bed.host).unwrap(), Dangling::default(), "{directory}");
            }
        }
    }
}

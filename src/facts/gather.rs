//! Reading it all through the host.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{
    Facts, FileFact, Iptables, NetworkFacts, OsRelease, SystemdFacts, Wanted, accounts, cgroups,
    engine, file_systems, kernel, kernel_settings, libraries, network, os_release, packages,
    programs, protection, security, start_command, sudoers, systemd,
};
use crate::desired::DAEMON_JSON;
use crate::digest::Digest;
use crate::file_state::FileKind;
use crate::host::digests::{OpenFile, digest_all};
use crate::host::{Host, HostError, clock};
use crate::unit_state::UnitState;

/// Units by which other engines, or other users of containerd, show.
pub const ENGINE_UNITS: [&str; 6] = [
    "containerd.service",
    "docker.service",
    "docker.socket",
    "isulad.service",
    "kubelet.service",
    "snap.docker.dockerd.service",
];

/// Units that keep a firewall, or run virtual machines.
pub const NETWORK_UNITS: [&str; 4] =
    ["firewalld.service", "libvirtd.service", "nftables.service", "ufw.service"];

/// How long a program may take that only says its version.
const VERSION_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// Looks at everything that planning and preflight need to know of a host. Nothing is
/// changed. Files are hashed on threads of their own meanwhile.
///
/// # Errors
/// [`HostError`] if something that is there cannot be read, or systemd does not answer.
pub fn gather(host: &Host, wanted: &Wanted) -> Result<Facts, HostError> {
    look(host, wanted, &Denied::Fails)
}

/// Gathers what may be seen, also without root: what may not is passed over, and said.
///
/// # Errors
/// [`HostError`] if something fails for another reason.
pub fn gather_visible(host: &Host, wanted: &Wanted) -> Result<(Facts, Vec<HostError>), HostError> {
    let denied = Denied::IsNoted(RefCell::default());
    let facts = look(host, wanted, &denied)?;
    let Denied::IsNoted(unseen) = denied else { return Ok((facts, Vec::new())) };
    Ok((facts, unseen.into_inner()))
}

/// What becomes of something that may not be read.
enum Denied {
    /// It is an error: a plan must not take it for absent.
    Fails,
    /// It is noted, and taken for absent.
    IsNoted(RefCell<Vec<HostError>>),
}

impl Denied {
    fn or_nothing<T: Default>(&self, result: Result<T, HostError>) -> Result<T, HostError> {
        match (self, result) {
            (Self::IsNoted(unseen), Err(error)) if error.is_permission_denied() => {
                unseen.borrow_mut().push(error);
                Ok(T::default())
            }
            (_, result) => result,
        }
    }
}

/// Gathers files, accounts, units and labels alone: what is needed to tell whether something
/// changed that was made before.
///
/// # Errors
/// [`HostError`] if something that is there cannot be read, or systemd does not answer.
pub fn gather_installed(host: &Host, wanted: &Wanted) -> Result<Facts, HostError> {
    look_at(host, wanted, &Denied::Fails, |files| {
        Ok(Facts {
            live: host.is_live(),
            uid: host.uid(),
            now: clock::now(),
            accounts: accounts::gather(host, wanted)?,
            security: security::gather(host, wanted, &files)?,
            units: unit_states(host, wanted.units.iter().map(String::as_str))?,
            files,
            ..Facts::default()
        })
    })
}

fn look(host: &Host, wanted: &Wanted, denied: &Denied) -> Result<Facts, HostError> {
    look_at(host, wanted, denied, |files| all_but_digests(host, wanted, files, denied))
}

/// Looks at files, and at the rest while programs are hashed.
fn look_at(
    host: &Host,
    wanted: &Wanted,
    denied: &Denied,
    rest: impl FnOnce(BTreeMap<String, FileFact>) -> Result<Facts, HostError>,
) -> Result<Facts, HostError> {
    let mut files = attributes(host, wanted, denied)?;
    let open = open_programs(host, wanted, &files, denied)?;
    read_texts(host, wanted, &mut files, denied)?;
    let (digests, facts) = std::thread::scope(|scope| {
        let hashing = scope.spawn(|| digest_all(open));
        let facts = rest(files);
        let digests = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (digests, facts)
    });
    let mut facts = facts?;
    for (path, digest) in digests? {
        if let Some(fact) = facts.files.get_mut(&path) {
            fact.sha256 = Some(digest);
        }
    }
    Ok(facts)
}

fn attributes(
    host: &Host,
    wanted: &Wanted,
    denied: &Denied,
) -> Result<BTreeMap<String, FileFact>, HostError> {
    let mut files = BTreeMap::new();
    for path in wanted.texts.iter().chain(&wanted.programs).chain(&wanted.paths) {
        let state = match denied.or_nothing(host.stat(path)) {
            // That root is needed is a finding, and says more than this error.
            Err(error) if host.uid() != 0 && error.is_permission_denied() => None,
            state => state?,
        };
        if let Some(state) = state {
            files.insert(path.clone(), FileFact { state, sha256: None, text: None });
        }
    }
    Ok(files)
}

fn open_programs(
    host: &Host,
    wanted: &Wanted,
    files: &BTreeMap<String, FileFact>,
    denied: &Denied,
) -> Result<Vec<OpenFile>, HostError> {
    let mut open = Vec::new();
    for path in &wanted.programs {
        let Some(fact) = files.get(path).filter(|fact| fact.state.kind == FileKind::File) else {
            continue;
        };
        if let Some(file) = denied.or_nothing(host.open_file(path))? {
            open.push(OpenFile { path: path.clone(), size: fact.state.size, file });
        }
    }
    Ok(open)
}

fn read_texts(
    host: &Host,
    wanted: &Wanted,
    files: &mut BTreeMap<String, FileFact>,
    denied: &Denied,
) -> Result<(), HostError> {
    for path in &wanted.texts {
        let Some(fact) = files.get_mut(path).filter(|fact| fact.state.kind == FileKind::File)
        else {
            continue;
        };
        if let Some(bytes) = denied.or_nothing(host.read(path))? {
            fact.sha256 = Some(Digest::of(&bytes));
            fact.text = String::from_utf8(bytes).ok();
        }
    }
    Ok(())
}

fn all_but_digests(
    host: &Host,
    wanted: &Wanted,
    files: BTreeMap<String, FileFact>,
    denied: &Denied,
) -> Result<Facts, HostError> {
    let live = host.is_live();
    let os = distribution_of(host)?;
    let uname = host.uname();
    let architecture = if live { uname.machine } else { image_architecture(host)? };
    let packages = denied.or_nothing(packages::gather(host, &os, &targets(wanted, &files)))?;
    let programs: BTreeMap<String, String> = programs::PROGRAMS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), host.find_program(name)?)))
        .collect();
    let mut file_systems = BTreeMap::new();
    let data_root = configured_data_root(&files);
    for path in wanted.file_systems.iter().chain(&data_root) {
        // Of one that may not be looked at nothing is known, rather than that it is full.
        if let Some(fact) = denied.or_nothing(file_systems::gather(host, path).map(Some))? {
            file_systems.insert(path.clone(), fact);
        }
    }
    let always = ENGINE_UNITS.into_iter().chain(NETWORK_UNITS);
    let units = unit_states(host, wanted.units.iter().map(String::as_str).chain(always))?;
    let kernel = match live {
        true => denied.or_nothing(kernel::gather(host, &uname.release))?,
        false => super::Kernel::default(),
    };
    Ok(Facts {
        live,
        uid: host.uid(),
        now: clock::now(),
        kernel,
        systemd: systemd_facts(host)?,
        cgroups: if live { cgroup_facts(host)? } else { super::Cgroups::default() },
        accounts: accounts::gather(host, wanted)?,
        security: security::gather(host, wanted, &files)?,
        files,
        engine: engine::gather(host, units.get("docker.service").is_some_and(UnitState::is_active)),
        units,
        packages,
        file_systems,
        network: if live { network::gather(host, &programs)? } else { NetworkFacts::default() },
        iptables: if live && programs.contains_key("iptables") { iptables(host) } else { None },
        programs,
        libraries: denied.or_nothing(libraries::gather(host, &architecture))?,
        protected: denied.or_nothing(protection::gather(host, wanted))?,
        sudo_path: denied.or_nothing(sudoers::gather(host))?,
        setting_resets: denied.or_nothing(kernel_settings::gather(host))?,
        start_command: denied.or_nothing(start_command::gather(host))?,
        architecture,
        os,
    })
}

fn unit_states<'a>(
    host: &Host,
    names: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, UnitState>, HostError> {
    let mut units = BTreeMap::new();
    if !host.is_booted_with_systemd() {
        return Ok(units);
    }
    for unit in names {
        if !units.contains_key(unit) {
            units.insert(unit.to_owned(), host.unit_state(unit)?);
        }
    }
    Ok(units)
}

/// The paths whose owners matter: all but directories, which many packages share.
fn targets<'a>(wanted: &'a Wanted, files: &BTreeMap<String, FileFact>) -> Vec<&'a str> {
    let is_directory = |path: &&String| {
        files.get(*path).is_some_and(|fact| fact.state.kind == FileKind::Directory)
    };
    let paths = wanted.texts.iter().chain(&wanted.programs).chain(&wanted.paths);
    paths.filter(|path| !is_directory(path)).map(String::as_str).collect()
}

/// Where daemon.json, as it stands, puts the engine's data. Text that is no JSON says
/// nothing here; that it is broken is for others to say.
fn configured_data_root(files: &BTreeMap<String, FileFact>) -> Option<String> {
    let text = files.get(DAEMON_JSON)?.text.as_deref()?;
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(json.get("data-root")?.as_str()?.to_owned())
}

/// The host's distribution.
///
/// # Errors
/// [`HostError`] if os-release is there but cannot be read.
pub fn distribution_of(host: &Host) -> Result<OsRelease, HostError> {
    for path in os_release::PATHS {
        if let Some(text) = host.read_text(path)? {
            return Ok(os_release::parse(&text));
        }
    }
    Ok(os_release::parse(""))
}

/// The architecture of an image is that of its own programs. Empty if it has none.
fn image_architecture(host: &Host) -> Result<String, HostError> {
    for path in ["/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/bin/sh"] {
        if let Some(name) =
            host.read_start(path, 64)?.and_then(|bytes| programs::parse_architecture(&bytes))
        {
            return Ok(name);
        }
    }
    Ok(String::new())
}

/// The version is the running manager's own word, which may be older than what is installed;
/// of an image it is told by its files.
fn systemd_facts(host: &Host) -> Result<Option<SystemdFacts>, HostError> {
    let mut program = None;
    for path in systemd::PROGRAMS {
        if program.is_none() && host.stat(path)?.is_some() {
            program = Some(path);
        }
    }
    let Some(program) = program else { return Ok(None) };
    let running = host.is_booted_with_systemd();
    if running && let Some(version) = systemd::parse_version(&host.manager_version()?) {
        return Ok(Some(SystemdFacts { version, running }));
    }
    let mut version = None;
    for directory in library_directories(host)? {
        let names = host.read_dir(&directory)?;
        version = version.max(systemd::from_library_names(names.iter().map(String::as_str)));
    }
    if version.is_none() {
        version = host.read(program)?.as_deref().and_then(systemd::from_program);
    }
    Ok(Some(SystemdFacts { version: version.unwrap_or(0), running }))
}

/// Fedora and its kin, Debian 11 and its kin, and Debian from 12 on (by architecture).
fn library_directories(host: &Host) -> Result<Vec<String>, HostError> {
    let names = host.read_dir("/usr/lib")?;
    let by_architecture = names.into_iter().filter(|name| name.contains("-linux-gnu"));
    let mut directories = vec!["/usr/lib/systemd".to_owned(), "/lib/systemd".to_owned()];
    directories.extend(by_architecture.map(|name| format!("/usr/lib/{name}/systemd")));
    Ok(directories)
}

fn cgroup_facts(host: &Host) -> Result<super::Cgroups, HostError> {
    let mountinfo = host.read_text("/proc/self/mountinfo")?.unwrap_or_default();
    let proc_cgroups = host.read_text("/proc/cgroups")?.unwrap_or_default();
    let v2 = match cgroups::v2_root(&mountinfo) {
        Some(root) => host.read_text(&format!("{root}/cgroup.controllers"))?.unwrap_or_default(),
        None => String::new(),
    };
    Ok(cgroups::parse(&mountinfo, &proc_cgroups, &v2))
}

fn iptables(host: &Host) -> Option<Iptables> {
    let output = host.run(&["iptables", "--version"], VERSION_LIMIT).ok()?;
    programs::parse_iptables(&output.stdout)
}

//! `landfall adopt` in words.

use std::fmt;

use crate::adoption::{Engine, Flags, Unfit};
use crate::desired::DAEMON_JSON;
use crate::topology::Topology;

/// Before the receipt is written.
pub const QUESTION: &str = "Take it over (a receipt is written, nothing else)? [y/N] ";
/// Nothing was written.
pub const DRY_RUN: &str = "Nothing was written. To take it over: landfall adopt";
/// It is a running host that is meant.
pub const NEEDS_LIVE: &str =
    "adopt looks at a Docker of a host that runs, under systemd: not beneath --root";
/// Adopting needs root.
pub const NOT_ROOT: &str = "adopting needs root";
/// There is a receipt.
pub const INSTALLED: &str =
    "landfall installed the Docker of this host itself; there is nothing to take over";
/// There is a receipt of an adoption.
pub const ADOPTED_ALREADY: &str =
    "Nothing to do: the Docker of this host is taken over already (landfall status).";
/// The question before it is given back.
pub const GIVE_BACK_QUESTION: &str =
    "Put back what landfall changed since Docker was taken over, and let go of it? [y/N] ";
/// The question before what was taken over is removed.
pub const REMOVE_QUESTION: &str = "Stop all containers and remove the Docker that was taken over \
     (images and volumes stay)? [y/N] ";
/// The data of an engine that stays.
pub const DATA_STAY: &str =
    "Docker was here before landfall, and stays: so do its images, containers and volumes";
/// How to have it gone.
pub const INCLUDE: &str = "to remove Docker itself too: landfall uninstall --include-adopted";
/// The option is for engines that were taken over.
pub const NOT_ADOPTED: &str =
    "--include-adopted is for a Docker that landfall adopt took over; this one it installed itself";
/// Why daemon.json is there.
pub const DAEMON_JSON_STAYS: &str = "/etc/docker/daemon.json, which landfall did not write";
/// Nothing but un-adopting goes behind it.
pub const NOTHING_BEFORE: &str =
    "Docker was taken over as it was, which changed nothing: there is nothing to go back to";
/// How to let go of it.
pub const LET_GO: &str = "to let go of it: landfall uninstall, which leaves Docker as it is";

/// What was found, line by line.
pub fn found(engine: &Engine) -> Vec<String> {
    let version = engine.adoption.version.as_deref().unwrap_or("of unknown version");
    let runs = if engine.runs { "runs" } else { "does not run" };
    let style = match engine.topology {
        Topology::Modern => "modern style: docker.socket, docker.service, containerd.service",
        Topology::Classic => "classic style: docker.service alone, containerd is dockerd's child",
    };
    let names: Vec<&str> = engine.programs.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines = vec![
        format!("Docker {version}, which {runs}; {style}"),
        format!("  unit         {}", engine.adoption.unit),
        format!("  programs     {}: {}", engine.bin_dir, names.join(" ")),
        format!("  data         {}", engine.data_root),
        format!("  group        {}", engine.group),
    ];
    if !engine.of_packages.is_empty() && engine.adoption.packages.is_empty() {
        lines.extend(
            engine
                .of_packages
                .iter()
                .map(|(path, package)| format!("  left alone   {path}, of package {package}")),
        );
    }
    let keys: Vec<&str> = engine.adoption.flags.daemon.keys().map(String::as_str).collect();
    if !keys.is_empty() {
        lines.push(format!(
            "  flags        {} of docker.service move to {DAEMON_JSON} when landfall writes the \
             unit anew",
            keys.join(", ")
        ));
    }
    lines
}

/// Flags that nothing can say in another way.
pub fn lost(flags: &Flags) -> Vec<String> {
    let text = |flag: &String| {
        let instead = match flag.strip_prefix("-H ") {
            Some(address) => format!(
                "to keep it: systemctl edit docker.socket, with a line ListenStream={} under \
                 [Socket]",
                address.rsplit("//").next().unwrap_or(address)
            ),
            None => "to keep it: a drop-in (systemctl edit docker.service)".to_owned(),
        };
        format!(
            "docker.service starts dockerd with {flag}; once landfall writes that unit anew this is \
             gone; {instead}"
        )
    };
    flags.lost.iter().map(text).collect()
}

/// Packages own the engine.
pub fn packaged(packages: &[String], upgrade: &str, remove: &str) -> String {
    format!(
        "It belongs to packages ({}): landfall looks after it, and leaves changing it to their \
         manager.\n  a newer one:    {upgrade}\n  configuration:  landfall configure\n  to remove it:   {remove}",
        packages.join(" ")
    )
}

/// A change of an engine that packages own is refused.
pub fn kept_by_packages(packages: &[String]) -> String {
    format!(
        "the Docker of this host was taken over, and belongs to packages ({}): what a package owns \
         is changed by the package manager alone; nothing was changed",
        packages.join(" ")
    )
}

/// The ways that there are then.
pub fn package_hints(upgrade: &str, remove: &str) -> Vec<String> {
    vec![
        format!("a newer version of the packages: {upgrade}"),
        "configuration: landfall configure".to_owned(),
        format!(
            "another Docker instead: landfall uninstall (lets go of this one), {remove}, then \
             landfall install"
        ),
    ]
}

/// Packages are removed by their manager.
pub fn remove_packages(remove: &str) -> Vec<String> {
    vec![
        format!("to remove it: landfall uninstall (lets go of it), then {remove}"),
        LET_GO.to_owned(),
    ]
}

/// A program that is none.
pub fn not_read(path: &str, error: &str) -> String {
    format!("{path} cannot be taken over: {error}")
}

/// It is done.
pub fn done(engine: &Engine) -> String {
    let version = engine.adoption.version.as_deref().unwrap_or("of unknown version");
    let next = match engine.adoption.packages.is_empty() {
        true => {
            "landfall install, upgrade, doctor and status work on it from now on; landfall uninstall \
             lets go of it and leaves it as it is."
        }
        false => {
            "landfall doctor and status work on it from now on; landfall uninstall lets go of it."
        }
    };
    format!("Docker {version} is taken over; it was not touched. {next}")
}

/// It is let go of.
pub fn given_back(version: Option<&str>, kept: &[String]) -> String {
    let version = version.unwrap_or("of unknown version");
    let text =
        format!("Let go: Docker {version} is as it was taken over; landfall has left this host.");
    match kept {
        [] => text,
        kept => format!("{text}\nApart from this:\n  {}", kept.join("\n  ")),
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { podman: false } => {
                f.write_str("there is no Docker on this host that systemd knows (docker.service)")
            }
            Self::None { podman: true } => f.write_str(
                "the docker of this host is podman (package podman-docker), which has no daemon to \
                 look after",
            ),
            Self::Snap => f.write_str(
                "Docker is installed as a snap: its files are read-only, and snapd alone changes and \
                 updates them",
            ),
            Self::ByHand { pid, command } => write!(
                f,
                "a dockerd runs that systemd did not start for docker.service (process {pid}: \
                 {command}): nobody would start it again after a change"
            ),
            Self::NotLoaded { load } => write!(f, "docker.service is {load}"),
            Self::NotDockerd { unit, command } => write!(
                f,
                "{unit}: docker.service starts {command}, and not a program named dockerd: what that \
                 does cannot be told"
            ),
            Self::ProgramMissing { program } => {
                write!(f, "docker.service starts {program}, and that is not there")
            }
            Self::ProgramDirectory { directory } => {
                write!(f, "{directory}: units cannot name a directory of this name for programs")
            }
            Self::OtherConfigFile { path } => write!(
                f,
                "dockerd reads {path} and not {DAEMON_JSON}, the only one that landfall writes"
            ),
            Self::DaemonJson => {
                write!(f, "{DAEMON_JSON} is no JSON object: the daemon does not start with it")
            }
            Self::CommandInDropIn { path } => write!(
                f,
                "{path} says how dockerd is started: it would go on doing so over every docker.service \
                 that landfall writes"
            ),
            Self::SocketNotServed => f.write_str(
                "dockerd does not serve /run/docker.sock, by which docker and landfall reach it",
            ),
            Self::ForeignContainerd { address } => write!(
                f,
                "dockerd uses the containerd at {address}, which is not that of containerd.service"
            ),
            Self::Kubelet => f.write_str(
                "dockerd and kubelet share one containerd: a change would restart it under Kubernetes",
            ),
            Self::NoSocketUnit => f.write_str(
                "containerd is a service of its own, but no docker.socket gives dockerd its socket \
                 (-H fd://): neither modern nor classic style",
            ),
            Self::SocketUnitAlone => f.write_str(
                "docker.socket gives dockerd its socket (-H fd://), but containerd is dockerd's child: \
                 neither modern nor classic style",
            ),
            Self::UnitFile { path } => write!(f, "{path} is not a regular file of UTF-8 text"),
            Self::PackagesUnknown => f.write_str(
                "the package manager does not say whose the files of Docker are, and what a package \
                 owns must not be changed",
            ),
        }
    }
}

/// What can be done about it.
pub fn hint(unfit: &Unfit) -> String {
    match unfit {
        Unfit::None { podman: false } => {
            "to install one: landfall install --offline docker-<version>.tgz".to_owned()
        }
        Unfit::None { podman: true } => {
            "to install Docker beside podman: landfall plan --offline docker-<version>.tgz says what \
             is in the way"
                .to_owned()
        }
        Unfit::Snap => {
            "to replace it: save what you need, snap remove docker, then landfall install".to_owned()
        }
        Unfit::ByHand { .. } => {
            "stop it, let docker.service start it (systemctl enable --now docker), then try again"
                .to_owned()
        }
        Unfit::NotLoaded { .. } => {
            "look at it: systemctl status docker.service; a masked one: systemctl unmask \
             docker.service"
                .to_owned()
        }
        Unfit::NotDockerd { .. } | Unfit::ProgramMissing { .. } => {
            "have ExecStart= name dockerd by its path, restart docker, then try again".to_owned()
        }
        Unfit::ProgramDirectory { .. } => {
            "move the programs, such as to /usr/local/bin, restart docker, then try again".to_owned()
        }
        Unfit::OtherConfigFile { path } => format!(
            "mv {path} {DAEMON_JSON}, take --config-file out of the command line, restart docker, \
             then try again"
        ),
        Unfit::DaemonJson => format!("mend it; docker's own word: dockerd --validate --config-file {DAEMON_JSON}"),
        Unfit::CommandInDropIn { path } => format!(
            "put its ExecStart= into docker.service itself and take it out of {path}, then systemctl \
             daemon-reload and try again"
        ),
        Unfit::SocketNotServed => {
            "add unix:///var/run/docker.sock to -H, or to `hosts` in daemon.json, restart docker, \
             then try again"
                .to_owned()
        }
        Unfit::ForeignContainerd { .. } => {
            "take --containerd out of the command line (dockerd then starts its own), or have \
             containerd.service run it at /run/containerd/containerd.sock"
                .to_owned()
        }
        Unfit::Kubelet => {
            "leave it to who looks after Kubernetes here, or give Docker a containerd of its own"
                .to_owned()
        }
        Unfit::NoSocketUnit => {
            "make it modern: a docker.socket with ListenStream=/run/docker.sock, and dockerd -H fd:// \
             --containerd=/run/containerd/containerd.sock; or classic: neither of the two flags, and \
             no containerd.service"
                .to_owned()
        }
        Unfit::SocketUnitAlone => {
            "make it classic: systemctl disable --now docker.socket, take -H fd:// out of the command \
             line, restart docker"
                .to_owned()
        }
        Unfit::UnitFile { path } => {
            format!("put the unit itself there instead of a link: cp --remove-destination $(readlink -f {path}) {path}")
        }
        Unfit::PackagesUnknown => {
            "mend its database (dpkg --configure -a; rpm --rebuilddb), then try again".to_owned()
        }
    }
}

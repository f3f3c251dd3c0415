//! Making and running the first process of a container.

use std::{
    io::IoSliceMut,
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::net::UnixListener,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libcontainer::{
    container::Container,
    network::{link::LinkClient, wrapper::create_network_client},
    oci_spec::runtime::{LinuxNamespaceType, Spec},
};
use nix::sched::CloneFlags;
use rustix::{
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use super::{
    cgroup::Hierarchies, confine::Confinement, exec, files, plan::ShimPlan, stdio::Child,
    supervise::Launch,
};

/// The name by which libcontainer knows the container, within its directory.
pub const INNER_ID: &str = "c";

/// The first process of a container.
pub struct LaunchContainer {
    directory: PathBuf,
    plan: ShimPlan,
    streams: Option<Child>,
    container: Option<Container>,
    /// Keeps the network namespace, whose path the runtime library looks at again for each exec.
    network: Option<OwnedFd>,
}

impl LaunchContainer {
    /// Of the container whose files are in `directory`. `streams` if it has no terminal.
    pub fn new(directory: &Path, plan: ShimPlan, streams: Option<Child>) -> Self {
        Self { directory: directory.to_owned(), plan, streams, container: None, network: None }
    }

    fn create(&mut self) -> Result<(i32, Option<OwnedFd>), String> {
        let mut spec: Spec = files::read_json(&self.directory.join("spec.json"))
            .map_err(|error| error.to_string())?
            .ok_or("the container has no spec.json")?;
        if self.plan.own_network {
            self.network = Some(new_network().map_err(|why| format!("its network: {why}"))?);
            self.enter_network(&mut spec);
        }
        let mut process = spec.process().clone().ok_or("the container has no process")?;
        let confinement = Confinement::prepare(&mut process, self.plan.seccomp)?;
        spec.set_process(Some(process));
        files::write_json(&self.directory.join("config.json"), &spec)
            .map_err(|error| format!("write config.json: {error}"))?;
        let root = self.directory.join("oci");
        std::fs::create_dir_all(&root)
            .map_err(|error| format!("make {}: {error}", root.display()))?;
        let (builder, console) =
            exec::builder(&self.directory, &root, confinement, self.streams.take())?;
        let builder = builder.as_init(&self.directory).with_systemd(false).with_detach(true);
        let built = keeping_oom_score(|| builder.build());
        let mut container = built.map_err(|error| exec::innermost(&error))?;
        let pid = container.pid().ok_or("the container has no process")?.as_raw();
        let terminal = console.map(|console| console.receive()).transpose();
        let started = terminal.map_err(|error| format!("receive its terminal: {error}"));
        let started = started.and_then(|terminal| {
            container.start().map_err(|error| exec::innermost(&error))?;
            Ok((pid, terminal))
        });
        self.container = Some(container);
        started
    }

    /// Lets the container join the network that this process keeps open.
    fn enter_network(&self, spec: &mut Spec) {
        let Some(network) = &self.network else { return };
        let path = format!("/proc/{}/fd/{}", std::process::id(), network.as_raw_fd());
        let Some(mut linux) = spec.linux().clone() else { return };
        let mut namespaces = linux.namespaces().clone().unwrap_or_default();
        for namespace in &mut namespaces {
            if namespace.typ() == LinuxNamespaceType::Network {
                namespace.set_path(Some(path.clone().into()));
            }
        }
        linux.set_namespaces(Some(namespaces));
        spec.set_linux(Some(linux));
    }
}

impl Launch for LaunchContainer {
    fn launch(&mut self) -> Result<(i32, Option<OwnedFd>), String> {
        self.create()
    }

    fn ended(&mut self) -> bool {
        let hierarchies = Hierarchies::load().ok();
        let oom = hierarchies.as_ref().is_some_and(|all| all.was_out_of_memory(&self.plan.cgroup));
        if let Some(mut container) = self.container.take() {
            // What is left of it is removed by the daemon, which looks for it.
            let _ = container.delete(true);
        }
        oom
    }

    fn exec(&mut self, directory: &str) -> Result<(), String> {
        let directory = self.directory.join(directory);
        let start = || {
            let listener = UnixListener::bind(directory.join("sock"))?;
            Command::new("/proc/self/exe")
                .arg("exec-helper")
                .arg(&directory)
                .arg(&self.directory)
                .env_clear()
                .stdin(OwnedFd::from(listener))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        start().map(drop).map_err(|error| format!("start a supervisor: {error}"))
    }

    fn freeze(&mut self, frozen: bool) -> Result<(), String> {
        let container = self.container.as_mut().ok_or("it does not run")?;
        let result = if frozen { container.pause() } else { container.resume() };
        result.map_err(|error| exec::innermost(&error))
    }
}

/// Does `work`, in which the runtime library gives this very process the score that the container's
/// is to inherit; and takes that back: who watches over a container must outlive it.
pub fn keeping_oom_score<T>(work: impl FnOnce() -> T) -> T {
    const FILE: &str = "/proc/self/oom_score_adj";
    let before = std::fs::read_to_string(FILE);
    let result = work();
    if let Ok(before) = before {
        // It works as long as this process may be killed instead of others.
        let _ = std::fs::write(FILE, before.trim());
    }
    result
}

/// A network of its own, with its loopback device up.
fn new_network() -> Result<OwnedFd, String> {
    let open = || std::fs::File::open("/proc/self/ns/net").map(OwnedFd::from);
    let host = open().map_err(|error| error.to_string())?;
    nix::sched::unshare(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())?;
    let up = LinkClient::new(create_network_client())
        // The loopback device is the first one of every network.
        .and_then(|mut links| links.set_up(1))
        .map_err(|error| format!("set its loopback device up: {error}"));
    let network = open().map_err(|error| error.to_string());
    move_into_link_name_space(host.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| format!("go back to the host's: {error}"))?;
    up.and(network)
}

/// Where a terminal is handed over.
pub struct Console {
    /// The socket.
    pub path: PathBuf,
    listener: UnixListener,
}

impl Console {
    /// Makes the socket.
    pub fn listen(directory: &Path) -> std::io::Result<Self> {
        let path = directory.join("console");
        let listener = UnixListener::bind(&path)?;
        Ok(Self { path, listener })
    }

    /// The terminal's master, which was sent before.
    pub fn receive(self) -> std::io::Result<OwnedFd> {
        let (socket, _) = self.listener.accept()?;
        std::fs::remove_file(&self.path)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut received = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0; 4096];
        recvmsg(
            &socket,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut received,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        let mut descriptors = received.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        descriptors
            .next()
            .and_then(|mut descriptors| descriptors.next())
            .ok_or_else(|| std::io::Error::other("no terminal was sent"))
    }
}

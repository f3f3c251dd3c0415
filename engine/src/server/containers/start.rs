//! Starting a container, and what follows its end.

use std::{io, path::Path, sync::Arc};

use libcontainer::oci_spec::runtime::Spec;
use rustix::mount::{MountFlags, mount};

use crate::{
    image::{Digest, ImageError},
    runtime::{
        Answer, Exit, Hierarchies, LogOptions, Request, ShimPlan, Supervised,
        spec::{ContainerSpec, ExtraMount, Network, ProcessSpec},
        users, write_json,
    },
    server::{
        engine::{Container, Engine, lock, unmount},
        error::{ApiError, ApiResult},
        images,
        settings::{Config, HostConfig},
        streams,
    },
    state::Phase,
};

impl Engine {
    /// Starts a container. Returns whether it did not run already.
    pub async fn start(self: &Arc<Self>, container: &Arc<Container>) -> ApiResult<bool> {
        let _operation = container.operation.lock().await;
        if container.is_running() {
            return Ok(false);
        }
        let internal = |attempt: &'static str| move |error| ApiError::internal(attempt, error);
        self.clean(&container.id).map_err(internal("clean up after the last run"))?;
        let shim = match self.prepare(container).await {
            Ok(shim) => shim,
            Err(error) => {
                self.note_failure(container, 128, &error.message);
                return Err(error);
            }
        };
        // Written before, so that a daemon that is killed here finds the shim again.
        self.change(container, |record| {
            record.state.phase = Phase::Running;
            record.state.paused = false;
            record.state.error.clear();
            record.state.oom = false;
            record.state.started_at = jiff::Timestamp::now().to_string();
        })
        .map_err(internal("save the container"))?;
        streams::connect_early(container, &shim).await;
        let started = match shim.ask(Request::Start).await {
            Ok(Answer::Done) => Ok(()),
            Ok(Answer::Failed(why)) => Err(why),
            Ok(other) => Err(format!("the shim answered {other:?}")),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = started {
            return Err(self.not_started(container, &why));
        }
        if let Ok(Answer::Status(status)) = shim.ask(Request::Status).await {
            self.change(container, |record| record.state.pid = status.pid)
                .map_err(internal("save the container"))?;
        }
        container.life.send_modify(|life| life.running = true);
        self.tell(container, "start", &[]);
        self.watch(container);
        Ok(true)
    }

    /// Waits for the end of a container that runs, aside.
    pub(in crate::server) fn watch(self: &Arc<Self>, container: &Arc<Container>) {
        let (engine, container) = (Arc::clone(self), Arc::clone(container));
        tokio::spawn(async move {
            let shim = engine.shim(&container);
            let exit = match shim.ask(Request::Wait).await {
                Ok(Answer::Exited(exit)) => Some(exit),
                // It ended before it could be asked, or it was killed.
                _ => shim.exit().ok().flatten(),
            };
            let _operation = container.operation.lock().await;
            engine.ended(&container, exit);
        });
    }

    /// Notes the end of a container. Without an exit its shim was killed, or the host restarted.
    pub(in crate::server) fn ended(
        self: &Arc<Self>,
        container: &Arc<Container>,
        exit: Option<Exit>,
    ) {
        let exit = exit.unwrap_or_else(|| Exit {
            code: 255,
            oom: false,
            at: jiff::Timestamp::now().to_string(),
            error: Some("its shim is gone".into()),
        });
        // Nothing here must keep the end from being known.
        let _ = self.clean(&container.id);
        let _ = self.change(container, |record| {
            record.state.phase = Phase::Exited;
            record.state.pid = 0;
            record.state.paused = false;
            record.state.exit_code = exit.code;
            record.state.oom = exit.oom;
            record.state.error = exit.error.clone().unwrap_or_default();
            record.state.finished_at = exit.at.clone();
        });
        let at = exit.at.parse().unwrap_or_else(|_| jiff::Timestamp::now());
        if exit.oom {
            self.tell_at(container, "oom", &[], at);
        }
        self.tell_at(container, "die", &[("exitCode", exit.code.to_string())], at);
        lock(&self.execs).retain(|_, exec| exec.container != container.id);
        container.life.send_modify(|life| {
            life.running = false;
            life.ends += 1;
            life.exit_code = exit.code;
        });
        self.remove_by_itself(container);
    }

    fn remove_by_itself(&self, container: &Container) {
        if container.record().host_config["AutoRemove"].as_bool() == Some(true) {
            // One that cannot be removed now is there to be removed by hand.
            let _ = self.remove_stopped(container);
        }
    }

    fn not_started(&self, container: &Container, why: &str) -> ApiError {
        let code = exit_code(why).unwrap_or(128);
        // What the runtime library says before that is of its own steps.
        let why = why.find("exec: \"").map_or(why, |at| &why[at..]);
        let message = format!(
            "failed to create task for container: failed to create shim task: OCI runtime create \
             failed: {why}: unknown"
        );
        self.note_failure(container, code, &message);
        if code == 128 { ApiError::internal("start", message) } else { ApiError::bad(message) }
    }

    fn note_failure(&self, container: &Container, code: i32, message: &str) {
        // Nothing here must keep the failure from being known.
        let _ = self.clean(&container.id);
        let _ = self.change(container, |record| {
            record.state.phase = Phase::Created;
            record.state.exit_code = code;
            record.state.error = message.to_owned();
            record.state.started_at.clear();
        });
        lock(&container.early).clear();
        container.life.send_modify(|life| {
            life.ends += 1;
            life.exit_code = code;
        });
        self.remove_by_itself(container);
    }

    /// Everything that the shim finds: the root file system, files, its plan.
    async fn prepare(self: &Arc<Self>, container: &Container) -> ApiResult<Supervised> {
        let record = container.record();
        let config = Config::read(&record.config)?;
        let host = HostConfig::read(&record.host_config)?;
        let directory = self.store.directory(&container.id);
        let run = self.run_directory(&container.id);
        let internal = |attempt: &'static str| move |error| ApiError::internal(attempt, error);
        let id: Digest = record.image.parse().map_err(ImageError::from)?;
        let image = images::blocking(self, move |store| store.image(&id)).await?;
        mount_root(&directory, &image.layers).map_err(internal("mount the root file system"))?;
        write_mark(&directory.join("merged")).map_err(internal("mark the root file system"))?;
        let network = self.network(&host)?;
        let security = host.security()?;
        let root = directory.join("merged");
        let process = process(&config, &host, &root)?;
        let spec = ContainerSpec {
            files: own_files(&directory, &config, &network)
                .map_err(internal("write the container's files"))?,
            read_only: host.readonly_rootfs,
            hostname: config.hostname.clone(),
            domainname: Some(config.domainname.clone()).filter(|name| !name.is_empty()),
            process,
            extra_mounts: bound(&host)?,
            sysctls: host.sysctls()?,
            read_only_paths: Hierarchies::load()
                .map_err(internal("look for control groups"))?
                .paths_in_container(),
            cgroup: self.cgroup(&container.id),
            limits: host.limits()?,
            shm_bytes: u64::try_from(host.shm_size).unwrap_or(0),
            root,
            network: network.clone(),
        };
        let rotation = host.rotation()?;
        let plan = ShimPlan {
            id: container.id.clone(),
            terminal: config.tty,
            open_stdin: config.open_stdin,
            stdin_once: config.stdin_once,
            log: Some(LogOptions {
                path: directory.join(format!("{}-json.log", container.id)),
                max_size: rotation.max_size,
                max_files: rotation.max_files,
            }),
            cgroup: spec.cgroup.clone(),
            shims_cgroup: self.options.cgroup.join("shims"),
            seccomp: security.seccomp,
            own_network: network == Network::None,
        };
        let spec: Spec =
            spec.render().map_err(|error| ApiError::internal("describe the container", error))?;
        let write = || -> io::Result<Supervised> {
            std::fs::create_dir_all(&run)?;
            write_json(&run.join("spec.json"), &spec)?;
            write_json(&run.join("shim.json"), &plan)?;
            Supervised::start(&run, &self.binary)
        };
        write().map_err(internal("start its shim"))
    }

    fn network(&self, host: &HostConfig) -> ApiResult<Network> {
        match host.network_mode.strip_prefix("container:") {
            None if host.network_mode == "host" => Ok(Network::Host),
            None => Ok(Network::None),
            Some(other) => {
                let other = self.find(other)?;
                let state = other.record().state;
                if state.phase != Phase::Running {
                    return Err(ApiError::conflict(format!(
                        "cannot join network of a non running container: {}",
                        other.id
                    )));
                }
                Ok(Network::OfProcess(state.pid))
            }
        }
    }
}

/// The exit code of a program that is not there (127) or may not be run (126), by the words of the
/// failure: the client makes its own of them too.
pub fn exit_code(why: &str) -> Option<i32> {
    let not_found = ["executable file not found", "no such file or directory"];
    match () {
        () if not_found.iter().any(|words| why.contains(words)) => Some(127),
        () if why.contains("permission denied") => Some(126),
        () => None,
    }
}

/// The first process, with its user as the image knows users.
fn process(config: &Config, host: &HostConfig, root: &Path) -> ApiResult<ProcessSpec> {
    let user = user(&config.user, &host.group_add, root)?;
    let directory = if config.working_dir.is_empty() { "/" } else { &config.working_dir };
    make_directory(root, directory)?;
    Ok(ProcessSpec {
        arguments: config.arguments(),
        environment: environment(config, &user),
        directory: directory.into(),
        terminal: config.tty,
        user: (user.uid, user.gid, user.groups),
        capabilities: host.capabilities()?,
        rlimits: host.rlimits()?,
        oom_score_adj: host.oom_score_adj,
        no_new_privileges: host.security()?.no_new_privileges,
    })
}

/// The mounts that were asked for; a directory of the host that is not there is made, as with
/// dockerd.
fn bound(host: &HostConfig) -> ApiResult<Vec<ExtraMount>> {
    let mounts = host.extra_mounts()?;
    for mount in mounts.iter().filter(|mount| mount.kind == "bind") {
        if !Path::new(&mount.source).exists() {
            std::fs::create_dir_all(&mount.source)
                .map_err(|error| ApiError::internal(&format!("make {}", mount.source), error))?;
        }
    }
    Ok(mounts)
}

/// Looks a user up beneath a root that is not to be trusted.
pub fn user(asked: &str, more: &[String], root: &Path) -> ApiResult<users::User> {
    use std::io::Read as _;
    let read = |path: &str| {
        let root = pathrs::Root::open(root).ok()?;
        let file = root
            .resolve(path)
            .ok()?
            .reopen(pathrs::flags::OpenFlags::O_RDONLY | pathrs::flags::OpenFlags::O_NONBLOCK)
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(users::LONGEST_FILE).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let passwd = read("/etc/passwd").unwrap_or_default();
    let group = read("/etc/group").unwrap_or_default();
    users::resolve(asked, more, &passwd, &group).map_err(|error| ApiError::bad(error.to_string()))
}

fn make_directory(root: &Path, path: &str) -> ApiResult<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let make = || {
        let root = pathrs::Root::open(root)?;
        root.mkdir_all(path, &std::fs::Permissions::from_mode(0o755)).map(drop)
    };
    make().map_err(|error| ApiError::bad(format!("the working directory {path:?}: {error}")))
}

/// What Docker adds to the environment that was asked for.
fn environment(config: &Config, user: &users::User) -> Vec<String> {
    let has = |name: &str| config.env.iter().any(|entry| entry.split('=').next() == Some(name));
    let mut all = Vec::new();
    if !has("PATH") {
        all.push("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    }
    if !has("HOSTNAME") {
        all.push(format!("HOSTNAME={}", config.hostname));
    }
    if config.tty && !has("TERM") {
        all.push("TERM=xterm".to_owned());
    }
    // A name without a value takes a variable away from the image's.
    all.extend(config.env.iter().filter(|entry| entry.contains('=')).cloned());
    if !has("HOME") {
        all.push(format!("HOME={}", user.home.as_deref().unwrap_or("/")));
    }
    all
}

/// hostname, hosts and resolv.conf, which every container has of its own.
fn own_files(
    directory: &Path,
    config: &Config,
    network: &Network,
) -> io::Result<Vec<(std::path::PathBuf, std::path::PathBuf)>> {
    let (hosts, resolv) = match network {
        Network::None => (
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\n\
             ff02::2\tip6-allrouters\n"
                .to_owned(),
            String::new(),
        ),
        Network::Host | Network::OfProcess(_) => (
            std::fs::read_to_string("/etc/hosts").unwrap_or_default(),
            std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
        ),
    };
    let name = format!("{}\n", config.hostname);
    let mut files = Vec::new();
    for (file, text) in [("hostname", name), ("hosts", hosts), ("resolv.conf", resolv)] {
        let path = directory.join(file);
        std::fs::write(&path, text)?;
        files.push((path, Path::new("/etc").join(file)));
    }
    Ok(files)
}

/// The file by which programs find out that they are in a container of Docker's.
fn write_mark(root: &Path) -> io::Result<()> {
    match std::fs::File::create_new(root.join(".dockerenv")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Puts the image's layers and the container's own together.
fn mount_root(directory: &Path, layers: &[std::path::PathBuf]) -> io::Result<()> {
    let merged = directory.join("merged");
    for name in ["upper", "work", "merged"] {
        std::fs::create_dir_all(directory.join(name))?;
    }
    unmount(&merged)?;
    let text = |path: &Path| -> io::Result<String> {
        let text = path.to_str().filter(|text| !text.contains([':', ',', '\\', '"']));
        text.map(str::to_owned).ok_or_else(|| {
            let why = format!("{} has characters that overlay cannot take", path.display());
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })
    };
    let lower: Vec<String> =
        layers.iter().rev().map(|layer| text(layer)).collect::<Result<_, _>>()?;
    let mut options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        text(&directory.join("upper"))?,
        text(&directory.join("work"))?
    );
    // Layers must stay what they were; kernels without these options do nothing of the kind.
    for option in ["redirect_dir", "metacopy"] {
        if Path::new("/sys/module/overlay/parameters").join(option).exists() {
            options.push_str(&format!(",{option}=off"));
        }
    }
    let options = std::ffi::CString::new(options)?;
    Ok(mount("overlay", &merged, "overlay", MountFlags::empty(), options.as_c_str())?)
}

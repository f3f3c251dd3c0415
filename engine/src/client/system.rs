//! The daemon as a whole: is it there, what is it, how is it set up.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::{LocalNodeState, RegistryServiceConfig, SystemInfo, SystemVersion};
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;

use super::Client;
use crate::{ApiVersion, EngineError};

/// What the daemon says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Version of the engine, such as `20.10.24`; distributions add to it (`20.10.24+dfsg1`).
    pub engine: String,
    /// Newest version of the API that the daemon serves.
    pub api: ApiVersion,
    /// Oldest version of the API that it serves; not said before Docker 1.13.
    pub min_api: Option<ApiVersion>,
    /// Operating system in Go's naming, `linux`.
    pub os: String,
    /// Architecture in Go's naming: `amd64`, `arm64`, …
    pub arch: String,
    /// Release of the running kernel.
    pub kernel: String,
    /// The parts of the engine with their versions: Engine, containerd, runc, docker-init. Empty
    /// before Docker 18.03.
    pub components: Vec<Component>,
}

/// A part of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name, such as `containerd`.
    pub name: String,
    /// Its version as the part itself says it.
    pub version: String,
}

/// How the daemon is set up and what it holds. What a daemon does not say (older ones say less) is
/// empty or `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// Identity of this daemon, kept in its data-root.
    pub id: String,
    /// Version of the engine.
    pub server_version: String,
    /// Storage driver, such as `overlay2`; `overlayfs` with the containerd image store.
    pub storage_driver: String,
    /// Details of the storage driver as names and values, such as `Backing Filesystem`, `extfs`.
    pub storage_status: Vec<(String, String)>,
    /// Where images and containers lie.
    pub data_root: PathBuf,
    /// `cgroupfs`, `systemd` or `none`.
    pub cgroup_driver: String,
    /// 1 or 2; not said before Docker 20.10.
    pub cgroup_version: Option<u8>,
    /// Whether the daemon logs more than usual.
    pub debug: bool,
    /// Labels of the daemon, such as `rack=7`.
    pub labels: Vec<String>,
    /// Default log driver of containers.
    pub log_driver: String,
    /// Names of the runtimes, sorted.
    pub runtimes: Vec<String>,
    /// The runtime that containers get when they name none.
    pub default_runtime: String,
    /// Mirrors of Docker Hub, in the order in which they are tried.
    pub registry_mirrors: Vec<String>,
    /// Registries, and networks in CIDR form, that may be spoken to without TLS; sorted.
    pub insecure_registries: Vec<String>,
    /// Whether containers go on running while the daemon is down.
    pub live_restore: bool,
    /// Whether it is part of a Swarm, or on its way into or out of one.
    pub swarm: bool,
    /// Containers by state.
    pub containers: ContainerCount,
    /// Number of images.
    pub images: u64,
    /// Security options, such as `name=seccomp,profile=default`.
    pub security_options: Vec<String>,
    /// What the daemon itself complains about.
    pub warnings: Vec<String>,
    /// Operating system of the host in words.
    pub operating_system: String,
    /// Release of the running kernel.
    pub kernel: String,
    /// Machine as `uname -m` says it.
    pub machine: String,
    /// Processors that the daemon may use.
    pub cpus: u64,
    /// Memory of the host in bytes.
    pub memory_bytes: u64,
}

/// Containers by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContainerCount {
    /// All of them.
    pub total: u64,
    /// Those that run.
    pub running: u64,
    /// Those that are paused.
    pub paused: u64,
    /// Those that were created or have ended.
    pub stopped: u64,
}

impl Client {
    /// Asks for a sign of life.
    ///
    /// # Errors
    /// [`EngineError::BadAnswer`] if something else than a Docker daemon answers; see
    /// [`EngineError`] for the rest.
    pub async fn ping(&self) -> Result<(), EngineError> {
        let answer = self.call("ping the daemon", self.docker.ping()).await?;
        match answer.trim() {
            "OK" => Ok(()),
            other => Err(self.bad_answer("ping the daemon", format!("{other:?} instead of OK"))),
        }
    }

    /// The versions of the daemon and its parts.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn version(&self) -> Result<Version, EngineError> {
        const ACTION: &str = "read the daemon's version";
        let version = self.call(ACTION, self.docker.version()).await?;
        Version::from_model(version).map_err(|cause| self.bad_answer(ACTION, cause))
    }

    /// What the daemon said when it last read its configuration again, within the last `seconds`:
    /// settings by their keys in daemon.json, as text. `None` if it did not; it forgets with its end.
    ///
    /// # Errors
    /// See [`EngineError`].
    #[allow(clippy::disallowed_methods)] // the daemon stamps its events with the same clock
    pub async fn last_reload(
        &self,
        seconds: u64,
    ) -> Result<Option<HashMap<String, String>>, EngineError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let only = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
        let filters = HashMap::from([only("type", "daemon"), only("event", "reload")]);
        let options = EventsOptionsBuilder::default()
            .since(&now.as_secs().saturating_sub(seconds).to_string())
            // Up to now, so that it ends at once.
            .until(&format!("{}.{:09}", now.as_secs(), now.subsec_nanos()))
            .filters(&filters)
            .build();
        let mut events = self.docker.events(Some(options));
        let last = async {
            let mut last = None;
            while let Some(event) = events.next().await {
                last = event?.actor.and_then(|actor| actor.attributes).or(last);
            }
            Ok(last)
        };
        self.call("read the daemon's events", last).await
    }

    /// The daemon's settings and what it holds.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn info(&self) -> Result<Info, EngineError> {
        let info = self.call("read the daemon's state", self.docker.info()).await?;
        Ok(Info::from_model(info))
    }
}

impl Version {
    fn from_model(model: SystemVersion) -> Result<Self, String> {
        let api = model.api_version.ok_or("it names no API version")?;
        let parse =
            |text: String| text.parse::<ApiVersion>().map_err(|_| format!("API version {text:?}"));
        let components = model.components.unwrap_or_default().into_iter();
        Ok(Self {
            engine: model.version.unwrap_or_default(),
            api: parse(api)?,
            min_api: model
                .min_api_version
                .filter(|text| !text.is_empty())
                .map(parse)
                .transpose()?,
            os: model.os.unwrap_or_default(),
            arch: model.arch.unwrap_or_default(),
            kernel: model.kernel_version.unwrap_or_default(),
            components: components
                .map(|part| Component { name: part.name, version: part.version })
                .collect(),
        })
    }
}

impl Info {
    fn from_model(model: SystemInfo) -> Self {
        let registries = model.registry_config.unwrap_or_default();
        let mut runtimes: Vec<String> = model.runtimes.unwrap_or_default().into_keys().collect();
        runtimes.sort();
        Self {
            id: model.id.unwrap_or_default(),
            server_version: model.server_version.unwrap_or_default(),
            storage_driver: model.driver.unwrap_or_default(),
            storage_status: pairs(model.driver_status.unwrap_or_default()),
            data_root: model.docker_root_dir.unwrap_or_default().into(),
            cgroup_driver: model.cgroup_driver.map(|d| d.to_string()).unwrap_or_default(),
            cgroup_version: model.cgroup_version.and_then(|v| v.as_ref().parse().ok()),
            debug: model.debug.unwrap_or_default(),
            labels: model.labels.unwrap_or_default(),
            log_driver: model.logging_driver.unwrap_or_default(),
            runtimes,
            default_runtime: model.default_runtime.unwrap_or_default(),
            insecure_registries: insecure(&registries),
            registry_mirrors: registries.mirrors.unwrap_or_default(),
            live_restore: model.live_restore_enabled.unwrap_or_default(),
            swarm: model.swarm.and_then(|swarm| swarm.local_node_state).is_some_and(in_swarm),
            containers: ContainerCount {
                total: count(model.containers),
                running: count(model.containers_running),
                paused: count(model.containers_paused),
                stopped: count(model.containers_stopped),
            },
            images: count(model.images),
            security_options: model.security_options.unwrap_or_default(),
            warnings: model.warnings.unwrap_or_default(),
            operating_system: model.operating_system.unwrap_or_default(),
            kernel: model.kernel_version.unwrap_or_default(),
            machine: model.architecture.unwrap_or_default(),
            cpus: count(model.ncpu),
            memory_bytes: count(model.mem_total),
        }
    }
}

fn in_swarm(state: LocalNodeState) -> bool {
    !matches!(state, LocalNodeState::EMPTY | LocalNodeState::INACTIVE)
}

/// Networks come as a list of their own; registries are those of the index whose `Secure` is false.
fn insecure(registries: &RegistryServiceConfig) -> Vec<String> {
    let networks = registries.insecure_registry_cidrs.iter().flatten().cloned();
    let names = registries.index_configs.iter().flatten();
    let names = names.filter(|(_, index)| index.secure == Some(false)).map(|(name, _)| name);
    let mut all: Vec<String> = networks.chain(names.cloned()).collect();
    all.sort();
    all
}

fn pairs(rows: Vec<Vec<String>>) -> Vec<(String, String)> {
    rows.into_iter()
        .filter_map(|row| <[String; 2]>::try_from(row).ok())
        .map(|[name, value]| (name, value))
        .collect()
}

/// Numbers that cannot be negative by their meaning.
fn count(number: Option<i64>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

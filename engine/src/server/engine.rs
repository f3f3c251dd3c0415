//! The engine: all containers, and what is done with them.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::{
    error::{ApiError, ApiResult},
    events::Event,
    exec::Exec,
};
use crate::{
    image::{Digest, ImageError, ImageStore, Lease},
    runtime::{Answer, Hierarchies, Request, SealedBinary, Supervised},
    state::{ContainerRecord, Phase, Store},
};

/// Where an engine keeps what it has, and what it is called by.
#[derive(Debug, Clone)]
pub struct Options {
    /// What outlives a reboot.
    pub root: PathBuf,
    /// What does not.
    pub run: PathBuf,
    /// The socket of the API.
    pub socket: PathBuf,
    /// The control group of all containers, from the root of each hierarchy.
    pub cgroup: PathBuf,
}

/// An engine.
pub struct Engine {
    pub(super) options: Options,
    pub(super) store: Store,
    pub(super) binary: SealedBinary,
    pub(super) images: Arc<ImageStore>,
    pub(super) events: broadcast::Sender<Event>,
    containers: Mutex<HashMap<String, Arc<Container>>>,
    pub(super) execs: Mutex<HashMap<String, Arc<Exec>>>,
}

/// One container.
pub struct Container {
    /// Its full ID.
    pub(super) id: String,
    record: Mutex<ContainerRecord>,
    /// Keeps its image.
    image: Mutex<Option<Lease>>,
    /// Held while it is started, stopped or removed.
    pub(super) operation: tokio::sync::Mutex<()>,
    pub(super) life: watch::Sender<Life>,
    /// Who attached before there was anything to attach to.
    pub(super) early: Mutex<Vec<super::streams::Early>>,
}

/// What can be waited for.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// How often it has ended.
    pub ends: u64,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is gone.
    pub removed: bool,
    /// How it ended last.
    pub exit_code: i32,
}

impl Engine {
    /// Opens what is there, and takes over the containers that run.
    pub async fn open(options: Options) -> io::Result<Arc<Self>> {
        for directory in [&options.root, &options.run.join("c")] {
            std::fs::create_dir_all(directory)?;
        }
        let store = Store::open(&options.root)?;
        let records = store.load()?;
        let images = ImageStore::open(&options.root.join("image")).map_err(io::Error::other)?;
        let engine = Arc::new(Self {
            store,
            binary: SealedBinary::of_this_program()?,
            images: Arc::new(images),
            events: broadcast::channel(1024).0,
            containers: Mutex::default(),
            execs: Mutex::default(),
            options,
        });
        for record in records {
            engine.insert(record);
        }
        // Everything that is used is held now.
        engine.images.collect().map_err(io::Error::other)?;
        for container in engine.all() {
            engine.adopt(&container).await?;
        }
        Ok(engine)
    }

    /// All containers, newest first.
    pub fn all(&self) -> Vec<Arc<Container>> {
        let mut all: Vec<_> = lock(&self.containers).values().cloned().collect();
        all.sort_by_cached_key(|container| {
            Reverse(container.record().created.parse::<Timestamp>().ok())
        });
        all
    }

    /// How many containers there are of each image, by its ID.
    pub(super) fn containers_by_image(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for container in self.all() {
            *counts.entry(container.record().image).or_default() += 1;
        }
        counts
    }

    /// The container with this ID, name or start of an ID that is unique.
    pub fn find(&self, reference: &str) -> ApiResult<Arc<Container>> {
        let containers = lock(&self.containers);
        if let Some(container) = containers.get(reference) {
            return Ok(Arc::clone(container));
        }
        let name = reference.strip_prefix('/').unwrap_or(reference);
        let named = containers.values().find(|container| container.record().name == name);
        if let Some(container) = named {
            return Ok(Arc::clone(container));
        }
        let mut found = containers.values().filter(|container| container.id.starts_with(reference));
        match (found.next(), found.next()) {
            (Some(container), None) if !reference.is_empty() => Ok(Arc::clone(container)),
            (Some(_), Some(_)) if !reference.is_empty() => {
                Err(ApiError::bad(format!("Multiple IDs found with provided prefix: {reference}")))
            }
            _ => Err(ApiError::missing(format!("No such container: {reference}"))),
        }
    }

    /// Adds a container, unless its name is another's.
    pub(super) fn insert_new(
        &self,
        record: ContainerRecord,
        image: Lease,
    ) -> ApiResult<Arc<Container>> {
        let mut containers = lock(&self.containers);
        let other = containers.values().find(|other| other.record().name == record.name);
        if let Some(other) = other {
            return Err(ApiError::conflict(format!(
                "Conflict. The container name \"/{}\" is already in use by container \"{}\". You \
                 have to remove (or rename) that container to be able to reuse that name.",
                record.name, other.id
            )));
        }
        self.store
            .save(&record)
            .map_err(|error| ApiError::internal("save the container", error))?;
        let container = Container::new(record, Some(image));
        containers.insert(container.id.clone(), Arc::clone(&container));
        Ok(container)
    }

    pub(super) fn forget(&self, container: &Container) {
        lock(&self.containers).remove(&container.id);
        lock(&container.image).take();
        lock(&self.execs).retain(|_, exec| exec.container != container.id);
    }

    /// Changes what is known of a container, and keeps that.
    pub(super) fn change(
        &self,
        container: &Container,
        change: impl FnOnce(&mut ContainerRecord),
    ) -> io::Result<()> {
        let mut record = lock(&container.record);
        change(&mut record);
        self.store.save(&record)
    }

    /// The directory of a container's shim. Short: the path of a socket has 107 bytes.
    pub(super) fn run_directory(&self, id: &str) -> PathBuf {
        self.options.run.join("c").join(&id[..32])
    }

    pub(super) fn shim(&self, container: &Container) -> Supervised {
        Supervised::at(&self.run_directory(&container.id))
    }

    pub(super) fn cgroup(&self, id: &str) -> PathBuf {
        self.options.cgroup.join(id)
    }

    /// Unmounts and removes what a run of a container leaves, and ends what is still in its group.
    pub(super) fn clean(&self, id: &str) -> io::Result<()> {
        let hierarchies = Hierarchies::load()?;
        let group = self.cgroup(id);
        hierarchies.kill(&group);
        hierarchies.remove(&group)?;
        unmount(&self.store.directory(id).join("merged"))?;
        match std::fs::remove_dir_all(self.run_directory(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn insert(&self, record: ContainerRecord) {
        let id = record.image.parse::<Digest>().map_err(ImageError::from);
        // A container whose image is gone can still be looked at and removed.
        let image = id.and_then(|id| self.images.hold_id(&id)).ok();
        let container = Container::new(record, image);
        lock(&self.containers).insert(container.id.clone(), container);
    }

    /// Takes over a container that ran when the last daemon ended.
    async fn adopt(self: &Arc<Self>, container: &Arc<Container>) -> io::Result<()> {
        let shim = self.shim(container);
        if container.record().state.phase != Phase::Running {
            // The daemon may have been ended between making a shim and noting that.
            let _ = shim.ask(Request::Leave).await;
            return Ok(());
        }
        // Its socket is its own as long as it lives, from before it runs.
        let state = shim.ask(Request::Status).await.ok();
        let runs = match state {
            // The daemon was ended between the two: what was asked for is carried out.
            Some(Answer::Status(status)) if !status.started && status.exit.is_none() => {
                shim.tell(Request::Start).await.is_ok()
            }
            Some(_) => true,
            None => false,
        };
        if runs {
            if let Ok(Answer::Status(status)) = shim.ask(Request::Status).await {
                self.change(container, |record| record.state.pid = status.pid)?;
            }
            self.dismiss_execs(container).await?;
            container.life.send_modify(|life| life.running = true);
            self.watch(container);
        } else {
            // It died meanwhile, or the host was restarted.
            let exit = shim.exit().unwrap_or_default();
            self.ended(container, exit);
        }
        Ok(())
    }
}

impl Container {
    fn new(record: ContainerRecord, image: Option<Lease>) -> Arc<Self> {
        Arc::new(Self {
            id: record.id.clone(),
            life: watch::Sender::new(Life { exit_code: record.state.exit_code, ..Life::default() }),
            record: Mutex::new(record),
            image: Mutex::new(image),
            operation: tokio::sync::Mutex::default(),
            early: Mutex::default(),
        })
    }

    /// What is known of it.
    pub fn record(&self) -> ContainerRecord {
        lock(&self.record).clone()
    }

    /// Whether it runs, by what is known.
    pub fn is_running(&self) -> bool {
        lock(&self.record).state.phase == Phase::Running
    }

    /// A field of its `Config`.
    pub(super) fn config(&self, field: &str) -> Value {
        lock(&self.record).config[field].clone()
    }
}

/// Detaches a mount, if it is one.
pub(super) fn unmount(path: &Path) -> io::Result<()> {
    use rustix::{io::Errno, mount::UnmountFlags};
    match rustix::mount::unmount(path, UnmountFlags::DETACH) {
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A lock that a panic elsewhere has not made useless.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

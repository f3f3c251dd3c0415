//! The proof that an engine works: a container is run from an image that this binary carries, and
//! what it prints is compared with what it was told to print.
//!
//! A daemon that answers is no proof. A runtime that lacks a library, a bridge that cannot be made
//! or a security profile that cannot be loaded show only when a container starts.

mod error;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use landfall_engine::{Client, ContainerSpec, EngineError};

pub use self::error::{Cause, LeftBehind, SmokeError, Stage};
use crate::texts::phrases::smoke as phrases;

/// The image, an archive in the form of `docker save`. It holds one program, which writes its first
/// argument; the build script makes it.
pub const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/smoke-image.tar"));

/// Name and tag of the image.
pub const REFERENCE: &str = env!("LANDFALL_SMOKE_REFERENCE");

/// Marks the containers of smoke tests, so that the next test finds what a killed one left.
pub const LABEL: &str = "local.landfall.smoke-test";

/// How long the daemon may be without a sign of life while it loads some KiB.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// How long the program may run. It needs a few milliseconds.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of output that are looked at; a right answer has 33.
const OUTPUT_CAP: usize = 4096;

/// A smoke test that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What the container was told to write, and wrote.
    pub nonce: String,
    /// How long the whole test took, with loading and removing.
    pub duration: Duration,
    /// ID of the image as the daemon gave it.
    pub image_id: String,
}

/// Loads the image, runs it, compares its output, and removes container and image again, whatever
/// came of it. An image that the daemon had before stays.
///
/// `network` is the container's network; `None` leaves it to the daemon, so that its bridge, the
/// link into the container and its firewall rules are tested too. A daemon without a bridge needs
/// `none`.
///
/// A test that is cut off (killed, or its future dropped) leaves its container and image behind; the
/// next test removes them, or the undo of the run that was cut.
///
/// # Errors
/// [`SmokeError`] says at which stage it failed, with the daemon's words, and what could not be
/// removed.
pub async fn run(client: &Client, network: Option<&str>) -> Result<Proof, SmokeError> {
    run_until(client, network, std::future::pending()).await
}

/// The same, given up when `stop` ends; container and image are then removed as ever.
///
/// # Errors
/// As [`run`], and [`Cause::Stopped`].
pub async fn run_until(
    client: &Client,
    network: Option<&str>,
    stop: impl Future<Output = ()>,
) -> Result<Proof, SmokeError> {
    let started = Instant::now();
    let nonce = nonce().map_err(|error| SmokeError::new(Cause::Nonce(error)))?;
    let mut traces = Traces::default();
    let outcome = tokio::select! {
        biased;
        () = stop => Err(Cause::Stopped),
        outcome = echo(client, network, &nonce, &mut traces) => outcome,
    };
    let left_behind = traces.remove(client).await;
    match outcome {
        Ok(image_id) if left_behind.is_empty() => {
            Ok(Proof { nonce, duration: started.elapsed(), image_id })
        }
        Ok(_) => Err(SmokeError { cause: Cause::NotRemoved, left_behind }),
        Err(cause) => Err(SmokeError { cause, left_behind }),
    }
}

/// Removes what a test that was cut off left behind, as far as the daemon lets it.
pub async fn remove_traces(client: &Client) {
    let mut traces = Traces::default();
    if traces.adopt(client).await.is_ok() {
        // No other image has this name.
        traces.image = true;
        // What is left is removed by the next test.
        let _ = traces.remove(client).await;
    }
}

/// The test itself. Whatever it may leave on the daemon is in `traces` before it is made, since a
/// call that failed for the client may have succeeded for the daemon.
async fn echo(
    client: &Client,
    network: Option<&str>,
    nonce: &str,
    traces: &mut Traces,
) -> Result<String, Cause> {
    let at = |stage| move |error| Cause::Engine { stage, error };

    traces.adopt(client).await.map_err(at(Stage::Look))?;
    client.load_image(IMAGE, LOAD_LIMIT, |_| {}).await.map_err(at(Stage::Load))?;
    let image = client.inspect_image(REFERENCE).await.map_err(at(Stage::Load))?;
    let image = image.ok_or(Cause::NotLoaded)?;

    let name = format!("landfall-smoke-{nonce}");
    traces.containers.push(name.clone());
    let spec = ContainerSpec {
        name: Some(name),
        image: REFERENCE.to_owned(),
        command: vec![nonce.to_owned()],
        labels: [(LABEL.to_owned(), String::new())].into(),
        network_mode: network.map(str::to_owned),
        // The daemon's default may be a driver whose logs cannot be read back.
        log_driver: Some("json-file".to_owned()),
    };
    let id = client.create_container(&spec).await.map_err(at(Stage::Create))?;
    client.start_container(&id).await.map_err(at(Stage::Start))?;
    let status = client.wait_container(&id, RUN_LIMIT).await.map_err(at(Stage::Wait))?;
    let logs = client.logs_container(&id, OUTPUT_CAP).await.map_err(at(Stage::Output))?;

    let expected = format!("{nonce}\n");
    if status != 0 || logs.stdout != expected.as_bytes() || !logs.stderr.is_empty() {
        let [stdout, stderr] =
            [logs.stdout, logs.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        return Err(Cause::WrongAnswer { status, expected, stdout, stderr });
    }
    Ok(image.id)
}

/// What has to be removed.
#[derive(Debug, Default)]
struct Traces {
    /// Containers by name or ID.
    containers: Vec<String>,
    image: bool,
}

impl Traces {
    /// Takes over what a test that was cut off left behind, and finds out whether the image is the
    /// host's own, which stays. A container that runs belongs to a test that goes on elsewhere.
    async fn adopt(&mut self, client: &Client) -> Result<(), EngineError> {
        let leftovers = client.list_containers(true, &[LABEL]).await?;
        let ended = leftovers.into_iter().filter(|container| container.state != "running");
        self.containers = ended.map(|container| container.id).collect();
        self.image =
            !self.containers.is_empty() || client.inspect_image(REFERENCE).await?.is_none();
        Ok(())
    }

    /// Removes all of it, containers first since they hold the image. What is not there is as good
    /// as removed.
    async fn remove(self, client: &Client) -> Vec<LeftBehind> {
        let mut left = Vec::new();
        let mut note = |what: String, removed: Result<(), EngineError>| match removed {
            Err(error) if !error.is_not_found() => left.push(LeftBehind { what, error }),
            _ => {}
        };
        for container in self.containers {
            let removed = client.remove_container(&container, true).await;
            note(phrases::container(&container), removed);
        }
        if self.image {
            let removed = client.remove_image(REFERENCE).await;
            note(phrases::image(REFERENCE), removed);
        }
        left
    }
}

/// 32 hexadecimal digits that no container could know. Read from the device, since the system call
/// for it does not exist on kernels before 3.17.
#[allow(
    clippy::disallowed_methods,
    reason = "a device of this machine, whatever host is worked on"
)]
fn nonce() -> io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

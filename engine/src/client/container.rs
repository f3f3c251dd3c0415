//! Containers: create, start, stop, wait, logs, list, remove.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bollard::{
    container::LogOutput,
    errors::Error as BollardError,
    models::{
        ContainerCreateBody, ContainerSummary, ContainerWaitResponse, HostConfig,
        HostConfigLogConfig,
    },
    query_parameters::{
        CreateContainerOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder,
        RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
    },
};
use futures_util::StreamExt;

use super::{Client, checked};
use crate::EngineError;

/// What a container shall be. Empty and `None` leave the choice to the image or the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSpec {
    /// Its name.
    pub name: Option<String>,
    /// Reference or ID of its image.
    pub image: String,
    /// Arguments: the whole command, or what follows the image's entry point.
    pub command: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// `none`, `host`, `bridge`, or the name of a network.
    pub network_mode: Option<String>,
    /// Where its output goes, such as `json-file`. The daemon's default may be a driver that cannot
    /// be read back.
    pub log_driver: Option<String>,
}

/// A container that the daemon has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its ID, 64 hexadecimal digits.
    pub id: String,
    /// Its names, without the slash that the API puts before them.
    pub names: Vec<String>,
    /// The image's reference as it was given at creation.
    pub image: String,
    /// The image's ID.
    pub image_id: String,
    /// `created`, `running`, `paused`, `restarting`, `exited`, `removing` or `dead`.
    pub state: String,
    /// The state in words, such as `Up 5 minutes`.
    pub status: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was created, in seconds since 1970.
    pub created: i64,
}

/// What a container wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// Its standard output; of a container with a terminal, all of its output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// Whether something was left out because of the cap.
    pub truncated: bool,
}

impl Client {
    /// Creates a container and returns its ID. It does not run yet.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with status 404 if there is no such image (it is never pulled), 409
    /// if the name is taken; see [`EngineError`] for the rest.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let options = spec
            .name
            .as_ref()
            .map(|name| CreateContainerOptionsBuilder::default().name(name).build());
        let call = self.docker.create_container(options, create_body(spec));
        let action = format!("create a container of {}", spec.image);
        Ok(self.call(action, call).await?.id)
    }

    /// Starts a container. One that runs already is left alone.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the runtime cannot start it, with the runtime's words; see
    /// [`EngineError`] for the rest.
    pub async fn start_container(&self, id: &str) -> Result<(), EngineError> {
        let call = self.docker.start_container(checked(id)?, None);
        self.call(format!("start container {id}"), call).await
    }

    /// Waits until a container does not run (one that has ended, or never ran, is not waited for)
    /// and returns its exit status. A status other than 0 is not an error.
    ///
    /// # Errors
    /// [`EngineError::TimedOut`] if it still runs after `limit`, [`EngineError::Failed`] if the
    /// daemon lost track of it; see [`EngineError`] for the rest.
    pub async fn wait_container(&self, id: &str, limit: Duration) -> Result<i64, EngineError> {
        let action = format!("wait for the end of container {id}");
        let mut answers = self.docker.wait_container(checked(id)?, None);
        let status = self
            .call_within(limit, &action, async {
                answers.next().await.map(exit_status).transpose()
            })
            .await?;
        status.ok_or_else(|| self.bad_answer(action, "it ended without an exit status"))
    }

    /// Reads what a container has written so far, at most `cap` bytes of each stream; reading stops
    /// where one of them has more. Meant for containers that have ended: what is written during
    /// the call may or may not be in it.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if its log driver cannot be read back; see [`EngineError`] for the
    /// rest.
    pub async fn logs_container(&self, id: &str, cap: usize) -> Result<Logs, EngineError> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut output = self.docker.logs(checked(id)?, Some(options));
        let collect = async {
            let mut logs = Logs::default();
            while let Some(piece) = output.next().await {
                logs.add(&piece?, cap);
                if logs.truncated {
                    break;
                }
            }
            Ok(logs)
        };
        self.call(format!("read the output of container {id}"), collect).await
    }

    /// Stops a container: its stop signal, and SIGKILL when its own time limit for that is over.
    /// One that does not run is left as it is. `limit` is how long that may take in all.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with status 404 if there is no such container; see
    /// [`EngineError`] for the rest.
    pub async fn stop_container(&self, id: &str, limit: Duration) -> Result<(), EngineError> {
        let options = StopContainerOptionsBuilder::default().build();
        let call = self.docker.stop_container(checked(id)?, Some(options));
        // Status 304 says that it did not run.
        match self.call_within(limit, format!("stop container {id}"), call).await {
            Err(EngineError::Refused { status: 304, .. }) => Ok(()),
            other => other,
        }
    }

    /// Pauses a container that runs.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with status 409 if it does not run, or is paused already; see
    /// [`EngineError`] for the rest.
    pub async fn pause_container(&self, id: &str) -> Result<(), EngineError> {
        let call = self.docker.pause_container(checked(id)?);
        self.call(format!("pause container {id}"), call).await
    }

    /// Removes a container; with `force`, also one that runs. Its anonymous volumes are kept.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with status 404 if there is no such container, 409 if it runs and
    /// `force` is not set; see [`EngineError`] for the rest.
    pub async fn remove_container(&self, id: &str, force: bool) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().force(force).build();
        let call = self.docker.remove_container(checked(id)?, Some(options));
        self.call(format!("remove container {id}"), call).await
    }

    /// The containers that run, or with `all` also those that do not. With `labels`, only those
    /// that have every one of them, given as `key` or `key=value`.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn list_containers(
        &self,
        all: bool,
        labels: &[&str],
    ) -> Result<Vec<Container>, EngineError> {
        let filters = HashMap::from([("label", labels.to_vec())]);
        let options = ListContainersOptionsBuilder::default().all(all);
        let options = if labels.is_empty() { options } else { options.filters(&filters) };
        let call = self.docker.list_containers(Some(options.build()));
        let containers = self.call("list containers", call).await?;
        Ok(containers.into_iter().map(Container::from_model).collect())
    }
}

/// bollard makes an error of every status above 0; an error of the daemon's is one with a message.
fn exit_status(answer: Result<ContainerWaitResponse, BollardError>) -> Result<i64, BollardError> {
    match answer {
        Err(BollardError::DockerContainerWaitError { error, code }) if error.is_empty() => Ok(code),
        Err(error) => Err(error),
        Ok(answer) => match answer.error.and_then(|error| error.message) {
            Some(error) if !error.is_empty() => {
                Err(BollardError::DockerContainerWaitError { error, code: answer.status_code })
            }
            _ => Ok(answer.status_code),
        },
    }
}

fn create_body(spec: &ContainerSpec) -> ContainerCreateBody {
    let log_config = spec
        .log_driver
        .clone()
        .map(|driver| HostConfigLogConfig { typ: Some(driver), config: None });
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
        labels: (!spec.labels.is_empty()).then(|| spec.labels.clone().into_iter().collect()),
        host_config: Some(HostConfig {
            network_mode: spec.network_mode.clone(),
            log_config,
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

impl Container {
    fn from_model(model: ContainerSummary) -> Self {
        let names = model.names.unwrap_or_default().into_iter();
        Self {
            id: model.id.unwrap_or_default(),
            names: names.map(|name| name.trim_start_matches('/').to_owned()).collect(),
            image: model.image.unwrap_or_default(),
            image_id: model.image_id.unwrap_or_default(),
            state: model.state.map(|state| state.to_string()).unwrap_or_default(),
            status: model.status.unwrap_or_default(),
            labels: model.labels.unwrap_or_default().into_iter().collect(),
            created: model.created.unwrap_or_default(),
        }
    }
}

impl Logs {
    /// Takes what fits under the cap.
    fn add(&mut self, piece: &LogOutput, cap: usize) {
        let stream = match piece {
            LogOutput::StdErr { .. } => &mut self.stderr,
            LogOutput::StdOut { .. } | LogOutput::Console { .. } | LogOutput::StdIn { .. } => {
                &mut self.stdout
            }
        };
        let bytes = piece.as_ref();
        let room = cap.saturating_sub(stream.len()).min(bytes.len());
        stream.extend_from_slice(&bytes[..room]);
        self.truncated |= room < bytes.len();
    }
}

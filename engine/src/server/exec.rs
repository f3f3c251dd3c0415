//! `/exec`: other processes in a container.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest as _, Path, Query, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use super::{
    containers::{
        create::random_hex,
        start::{exit_code, user},
        stop::Size,
    },
    engine::{Container, Engine, lock},
    error::{ApiError, ApiResult},
    settings::{Config, HostConfig},
    streams,
};
use crate::runtime::{
    Answer, ExecPlan, Request as ShimRequest, Stream, Supervised, spec::ProcessSpec, write_json,
};

/// Where the directories of execs are, in that of their container.
const EXECS: &str = "e";

/// The exit code of an exec whose process could not be made.
const NOT_RUN: i32 = 126;

/// Another process of a container, begun or not.
#[derive(Debug)]
pub struct Exec {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The container's ID.
    pub container: String,
    options: ExecOptions,
    state: Mutex<ExecState>,
}

/// How it is.
#[derive(Debug, Clone, Default)]
pub struct ExecState {
    begun: bool,
    /// Whether it runs.
    pub running: bool,
    exit_code: Option<i32>,
    pid: i32,
}

/// The body of the call that makes one. Another field is refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
struct ExecOptions {
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    detach: bool,
    detach_keys: String,
    tty: bool,
    console_size: Option<Value>,
    env: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    privileged: bool,
    user: String,
    working_dir: String,
}

impl Exec {
    /// How it is.
    pub fn state(&self) -> ExecState {
        lock(&self.state).clone()
    }
}

/// `POST /containers/{id}/exec`.
pub async fn create(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    body: Bytes,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let container = engine.find(&id)?;
    let options: ExecOptions = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad(format!("invalid exec: {error}")))?;
    if options.privileged {
        return Err(ApiError::bad("Privileged is not supported by this engine yet"));
    }
    if options.cmd.as_ref().is_none_or(Vec::is_empty) {
        return Err(ApiError::bad("No exec command specified"));
    }
    check_running(&container)?;
    let id = random_hex(32).map_err(|error| ApiError::internal("make an ID", error))?;
    let exec =
        Exec { id: id.clone(), container: container.id.clone(), options, state: Mutex::default() };
    lock(&engine.execs).insert(id.clone(), Arc::new(exec));
    Ok((StatusCode::CREATED, Json(json!({ "Id": id }))))
}

/// The body of the call that starts one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StartOptions {
    detach: bool,
    tty: bool,
}

/// `POST /exec/{id}/start`.
pub async fn start(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Response> {
    let exec = find(&engine, &id)?;
    let (parts, body) = request.into_parts();
    let upgrade = parts.extensions.get::<hyper::upgrade::OnUpgrade>().cloned();
    let headers = parts.headers.clone();
    let body = Bytes::from_request(Request::from_parts(parts, body), &())
        .await
        .map_err(|error| ApiError::bad(error.to_string()))?;
    let given: StartOptions = if body.is_empty() {
        StartOptions::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| ApiError::bad(error.to_string()))?
    };
    if !given.detach && given.tty != exec.options.tty {
        return Err(ApiError::bad("Tty is not what the exec was made with"));
    }
    let container = engine.find(&exec.container)?;
    check_running(&container)?;
    let starting = {
        let (engine, exec) = (Arc::clone(&engine), Arc::clone(&exec));
        tokio::spawn(async move { engine.start_exec(&container, &exec, !given.detach).await })
    };
    let started = starting.await.map_err(|error| ApiError::internal("start the exec", error))?;
    let stream = match started {
        // As with dockerd, who attached is told on the stream, and asks for the exit code then.
        Err(error) if !given.detach => Some(said(&error.message, exec.options.tty)?),
        other => other?,
    };
    match stream {
        None => Ok(StatusCode::OK.into_response()),
        Some(stream) => {
            let mut request = Request::new(axum::body::Body::empty());
            *request.headers_mut() = headers;
            if let Some(upgrade) = upgrade {
                request.extensions_mut().insert(upgrade);
            }
            Ok(streams::hijack(request, exec.options.tty, async move { Some(stream) }))
        }
    }
}

/// A stream of one message.
fn said(message: &str, terminal: bool) -> ApiResult<UnixStream> {
    let make = || {
        let (mut here, there) = std::os::unix::net::UnixStream::pair()?;
        if !terminal {
            here.write_all(&Stream::Stdout.frame(message.len() + 2))?;
        }
        here.write_all(format!("{message}\r\n").as_bytes())?;
        there.set_nonblocking(true)?;
        UnixStream::from_std(there)
    };
    make().map_err(|error| ApiError::internal("say why the exec failed", error))
}

/// `POST /exec/{id}/resize`.
pub async fn resize(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    Query(size): Query<Size>,
) -> ApiResult<StatusCode> {
    let exec = find(&engine, &id)?;
    engine
        .exec_supervisor(&exec)
        .tell(ShimRequest::Resize { height: size.h, width: size.w })
        .await
        .map_err(|error| ApiError::internal("resize", error))?;
    Ok(StatusCode::OK)
}

/// `GET /exec/{id}/json`.
pub async fn inspect(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let exec = find(&engine, &id)?;
    let mut state = exec.state();
    // Its streams end after this is written, and a client may ask at once.
    if let (true, Ok(Some(exit))) = (state.running, engine.exec_supervisor(&exec).exit()) {
        (state.running, state.exit_code) = (false, Some(exit.code));
    }
    let options = &exec.options;
    let command = options.cmd.clone().unwrap_or_default();
    Ok(Json(json!({
        "ID": exec.id,
        "Running": state.running,
        "ExitCode": state.exit_code,
        "ProcessConfig": {
            "tty": options.tty,
            "entrypoint": command.first(),
            "arguments": command.get(1..).unwrap_or_default(),
            "privileged": options.privileged,
            "user": options.user,
        },
        "OpenStdin": options.attach_stdin,
        "OpenStderr": options.attach_stderr,
        "OpenStdout": options.attach_stdout,
        "CanRemove": false,
        "ContainerID": exec.container,
        "DetachKeys": options.detach_keys,
        "Pid": state.pid,
    })))
}

impl Engine {
    async fn start_exec(
        self: &Arc<Self>,
        container: &Arc<Container>,
        exec: &Arc<Exec>,
        attach: bool,
    ) -> ApiResult<Option<UnixStream>> {
        let internal = |error| ApiError::internal("start the exec", error);
        {
            let mut state = lock(&exec.state);
            if state.begun {
                let text = format!("exec command {} has already run", exec.id);
                return Err(ApiError::conflict(text));
            }
            state.begun = true;
        }
        lock(&exec.state).exit_code = Some(NOT_RUN);
        let supervisor = self.exec_supervisor(exec);
        let plan = self.exec_plan(container, exec)?;
        let directory = self.run_directory(&container.id).join(exec_directory(exec));
        std::fs::create_dir_all(&directory).map_err(internal)?;
        write_json(&directory.join("exec.json"), &plan).map_err(internal)?;
        self.shim(container)
            .tell(ShimRequest::Exec { directory: exec_directory(exec) })
            .await
            .map_err(internal)?;
        let options = &exec.options;
        let stream = if attach {
            let stream = supervisor
                .attach(options.attach_stdin, options.attach_stdout, options.attach_stderr)
                .await
                .map_err(internal)?;
            Some(stream)
        } else {
            None
        };
        match supervisor.ask(ShimRequest::Start).await.map_err(internal)? {
            Answer::Done => {}
            Answer::Failed(why) => {
                lock(&exec.state).exit_code = Some(exit_code(&why).unwrap_or(NOT_RUN));
                let why = why.find("exec: \"").map_or(&*why, |at| &why[at..]);
                let text = format!("OCI runtime exec failed: exec failed: {why}: unknown");
                return Err(ApiError::bad(text));
            }
            other => return Err(internal(std::io::Error::other(format!("{other:?}")))),
        }
        let pid = match supervisor.ask(ShimRequest::Status).await {
            Ok(Answer::Status(status)) => status.pid,
            _ => 0,
        };
        {
            let mut state = lock(&exec.state);
            state.running = true;
            state.exit_code = None;
            state.pid = pid;
        }
        let command = options.cmd.clone().unwrap_or_default().join(" ");
        self.tell(container, &format!("exec_start: {command}"), &[("execID", exec.id.clone())]);
        self.watch_exec(container, exec, supervisor);
        Ok(stream)
    }

    fn watch_exec(
        self: &Arc<Self>,
        container: &Arc<Container>,
        exec: &Arc<Exec>,
        supervisor: Supervised,
    ) {
        let (engine, container, exec) = (Arc::clone(self), Arc::clone(container), Arc::clone(exec));
        tokio::spawn(async move {
            let code = match supervisor.ask(ShimRequest::Wait).await {
                Ok(Answer::Exited(exit)) => exit.code,
                _ => supervisor.exit().ok().flatten().map_or(255, |exit| exit.code),
            };
            {
                let mut state = lock(&exec.state);
                state.running = false;
                state.exit_code = Some(code);
            }
            // All is known; a container that lives long has many of them.
            let directory = engine.run_directory(&container.id).join(exec_directory(&exec));
            let _ = std::fs::remove_dir_all(directory);
            let more = [("execID", exec.id.clone()), ("exitCode", code.to_string())];
            engine.tell(&container, "exec_die", &more);
        });
    }

    /// Sends those away that the last daemon made and did not start, and removes what is left of
    /// those that ended. Those that run go on; nobody can ask for them any more.
    pub(super) async fn dismiss_execs(&self, container: &Container) -> std::io::Result<()> {
        let directory = self.run_directory(&container.id).join(EXECS);
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for path in entries.iter().map(std::fs::DirEntry::path) {
            let runs = Supervised::at(&path).ask(ShimRequest::Leave).await;
            if !matches!(runs, Ok(Answer::Failed(_))) {
                std::fs::remove_dir_all(&path)?;
            }
        }
        Ok(())
    }

    fn exec_plan(&self, container: &Container, exec: &Exec) -> ApiResult<ExecPlan> {
        let record = container.record();
        let config = Config::read(&record.config)?;
        let host = HostConfig::read(&record.host_config)?;
        let options = &exec.options;
        let root = self.store.directory(&container.id).join("merged");
        let asked = if options.user.is_empty() { &config.user } else { &options.user };
        let user = user(asked, &host.group_add, &root)?;
        let directory = [options.working_dir.as_str(), config.working_dir.as_str(), "/"];
        let security = host.security()?;
        let process = ProcessSpec {
            arguments: options.cmd.clone().unwrap_or_default(),
            environment: environment(&config, options, user.home.as_deref()),
            directory: directory.into_iter().find(|path| !path.is_empty()).unwrap_or("/").into(),
            terminal: options.tty,
            user: (user.uid, user.gid, user.groups),
            capabilities: host.capabilities()?,
            rlimits: host.rlimits()?,
            oom_score_adj: host.oom_score_adj,
            no_new_privileges: security.no_new_privileges,
        };
        Ok(ExecPlan {
            process: process
                .render()
                .map_err(|error| ApiError::internal("describe the process", error))?,
            open_stdin: options.attach_stdin,
            seccomp: security.seccomp,
        })
    }

    fn exec_supervisor(&self, exec: &Exec) -> Supervised {
        Supervised::at(&self.run_directory(&exec.container).join(exec_directory(exec)))
    }
}

/// Beneath the container's: short, because a socket is in it.
fn exec_directory(exec: &Exec) -> String {
    format!("{EXECS}/{}", &exec.id[..16])
}

fn environment(config: &Config, options: &ExecOptions, home: Option<&str>) -> Vec<String> {
    let given = options.env.clone().unwrap_or_default();
    let name = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    let mut all = vec![
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        format!("HOSTNAME={}", config.hostname),
        format!("HOME={}", home.unwrap_or("/")),
    ];
    if options.tty {
        all.push("TERM=xterm".to_owned());
    }
    for entry in config.env.iter().chain(&given) {
        all.retain(|other| name(other) != name(entry));
        if entry.contains('=') {
            all.push(entry.clone());
        }
    }
    all
}

fn check_running(container: &Container) -> ApiResult<()> {
    let state = container.record().state;
    if state.paused {
        let name = container.record().name;
        let text = format!("Container {name} is paused, unpause the container before exec");
        return Err(ApiError::conflict(text));
    }
    if !container.is_running() {
        return Err(ApiError::conflict(format!("container {} is not running", container.id)));
    }
    Ok(())
}

fn find(engine: &Engine, id: &str) -> ApiResult<Arc<Exec>> {
    lock(&engine.execs)
        .get(id)
        .cloned()
        .ok_or_else(|| ApiError::missing(format!("No such exec instance: {id}")))
}

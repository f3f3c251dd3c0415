//! Another process in a running container, and the program that supervises it.

use std::{
    error::Error,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use libcontainer::{container::builder::ContainerBuilder, syscall::syscall::SyscallType};

use super::{
    confine::Confinement,
    files,
    launch_container::{Console, INNER_ID, keeping_oom_score},
    plan::ExecPlan,
    stdio::Child,
    supervise::Launch,
};

/// Another process of the container in `container`.
pub struct LaunchExec {
    directory: PathBuf,
    container: PathBuf,
    plan: ExecPlan,
    streams: Option<Child>,
}

impl LaunchExec {
    /// `streams` if it has no terminal.
    pub fn new(directory: &Path, container: &Path, plan: ExecPlan, streams: Option<Child>) -> Self {
        Self { directory: directory.to_owned(), container: container.to_owned(), plan, streams }
    }
}

impl Launch for LaunchExec {
    fn launch(&mut self) -> Result<(i32, Option<OwnedFd>), String> {
        let confinement = Confinement::prepare(&mut self.plan.process, self.plan.seccomp)?;
        let file = self.directory.join("process.json");
        files::write_json(&file, &self.plan.process)
            .map_err(|error| format!("write {}: {error}", file.display()))?;
        let root = self.container.join("oci");
        let (builder, console) = builder(&self.directory, &root, confinement, self.streams.take())?;
        let builder = builder.as_tenant().with_detach(true).with_process(Some(&file));
        let pid = keeping_oom_score(|| builder.build()).map_err(|error| innermost(&error))?;
        let terminal = console.map(Console::receive).transpose();
        let terminal = terminal.map_err(|error| format!("receive its terminal: {error}"))?;
        Ok((pid.as_raw(), terminal))
    }

    fn ended(&mut self) -> bool {
        false
    }

    fn exec(&mut self, _directory: &str) -> Result<(), String> {
        Err("this is not the container's first process".into())
    }

    fn freeze(&mut self, _frozen: bool) -> Result<(), String> {
        Err("this is not the container's first process".into())
    }
}

/// What libcontainer is told of every process: where it keeps the container's state, how the
/// process is confined, and its streams; without any it gets a terminal, by a console in
/// `directory`.
pub(super) fn builder(
    directory: &Path,
    root: &Path,
    confinement: Confinement,
    streams: Option<Child>,
) -> Result<(ContainerBuilder, Option<Console>), String> {
    let mut builder = ContainerBuilder::new(INNER_ID.to_owned(), SyscallType::default())
        .with_root_path(root)
        .map_err(|error| error.to_string())?
        .with_executor(confinement);
    let Some(streams) = streams else {
        let console = Console::listen(directory).map_err(|error| error.to_string())?;
        return Ok((builder.with_console_socket(Some(&console.path)), Some(console)));
    };
    builder =
        builder.with_stdin(streams.stdin).with_stdout(streams.stdout).with_stderr(streams.stderr);
    Ok((builder, None))
}

/// The text of the error that an error came from, which says most.
pub fn innermost(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

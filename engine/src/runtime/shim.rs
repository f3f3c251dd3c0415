//! The programs that supervise: a shim for each container, a helper for each exec.

use std::{
    error::Error,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    process::{set_child_subreaper, setsid},
};

use super::{
    cgroup::Hierarchies,
    exec::LaunchExec,
    files,
    launch_container::LaunchContainer,
    log::Writer,
    plan::{ExecPlan, ShimPlan},
    stdio::{self, Parent},
    supervise::{Launch, Streams, supervise},
};

/// Who a supervisor is: the lock on this file is held as long as it lives.
pub const LOCK: &str = "lock";
/// How the process ended, in a supervisor's directory.
pub const EXIT: &str = "exit.json";

/// Supervises the container whose files are in `directory`, on the socket that is stdin. It must
/// run in a process with one thread, from a [`super::SealedBinary`].
pub fn shim(directory: &Path) -> Result<(), Box<dyn Error>> {
    let _lock = leave_the_daemon(directory)?;
    let plan: ShimPlan =
        files::read_json(&directory.join("shim.json"))?.ok_or("there is no shim.json")?;
    Hierarchies::load()?.leave_for(&plan.shims_cgroup)?;
    let (parent, child) = streams(plan.terminal, plan.open_stdin)?;
    let streams = Streams {
        parent,
        stdin_once: plan.stdin_once,
        log: plan.log.clone().map(Writer::open).transpose()?,
    };
    let launch = Box::new(LaunchContainer::new(directory, plan, child));
    serve(directory, launch, streams)
}

/// Supervises the process that is described in `directory`, of the container in `container`.
pub fn exec_helper(directory: &Path, container: &Path) -> Result<(), Box<dyn Error>> {
    let _lock = leave_the_daemon(directory)?;
    let plan: ExecPlan =
        files::read_json(&directory.join("exec.json"))?.ok_or("there is no exec.json")?;
    let terminal = plan.process.terminal().unwrap_or(false);
    let (parent, child) = streams(terminal, plan.open_stdin)?;
    let launch = Box::new(LaunchExec::new(directory, container, plan, child));
    serve(directory, launch, Streams { parent, stdin_once: true, log: None })
}

fn serve(
    directory: &Path,
    launch: Box<dyn Launch>,
    streams: Streams,
) -> Result<(), Box<dyn Error>> {
    // Standard input: what the parent bound and listens on.
    let listener: OwnedFd = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3)?;
    supervise(UnixListener::from(listener), launch, streams, directory.join(EXIT))?;
    Ok(())
}

/// A session of its own, the lock that is its identity, and its children's children.
fn leave_the_daemon(directory: &Path) -> Result<std::fs::File, Box<dyn Error>> {
    let lock = std::fs::File::create(directory.join(LOCK))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    // No directory of the daemon's is kept in use.
    rustix::process::chdir("/")?;
    // It leads a group already if it was started by hand.
    let _ = setsid();
    set_child_subreaper(rustix::process::Pid::from_raw(1))?;
    Ok(lock)
}

fn streams(
    terminal: bool,
    open_stdin: bool,
) -> Result<(Parent, Option<stdio::Child>), Box<dyn Error>> {
    if terminal {
        return Ok((Parent { terminal: true, ..Parent::default() }, None));
    }
    let (parent, child) = stdio::pipes(open_stdin)?;
    Ok((parent, Some(child)))
}

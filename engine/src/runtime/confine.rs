//! The last step before a container's program: the seccomp filter, and the real capabilities.
//!
//! libcontainer drops capabilities before its executor runs, and has no filter of its own for a
//! process that joins a container. A filter without no_new_privs needs CAP_SYS_ADMIN
//! (seccomp(2)): it is lent to the permitted set, never to the bounding set, so that execve takes
//! it away in any case.

use std::{
    collections::HashSet, error::Error, io, os::unix::process::CommandExt as _, process::Command,
};

use caps::{CapSet, Capability};
use libcontainer::{
    oci_spec::runtime::{
        Capabilities, Capability as SpecCapability, LinuxCapabilities, Process, Spec,
    },
    workload::{Executor, ExecutorError, ExecutorValidationError},
};

use super::seccomp;

/// Runs the program of a container.
#[derive(Clone)]
pub struct Confinement {
    filters: Vec<seccomp::Program>,
    capabilities: Option<Capabilities>,
}

impl Confinement {
    /// Prepares what [`Executor::exec`] will do, and lends `process` what that needs.
    pub fn prepare(process: &mut Process, seccomp: bool) -> Result<Self, String> {
        let real = process.capabilities().as_ref().and_then(|all| all.permitted().clone());
        if !seccomp {
            return Ok(Self { filters: Vec::new(), capabilities: None });
        }
        let privileged = |set: &Capabilities, one| set.contains(&one);
        let bounding = process.capabilities().as_ref().and_then(|all| all.bounding().clone());
        let filters = seccomp::default_filters(|name| {
            bounding.as_ref().is_some_and(|set| privileged(set, name))
        })?;
        let lend = process.no_new_privileges() != Some(true);
        if let Some(mut all) = process.capabilities().clone().filter(|_| lend) {
            lend_sys_admin(&mut all);
            process.set_capabilities(Some(all));
        }
        Ok(Self { filters, capabilities: real })
    }

    fn confine(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        for filter in &self.filters {
            seccomp::load(filter)?;
        }
        if let Some(real) = &self.capabilities {
            let real: HashSet<Capability> = real
                .iter()
                .map(|one| format!("CAP_{one}").parse::<Capability>())
                .collect::<Result<_, _>>()?;
            caps::set(None, CapSet::Effective, &real)?;
            caps::set(None, CapSet::Permitted, &real)?;
        }
        Ok(())
    }
}

fn lend_sys_admin(all: &mut LinuxCapabilities) {
    let with = |set: &Option<Capabilities>| {
        let mut set = set.clone().unwrap_or_default();
        set.insert(SpecCapability::SysAdmin);
        Some(set)
    };
    all.set_permitted(with(all.permitted()));
    all.set_effective(with(all.effective()));
}

impl Executor for Confinement {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let process = spec.process().as_ref().ok_or(ExecutorError::InvalidArg)?;
        let arguments = process.args().as_deref().unwrap_or_default();
        let (program, rest) = arguments.split_first().ok_or(ExecutorError::InvalidArg)?;
        // The standard library gives the program default signals, which this one changed.
        let mut command = Command::new(program);
        command.args(rest);
        self.confine().map_err(ExecutorError::Execution)?;
        let error = command.exec();
        Err(ExecutorError::Other(why_not(program, &error)))
    }

    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let invalid = |why: String| ExecutorValidationError::ArgValidationError(why);
        let process = spec.process().as_ref().ok_or_else(|| invalid("no process".into()))?;
        let arguments = process.args().as_deref().unwrap_or_default();
        let program = arguments.first().ok_or_else(|| invalid("no command".into()))?;
        let environment = process.env().as_deref().unwrap_or_default();
        let path = environment.iter().find_map(|entry| entry.strip_prefix("PATH="));
        find(program, path.unwrap_or_default()).map_err(|error| invalid(why_not(program, &error)))
    }
}

/// Whether there is such a program, as seen from inside the container.
fn find(program: &str, path: &str) -> io::Result<()> {
    let executable = |path: &str| {
        let attributes = std::fs::metadata(path)?;
        let allowed = rustix::fs::access(path, rustix::fs::Access::EXEC_OK);
        if attributes.is_dir() || allowed.is_err() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    };
    if program.contains('/') {
        return executable(program);
    }
    let mut result = Err(io::ErrorKind::NotFound.into());
    for directory in path.split(':') {
        match executable(&format!("{directory}/{program}")) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => result = Err(error),
        }
    }
    result
}

/// As runc says it: the client makes exit codes of these words.
fn why_not(program: &str, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => {
            format!("stat {program}: no such file or directory")
        }
        io::ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("exec: {program:?}: {why}")
}

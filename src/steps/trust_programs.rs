//! Has fapolicyd trust the programs that are installed.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::digest::Digest;
use crate::facts::security::FAPOLICYD_UNIT;
use crate::file_state::Ownership;
use crate::host::HostError;
use crate::render::trust;

/// How long `fapolicyd-cli` may take to tell the daemon.
const UPDATE_LIMIT: Duration = Duration::from_secs(60);
/// How long the daemon may take to read its trust again: it hashes what it does not know,
/// and reads the whole package database.
const TRUST_LIMIT: Duration = Duration::from_secs(300);
/// How long a program may take that only says its version.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// Adds programs to a file of fapolicyd's trust, and waits until they may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustPrograms {
    /// The trust file: one of our own, or `fapolicyd.trust` where there is no other.
    pub path: String,
    /// The programs.
    pub programs: Vec<TrustedProgram>,
}

/// A program that shall be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedProgram {
    /// Its path.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Digest of its bytes.
    pub sha256: Digest,
}

impl Action for TrustPrograms {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let text = context.host.read_text(&self.path)?;
        let lines = trust::lines_of(text.as_deref().unwrap_or_default(), &self.programs);
        Ok(Before::Trusted { existed: text.is_some(), lines })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let text = context.host.read_text(&self.path)?.unwrap_or_default();
        self.write(context, &trust::with(&text, &self.programs))?;
        update(context)?;
        self.wait(context)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Trusted { existed, lines } = before else { return Ok(Undone::Unchanged) };
        let Some(text) = context.host.read_text(&self.path)? else { return Ok(Undone::Unchanged) };
        let without = trust::without(&text, &self.programs, lines);
        if without.is_empty() && !existed {
            context.host.remove_file(&self.path)?;
        } else if without == text {
            return Ok(Undone::Unchanged);
        } else {
            self.write(context, &without)?;
        }
        update(context)?;
        Ok(if *existed { Undone::Restored } else { Undone::Removed })
    }
}

impl TrustPrograms {
    fn write(&self, context: &Context<'_>, text: &str) -> Result<(), StepError> {
        // The daemon reads it as a user of its own.
        let ownership = context
            .host
            .stat(&self.path)?
            .map_or(Ownership::root(0o644), |state| state.ownership());
        Ok(context.host.write_file(&self.path, text.as_bytes(), ownership)?)
    }

    /// The daemon reads its trust in its own time; what it does not trust yet is refused.
    fn wait(&self, context: &Context<'_>) -> Result<(), StepError> {
        if !is_active(context)? {
            return Ok(());
        }
        let began = Instant::now();
        for program in &self.programs {
            while is_refused(context, &program.path) {
                if began.elapsed() > TRUST_LIMIT {
                    return Err(StepError::NotTrusted(program.path.clone()));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        Ok(())
    }
}

/// Tells a running daemon that its trust has changed; one that starts reads it anyway.
fn update(context: &Context<'_>) -> Result<(), StepError> {
    if is_active(context)? {
        context.host.run_ok(&["fapolicyd-cli", "--update"], UPDATE_LIMIT)?;
    }
    Ok(())
}

fn is_active(context: &Context<'_>) -> Result<bool, StepError> {
    let host = context.host;
    Ok(host.is_booted_with_systemd() && host.unit_state(FAPOLICYD_UNIT)?.is_active())
}

/// Whether the system does not even start a program. What it says when it runs is of no
/// matter here, for some know no `--version`.
fn is_refused(context: &Context<'_>, program: &str) -> bool {
    match context.host.run(&[program, "--version"], VERSION_LIMIT) {
        Err(HostError::Spawn { source, .. }) => {
            source.kind() == std::io::ErrorKind::PermissionDenied
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const OURS: &str = "/etc/fapolicyd/trust.d/landfall";
    const SHARED: &str = "/etc/fapolicyd/fapolicyd.trust";

    fn step(path: &str) -> TrustPrograms {
        let program = |name: &str| TrustedProgram {
            path: format!("/usr/bin/{name}"),
            size: 7,
            sha256: Digest::of(name.as_bytes()),
        };
        TrustPrograms { path: path.to_owned(), programs: vec![program("dockerd"), program("runc")] }
    }

    #[test]
    fn a_file_of_our_own_comes_and_goes() {
        let bed = Bed::new(&["etc/fapolicyd/trust.d"]);
        let before = bed.apply(&step(OURS));
        let line = format!("/usr/bin/dockerd 7 {}\n", Digest::of(b"dockerd"));
        assert!(bed.read(OURS).starts_with(&line), "{}", bed.read(OURS));
        assert_eq!(bed.host.stat(OURS).unwrap().unwrap().mode, 0o644);
        assert_eq!(bed.undo(&step(OURS), &before), Undone::Removed);
        assert_eq!(bed.host.stat(OURS).unwrap(), None);
        assert_eq!(bed.undo(&step(OURS), &before), Undone::Unchanged);
    }

    #[test]
    fn in_a_shared_file_others_lines_stay() {
        let bed = Bed::new(&["etc/fapolicyd"]);
        let old = "# by hand\n/usr/bin/runc 3 0a\n/opt/app 9 0b\n";
        bed.write(SHARED, old);
        let before = bed.apply(&step(SHARED));
        let text = bed.read(SHARED);
        assert!(text.contains("/opt/app 9 0b\n") && !text.contains("/usr/bin/runc 3 0a"), "{text}");
        bed.write(SHARED, &format!("{text}/opt/later 1 0c\n"));
        assert_eq!(bed.undo(&step(SHARED), &before), Undone::Restored);
        assert_eq!(bed.read(SHARED), format!("{old}/opt/later 1 0c\n"));
    }

    /// An upgrade writes over the first installation's lines; undoing both, the newest first,
    /// ends where it began.
    #[test]
    fn two_runs_are_undone_one_after_the_other() {
        let bed = Bed::new(&["etc/fapolicyd/trust.d"]);
        let (first, mut second) = (step(OURS), step(OURS));
        second.programs.remove(1);
        second.programs[0].sha256 = Digest::of(b"newer");
        let (before_first, before_second) = (bed.apply(&first), bed.apply(&second));
        assert!(bed.read(OURS).contains(&Digest::of(b"newer").to_string()));
        bed.undo(&second, &before_second);
        let line = format!("/usr/bin/dockerd 7 {}\n", Digest::of(b"dockerd"));
        assert!(bed.read(OURS).contains(&line));
        bed.undo(&first, &before_first);
        assert_eq!(bed.host.stat(OURS).unwrap(), None);
    }
}

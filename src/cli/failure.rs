//! One error, reported once: what happened, what it means, what to type next.

use super::output::utc;
use crate::apply::ApplyError;
use crate::bundle::BundleError;
use crate::bundle::trust::TrustError;
use crate::config::ConfigError;
use crate::host::HostError;
use crate::plan::PlanError;
use crate::receipt::ReceiptError;
use crate::stage::StageError;
use crate::steps::StepError;
use crate::texts::steps as step_texts;
use crate::texts::{errors, status};

/// Exit codes.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Failed, and rolled back.
    pub const FAILED: u8 = 1;
    /// Usage or configuration.
    pub const USAGE: u8 = 2;
    /// Refused by preflight.
    pub const REFUSED: u8 = 3;
    /// The archive is not trusted.
    pub const UNTRUSTED: u8 = 4;
    /// Failed, and not rolled back.
    pub const STUCK: u8 = 5;
    /// Another run holds the lock.
    pub const LOCKED: u8 = 6;
    /// `doctor` found errors, or `verify` drift.
    pub const UNSOUND: u8 = 7;
    /// A part of a fleet failed.
    pub const FLEET: u8 = 8;
    /// `plan --detailed-exitcode`: there is something to do.
    pub const CHANGES: u8 = 10;
}

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: u8,
    /// What happened, in one sentence.
    pub message: String,
    /// What belongs to it: log lines, what could not be undone.
    pub details: Vec<String>,
    /// What to type next.
    pub hints: Vec<String>,
}

impl Failure {
    pub fn new(exit: u8, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A failure after all was done and is to stay.
    pub fn left_to_complete(self) -> Self {
        let mut failure = self.hint(errors::COMPLETE);
        failure.exit = exit::STUCK;
        failure.details.push(errors::COMMITTED.to_owned());
        failure
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let exit = match &error {
            HostError::Locked { .. } => exit::LOCKED,
            HostError::Sandbox { .. } => exit::REFUSED,
            _ => exit::FAILED,
        };
        let message = match &error {
            HostError::Interrupted => errors::INTERRUPTED_BEFORE.to_owned(),
            _ => error.to_string(),
        };
        let details = match &error {
            HostError::Locked { run: Some(run), .. } => status::run(run, &utc(run.since)),
            _ => Vec::new(),
        };
        Self { hints: errors::host_hints(&error), details, ..Self::new(exit, message) }
    }
}

impl From<ReceiptError> for Failure {
    fn from(error: ReceiptError) -> Self {
        let exit = match &error {
            ReceiptError::Host(error) if error.is_permission_denied() => exit::REFUSED,
            ReceiptError::Host(_) => exit::FAILED,
            ReceiptError::Damaged(_) | ReceiptError::TooNew { .. } => exit::STUCK,
        };
        Self { hints: errors::receipt_hints(&error), ..Self::new(exit, error.to_string()) }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(exit::USAGE, error.to_string()).hint(error.hint())
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        let message = error.to_string();
        match error {
            StageError::Host(error) => error.into(),
            StageError::Archive { source, .. } => {
                let exit = match source {
                    BundleError::Sink { .. } | BundleError::Read { .. } => exit::FAILED,
                    _ => exit::UNTRUSTED,
                };
                let hints = source.hint().map(str::to_owned).into_iter().collect();
                Self { hints, ..Self::new(exit, message) }
            }
            StageError::Bundle { source, .. } => {
                let exit = if source.blames_bundle() { exit::UNTRUSTED } else { exit::FAILED };
                Self::new(exit, message).hint(source.hint())
            }
            StageError::Volume { source, .. } => {
                Self::new(exit::UNTRUSTED, message).hint(source.hint())
            }
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        Self::new(exit::UNTRUSTED, error.to_string()).hint(error.hint())
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let hints = match &error {
            PlanError::DaemonJson(error) => vec![error.hint()],
            PlanError::Render(error) => vec![error.hint().to_owned()],
            PlanError::SetByFlag(conflicts) => conflicts.iter().map(errors::set_by_flag).collect(),
            PlanError::DataRootMoves { from, .. } => vec![errors::keep_data_root(from)],
            PlanError::UnitStyleKept { installed, asked } => {
                vec![errors::keep_unit_style(*installed, *asked)]
            }
            PlanError::NeedsClassic { installed, .. } => {
                vec![errors::needs_classic(*installed).to_owned()]
            }
            PlanError::GroupTwice { daemon, .. } => vec![errors::group_once(daemon)],
            PlanError::SocketNotServed => vec![errors::SERVE_SOCKET.to_owned()],
            PlanError::ForeignContainerd => vec![errors::OWN_CONTAINERD.to_owned()],
            PlanError::KeysUnknown(_) => vec![errors::UNSET_UNKNOWN.to_owned()],
            PlanError::NotText(_) => Vec::new(),
        };
        let exit = match &error {
            // It is this host's unit that says it.
            PlanError::SetByFlag(_) | PlanError::KeysUnknown(_) => exit::REFUSED,
            _ => exit::USAGE,
        };
        Self { hints, ..Self::new(exit, error.to_string()) }
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        if let StepError::NotCompleted(cause) = error {
            return Self::from(*cause).left_to_complete();
        }
        let hints = errors::step_hints(&error);
        let message = error.to_string();
        let details = match error {
            StepError::Unit { unit, log, .. } | StepError::NotSteady { unit, log }
                if !log.is_empty() =>
            {
                let lines = log.into_iter().map(|line| format!("  {line}"));
                std::iter::once(errors::log_of(&unit)).chain(lines).collect()
            }
            _ => Vec::new(),
        };
        Self { hints, details, ..Self::new(exit::FAILED, message) }
    }
}

impl From<Box<ApplyError>> for Failure {
    fn from(error: Box<ApplyError>) -> Self {
        let error = *error;
        if let StepError::Host(cause @ (HostError::Interrupted | HostError::NotConfirmed { .. })) =
            &error.cause
        {
            let whole = error.undone.failed.is_empty();
            return Self::new(exit::FAILED, errors::ended(cause, whole)).with_undo(error.undone);
        }
        let what = error.step.as_ref().map(step_texts::step);
        let mut failure = Self::from(error.cause);
        failure.details.extend(error.evidence.as_deref().map(errors::evidence));
        if let Some(what) = what {
            failure.message = errors::could_not(&what, &failure.message);
        }
        failure.with_undo(error.undone)
    }
}

impl Failure {
    /// Adds that something stays which should have gone at the end of the run.
    pub fn with_left(mut self, error: &HostError) -> Self {
        self.details.retain(|detail| detail != errors::ROLLED_BACK);
        self.details.push(format!("{}:", errors::NOT_ROLLED_BACK));
        self.details.push(format!("  {error}"));
        if self.exit != exit::STUCK {
            self.exit = exit::STUCK;
            self.hints.push(errors::RETRY_ROLLBACK.to_owned());
        }
        self
    }

    /// Adds what became of the steps before the failed one.
    pub fn with_undo(mut self, undone: crate::apply::UndoReport) -> Self {
        self.details.extend(undone.kept.iter().map(step_texts::kept));
        if undone.failed.is_empty() {
            let rest =
                if undone.kept.is_empty() { errors::ROLLED_BACK } else { errors::ROLLED_BACK_BUT };
            self.details.push(rest.to_owned());
            return self;
        }
        self.exit = exit::STUCK;
        self.details.push(format!("{}:", errors::NOT_ROLLED_BACK));
        for (step, error) in undone.failed {
            let what = step.as_ref().map(step_texts::step).unwrap_or_default();
            self.details.push(format!("  {what}: {error}"));
        }
        self.hints.push(errors::RETRY_ROLLBACK.to_owned());
        self
    }
}

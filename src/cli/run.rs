//! A run: a command that changes the host, from its lock to its end. It has a scope of its own,
//! hears signals, and can be asked what it is at.

use std::cell::RefCell;
use std::time::Duration;

use super::failure::{Failure, exit};
use super::output::{Output, utc};
use crate::apply::{self, Recovered};
use crate::host::attendant::Heard;
use crate::host::board::Board;
use crate::host::scope::scope_name;
use crate::host::syslog::Syslog;
use crate::host::{Host, HostError, terminal};
use crate::report::{Event, Phase, Reporter};
use crate::run_state::{Activity, Question};
use crate::steps::{Context, Purge};
use crate::store::Store;
use crate::texts::{errors, progress, steps};

/// What a run works with.
pub struct Run<'a> {
    /// The host.
    pub host: &'a Host,
    reporter: &'a dyn Reporter,
    board: &'a Board,
    confirm_within: Option<Duration>,
}

/// Carries out a command that changes the host. What it is in the middle of goes on when its
/// terminal dies or its session ends; Ctrl-C and SIGTERM set the host's interrupt. With
/// `confirm_within` what is made stays only if somebody confirms it in that time.
pub fn run(
    host: &Host,
    output: &Output,
    command: &str,
    confirm_within: Option<Duration>,
    body: impl FnOnce(&Run<'_>) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let board = Board::new(command);
    let watcher = Watcher { board: &board, output, log: host.syslog() };
    let run = Run { host, reporter: &watcher, board: &board, confirm_within };
    if host.is_live() && host.uid() != 0 {
        // There is no lock to take; the command says why it goes no further.
        return body(&run);
    }
    let _lock = host.lock()?;
    let result = host.attended(&board, &|heard| watcher.heard(heard), || {
        run.leave_session();
        body(&run)
    })?;
    watcher.log_end(&result);
    result
}

impl Run<'_> {
    /// What steps work with.
    pub fn context(&self, purge: Purge) -> Context<'_> {
        Context {
            host: self.host,
            store: Store::new(self.host),
            reporter: self.reporter,
            purge,
            running: RefCell::default(),
            loaded: RefCell::default(),
            kept: RefCell::default(),
            copied: RefCell::default(),
            inventory: RefCell::default(),
            proxies: super::network::environment(),
        }
    }

    /// Undoes a run that was cut, or completes it if it had been committed; what became of it,
    /// if there was one.
    pub fn recover(&self) -> Result<Option<Recovered>, Failure> {
        let recovered = apply::recover(&self.context(Purge::IfNew))?;
        self.board.post(Activity::Preparing);
        match recovered {
            Some(Recovered::Undone { report, .. }) if !report.failed.is_empty() => {
                let message = errors::NOT_ROLLED_BACK;
                Err(Failure::new(exit::STUCK, message).with_undo(report))
            }
            recovered => Ok(recovered),
        }
    }

    /// All is made. If that has to be confirmed, waits until somebody does: by `landfall
    /// confirm`, or by Enter on the terminal of the run.
    ///
    /// # Errors
    /// [`HostError::NotConfirmed`] if nobody did in time, [`HostError::Interrupted`].
    pub fn confirm(&self) -> Result<(), HostError> {
        let Some(within) = self.confirm_within else {
            self.board.post(Activity::Finishing);
            return Ok(());
        };
        // What was typed before the question is no answer to it.
        terminal::forget_typed();
        let deadline = self.board.open_confirmation(within);
        self.reporter.event(&Event::AwaitingConfirmation { within });
        let waited = self.host.block_on_or_interrupt(async {
            tokio::select! {
                () = self.board.confirmed() => {}
                () = self.enter_typed() => {}
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
        });
        if self.board.close_confirmation() {
            return Ok(());
        }
        waited?;
        Err(HostError::NotConfirmed { seconds: within.as_secs() })
    }

    async fn enter_typed(&self) {
        if terminal::typed_line().await.is_none() {
            // Nobody types: others may still confirm.
            return std::future::pending().await;
        }
        self.board.answer(Question::Confirm);
    }

    /// Without it the run goes on too, unless what ends the session kills it.
    fn leave_session(&self) {
        // At boot it is a service of its own.
        if !self.host.is_booted_with_systemd() || self.host.is_coming_up() {
            return;
        }
        let name = scope_name(std::process::id());
        match self.host.enter_scope(&name) {
            Ok(()) => self.board.in_scope(name),
            Err(error) => {
                let text = progress::no_scope(&error.to_string());
                self.reporter.event(&Event::Warning { text });
            }
        }
    }
}

/// Passes events on, to those who watch now and to those who ask later.
struct Watcher<'a> {
    board: &'a Board,
    output: &'a Output,
    log: Syslog,
}

impl Watcher<'_> {
    fn heard(&self, heard: Heard) {
        let text = match heard {
            Heard::TerminalGone => return self.log.info(progress::TERMINAL_GONE),
            Heard::End { again } => progress::heard_end(&self.board.state(), again),
        };
        self.log.info(text);
        self.output.event(&Event::Warning { text: text.to_owned() });
    }

    fn log_end(&self, result: &Result<u8, Failure>) {
        let command = self.board.state().command;
        match result {
            Ok(_) => self.log.info(&progress::run_done(&command)),
            Err(failure) => {
                self.log.error(&progress::run_failed(&command, failure.exit, &failure.message));
                for line in failure.details.iter().chain(&failure.hints) {
                    self.log.error(line);
                }
            }
        }
    }
}

impl Reporter for Watcher<'_> {
    fn event(&self, event: &Event<'_>) {
        if let Some(activity) = activity(event) {
            self.board.post(activity);
        }
        if let Some(text) = log_line(event) {
            self.log.info(&text);
        }
        self.output.event(event);
    }
}

/// What a run is at once this has happened; `None` if that stays the same.
fn activity(event: &Event<'_>) -> Option<Activity> {
    match event {
        Event::StepStarted { number, of, step } => {
            Some(Activity::Step { number: *number, of: *of, what: steps::step(step) })
        }
        Event::UndoStarted { number, of } => Some(Activity::Undoing { number: *number, of: *of }),
        Event::Phase { phase: Phase::Undo, .. } => Some(Activity::Undoing { number: 0, of: 0 }),
        _ => None,
    }
}

/// What the host's log gets: enough to see, without a terminal, what became of the run.
fn log_line(event: &Event<'_>) -> Option<String> {
    match event {
        Event::StepStarted { number, of, step } => {
            Some(format!("[{number}/{of}] {}", steps::step(step)))
        }
        Event::StepUndone { step, outcome } => {
            steps::undone(step, outcome).map(|text| format!("[undo] {text}"))
        }
        Event::Left { outcome } => Some(format!("[undo] {}", steps::kept(outcome))),
        Event::UndoFailed { step, error } => {
            Some(format!("[undo failed] {}: {error}", steps::step(step)))
        }
        Event::Warning { text } => Some(text.clone()),
        Event::Recovering { command, since, committed } => {
            Some(progress::recovering(command, &utc(*since), *committed))
        }
        Event::AwaitingConfirmation { within } => Some(progress::confirm_within(within.as_secs())),
        _ => None,
    }
}

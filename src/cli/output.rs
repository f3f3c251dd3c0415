//! Text for people and JSON lines for programs: the one place that prints.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::{ColorChoice, Global};
use super::failure::Failure;
use super::show_plan::megabytes;
use crate::host::{Host, HostError, terminal};
use crate::plan::{Plan, Stops};
use crate::preflight::{Finding, Severity};
use crate::report::{Event, Phase, Reporter};
use crate::steps::Step;
pub use crate::texts::utc;
use crate::texts::{download, findings, migrate, progress, steps};

/// Green: added, done.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Red: removed, failed.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Yellow: changed, warning.
pub const CAUTION: Style = AnsiColor::Yellow.on_default();
/// Bold: headings.
pub const HEADING: Style = Style::new().bold();
/// Dim: what can be skipped.
pub const QUIET: Style = Style::new().dimmed();

/// How a command prints.
pub struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    out: Mutex<anstream::AutoStream<std::io::Stdout>>,
    err: Mutex<anstream::AutoStream<std::io::Stderr>>,
    bars: bool,
    bar: Mutex<Option<ProgressBar>>,
    began: Instant,
    /// All objects, printed or not, if somebody wants them.
    recorded: Mutex<Option<Vec<Value>>>,
}

impl Output {
    /// As the global options ask.
    pub fn new(global: &Global) -> Self {
        let choice = match global.color {
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
            ColorChoice::Auto => anstream::ColorChoice::Auto,
        };
        let bars =
            !global.json && !global.quiet && !global.no_progress && std::io::stderr().is_terminal();
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            out: Mutex::new(anstream::AutoStream::new(std::io::stdout(), choice)),
            err: Mutex::new(anstream::AutoStream::new(std::io::stderr(), choice)),
            bars,
            bar: Mutex::new(None),
            began: Instant::now(),
            recorded: Mutex::default(),
        }
    }

    /// From now on keeps what is reported, as objects.
    pub fn record(&self) {
        self.keep(|kept| *kept = Some(Vec::new()));
    }

    /// What was reported since.
    pub fn recorded(&self) -> Vec<Value> {
        let mut objects = Vec::new();
        self.keep(|kept| objects = kept.take().unwrap_or_default());
        objects
    }

    fn keep(&self, act: impl FnOnce(&mut Option<Vec<Value>>)) {
        if let Ok(mut kept) = self.recorded.lock() {
            act(&mut kept);
        }
    }

    fn note(&self, object: impl FnOnce() -> Option<Value>) {
        self.keep(|kept| {
            if let Some(kept) = kept {
                kept.extend(object());
            }
        });
    }

    /// A line of text that `--quiet` leaves out.
    pub fn line(&self, text: &str) {
        if !self.json && !self.quiet {
            self.print(text);
        }
    }

    /// Whether only errors, warnings and results are wanted, by people.
    pub fn is_quiet(&self) -> bool {
        self.quiet && !self.json
    }

    /// A part of the result that `--quiet` leaves out: text for people, an object for programs.
    pub fn stage(&self, text: &str, object: &Value) {
        if self.json {
            self.object(object.clone());
        } else {
            self.line(text);
        }
    }

    /// The result of a command: text for people, an object for programs.
    pub fn result(&self, text: &str, object: &Value) {
        self.note(|| Some(object.clone()));
        if self.json {
            self.object(object.clone());
        } else {
            self.print(text);
        }
    }

    /// A JSON document that is the result of a command: as it is, or as one line.
    pub fn document(&self, event: &str, text: &str) {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return self.print(text.trim_end());
        };
        if self.json {
            let mut object = json!({"event": event});
            if let Some(target) = object.as_object_mut() {
                target.extend(fields);
            }
            self.object(object);
        } else {
            self.print(text.trim_end());
        }
    }

    /// A text that is the result of a command: as it is, or in an object.
    pub fn text(&self, event: &str, text: &str) {
        self.result(text.trim_end(), &json!({"event": event, "text": text}));
    }

    /// A question, on a terminal: `true` for yes. Without a terminal, or with `--json`,
    /// nothing is asked, and the answer is `None`.
    ///
    /// # Errors
    /// [`HostError::Interrupted`] if the run is asked to end instead.
    pub fn ask(&self, host: &Host, question: &str) -> Result<Option<bool>, HostError> {
        if !self.can_ask() {
            return Ok(None);
        }
        if let Ok(mut err) = self.err.lock() {
            let _ = write!(err, "{question}");
            let _ = err.flush();
        }
        let answer = host.block_on_or_interrupt(terminal::typed_line())?.unwrap_or_default();
        Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
    }

    /// A secret, typed on a terminal and not shown; `None` without one.
    ///
    /// # Errors
    /// [`HostError::Interrupted`] if the run is asked to end instead.
    pub fn ask_secret(
        &self,
        host: &Host,
        question: &str,
    ) -> Result<Option<Zeroizing<String>>, HostError> {
        if !self.can_ask() {
            return Ok(None);
        }
        let silence = terminal::Silence::begin();
        if let Ok(mut err) = self.err.lock() {
            let _ = write!(err, "{question}");
            let _ = err.flush();
        }
        let typed = host.block_on_or_interrupt(terminal::typed_line());
        drop(silence);
        Ok(typed?.map(Zeroizing::new))
    }

    /// Whether somebody is there to be asked.
    pub fn can_ask(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether objects are printed, for programs.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The error that ends a command.
    pub fn failure(&self, failure: &Failure) {
        self.end_bar();
        if self.json {
            self.object(failure_json(failure));
            return;
        }
        let Ok(mut err) = self.err.lock() else { return };
        let _ = writeln!(err, "{BAD}error:{BAD:#} {}", failure.message);
        for detail in &failure.details {
            let _ = writeln!(err, "  {detail}");
        }
        for hint in &failure.hints {
            let _ = writeln!(err, "{CAUTION}hint:{CAUTION:#} {hint}");
        }
    }

    /// Findings of the preflight. Notes are printed with `--verbose` alone.
    pub fn findings(&self, found: &[Finding]) {
        for finding in found {
            self.note(|| Some(finding_json(finding)));
            if self.json {
                self.object(finding_json(finding));
            } else if finding.severity != Severity::Note || self.verbose {
                self.print_err(&finding_text(finding));
            }
        }
    }

    /// Findings that were asked for: all of them, as the result.
    pub fn diagnosis(&self, found: &[Finding]) {
        for finding in found {
            if self.json {
                self.object(finding_json(finding));
            } else if finding.severity != Severity::Note || !self.quiet {
                self.print(&finding_text(finding));
            }
        }
    }

    /// A plan, in full; `--quiet` leaves it out unless it is what was asked for.
    pub fn plan(&self, plan: &Plan, asked_for: bool) {
        if self.json {
            let mut object = json!({"event": "plan"});
            if let (Some(target), Ok(Value::Object(fields))) =
                (object.as_object_mut(), serde_json::to_value(plan))
            {
                target.extend(fields);
            }
            self.object(object);
        } else {
            let text = super::show_plan::text(plan);
            if asked_for {
                self.print(&text);
            } else {
                self.line(&text);
            }
        }
    }

    /// Steps that shall be made, without changes of files to show, and the containers that they
    /// stop.
    pub fn steps(&self, plan: &[Step], stops: &Stops) {
        if self.json {
            let Stops { stopping, ending } = stops;
            let object = json!({
                "event": "plan", "steps": plan, "stopping": stopping, "ending": ending,
            });
            self.object(object);
        } else {
            self.line(&super::show_plan::step_list(plan, stops));
        }
    }

    /// A JSON line, stamped with the time since the command began.
    fn object(&self, mut object: Value) {
        if let Some(fields) = object.as_object_mut() {
            let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            fields.insert("elapsed_ms".to_owned(), passed.into());
        }
        self.print(&object.to_string());
    }

    fn print(&self, text: &str) {
        self.suspended(|| {
            if let Ok(mut out) = self.out.lock() {
                // A reader that went away (`| head`) must not stop a run half-way.
                let _ = writeln!(out, "{text}");
            }
        });
    }

    fn print_err(&self, text: &str) {
        self.suspended(|| {
            if let Ok(mut err) = self.err.lock() {
                let _ = writeln!(err, "{text}");
            }
        });
    }

    fn suspended(&self, print: impl FnOnce()) {
        match self.bar.lock() {
            Ok(bar) => match bar.as_ref() {
                Some(bar) => bar.suspend(print),
                None => print(),
            },
            Err(_) => print(),
        }
    }

    fn start_bar(&self, length: u64, template: &str) {
        self.end_bar();
        if !self.bars {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        if let Ok(mut slot) = self.bar.lock() {
            *slot = Some(bar);
        }
    }

    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Ok(slot) = self.bar.lock()
            && let Some(bar) = slot.as_ref()
        {
            act(bar);
        }
    }

    fn end_bar(&self) {
        if let Ok(mut slot) = self.bar.lock()
            && let Some(bar) = slot.take()
        {
            bar.finish_and_clear();
        }
    }

    fn text_event(&self, event: &Event<'_>) {
        match event {
            Event::Phase { phase, bytes } => self.phase(*phase, *bytes),
            Event::Bytes(read) => {
                let mut whole = false;
                self.with_bar(|bar| {
                    bar.set_position(*read);
                    whole = bar.length() == Some(*read);
                });
                if whole {
                    self.end_bar();
                }
            }
            Event::Downloading { bytes, of } => self.downloading(*bytes, *of),
            Event::DownloadsEnd => self.end_bar(),
            Event::Downloaded { name, from, bytes, .. } => {
                self.line(&download::fetched(name, &megabytes(*bytes), from));
            }
            Event::Copied { from, bytes, of } => {
                let text = migrate::copied(from, &megabytes(*bytes), &megabytes(*of));
                self.with_bar(|bar| bar.set_message(text));
            }
            Event::Loading { bytes, of } => {
                let text = progress::loading(&megabytes(*bytes), &megabytes(*of));
                self.with_bar(|bar| bar.set_message(text));
            }
            Event::StepStarted { number, of, step } => {
                if *number == 1 {
                    self.start_bar(*of as u64, "{bar:30} {pos}/{len} {msg}");
                }
                let text = steps::step(step);
                self.with_bar(|bar| bar.set_message(text));
            }
            Event::StepDone { number, of, step, took } => {
                let width = of.to_string().len();
                let text = steps::step(step);
                let took =
                    if self.verbose { format!(" ({})", millis(*took)) } else { String::new() };
                self.line(&format!(
                    "{GOOD}[{number:width$}/{of}]{GOOD:#} {text}{QUIET}{took}{QUIET:#}"
                ));
                self.with_bar(|bar| bar.set_position(*number as u64));
                if number == of {
                    self.end_bar();
                }
            }
            Event::UndoStarted { .. } => {}
            Event::StepUndone { step, outcome } => {
                if let Some(text) = steps::undone(step, outcome) {
                    self.line(&format!("{CAUTION}[undo]{CAUTION:#} {text}"));
                }
            }
            Event::Left { outcome } => {
                self.print_err(&format!("{CAUTION}[undo]{CAUTION:#} {}", steps::kept(outcome)));
            }
            Event::Warning { text } => {
                self.print_err(&format!("{CAUTION}warning:{CAUTION:#} {text}"));
            }
            Event::UndoFailed { step, error } => {
                let text = steps::step(step);
                self.print_err(&format!("{BAD}[undo failed]{BAD:#} {text}: {error}"));
            }
            Event::ImagesLoaded { references } => {
                self.line(&format!("  {}", progress::loaded(references)));
            }
            Event::Proven { took, .. } => {
                self.line(&format!("  {} ({})", progress::PROVEN, millis(*took)));
            }
            Event::Recovering { command, since, committed } => {
                self.print_err(&format!(
                    "{CAUTION}warning:{CAUTION:#} {}",
                    progress::recovering(command, &utc(*since), *committed)
                ));
            }
            Event::AwaitingConfirmation { within } => {
                self.end_bar();
                self.print_err(&progress::confirm_within(within.as_secs()));
            }
            Event::StoppingContainers { names } => {
                self.line(&progress::stopping(names));
            }
        }
    }

    fn downloading(&self, bytes: u64, of: u64) {
        if self.bar.lock().is_ok_and(|bar| bar.is_none()) {
            self.start_bar(of, "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} fetch");
        }
        self.with_bar(|bar| {
            bar.set_length(of);
            bar.set_position(bytes);
        });
    }

    fn phase(&self, phase: Phase, bytes: Option<u64>) {
        self.end_bar();
        let template = match phase {
            Phase::Stage => "{bar:30} {bytes}/{total_bytes} unpack and verify",
            Phase::Pack => "{bar:30} {bytes}/{total_bytes} pack",
            Phase::Facts | Phase::Apply | Phase::Undo => return,
        };
        bytes.into_iter().for_each(|bytes| self.start_bar(bytes, template));
    }
}

impl Reporter for Output {
    fn event(&self, event: &Event<'_>) {
        self.note(|| event_json(event));
        if self.json {
            if let Some(object) = event_json(event) {
                self.object(object);
            }
        } else {
            self.text_event(event);
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

fn finding_text(finding: &Finding) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (BAD, "error"),
        Severity::Warning => (CAUTION, "warning"),
        Severity::Note => (QUIET, "note"),
    };
    let text = findings::text(finding);
    let code = finding.code;
    let mut lines = vec![format!("{style}{word} {code}:{style:#} {}", text.title)];
    lines.push(format!("    seen: {}", text.seen));
    lines.push(format!("    why:  {}", text.why));
    if !text.fix.is_empty() {
        lines.push(format!("    fix:  {}", text.fix));
    }
    lines.join("\n")
}

/// A finding as an object.
pub fn finding_json(finding: &Finding) -> Value {
    let text = findings::text(finding);
    json!({
        "event": "finding", "code": finding.code, "severity": finding.severity,
        "title": text.title, "seen": text.seen, "why": text.why, "fix": text.fix,
    })
}

/// A command line that cannot be understood, for programs.
pub fn usage_error(text: &str) {
    let failure = Failure::new(super::failure::exit::USAGE, text.trim());
    let _ = writeln!(std::io::stdout(), "{}", failure_json(&failure));
}

/// An error as an object.
pub fn failure_json(failure: &Failure) -> Value {
    json!({
        "event": "failed", "exit": failure.exit, "message": failure.message,
        "details": failure.details, "hints": failure.hints,
    })
}

/// An event as JSON; `None` for those that only feed progress bars.
fn event_json(event: &Event<'_>) -> Option<Value> {
    Some(match event {
        Event::Bytes(_)
        | Event::Downloading { .. }
        | Event::Loading { .. }
        | Event::DownloadsEnd
        | Event::StepStarted { .. }
        | Event::UndoStarted { .. } => return None,
        Event::Downloaded { name, from, bytes, sha256 } => json!({
            "event": "downloaded", "name": name, "from": from, "bytes": bytes, "sha256": sha256,
        }),
        Event::Phase { phase, bytes } => {
            let phase = match phase {
                Phase::Facts => "facts",
                Phase::Stage => "stage",
                Phase::Pack => "pack",
                Phase::Apply => "apply",
                Phase::Undo => "undo",
            };
            json!({"event": "phase", "phase": phase, "bytes": bytes})
        }
        Event::StepDone { number, of, step, took } => json!({
            "event": "step", "number": number, "of": of, "what": steps::step(step),
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }),
        Event::StepUndone { step, outcome } => json!({
            "event": "undone", "step": steps::step(step), "outcome": outcome,
        }),
        Event::Left { outcome } => json!({"event": "left", "outcome": outcome}),
        Event::Warning { text } => json!({"event": "warning", "text": text}),
        Event::UndoFailed { step, error } => json!({
            "event": "undo_failed", "step": steps::step(step), "error": error,
        }),
        Event::Copied { from, bytes, of } => {
            json!({"event": "copied", "from": from, "bytes": bytes, "of": of})
        }
        Event::ImagesLoaded { references } => {
            json!({"event": "images_loaded", "references": references})
        }
        Event::Proven { nonce, took } => json!({
            "event": "proven", "nonce": nonce,
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }),
        Event::Recovering { command, since, committed } => json!({
            "event": "recovering", "command": command, "since": since, "committed": committed,
        }),
        Event::AwaitingConfirmation { within } => {
            json!({"event": "awaiting_confirmation", "seconds": within.as_secs()})
        }
        Event::StoppingContainers { names } => {
            json!({"event": "stopping_containers", "names": names})
        }
    })
}

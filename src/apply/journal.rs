//! The journal: what a run is about to do, on disk before it does it, and what came of it.
//!
//! `/var/lib/landfall/journal.jsonl`, one JSON object a line. It is the truth: a run that
//! was cut shows as one without an end, and its intents, with what stood there before, are
//! enough to undo it.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::file_state::Ownership;
use crate::host::fault_point::{self, Effect};
use crate::host::{Host, HostError, clock, kill_point};
use crate::receipt::{Entry, RECEIPT, Receipt};
use crate::steps::{Before, EngineData, Step};
use crate::store::STATE_DIR;

/// Where the journal lies.
pub const JOURNAL: &str = "/var/lib/landfall/journal.jsonl";

/// How much room, in bytes, a run takes for its journal ahead: on a disk that has become full it is
/// still noted what was undone, and that the run ended.
const RESERVE: u64 = 256 << 10;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // made one at a time, to be written or read
pub enum Record {
    /// A run begins.
    RunStarted {
        /// Names the run.
        run: String,
        /// Seconds since 1970.
        at: u64,
        /// Version of Landfall.
        landfall: String,
        /// The command, such as `install`.
        command: String,
    },
    /// A run that ended long ago: what is left of its lines.
    Past(RunInJournal),
    /// Files that staging may leave, if the run is cut.
    Staging {
        /// Their paths.
        paths: Vec<String>,
    },
    /// A step is about to be made.
    Intent {
        /// Its number within the run, from 0.
        number: usize,
        /// Which.
        step: Step,
        /// What stands there.
        before: Before,
    },
    /// A step is done.
    Done {
        /// Its number.
        number: usize,
    },
    /// A step failed.
    Failed {
        /// Its number.
        number: usize,
        /// Why.
        error: String,
    },
    /// A step was undone, or left on purpose.
    Undone {
        /// Its number.
        number: usize,
    },
    /// All steps of the run were made and are to stay: from here on it is completed, not
    /// undone.
    Committed {
        /// The receipt from now on; `None` once all that it held was undone.
        receipt: Option<Box<Receipt>>,
        /// What is left to do.
        #[serde(default)]
        cleanup: Cleanup,
    },
    /// The run ended.
    RunEnded {
        /// How.
        outcome: Outcome,
        /// Seconds since 1970.
        at: u64,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All steps were made.
    Done,
    /// A step failed; all before it were undone.
    RolledBack,
    /// A step failed, and something could not be undone.
    Stuck,
}

/// What a run deletes once it is committed. Doing it twice does no harm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// Files that were set aside, or have no use any more.
    #[serde(default)]
    pub files: Vec<String>,
    /// Directories that go if they are empty then, in this order.
    #[serde(default)]
    pub empty: Vec<String>,
    /// The engine's data directories, with what each held before the engine came.
    #[serde(default)]
    pub data: Option<EngineData>,
}

/// Writes the journal of one run.
pub struct Journal {
    file: std::fs::File,
}

/// A run that has no end in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct CutRun {
    /// Names the run.
    pub run: String,
    /// The command that was cut.
    pub command: String,
    /// When it began, seconds since 1970.
    pub since: u64,
    /// Files that its staging may have left.
    pub staged: Vec<String>,
    /// Its steps that were begun and not undone, in order, each with its number.
    pub begun: Vec<(usize, Entry)>,
    /// Once it is to stay: its receipt, and what is left to do.
    pub committed: Option<(Option<Box<Receipt>>, Cleanup)>,
}

impl Journal {
    /// Opens the journal, making Landfall's state directory if it is not there.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be opened.
    pub fn open(host: &Host) -> Result<Self, HostError> {
        if host.stat(STATE_DIR)?.is_none() {
            host.create_dir(STATE_DIR, Ownership::root(0o700))?;
        }
        // On a full disk it stays long.
        let _ = shorten(host, LONG);
        let torn = ends_torn(host)?;
        let file = host.open_append(JOURNAL)?;
        crate::host::reserve(&file, RESERVE);
        host.sync_directories()?;
        let mut journal = Self { file };
        if torn {
            // The line that was cut must not swallow the next one.
            journal.append(b"\n")?;
        }
        Ok(journal)
    }

    /// Begins a run and returns its name.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn start(&mut self, command: &str) -> Result<String, HostError> {
        let at = clock::now();
        // To the nanosecond: on a host whose clock starts anew at each boot, a unit's process
        // may have the same id in the same second twice.
        let run = format!("{}-{}", clock::instant(), std::process::id());
        self.write(&Record::RunStarted {
            run: run.clone(),
            at,
            landfall: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
        })?;
        Ok(run)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn end(&mut self, outcome: Outcome) -> Result<(), HostError> {
        self.write_synced(&Record::RunEnded { outcome, at: clock::now() })
    }

    /// Ends a run; once all of it is undone and nothing else is installed, Landfall's state
    /// directory goes too, journal and all.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written, or the directory not be removed.
    pub fn conclude(&mut self, host: &Host, outcome: Outcome) -> Result<(), HostError> {
        let ended = self.end(outcome);
        if outcome == Outcome::RolledBack && host.stat(RECEIPT)?.is_none() {
            // The journal goes, whether or not there was room for its last line.
            host.remove_tree(STATE_DIR)?;
        } else {
            ended?;
        }
        host.sync_directories()
    }

    /// Appends a line, which reaches the disk with the next synced one.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn write(&mut self, record: &Record) -> Result<(), HostError> {
        self.append(&to_line(record)?)
    }

    /// Notes that a step was undone. A journal that cannot be written does not stop an undo:
    /// at worst the step is undone a second time, which finds nothing to do.
    pub fn note_undone(&mut self, number: usize) {
        let _ = self.write(&Record::Undone { number });
    }

    /// All of it, or nothing.
    fn append(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        let length = self.length()?;
        let written = kill_point::parts(bytes).into_iter().try_for_each(|part| {
            fault_point::before(Effect::Grows)?;
            self.file.write_all(part)?;
            kill_point::reached();
            Ok(())
        });
        written.map_err(|source| self.without(length, HostError::io("write", JOURNAL, source)))
    }

    /// Appends a line that is on disk when this returns. If it is not, it is not in the journal
    /// either: nothing that follows may rely on it, and nobody who reads the journal later.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn write_synced(&mut self, record: &Record) -> Result<(), HostError> {
        let length = self.length()?;
        let line = to_line(record)?;
        self.append(&line)?;
        fault_point::before(Effect::Syncs)
            .map_err(std::io::Error::from)
            .and_then(|()| self.file.sync_data())
            .map_err(|source| self.without(length, HostError::io("sync", JOURNAL, source)))?;
        kill_point::on_disk(&line);
        Ok(())
    }

    fn length(&self) -> Result<u64, HostError> {
        let metadata = self.file.metadata();
        let metadata = metadata.map_err(|source| HostError::io("look at", JOURNAL, source))?;
        Ok(metadata.len())
    }

    /// Takes away what an error left behind the first `length` bytes.
    fn without(&self, length: u64, error: HostError) -> HostError {
        // The first error is the one to report.
        let _ = self.file.set_len(length);
        error
    }
}

/// Finds a run that was cut: the last one, if it has no end.
///
/// # Errors
/// [`HostError::Io`] if the journal cannot be read.
pub fn cut_run(host: &Host) -> Result<Option<CutRun>, HostError> {
    Ok(read(host, parse_cut_run)?.flatten())
}

/// Makes something of the journal; `None` if there is none.
fn read<T>(
    host: &Host,
    parse: impl FnOnce(BufReader<std::fs::File>) -> std::io::Result<T>,
) -> Result<Option<T>, HostError> {
    let Some(file) = host.open_file(JOURNAL)? else { return Ok(None) };
    let parsed = parse(BufReader::new(file));
    parsed.map(Some).map_err(|source| HostError::io("read", JOURNAL, source))
}

/// A line that is not whole – the last one, when the power was cut while it was written –
/// stands for something that was not begun, and is skipped.
fn records(lines: impl BufRead) -> impl Iterator<Item = std::io::Result<Record>> {
    lines.split(b'\n').filter_map(|line| match line {
        Ok(line) => serde_json::from_slice(&line).ok().map(Ok),
        Err(error) => Some(Err(error)),
    })
}

/// A run as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInJournal {
    /// Names the run.
    pub run: String,
    /// Its command.
    pub command: String,
    /// When it began, seconds since 1970.
    pub began: u64,
    /// How it ended; `None` if it was cut and is neither undone nor completed yet.
    pub outcome: Option<Outcome>,
    /// The engine's version after it, if it was committed.
    pub version: Option<String>,
}

/// All runs, oldest first. One that was cut has the outcome of what followed.
///
/// # Errors
/// [`HostError::Io`] if the journal cannot be read.
pub fn runs(host: &Host) -> Result<Vec<RunInJournal>, HostError> {
    Ok(read(host, parse_runs)?.unwrap_or_default())
}

fn parse_runs(lines: impl BufRead) -> std::io::Result<Vec<RunInJournal>> {
    let mut runs: Vec<RunInJournal> = Vec::new();
    for record in records(lines) {
        match (record?, runs.last_mut()) {
            (Record::RunStarted { run, at: began, command, .. }, _) => {
                runs.push(RunInJournal { run, command, began, outcome: None, version: None });
            }
            (Record::Past(run), _) => runs.push(run),
            (Record::Committed { receipt, .. }, Some(last)) => {
                last.version = receipt.and_then(|receipt| receipt.version);
            }
            (Record::RunEnded { outcome, .. }, Some(last)) => last.outcome = Some(outcome),
            _ => {}
        }
    }
    Ok(runs)
}

/// The receipt that the last committed run left; `None` if none did, or if it gave it up.
///
/// # Errors
/// [`HostError::Io`] if the journal cannot be read.
pub fn last_receipt(host: &Host) -> Result<Option<Box<Receipt>>, HostError> {
    Ok(read(host, parse_last_receipt)?.flatten())
}

fn parse_last_receipt(lines: impl BufRead) -> std::io::Result<Option<Box<Receipt>>> {
    let mut last = None;
    for record in records(lines) {
        if let Record::Committed { receipt, .. } = record? {
            last = receipt;
        }
    }
    Ok(last)
}

/// A journal of more bytes than this is shortened before the next run.
const LONG: u64 = 4 << 20;

/// Shortens a journal of more than `long` bytes: of each run that ended, what `history` shows is
/// left, and the last receipt. One with a run that was cut stays as it is.
fn shorten(host: &Host, long: u64) -> Result<(), HostError> {
    let size = host.stat(JOURNAL)?.map_or(0, |state| state.size);
    if size <= long || cut_run(host)?.is_some() {
        return Ok(());
    }
    // First, since it need not be the last run's.
    let receipt = last_receipt(host)?
        .map(|receipt| Record::Committed { receipt: Some(receipt), cleanup: Cleanup::default() });
    let mut text = Vec::new();
    for record in receipt.into_iter().chain(runs(host)?.into_iter().map(Record::Past)) {
        text.extend(to_line(&record)?);
    }
    host.write_file(JOURNAL, &text, Ownership::root(0o600))
}

fn to_line(record: &Record) -> Result<Vec<u8>, HostError> {
    let line = serde_json::to_vec(record);
    let mut line = line.map_err(|error| HostError::io("write", JOURNAL, error.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Whether the last line was cut while it was written.
fn ends_torn(host: &Host) -> Result<bool, HostError> {
    let Some(mut file) = host.open_file(JOURNAL)? else { return Ok(false) };
    let mut last = [b'\n'];
    let read = file.seek(SeekFrom::End(0)).and_then(|length| {
        if length == 0 {
            return Ok(());
        }
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)
    });
    read.map_err(|source| HostError::io("read", JOURNAL, source))?;
    Ok(last != [b'\n'])
}

fn parse_cut_run(lines: impl BufRead) -> std::io::Result<Option<CutRun>> {
    let mut run: Option<CutRun> = None;
    for record in records(lines) {
        match (record?, &mut run) {
            (Record::RunStarted { run: name, at, command, .. }, _) => {
                let (staged, begun) = (Vec::new(), Vec::new());
                let committed = None;
                run = Some(CutRun { run: name, command, since: at, staged, begun, committed });
            }
            (Record::Staging { paths }, Some(run)) => run.staged.extend(paths),
            (Record::Intent { number, step, before }, Some(run)) => {
                run.begun.push((number, Entry { step, before }));
            }
            (Record::Undone { number }, Some(run)) => {
                // Its line could not be taken away again when it did not reach the disk.
                run.committed = None;
                run.begun.retain(|(begun, _)| *begun != number);
            }
            (Record::Committed { receipt, cleanup }, Some(run)) => {
                run.committed = Some((receipt, cleanup));
            }
            (Record::RunEnded { outcome, .. }, _) if outcome != Outcome::Stuck => run = None,
            _ => {}
        }
    }
    Ok(run)
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;

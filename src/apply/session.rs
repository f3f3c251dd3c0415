//! One run from its first write to its end: what was staged, and its journal.

use super::journal::{self, Cleanup, Journal, Outcome, Record};
use super::{clean_up, set_aside, take_guard_away};
use crate::bundle::format::plugin_names;
use crate::bundle::program_names;
use crate::host::staging::StagingDir;
use crate::host::{Host, HostError};
use crate::receipt::{Entry, RECEIPT, Receipt};
use crate::steps::StepError;
use crate::store::STATE_DIR;

/// One run. A run that changes nothing writes nothing.
pub struct Session<'a> {
    host: &'a Host,
    command: &'static str,
    journal: Option<Journal>,
    run: String,
    staged: Vec<String>,
    committed: bool,
    uninstalled: bool,
}

impl<'a> Session<'a> {
    /// A run of this command that has written nothing yet.
    pub fn new(host: &'a Host, command: &'static str) -> Self {
        Self {
            host,
            command,
            journal: None,
            run: String::new(),
            staged: Vec::new(),
            committed: false,
            uninstalled: false,
        }
    }

    /// The name of the run, once it has written something.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The host.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// The command.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// Whether what the run did stays, whatever happens now.
    pub fn is_committed(&self) -> bool {
        self.committed
    }

    /// Whether programs were staged.
    pub fn has_staged(&self) -> bool {
        !self.staged.is_empty()
    }

    /// The journal; the first call makes it and begins the run.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be written.
    pub fn journal(&mut self) -> Result<&mut Journal, HostError> {
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => {
                let (journal, run) = self.begin().inspect_err(|_| {
                    // Only what was begun is there to be undone.
                    let _ = leave_if_nothing_began(self.host);
                })?;
                self.run = run;
                journal
            }
        };
        Ok(self.journal.insert(journal))
    }

    fn begin(&self) -> Result<(Journal, String), HostError> {
        let mut journal = Journal::open(self.host)?;
        let run = journal.start(self.command)?;
        Ok((journal, run))
    }

    /// A directory to stage programs for `target` in. What may be left there is in the
    /// journal before the first file is made.
    ///
    /// # Errors
    /// [`HostError::Io`] if the directory cannot be opened or the journal not be written.
    pub fn staging_dir(&mut self, target: &str) -> Result<StagingDir, HostError> {
        let directory = self.host.staging_dir(target)?;
        let names = program_names().map(str::to_owned).chain(plugin_names());
        let paths: Vec<String> = names.map(|name| directory.path_of(&name)).collect();
        self.journal()?.write_synced(&Record::Staging { paths: paths.clone() })?;
        self.staged.extend(paths);
        Ok(directory)
    }

    /// Where a program for `target` is staged.
    ///
    /// # Errors
    /// [`HostError::Io`] if the directory cannot be opened.
    pub fn staged_path(&self, target: &str, name: &str) -> Result<String, HostError> {
        Ok(self.host.staging_dir(target)?.path_of(name))
    }

    /// Makes what the run did stay: the receipt is on disk, and the run is completed whatever
    /// happens now. Without a receipt nothing of Landfall is left.
    ///
    /// # Errors
    /// [`StepError`] if the receipt or the journal cannot be written: then nothing is committed.
    pub fn commit(
        &mut self,
        mut receipt: Option<Receipt>,
        made: &[Entry],
        mut cleanup: Cleanup,
    ) -> Result<(), StepError> {
        let host = self.host;
        let aside = set_aside(made);
        cleanup.files.extend(aside.files);
        cleanup.empty.extend(aside.empty);
        if let Some(receipt) = &mut receipt {
            receipt.stamp();
            receipt.stage(host)?;
        }
        let uninstalled = receipt.is_none();
        let record = Record::Committed { receipt: receipt.map(Box::new), cleanup: cleanup.clone() };
        self.journal()?.write_synced(&record)?;
        (self.committed, self.uninstalled) = (true, uninstalled);
        complete(host, uninstalled, &cleanup)
    }

    /// Ends the run. Staged files that did not get their final name are removed; so is
    /// Landfall's state directory, unless it holds a receipt or is needed to go on.
    ///
    /// # Errors
    /// [`HostError::Io`] if something cannot be removed or the journal not be written.
    pub fn close(mut self, outcome: Outcome) -> Result<(), HostError> {
        for path in &self.staged {
            self.host.remove_file(path)?;
        }
        let Some(mut journal) = self.journal.take() else { return Ok(()) };
        if self.uninstalled && outcome == Outcome::Done {
            leave(self.host)?;
        } else {
            journal.conclude(self.host, outcome)?;
        }
        if outcome == Outcome::Stuck { Ok(()) } else { take_guard_away(self.host) }
    }
}

/// What follows once a run is committed. Doing it twice does no harm.
pub(super) fn complete(host: &Host, uninstalled: bool, cleanup: &Cleanup) -> Result<(), StepError> {
    if uninstalled {
        host.remove_file(RECEIPT)?;
    } else {
        Receipt::put(host)?;
    }
    clean_up(host, cleanup)
}

/// Removes Landfall's directory if no run has begun, and nothing is installed.
pub(super) fn leave_if_nothing_began(host: &Host) -> Result<(), HostError> {
    if host.stat(RECEIPT)?.is_none() && journal::runs(host)?.is_empty() {
        leave(host)
    } else {
        Ok(())
    }
}

/// Removes all that Landfall keeps on the host, its journal last.
pub(super) fn leave(host: &Host) -> Result<(), HostError> {
    host.remove_tree(STATE_DIR)?;
    host.sync_directories()
}

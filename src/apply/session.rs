//! One run from its first write to its end: what was staged, and its journal.

use super::journal::{Journal, Outcome, Record};
use crate::bundle::program_names;
use crate::host::staging::StagingDir;
use crate::host::{Host, HostError};

/// One run. A run that changes nothing writes nothing.
pub struct Session<'a> {
    host: &'a Host,
    command: &'static str,
    journal: Option<Journal>,
    run: String,
    staged: Vec<String>,
}

impl<'a> Session<'a> {
    /// A run of this command that has written nothing yet.
    pub fn new(host: &'a Host, command: &'static str) -> Self {
        Self { host, command, journal: None, run: String::new(), staged: Vec::new() }
    }

    /// The name of the run, once it has written something.
    pub fn run(&self) -> &str {
        &self.run
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
                let mut journal = Journal::open(self.host)?;
                self.run = journal.start(self.command)?;
                journal
            }
        };
        Ok(self.journal.insert(journal))
    }

    /// A directory to stage programs for `target` in. What may be left there is in the
    /// journal before the first file is made.
    ///
    /// # Errors
    /// [`HostError::Io`] if the directory cannot be opened or the journal not be written.
    pub fn staging_dir(&mut self, target: &str) -> Result<StagingDir, HostError> {
        let directory = self.host.staging_dir(target)?;
        let paths: Vec<String> = program_names().map(|name| directory.path_of(name)).collect();
        self.journal()?.write_synced(&Record::Staging { paths: paths.clone() })?;
        self.staged = paths;
        Ok(directory)
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
        journal.conclude(self.host, outcome)
    }
}

//! Everything that somebody far away needs to find out what is wrong with a host that
//! nobody can log in to: collected, freed of secrets, bounded, and packed.
//!
//! Every text passes through [`Collection::add`], and there through [`redact`]. What cannot
//! be had is left out and said so: a program that is missing, a file that may not be read, a
//! daemon that does not answer are what such bundles are made for.

mod engine;
mod pack;
mod sources;

use std::time::{Duration, Instant};

use serde::Serialize;

pub use pack::pack;
pub use sources::collect;

use crate::facts::identity::Identity;
use crate::host::Host;
use crate::redact;
use crate::texts::support_bundle as texts;

/// The version of the manifest's format.
pub const SCHEMA: u32 = 1;

/// How much is collected, at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Logs of so many hours.
    pub hours: u32,
    /// Bytes of one file; of a log, the last ones.
    pub file: usize,
    /// Bytes of all files.
    pub total: usize,
    /// Time for everything; what is not begun by then is left out.
    pub time: Duration,
    /// Time for one program.
    pub program: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hours: 48,
            file: 4 << 20,
            total: 32 << 20,
            time: Duration::from_secs(120),
            program: Duration::from_secs(10),
        }
    }
}

/// What is in a bundle, and what is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of the format.
    pub schema: u32,
    /// What this is, for people.
    pub about: &'static str,
    /// Version of the Landfall that made it.
    pub landfall: &'static str,
    /// When, in UTC.
    pub made: String,
    /// Of which host.
    pub host: Identity,
    /// User id that it was made by.
    pub uid: u32,
    /// What is in it.
    pub files: Vec<Contents>,
    /// What is not, and why.
    pub left_out: Vec<LeftOut>,
}

/// A file in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// Its name.
    pub name: String,
    /// The file, program or call that it comes from.
    pub from: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// In how many places something was taken out.
    pub removed: usize,
    /// Whether it was cut because of its size.
    pub cut: bool,
    /// What the program said beside its output.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// Something that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The name that it would have had.
    pub name: String,
    /// Why it is not there.
    pub why: String,
}

/// Which end of a text matters if it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first bytes.
    Start,
    /// The last ones: of logs.
    End,
}

/// A bundle that is being filled.
pub struct Collection<'a> {
    host: &'a Host,
    limits: Limits,
    began: Instant,
    room: usize,
    /// Names and texts.
    pub texts: Vec<(String, String)>,
    /// What is in it and what is not.
    pub manifest: Manifest,
}

impl<'a> Collection<'a> {
    /// An empty bundle of this host.
    pub fn new(host: &'a Host, identity: Identity, made: String, limits: Limits) -> Self {
        let manifest = Manifest {
            schema: SCHEMA,
            about: texts::ABOUT,
            landfall: env!("CARGO_PKG_VERSION"),
            made,
            host: identity,
            uid: host.uid(),
            files: Vec::new(),
            left_out: Vec::new(),
        };
        let room = limits.total;
        Self { host, limits, began: Instant::now(), room, texts: Vec::new(), manifest }
    }

    /// Adds a text, without its secrets: the only way into a bundle.
    pub fn add(&mut self, name: &str, from: &str, said: &str, text: &str, keep: Keep) {
        let clean = match name.rsplit_once('.') {
            Some((_, "json")) => redact::json_text(text),
            Some((_, "jsonl")) => redact::json_lines(text),
            _ => redact::text(text),
        };
        let kept = cut(&clean, self.limits.file.min(self.room), keep);
        self.room -= kept.len();
        self.manifest.files.push(Contents {
            name: name.to_owned(),
            from: redact::text(from),
            bytes: kept.len(),
            removed: redact::marks(kept),
            cut: kept.len() < clean.len(),
            said: redact::text(said.trim()),
        });
        self.texts.push((name.to_owned(), kept.to_owned()));
    }

    /// Notes that something could not be had.
    pub fn leave_out(&mut self, name: &str, why: impl ToString) {
        let why = redact::text(&why.to_string());
        self.manifest.left_out.push(LeftOut { name: name.to_owned(), why });
    }

    /// Adds a file of the host.
    pub fn file(&mut self, name: &str, path: &str, keep: Keep) {
        match self.host.read_text(path) {
            Ok(Some(text)) => self.add(name, path, "", &text, keep),
            Ok(None) => self.leave_out(name, texts::no_file(path)),
            Err(error) => self.leave_out(name, error),
        }
    }

    /// Adds what a program prints. One that fails is added too if it printed something.
    pub fn program(&mut self, name: &str, argv: &[&str], keep: Keep) {
        self.program_part(name, argv, keep, str::to_owned);
    }

    /// Adds a part of what a program prints.
    fn program_part(
        &mut self,
        name: &str,
        argv: &[&str],
        keep: Keep,
        part: impl Fn(&str) -> String,
    ) {
        let Some(limit) = self.time_left() else {
            return self.leave_out(name, texts::NO_TIME);
        };
        let program = argv.first().copied().unwrap_or_default();
        if self.host.find_program(program).is_none() {
            return self.leave_out(name, texts::no_program(program));
        }
        match self.host.run(argv, limit.min(self.limits.program)) {
            Ok(output) if output.stdout.trim().is_empty() && output.code != Some(0) => {
                self.leave_out(name, texts::failed(&argv.join(" "), output.code, &output.stderr));
            }
            Ok(output) => {
                let text = part(&output.stdout);
                self.add(name, &argv.join(" "), &output.stderr, &text, keep);
            }
            Err(error) => self.leave_out(name, error),
        }
    }

    /// The time that is left for everything; `None` if there is none.
    fn time_left(&self) -> Option<Duration> {
        self.limits.time.checked_sub(self.began.elapsed())
    }
}

/// At most so many bytes of a text, whole lines if it has any.
fn cut(text: &str, limit: usize, keep: Keep) -> &str {
    if text.len() <= limit {
        return text;
    }
    match keep {
        Keep::Start => {
            let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = text[..end].rfind('\n').map_or(end, |line| line + 1);
            &text[..end]
        }
        Keep::End => {
            let from = text.len() - limit;
            let start = (from..=text.len()).find(|at| text.is_char_boundary(*at));
            let start = start.unwrap_or(text.len());
            let line = text[start..].find('\n').map_or(start, |line| start + line + 1);
            &text[if line < text.len() { line } else { start }..]
        }
    }
}

#[cfg(test)]
mod tests;

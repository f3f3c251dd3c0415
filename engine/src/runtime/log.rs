//! Logs in Docker's format json-file: one object a line, files rotated by size.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::protocol::Stream;

/// Longer lines are written in pieces of so many bytes, as Docker does.
const LONGEST_PIECE: usize = 16 << 10;

/// Where a log is and how large it may become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOptions {
    /// The newest file; older ones have `.1`, `.2` … after its name.
    pub path: PathBuf,
    /// Bytes after which a new file is begun; none: never.
    pub max_size: Option<u64>,
    /// How many files there are at most, at least one.
    pub max_files: u32,
}

/// One line of a log, as it is read and written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The text, with its line feed unless the piece ends before it.
    pub log: std::borrow::Cow<'a, str>,
    /// `stdout` or `stderr`.
    pub stream: std::borrow::Cow<'a, str>,
    /// RFC 3339 with nanoseconds.
    pub time: std::borrow::Cow<'a, str>,
}

/// Writes what a container says.
#[derive(Debug)]
pub struct Writer {
    options: LogOptions,
    file: File,
    size: u64,
    unfinished: [Vec<u8>; 2],
}

impl Writer {
    /// Goes on with the log that is there, or begins one.
    pub fn open(options: LogOptions) -> io::Result<Self> {
        let file = open(&options.path)?;
        let size = file.metadata()?.len();
        Ok(Self { options, file, size, unfinished: Default::default() })
    }

    /// Takes bytes of a stream and writes the lines that are whole.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let mut kept = std::mem::take(&mut self.unfinished[stream as usize]);
        kept.extend_from_slice(bytes);
        let mut rest = kept.as_slice();
        while let Some(length) = piece(rest) {
            self.write_entry(stream, &rest[..length])?;
            rest = &rest[length..];
        }
        self.unfinished[stream as usize] = rest.to_vec();
        Ok(())
    }

    /// Writes what is left without a line feed.
    pub fn finish(&mut self) -> io::Result<()> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut self.unfinished[stream as usize]);
            if !rest.is_empty() {
                self.write_entry(stream, &rest)?;
            }
        }
        Ok(())
    }

    fn write_entry(&mut self, stream: Stream, text: &[u8]) -> io::Result<()> {
        let entry = Entry {
            log: String::from_utf8_lossy(text),
            stream: stream.name().into(),
            time: jiff::Timestamp::now().to_string().into(),
        };
        let mut line = serde_json::to_vec(&entry)?;
        line.push(b'\n');
        let length = line.len() as u64;
        if self.options.max_size.is_some_and(|most| self.size > 0 && self.size + length > most) {
            self.rotate()?;
        }
        self.file.write_all(&line)?;
        self.size += length;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.options.path;
        let last = self.options.max_files.max(1) - 1;
        if last == 0 {
            fs::remove_file(path)?;
        } else {
            for number in (1..last).rev() {
                let older = rotated(path, number);
                if older.exists() {
                    fs::rename(older, rotated(path, number + 1))?;
                }
            }
            fs::rename(path, rotated(path, 1))?;
        }
        self.file = open(path)?;
        self.size = 0;
        Ok(())
    }
}

/// The files of a log that are there, oldest first.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        (1..).map(|number| rotated(path, number)).take_while(|file| file.exists()).collect();
    files.reverse();
    files.push(path.to_owned());
    files
}

fn rotated(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// How long the next piece of `bytes` is: a line, or as much as one entry holds.
fn piece(bytes: &[u8]) -> Option<usize> {
    let line = bytes.iter().take(LONGEST_PIECE).position(|byte| *byte == b'\n');
    match line {
        Some(feed) => Some(feed + 1),
        None if bytes.len() < LONGEST_PIECE => None,
        None => Some(whole_characters(&bytes[..LONGEST_PIECE])),
    }
}

/// The length of `bytes` without a character that is cut at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path) -> Vec<String> {
        let lines = fs::read_to_string(path).unwrap();
        lines
            .lines()
            .map(|line| serde_json::from_str::<Entry<'_>>(line).unwrap().log.into_owned())
            .collect()
    }

    fn writer(directory: &Path, max_size: Option<u64>, max_files: u32) -> Writer {
        let path = directory.join("log");
        Writer::open(LogOptions { path, max_size, max_files }).unwrap()
    }

    #[test]
    fn lines_are_put_together_and_streams_are_kept_apart() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(directory.path(), None, 1);
        log.write(Stream::Stdout, b"one\ntw").unwrap();
        log.write(Stream::Stderr, b"warning\n").unwrap();
        log.write(Stream::Stdout, b"o\nrest").unwrap();
        log.finish().unwrap();
        assert_eq!(texts(&directory.path().join("log")), ["one\n", "warning\n", "two\n", "rest"]);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(directory.path(), None, 1);
        let line = format!("x{}\n", "é".repeat(LONGEST_PIECE));
        log.write(Stream::Stdout, line.as_bytes()).unwrap();
        let texts = texts(&directory.path().join("log"));
        assert_eq!(texts.len(), 3);
        assert_eq!(texts[0].len(), LONGEST_PIECE - 1);
        assert_eq!(texts.concat(), line);
    }

    #[test]
    fn a_full_file_is_rotated_and_the_oldest_goes() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = writer(directory.path(), Some(200), 3);
        for number in 0..12 {
            log.write(Stream::Stdout, format!("line {number}\n").as_bytes()).unwrap();
        }
        let files = files(&directory.path().join("log"));
        let names: Vec<_> =
            files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["log.2", "log.1", "log"]);
        let all: Vec<String> = files.iter().flat_map(|file| texts(file)).collect();
        assert_eq!(all.last().unwrap(), "line 11\n");
        assert_eq!(all.len(), 6, "two lines fit in 200 bytes");
        assert!(fs::metadata(&files[0]).unwrap().len() <= 200);
    }
}

//! Whole archives: sound ones, and each way to be hostile.

use std::io::{self, Read, Write};
use std::sync::Mutex;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::EntryType;

use super::pipeline::Buffers;
use super::testing::{ArchiveImage, ElfImage, FileImage, Random, gzip, modern, pax};
use super::*;
use crate::digest::Digest;

/// Keeps what it is given.
#[derive(Default)]
struct Keep(Vec<(String, u64, Vec<u8>, bool)>);

impl Sink for Keep {
    fn begin(&mut self, entry_name: &str, size: u64) -> io::Result<()> {
        self.0.push((entry_name.to_string(), size, Vec::new(), false));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.last_mut().unwrap().2.extend(bytes);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.last_mut().unwrap().3 = true;
        Ok(())
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Archive, BundleError> {
    read(bytes, &Limits::default(), &mut Discard, &|_| {})
}

fn error_of(bytes: &[u8]) -> BundleError {
    read_bytes(bytes).expect_err("a hostile archive")
}

/// What is wrong with the sound archive and this file.
fn error_with(file: FileImage) -> BundleError {
    error_of(&modern().with(file).build())
}

fn link(kind: EntryType) -> FileImage {
    FileImage { kind, link: Some("/etc/shadow"), ..FileImage::file("docker/ctr", b"") }
}

macro_rules! assert_error {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $error;
        assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
        assert!(!error.to_string().is_empty() && error.hint().is_some());
    };
}

mod bounds;
mod compressed_stream;
mod contents;
mod sound;
mod tar_stream;

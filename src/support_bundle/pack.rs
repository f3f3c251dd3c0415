//! A tar archive, compressed, in memory: bundles are small.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Packs texts, each beneath `directory`, in their order. `now` is the time of all of them,
/// seconds since 1970.
///
/// # Errors
/// [`io::Error`] if a name is longer than an archive can say.
pub fn pack(directory: &str, now: u64, texts: &[(String, String)]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in texts {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(now);
        archive.append_data(&mut header, format!("{directory}/{name}"), text.as_bytes())?;
    }
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    packed.finish()
}

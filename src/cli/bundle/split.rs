//! `landfall bundle split`.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::json;

use super::super::failure::{Failure, exit};
use super::super::output::Output;
use super::{about, usage};
use crate::bundle::format::read_head;
use crate::bundle::volumes::{LIST_SUFFIX, Volume, VolumeList};
use crate::digest::{Digest, Hasher};
use crate::host::output::Draft;
use crate::stage::Source;
use crate::texts::bundle as texts;

/// `landfall bundle split`.
pub fn split(path: &Path, size: u64, output: &Output) -> Result<u8, Failure> {
    let source = Source::open(path)?;
    if source.in_volumes() {
        return Err(about(path, texts::IN_VOLUMES));
    }
    read_head(source.bytes(), Some(source.size())).map_err(|error| source.blame(error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sizes =
        VolumeList::sizes(&name, source.size(), size).map_err(|error| about(path, error))?;
    let mut bytes = source.bytes();
    let mut whole = Hasher::new();
    let mut volumes = Vec::new();
    for (name, size) in sizes {
        let volume = path.with_file_name(&name);
        let mut draft = Draft::new(&volume, 0o666).map_err(|error| usage(&error))?;
        let sha256 = copy(&mut (&mut bytes).take(size), &mut draft.file, &mut whole)
            .map_err(|error| about(&volume, error))?;
        draft.commit()?;
        volumes.push(Volume { name, size, sha256 });
    }
    let bundle = Volume { name: name.clone(), size: source.size(), sha256: whole.finish() };
    let list = VolumeList { format: 1, bundle, volumes };
    let text = serde_json::to_string_pretty(&list).map_err(|error| usage(&error))?;
    let list_path = path.with_file_name(format!("{name}{LIST_SUFFIX}"));
    let mut draft = Draft::new(&list_path, 0o666).map_err(|error| usage(&error))?;
    draft.file.write_all(format!("{text}\n").as_bytes()).map_err(|e| about(&list_path, e))?;
    draft.commit()?;
    let shown = list_path.to_string_lossy();
    let names: Vec<&str> = list.volumes.iter().map(|volume| volume.name.as_str()).collect();
    output.result(
        &texts::split(&shown, names.len()),
        &json!({"event": "bundle_split", "list": shown, "volumes": names}),
    );
    Ok(exit::DONE)
}

fn copy(from: &mut dyn Read, to: &mut dyn Write, whole: &mut Hasher) -> std::io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => {
                hasher.update(&buffer[..count]);
                whole.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
        }
    }
}

/// `3900M`, `4G`, `700000000`: powers of 1024.
pub fn size(text: &str) -> Result<u64, &'static str> {
    let (digits, unit) = match text.trim_end_matches(['B', 'b', 'i']) {
        text if text.ends_with(['k', 'K']) => (&text[..text.len() - 1], 1 << 10),
        text if text.ends_with(['m', 'M']) => (&text[..text.len() - 1], 1 << 20),
        text if text.ends_with(['g', 'G']) => (&text[..text.len() - 1], 1 << 30),
        text => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| texts::SIZE_FORM)?;
    number.checked_mul(unit).filter(|size| *size > 0).ok_or(texts::SIZE_FORM)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("3900M", 3900 << 20),
            ("3900MiB", 3900 << 20),
            ("4G", 4 << 30),
            ("64k", 64 << 10),
            ("700", 700),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "M", "4T", "-1", "99999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}

//! Checksum files that lie beside an archive: `docker-28.5.2.tgz.sha256`, `SHA256SUMS`.

use super::error::printable;
use crate::digest::Digest;

/// Why a checksum file gives no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidecarError {
    /// No digest in it.
    Empty,
    /// A line that cannot be read.
    Malformed {
        /// Counted from 1.
        line: usize,
        /// The line, escaped.
        text: String,
    },
    /// Several digests, none for this file.
    NotListed {
        /// How many.
        count: usize,
        /// The file that was looked for.
        file_name: String,
    },
    /// Several digests for this file, which differ.
    Ambiguous {
        /// The file.
        file_name: String,
    },
}

/// The digest that the checksum file `text` has for `file_name` (without directories).
///
/// Known forms of a line: the bare digest; `HEX  name` and `HEX *name`, as sha256sum writes it;
/// `SHA256 (name) = HEX`, as BSD's tools do. Empty lines and lines that start with `#` are left
/// aside. A single digest is taken whatever name stands beside it (the archive may have been
/// renamed); of several, the one for this name.
pub(super) fn digest_for(text: &str, file_name: &str) -> Result<Digest, SidecarError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        all.push(parse_line(line).ok_or_else(|| SidecarError::Malformed {
            line: index + 1,
            text: printable(line.as_bytes()),
        })?);
    }
    if let [(digest, _)] = all[..] {
        return Ok(digest);
    }
    let mut ours = all.iter().filter(|(_, name)| *name == Some(file_name));
    match (ours.next(), all.len()) {
        (Some((digest, _)), _) if ours.all(|(other, _)| other == digest) => Ok(*digest),
        (Some(_), _) => Err(SidecarError::Ambiguous { file_name: file_name.to_string() }),
        (None, 0) => Err(SidecarError::Empty),
        (None, count) => Err(SidecarError::NotListed { count, file_name: file_name.to_string() }),
    }
}

/// Digest and name (without directories) of a line.
fn parse_line(line: &str) -> Option<(Digest, Option<&str>)> {
    if let Some(rest) = line.strip_prefix("SHA256").map(str::trim_start)
        && let Some(rest) = rest.strip_prefix('(')
    {
        let (name, digest) = rest.rsplit_once(')')?;
        let digest = digest.trim_start().strip_prefix('=')?.trim_start();
        return Some((digest.parse().ok()?, base_name(name)));
    }
    // sha256sum starts a line with a backslash if it had to escape the name.
    let line = line.strip_prefix('\\').unwrap_or(line);
    match line.split_once([' ', '\t']) {
        None => Some((line.parse().ok()?, None)),
        Some((digest, name)) => {
            let name = name.trim_start();
            Some((digest.parse().ok()?, base_name(name.strip_prefix('*').unwrap_or(name))))
        }
    }
}

fn base_name(path: &str) -> Option<&str> {
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "docker-28.5.2.tgz";

    fn a() -> Digest {
        Digest::of(b"a")
    }

    fn b() -> Digest {
        Digest::of(b"b")
    }

    #[test]
    fn every_form() {
        let a = a();
        let upper = a.to_string().to_uppercase();
        for text in [
            format!("{a}"),
            format!("{a}\n"),
            format!("\u{feff}{upper}\r\n"),
            format!("sha256:{a}\n"),
            format!("{a}  {NAME}\n"),
            format!("{a} *{NAME}\n"),
            format!("{a}\t./dist/{NAME}\n"),
            format!("\\{a}  C:\\\\dist\\\\{NAME}\n"),
            format!("SHA256 ({NAME}) = {a}\n"),
            format!("SHA256({NAME})= {a}\n"),
            format!("# made on Monday\n\n{a}  {NAME}\n"),
            format!("{a}  renamed.tgz\n"),
        ] {
            assert_eq!(digest_for(&text, NAME), Ok(a), "{text:?}");
        }
    }

    #[test]
    fn the_line_for_this_file() {
        let (a, b) = (a(), b());
        let text = format!("{b}  docker-28.5.1.tgz\n{a}  x/{NAME}\n{b}  {NAME}.asc\n");
        assert_eq!(digest_for(&text, NAME), Ok(a));
        let text = format!("{a}  {NAME}\nSHA256 ({NAME}) = {a}\n");
        assert_eq!(digest_for(&text, NAME), Ok(a), "twice the same");
    }

    #[test]
    fn errors() {
        let (a, b) = (a(), b());
        let file_name = NAME.to_string();
        for (text, error) in [
            (String::new(), SidecarError::Empty),
            ("# nothing\n".into(), SidecarError::Empty),
            (
                format!("{a}  x\n{b}  y\n"),
                SidecarError::NotListed { count: 2, file_name: file_name.clone() },
            ),
            (
                format!("{a}\n{b}\n"),
                SidecarError::NotListed { count: 2, file_name: file_name.clone() },
            ),
            (format!("{a}  {NAME}\n{b}  {NAME}\n"), SidecarError::Ambiguous { file_name }),
        ] {
            assert_eq!(digest_for(&text, NAME), Err(error), "{text:?}");
        }
        for text in [
            "<html>",
            "d41d8cd98f00b204e9800998ecf8427e  x",
            "SHA512 (x) = 00",
            "SHA256 (x",
            "SHA256 (x) 00",
        ] {
            let error = digest_for(&format!("\n{text}\n"), NAME).unwrap_err();
            assert!(
                matches!(error, SidecarError::Malformed { line: 2, .. }),
                "{text:?}: {error:?}"
            );
        }
    }
}

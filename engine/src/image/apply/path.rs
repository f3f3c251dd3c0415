//! Names in archives.

/// Marks a name as one that hides the same name in the layers below.
const WHITEOUT: &[u8] = b".wh.";

/// Marks a directory as one that hides everything of it below.
const OPAQUE: &[u8] = b".wh..wh.opq";

/// Notes of aufs, which long ago made layers.
const AUFS: &[u8] = b".wh..wh.";

/// Where aufs put files with several names: links in the archive lead there.
pub(super) const AUFS_LINKS: &[u8] = b".wh..wh.plnk";

/// What a name asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The entry itself, at this path.
    Path(Vec<u8>),
    /// Hiding this path.
    Whiteout(Vec<u8>),
    /// Hiding all there was in this directory.
    Opaque(Vec<u8>),
    /// Nothing: it is a note of a storage driver.
    Nothing,
}

impl Target {
    /// Reads a name of an entry. The error says what is wrong with it.
    pub(super) fn of(name: &[u8]) -> Result<Self, &'static str> {
        let path = clean(name).ok_or("it leads out of the layer")?;
        let (parent, base) = split(&path);
        if parent == AUFS_LINKS || path == AUFS_LINKS {
            return Ok(Self::Path(path));
        }
        if base == OPAQUE {
            return Ok(Self::Opaque(parent.to_vec()));
        }
        if path.split(|byte| *byte == b'/').any(|component| component.starts_with(AUFS)) {
            return Ok(Self::Nothing);
        }
        match base.strip_prefix(WHITEOUT) {
            None => Ok(Self::Path(path)),
            Some(b"" | b"." | b"..") => Err("it is a whiteout of no name"),
            Some(hidden) => Ok(Self::Whiteout(join(parent, hidden))),
        }
    }
}

/// The path without anything that leads nowhere, relative to the layer; empty for the layer
/// itself. `None` if it leads out.
pub(crate) fn clean(name: &[u8]) -> Option<Vec<u8>> {
    let mut components: Vec<&[u8]> = Vec::new();
    for component in name.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => drop(components.pop()?),
            _ => components.push(component),
        }
    }
    Some(components.join(&b'/'))
}

/// The directory and the last component.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

fn join(parent: &[u8], base: &[u8]) -> Vec<u8> {
    if parent.is_empty() { base.to_vec() } else { [parent, b"/", base].concat() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_say_what_they_ask_for() {
        let path = |path: &str| Ok(Target::Path(path.into()));
        let whiteout = |path: &str| Ok(Target::Whiteout(path.into()));
        for (name, target) in [
            ("a/b", path("a/b")),
            ("./a//b/", path("a/b")),
            ("/a/../b", path("b")),
            ("./", path("")),
            ("a/.wh.b", whiteout("a/b")),
            (".wh.b/", whiteout("b")),
            (".wh.wh.b", whiteout("wh.b")),
            ("a/.wh..wh.opq", Ok(Target::Opaque(b"a".into()))),
            (".wh..wh.opq", Ok(Target::Opaque(b"".into()))),
            (".wh..wh.aufs", Ok(Target::Nothing)),
            (".wh..wh.orph/x", Ok(Target::Nothing)),
            (".wh..wh.plnk/1.2", path(".wh..wh.plnk/1.2")),
        ] {
            assert_eq!(Target::of(name.as_bytes()), target, "{name}");
        }
        for name in ["..", "../a", "a/../../b", "/..", ".wh.", ".wh...", "a/.wh...", "a/.wh.."] {
            assert!(Target::of(name.as_bytes()).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_out(name in "[./a-c]{0,24}|(\\.wh\\.|\\.\\./|a/|\\.){0,8}") {
            let path = match Target::of(name.as_bytes()) {
                Ok(Target::Path(path) | Target::Whiteout(path) | Target::Opaque(path)) => path,
                Ok(Target::Nothing) | Err(_) => return Ok(()),
            };
            prop_assert!(!path.starts_with(b"/"));
            let mut components = path.split(|byte| *byte == b'/');
            prop_assert!(path.is_empty() || components.all(|c| !matches!(c, b"" | b"." | b"..")));
        }
    }
}

//! Shared libraries that the host's dynamic linker finds.

use std::collections::BTreeMap;

use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, FileKind, elf};

use super::Libraries;
use crate::host::{Host, HostError};

const CACHE: &str = "/etc/ld.so.cache";
const LIBC: &str = "libc.so.6";

/// Reads `/etc/ld.so.cache` (glibc, `sysdeps/generic/dl-cache.h`): soname to path of the
/// libraries that are built for `architecture`. `None` if it is not of the format that
/// glibc writes since 2.2, alone or behind the older one.
pub fn parse_cache(bytes: &[u8], architecture: &str) -> Option<BTreeMap<String, String>> {
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    const HEADER: usize = 48;
    const ENTRY: usize = 24;
    const BIG_ENDIAN: u8 = 3;
    let start = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
    // Offsets of texts count from the start of this header.
    let cache = &bytes[start..];
    let order = *cache.get(28)? & 3;
    let native_big = cfg!(target_endian = "big");
    let big = if order == 0 { native_big } else { order == BIG_ENDIAN };
    let number = |at: usize| -> Option<usize> {
        let four = *cache.get(at..)?.first_chunk::<4>()?;
        let value = if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        usize::try_from(value).ok()
    };
    let count = number(20)?;
    let mut libraries = BTreeMap::new();
    for index in 0..count {
        let entry = HEADER.checked_add(index.checked_mul(ENTRY)?)?;
        let flags = number(entry)?;
        if !is_for(flags, architecture) {
            continue;
        }
        let (name, path) = (text(cache, number(entry + 4)?)?, text(cache, number(entry + 8)?)?);
        // The best of several builds of one library comes first.
        libraries.entry(name).or_insert(path);
    }
    Some(libraries)
}

/// Whether an entry's flags say that it is a glibc library for this architecture. One that
/// is not in the table takes every entry.
fn is_for(flags: usize, architecture: &str) -> bool {
    const ELF_LIBC6: usize = 3;
    let required = match architecture {
        "x86_64" => 0x0300,
        "s390x" => 0x0400,
        "ppc64le" => 0x0500,
        "armv7l" | "armv8l" => 0x0900,
        // FLAG_ARM_LIBSF; what an armv6l host has depends on its distribution.
        "armv5tel" | "armv5tejl" => 0x0b00,
        "aarch64" => 0x0a00,
        "riscv64" => 0x1000,
        "loongarch64" => 0x1200,
        "i686" | "i386" => 0,
        _ => return true,
    };
    flags & 0xff == ELF_LIBC6 && flags & 0xff00 == required
}

fn text(bytes: &[u8], at: usize) -> Option<String> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// The version names that a shared library defines, in its order, without the base version
/// that is its own name. Empty if it is no ELF file, or defines none.
pub fn parse_defined_versions(bytes: &[u8]) -> Vec<String> {
    let versions = match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => defined_versions::<elf::FileHeader64<Endianness>>(bytes),
        Ok(FileKind::Elf32) => defined_versions::<elf::FileHeader32<Endianness>>(bytes),
        _ => return Vec::new(),
    };
    versions.unwrap_or_default()
}

fn defined_versions<F>(bytes: &[u8]) -> object::Result<Vec<String>>
where
    F: FileHeader<Endian = Endianness>,
{
    let header = F::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let mut names = Vec::new();
    for section in sections.iter() {
        let Some((mut definitions, link)) = section.gnu_verdef(endian, bytes)? else { continue };
        let strings = sections.strings(endian, bytes, link)?;
        while let Some((definition, mut names_of_it)) = definitions.next()? {
            if definition.vd_flags.get(endian).contains(elf::VER_FLG_BASE) {
                continue;
            }
            // The first name is its own; the others are those of versions that it follows.
            if let Some(name) = names_of_it.next()? {
                names.push(String::from_utf8_lossy(name.name(endian, strings)?).into_owned());
            }
        }
    }
    Ok(names)
}

/// What the host's dynamic linker finds.
///
/// # Errors
/// [`HostError`] if the cache or libc is there but cannot be read.
pub fn gather(host: &Host, architecture: &str) -> Result<Libraries, HostError> {
    let cache = host.read(CACHE)?.and_then(|bytes| parse_cache(&bytes, architecture));
    let Some(found) = cache else { return Ok(Libraries::default()) };
    let libc = match found.get(LIBC) {
        Some(path) => host.read(path)?,
        None => None,
    };
    Ok(Libraries {
        libc_versions: libc.as_deref().map(parse_defined_versions).unwrap_or_default(),
        sonames: Some(found.into_keys().collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache as ldconfig writes it, little-endian.
    fn cache(entries: &[(u32, &str, &str)], prefix: &[u8]) -> Vec<u8> {
        let mut texts = Vec::new();
        let mut table = Vec::new();
        let first = u32::try_from(48 + 24 * entries.len()).unwrap();
        for (flags, name, path) in entries {
            let mut add = |text: &str| {
                let at = first + u32::try_from(texts.len()).unwrap();
                texts.extend(text.bytes().chain([0]));
                at
            };
            let (key, value) = (add(name), add(path));
            table.extend([*flags, key, value, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()));
        }
        let mut bytes = prefix.to_vec();
        bytes.extend(b"glibc-ld.so.cache1.1");
        bytes.extend(u32::try_from(entries.len()).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(texts.len()).unwrap().to_le_bytes());
        bytes.extend([2, 0, 0, 0]);
        bytes.extend([0; 16]);
        bytes.extend(table);
        bytes.extend(texts);
        bytes
    }

    #[test]
    fn libraries_of_the_architecture_alone() {
        let entries = [
            (0x0303, "libseccomp.so.2", "/lib/x86_64-linux-gnu/libseccomp.so.2"),
            (0x0303, "libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
            (0x0003, "libsystemd.so.0", "/lib/i386-linux-gnu/libsystemd.so.0"),
            (0x0303, "libc.so.6", "/opt/other/libc.so.6"),
        ];
        let found = parse_cache(&cache(&entries, b""), "x86_64").unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["libc.so.6", "libseccomp.so.2"]);
        assert_eq!(found["libc.so.6"], "/lib/x86_64-linux-gnu/libc.so.6");
        assert!(parse_cache(&cache(&entries, b""), "aarch64").unwrap().is_empty());
        assert_eq!(parse_cache(&cache(&entries, b""), "mips64").unwrap().len(), 3);
    }

    #[test]
    fn behind_the_old_format() {
        let entries = [(0x0303, "libc.so.6", "/lib64/libc.so.6")];
        let both = cache(&entries, b"ld.so-1.7.0\0\0\0\0\0");
        assert_eq!(parse_cache(&both, "x86_64").unwrap()["libc.so.6"], "/lib64/libc.so.6");
    }

    #[test]
    fn damaged_caches_are_none() {
        let whole = cache(&[(0x0303, "libc.so.6", "/lib64/libc.so.6")], b"");
        for length in 0..whole.len() {
            assert_eq!(parse_cache(&whole[..length], "x86_64"), None, "{length}");
        }
    }

    #[test]
    fn what_is_no_library_defines_nothing() {
        assert!(parse_defined_versions(b"").is_empty());
        assert!(parse_defined_versions(b"/* GNU ld script */").is_empty());
        assert!(parse_defined_versions(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]).is_empty());
    }

    #[test]
    fn this_machines_own_libc() {
        let host = Host::live().unwrap();
        let libraries = gather(&host, std::env::consts::ARCH).unwrap();
        assert!(libraries.sonames.unwrap().contains(&LIBC.to_owned()));
        assert!(libraries.libc_versions.contains(&"GLIBC_2.17".to_owned()));
        assert!(!libraries.libc_versions.contains(&LIBC.to_owned()));
    }
}

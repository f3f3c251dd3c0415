//! Whole bundles: sound ones here, hostile ones in [`hostile`].

use std::io::{Read, Write};
use std::process::Command;

use super::testing::*;
use super::*;
use crate::bundle::Discard;
use crate::bundle::testing::Random;
use crate::digest::Digest;

#[path = "tests_hostile.rs"]
mod hostile;

fn read_bytes(bytes: &[u8]) -> Result<Contents, FormatError> {
    read(bytes, Some(bytes.len() as u64), &mut |_| Ok(()), &mut Discard, &|_| {})
}

#[test]
fn what_is_written_is_read() {
    let bundle = bundle_of(items());
    let contents = read_bytes(&bundle).unwrap();
    assert_eq!(contents.sha256, Digest::of(&bundle));
    assert_eq!(contents.size, bundle.len() as u64);
    assert_eq!(contents.programs.len(), 8);
    assert_eq!(contents.plugins.len(), 1);
    assert_eq!(contents.head.manifest.version(), Some("28.5.2"));
    assert_eq!(Parts::sound().build(), bundle, "the tests take it apart and put it together");
    assert_eq!(read_head(&bundle[..], None).unwrap(), contents.head);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let mut other = items();
    other.reverse();
    assert_eq!(bundle_of(items()), bundle_of(other));
}

/// Of several members, the last one short; the contents do not compress.
fn large() -> Vec<Item> {
    let mut items = items();
    let bytes = Random::new(7).bytes(3 * MEMBER + 1234);
    items.push(item("packages/debian-12/large.deb", FileRole::Package, bytes));
    items
}

#[test]
fn any_tar_and_gzip_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bundle_of(large())).unwrap();
    #[allow(clippy::disallowed_methods)] // the reference implementation
    let status = Command::new("tar").arg("xzf").arg(file.path()).arg("-C").arg(dir.path()).status();
    assert!(status.unwrap().success());
    for item in large() {
        #[allow(clippy::disallowed_methods)]
        let bytes = std::fs::read(dir.path().join(&item.entry.path)).unwrap();
        assert_eq!(Digest::of(&bytes), item.entry.sha256, "{}", item.entry.path);
    }
    #[allow(clippy::disallowed_methods)]
    let text = std::fs::read(dir.path().join(MANIFEST)).unwrap();
    assert_eq!(text, read_head(&*bundle_of(large()), None).unwrap().text);
}

#[test]
fn members_are_small_and_reached_without_what_lies_before() {
    let bundle = bundle_of(large());
    let head = read_head(&bundle[..], None).unwrap();
    assert_eq!(read_bytes(&bundle).unwrap().head, head);
    let index = MemberIndex::new(std::sync::Arc::new(bundle), &head).unwrap();
    let index = std::sync::Arc::new(index);
    for item in large() {
        let at = head.position(&item.entry.path).unwrap();
        let mut bytes = Vec::new();
        index.read(at, item.entry.size).read_to_end(&mut bytes).unwrap();
        assert_eq!(Digest::of(&bytes), item.entry.sha256, "{}", item.entry.path);
    }
    assert_eq!(head.position("docker/none"), None);
}

#[test]
fn a_signature_is_put_in_and_taken_out_and_nothing_else_changes() {
    let bundle = bundle_of(large());
    let head = read_head(&bundle[..], None).unwrap();
    let source = Reader { source: std::sync::Arc::new(bundle.clone()), at: 0 };
    let mut signed = Vec::new();
    resign(&mut signed, &head, &source, Some("a signature\n")).unwrap();
    let signed_head = read_bytes(&signed).unwrap().head;
    assert_eq!(signed_head.signature.as_deref(), Some("a signature\n"));
    assert_eq!(signed_head.text, head.text);

    let mut directly = Vec::new();
    let sign: Signer<'_> = &|_| Ok("a signature\n".to_owned());
    write(&mut directly, manifest(), Some(sign), large(), &|_| {}).unwrap();
    assert_eq!(directly, signed);

    let source = Reader { source: std::sync::Arc::new(signed), at: 0 };
    let mut plain = Vec::new();
    resign(&mut plain, &signed_head, &source, None).unwrap();
    assert_eq!(plain, bundle);
}

#[test]
fn a_source_that_changed_is_no_bundle() {
    let mut items = items();
    items[0].entry.sha256 = Digest::of(b"before");
    let error = write(&mut Vec::new(), manifest(), None, items, &|_| {}).unwrap_err();
    assert!(matches!(&error, WriteError::Changed { name } if name == "docker/docker-proxy"));
}

#[test]
fn the_signature_is_judged_before_the_third_entry_is_read() {
    // Nothing after the head is there, and nobody finds out.
    let mut bundle = Parts::sound().edit(|parts| parts.signature = Some(b"x".to_vec())).build();
    let head = read_head(&bundle[..], None).unwrap();
    bundle.truncate(head.body_at as usize);
    let mut refuse = |head: &Head| {
        assert_eq!(head.signature.as_deref(), Some("x"));
        Err(FormatError::SignatureWrong { key: "K".to_owned() })
    };
    let error = read(&bundle[..], None, &mut refuse, &mut Discard, &|_| {}).unwrap_err();
    assert!(matches!(error, FormatError::SignatureWrong { .. }), "{error:?}");
}

/// Zeros and a counter, as many as are asked for.
struct Endless(u64);

impl ReadAt for Endless {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> std::io::Result<usize> {
        let count = (self.0.saturating_sub(at)).min(buffer.len() as u64) as usize;
        buffer[..count].fill((at >> 20) as u8);
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.0
    }
}

/// Writes and reads a file of 256 MiB; other tests of this process need little.
#[test]
fn memory_does_not_depend_on_the_size() {
    /// Two members for each of eight threads, and what else there is.
    const MOST_KIB: u64 = 160 << 10;
    let peak_kib = || -> u64 {
        #[allow(clippy::disallowed_methods)] // a test looks at its own process
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    };
    let before = peak_kib();
    let size = 256 << 20;
    let bytes = Reader { source: std::sync::Arc::new(Endless(size)), at: 0 };
    let measured = crate::bundle::create::Measured::of(bytes.clone()).unwrap();
    let mut large = item("packages/debian-12/large.deb", FileRole::Package, Vec::new());
    (large.entry.size, large.entry.sha256, large.bytes) = (size, measured.sha256, bytes);
    let mut items = items();
    items.push(large);
    let mut file = tempfile::tempfile().unwrap();
    let written = write(&mut file, manifest(), None, items, &|_| {}).unwrap();
    let source: std::sync::Arc<dyn ReadAt> = std::sync::Arc::new(WholeFile::new(file).unwrap());
    let all = Reader { source, at: 0 };
    // The ratio is asked of files whose size is known.
    let contents = read(all, None, &mut |_| Ok(()), &mut Discard, &|_| {}).unwrap();
    assert_eq!(contents.sha256, written.sha256);
    let grown = peak_kib() - before;
    assert!(grown < MOST_KIB, "it took {grown} KiB");
}

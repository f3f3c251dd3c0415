//! On real file systems, as root: devices and trusted attributes are nobody else's.
#![allow(clippy::disallowed_methods)] // directories are prepared, and looked at, from outside

use std::cell::Cell;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::steps::testing::Bed;

const BESIDE: [&str; 1] = ["lost+found"];

struct Copy {
    bed: Bed,
    beside: Vec<String>,
}

impl Copy {
    /// Both directories, the first with these inside.
    fn new(directories: &[&str]) -> Self {
        assert!(rustix::process::geteuid().is_root(), "this test has to be run by root");
        let beneath = directories.iter().map(|directory| format!("from/{directory}"));
        let all: Vec<String> = beneath.chain(["from".to_owned(), "to".to_owned()]).collect();
        let bed = Bed::new(&all.iter().map(String::as_str).collect::<Vec<_>>());
        Self { bed, beside: BESIDE.map(str::to_owned).to_vec() }
    }

    fn tree(&self) -> Tree<'_> {
        Tree { from: "/from", to: "/to", beside: &self.beside }
    }

    fn from(&self, path: &str) -> PathBuf {
        self.bed.host.outside_path(&format!("/from/{path}"))
    }

    fn to(&self, path: &str) -> PathBuf {
        self.bed.host.outside_path(&format!("/to/{path}"))
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.from(path), text).unwrap();
    }

    fn pass(&self, earlier: Option<FileTime>) -> Copied {
        self.bed.host.copy_tree(&self.tree(), earlier, &|_| {}).unwrap()
    }

    /// The first pass, over files that are all older than it by the kernel's clock, which may be
    /// some ticks behind a file's.
    fn first(&self) -> FileTime {
        let (made, mut begun) = (FileTime::now(), FileTime::now());
        let passed = |now: FileTime| (now.0 - made.0) * 1_000_000_000 + now.1 - made.1;
        while passed(begun) < 100_000_000 {
            begun = FileTime::now();
        }
        self.pass(None);
        begun
    }

    fn compare(&self, since: FileTime) -> Vec<(String, Differs)> {
        let mut limit = u64::MAX;
        let found = self.bed.host.compare_trees(&self.tree(), since, &mut limit).unwrap();
        found.into_iter().map(|found| (found.path, found.differs)).collect()
    }

    #[track_caller]
    fn assert_alike(&self) {
        assert_eq!(self.compare(FileTime(0, 0)), []);
    }
}

fn sh(program: &str, arguments: &[&str], path: &std::path::Path) -> String {
    let output = Command::new(program).args(arguments).arg(path).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn set(path: &std::path::Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty()).unwrap();
}

fn get(path: &std::path::Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1024];
    let length = rustix::fs::lgetxattr(path, name, value.as_mut_slice()).ok()?;
    Some(value[..length].to_vec())
}

#[test]
fn bytes_owners_modes_and_times() {
    let copy = Copy::new(&["a/b"]);
    copy.write("a/b/file", &"x".repeat(3_000_000));
    copy.write("a/empty", "");
    let file = copy.from("a/b/file");
    std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o4750)).unwrap();
    std::fs::set_permissions(copy.from("a"), std::fs::Permissions::from_mode(0o1711)).unwrap();
    sh("touch", &["-d", "2001-02-03 04:05:06.123456789"], &file);
    sh("touch", &["-d", "2002-02-03 04:05:06.5"], &copy.from("a"));
    let told = Cell::new(0);
    let tell = |part| told.set(told.get() + part);
    let copied = copy.bed.host.copy_tree(&copy.tree(), None, &tell).unwrap();
    assert_eq!((copied.bytes, told.get()), (3_000_000, 3_000_000));
    assert_eq!(copied.made, 4);
    let meta = std::fs::metadata(copy.to("a/b/file")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (1234, 4321, 0o4750));
    assert_eq!((meta.mtime(), meta.mtime_nsec() % 1000), (981_173_106, 789));
    assert_eq!(std::fs::metadata(copy.to("a")).unwrap().mode() & 0o7777, 0o1711);
    copy.assert_alike();
}

#[test]
fn several_names_of_a_file_stay_one_file() {
    let copy = Copy::new(&["a"]);
    copy.write("a/one", "same");
    std::fs::hard_link(copy.from("a/one"), copy.from("two")).unwrap();
    copy.pass(None);
    let inode = |path: &str| std::fs::metadata(copy.to(path)).unwrap().ino();
    assert_eq!(inode("a/one"), inode("two"));
    copy.assert_alike();
}

/// What was one file is two then, and the other way round.
#[test]
fn links_that_were_changed_between_passes() {
    let copy = Copy::new(&[]);
    copy.write("parted", "same");
    std::fs::hard_link(copy.from("parted"), copy.from("of")).unwrap();
    copy.write("joined", "1");
    copy.write("to", "2");
    let begun = copy.first();
    std::fs::remove_file(copy.from("parted")).unwrap();
    copy.write("parted", "alone");
    std::fs::remove_file(copy.from("to")).unwrap();
    std::fs::hard_link(copy.from("joined"), copy.from("to")).unwrap();
    assert_ne!(copy.compare(FileTime::now()), []);
    copy.pass(Some(begun));
    assert_eq!(std::fs::read_to_string(copy.to("of")).unwrap(), "same");
    assert_eq!(std::fs::read_to_string(copy.to("to")).unwrap(), "1");
    copy.assert_alike();
}

/// A bind mount shows a place in the directory by a name outside of it.
#[test]
fn a_directory_is_not_copied_into_itself() {
    let copy = Copy::new(&["in/here"]);
    let tree = Tree { from: "/from", to: "/from/in/here", beside: &copy.beside };
    let error = copy.bed.host.copy_tree(&tree, None, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("in the directory itself"), "{error}");
}

#[test]
fn holes_stay_holes() {
    let copy = Copy::new(&[]);
    let file = std::fs::File::create(copy.from("sparse")).unwrap();
    file.set_len(64 << 20).unwrap();
    file.write_all_at(b"data", 8 << 20).unwrap();
    file.sync_all().unwrap();
    std::fs::File::create(copy.from("hole")).unwrap().set_len(1 << 20).unwrap();
    copy.pass(None);
    let meta = std::fs::metadata(copy.to("sparse")).unwrap();
    assert_eq!(meta.len(), 64 << 20);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
    assert_eq!(std::fs::metadata(copy.to("hole")).unwrap().blocks(), 0);
    copy.assert_alike();
}

#[test]
fn attributes_of_overlays_programs_and_people() {
    let copy = Copy::new(&["layer"]);
    copy.write("layer/program", "x");
    let (layer, program) = (copy.from("layer"), copy.from("layer/program"));
    set(&layer, "trusted.overlay.opaque", b"y");
    // cap_net_bind_service+ep, as setcap(8) writes it.
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    set(&program, "security.capability", &capability);
    set(&program, "user.note", b"kept");
    symlink("nowhere", copy.from("link")).unwrap();
    set(&copy.from("link"), "trusted.of.a.link", b"1");
    copy.pass(None);
    assert_eq!(get(&copy.to("layer"), "trusted.overlay.opaque").unwrap(), b"y");
    assert_eq!(get(&copy.to("layer/program"), "security.capability").unwrap(), capability);
    assert_eq!(get(&copy.to("layer/program"), "user.note").unwrap(), b"kept");
    assert_eq!(get(&copy.to("link"), "trusted.of.a.link").unwrap(), b"1");
    copy.assert_alike();
}

/// A directory with a default access list hands it on to what is made in it: the copy of a file
/// without one must not get it.
#[test]
fn access_lists_are_those_of_the_original() {
    let copy = Copy::new(&["shared"]);
    // Version 2; rwx for the owner, r-x for user 1000, the group and the mask, nothing for others.
    let entry = |tag: u16, perm: u16, id: u32| {
        [&tag.to_le_bytes()[..], &perm.to_le_bytes()[..], &id.to_le_bytes()[..]].concat()
    };
    let none = u32::MAX;
    let list = [
        2u32.to_le_bytes().to_vec(),
        [entry(1, 7, none), entry(2, 5, 1000), entry(4, 5, none), entry(16, 5, none)].concat(),
        entry(32, 0, none),
    ]
    .concat();
    copy.write("shared/without", "");
    copy.write("shared/with", "");
    set(&copy.from("shared/with"), "system.posix_acl_access", &list);
    set(&copy.from("shared"), "system.posix_acl_default", &list);
    let begun = copy.first();
    copy.assert_alike();
    std::fs::create_dir(copy.from("other")).unwrap();
    std::fs::rename(copy.from("shared/without"), copy.from("other/later")).unwrap();
    std::fs::rename(copy.from("other/later"), copy.from("shared/later")).unwrap();
    copy.pass(Some(begun));
    assert_eq!(get(&copy.to("shared/later"), "system.posix_acl_access"), None);
    assert_eq!(get(&copy.to("shared"), "system.posix_acl_default").unwrap(), list);
    copy.assert_alike();
}

#[test]
fn whiteouts_fifos_sockets_and_links() {
    let copy = Copy::new(&[]);
    let directory = copy.bed.host.open_dir("/from").unwrap();
    let mode = Mode::from_raw_mode(0o644);
    for (name, kind) in [
        ("whiteout", FileType::CharacterDevice),
        ("fifo", FileType::Fifo),
        ("socket", FileType::Socket),
    ] {
        rustix::fs::mknodat(&directory, name, kind, mode, 0).unwrap();
    }
    let null = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(&directory, "null", FileType::CharacterDevice, mode, null).unwrap();
    symlink("/etc/passwd", copy.from("absolute")).unwrap();
    symlink("../nowhere", copy.from("dangling")).unwrap();
    copy.pass(None);
    assert_eq!(sh("stat", &["-c", "%F %t %T"], &copy.to("whiteout")), "character special file 0 0");
    assert_eq!(sh("stat", &["-c", "%t %T"], &copy.to("null")), "1 3");
    assert_eq!(std::fs::read_link(copy.to("dangling")).unwrap(), PathBuf::from("../nowhere"));
    copy.assert_alike();
}

#[test]
fn a_second_pass_does_what_has_changed_and_nothing_else() {
    let copy = Copy::new(&["kept", "gone/deep", "becomes-file"]);
    for name in ["kept/same", "kept/longer", "kept/rewritten", "gone/deep/file", "becomes-dir"] {
        copy.write(name, "before");
    }
    copy.write("kept/owner", "before");
    let begun = copy.first();
    let unchanged = std::fs::metadata(copy.to("kept/same")).unwrap().ino();

    copy.write("kept/longer", "longer than before");
    // The same length, and the time of before: nobody could tell by these.
    let time = std::fs::metadata(copy.from("kept/rewritten")).unwrap().modified().unwrap();
    copy.write("kept/rewritten", "BEFORE");
    std::fs::File::options()
        .write(true)
        .open(copy.from("kept/rewritten"))
        .and_then(|file| file.set_modified(time))
        .unwrap();
    std::os::unix::fs::chown(copy.from("kept/owner"), Some(7), Some(8)).unwrap();
    std::fs::remove_dir_all(copy.from("gone")).unwrap();
    std::fs::remove_dir(copy.from("becomes-file")).unwrap();
    copy.write("becomes-file", "file");
    std::fs::remove_file(copy.from("becomes-dir")).unwrap();
    std::fs::create_dir(copy.from("becomes-dir")).unwrap();
    copy.write("becomes-dir/new", "new");
    std::fs::create_dir(copy.to("lost+found")).unwrap();

    let copied = copy.pass(Some(begun));
    assert_eq!(copied.made, 6, "{copied:?}");
    assert_eq!(std::fs::read_to_string(copy.to("kept/rewritten")).unwrap(), "BEFORE");
    assert!(!copy.to("gone").exists() && copy.to("lost+found").exists());
    assert_eq!(std::fs::metadata(copy.to("kept/same")).unwrap().ino(), unchanged);
    copy.assert_alike();
    assert_eq!(copy.pass(Some(begun)).made, 5, "all that is younger than the first pass");
}

#[test]
fn every_difference_is_seen() {
    let copy = Copy::new(&["d"]);
    for name in ["bytes", "owner", "mode", "time", "size", "kind", "attribute", "missing", "linked"]
    {
        copy.write(name, "0123456789");
    }
    std::fs::hard_link(copy.from("linked"), copy.from("d/linked")).unwrap();
    symlink("a", copy.from("target")).unwrap();
    copy.pass(None);
    copy.assert_alike();
    let keep_time = |name: &str, change: &dyn Fn()| {
        change();
        let time = std::fs::metadata(copy.from(name)).unwrap().modified().unwrap();
        std::fs::File::options()
            .write(true)
            .open(copy.to(name))
            .and_then(|file| file.set_modified(time))
            .unwrap();
    };
    let expect = |name: &str, differs| {
        let found = copy.compare(FileTime(0, 0));
        assert!(found.contains(&(format!("/from/{name}"), differs)), "{name}: {found:?}");
        std::fs::remove_dir_all(copy.to("")).unwrap();
        std::fs::create_dir(copy.to("")).unwrap();
        copy.pass(None);
    };
    keep_time("bytes", &|| {
        let file = std::fs::File::options().write(true).open(copy.to("bytes")).unwrap();
        file.write_all_at(b"X", 3).unwrap();
    });
    expect("bytes", Differs::Content);
    keep_time("size", &|| std::fs::write(copy.to("size"), "01234").unwrap());
    expect("size", Differs::Size);
    std::os::unix::fs::chown(copy.to("owner"), Some(9), None).unwrap();
    expect("owner", Differs::Owner);
    std::fs::set_permissions(copy.to("mode"), std::fs::Permissions::from_mode(0o600)).unwrap();
    expect("mode", Differs::Owner);
    sh("touch", &[], &copy.to("time"));
    expect("time", Differs::Time);
    set(&copy.to("attribute"), "user.more", b"1");
    expect("attribute", Differs::Attributes);
    std::fs::remove_file(copy.to("missing")).unwrap();
    expect("missing", Differs::Missing);
    std::fs::write(copy.to("extra"), "").unwrap();
    expect("extra", Differs::Extra);
    std::fs::remove_file(copy.to("kind")).unwrap();
    std::fs::create_dir(copy.to("kind")).unwrap();
    expect("kind", Differs::Kind);
    std::fs::remove_file(copy.to("target")).unwrap();
    symlink("b", copy.to("target")).unwrap();
    expect("target", Differs::Target);
    std::fs::remove_file(copy.to("linked")).unwrap();
    std::fs::copy(copy.from("linked"), copy.to("linked")).unwrap();
    expect("linked", Differs::Links);
}

/// Two files that became one in the copy.
#[test]
fn links_are_compared_in_both_directions() {
    let copy = Copy::new(&[]);
    for (name, other) in [("a", "b"), ("c", "d")] {
        copy.write(name, "same");
        std::fs::hard_link(copy.from(name), copy.from(other)).unwrap();
    }
    let time = std::fs::metadata(copy.from("a")).unwrap().modified().unwrap();
    std::fs::File::options()
        .write(true)
        .open(copy.from("c"))
        .and_then(|file| file.set_modified(time))
        .unwrap();
    copy.pass(None);
    copy.assert_alike();
    for name in ["c", "d"] {
        std::fs::remove_file(copy.to(name)).unwrap();
        std::fs::hard_link(copy.to("a"), copy.to(name)).unwrap();
    }
    let found = copy.compare(FileTime(0, 0));
    assert!(found.contains(&("/from/c".to_owned(), Differs::Links)), "{found:?}");
}

/// A clock that was set back gives what is written now the change time of before.
#[test]
fn a_change_is_seen_whatever_the_clock_says() {
    let copy = Copy::new(&[]);
    copy.write("file", "before");
    copy.first();
    let time = std::fs::metadata(copy.from("file")).unwrap().modified().unwrap();
    copy.write("file", "BEFORE");
    std::fs::File::options()
        .write(true)
        .open(copy.from("file"))
        .and_then(|file| file.set_modified(time))
        .unwrap();
    // By the clock that pass was after this change.
    let later = FileTime(FileTime::now().0 + 3600, 0);
    copy.pass(Some(later));
    assert_eq!(copy.pass(Some(later)).made, 0, "nothing has changed since");
    assert_eq!(std::fs::read_to_string(copy.to("file")).unwrap(), "BEFORE");
}

/// Deeper than a path can be long, or the usual number of open files.
#[test]
fn a_deep_directory() {
    let copy = Copy::new(&[]);
    let deep = |root: &str| {
        let mut directory = copy.bed.host.open_dir(root).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&directory, c"deeper", Mode::RWXU).unwrap();
            directory = open_directory(&directory, c"deeper").unwrap();
        }
        let flags = OFlags::CREATE | OFlags::WRONLY;
        rustix::fs::openat(&directory, c"file", flags, Mode::RWXU).unwrap();
    };
    deep("/from");
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    assert!(hard > 8000, "this test needs a hard limit of open files of more than {hard}");
    copy.pass(None);
    copy.assert_alike();
    let usage = copy.bed.host.usage("/from", std::time::Duration::from_secs(600)).unwrap();
    assert_eq!((usage.inodes, usage.complete), (3002, true));
    assert_eq!(copy.bed.host.protected_beneath("/from").unwrap(), None);
    for root in ["/from", "/to"] {
        copy.bed.host.empty_tree(root).unwrap();
        assert_eq!(copy.bed.host.read_dir(root).unwrap(), [""; 0]);
    }
}

#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let copy = Copy::new(&[]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::create_dir(copy.from("").join(name)).unwrap();
    std::fs::write(copy.from("").join(name).join("file"), "x".repeat(100_000)).unwrap();
    copy.pass(None);
    copy.assert_alike();
    assert!(copy.to("").join(name).join("file").exists());
    let usage = copy.bed.host.usage("/from", std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(usage.inodes, 3);
}

/// What is no file is not opened to be read, whatever stood there a moment ago.
#[test]
fn only_files_are_opened() {
    let copy = Copy::new(&["directory"]);
    let directory = copy.bed.host.open_dir("/from").unwrap();
    rustix::fs::mknodat(&directory, c"fifo", FileType::Fifo, Mode::RWXU, 0).unwrap();
    symlink("/etc/passwd", copy.from("link")).unwrap();
    copy.write("file", "x");
    let opened = |name: &CStr| open_file(&directory, name).unwrap().is_some();
    assert!(opened(c"file"));
    for name in [c"directory", c"fifo", c"link", c"absent"] {
        assert!(!opened(name), "{name:?}");
    }
}

/// The way to the first name of a file was swapped for a link: it is not followed.
#[test]
fn no_link_is_followed_on_the_way_to_a_name() {
    let copy = Copy::new(&["a/b"]);
    copy.write("a/b/file", "x");
    symlink("a", copy.from("link")).unwrap();
    let root = copy.bed.host.open_dir("/from").unwrap();
    let (directory, name) = copy::place(&root, c"a/b/file").unwrap();
    assert!(stat(&directory, name).unwrap().is_some());
    assert!(copy::place(&root, c"link/b/file").is_err());
    assert_eq!(copy::place(&root, c"file").unwrap().1, c"file");
}

/// As a subvolume does, a file of an overlay's other layer says that it is on another device.
#[test]
fn what_is_on_another_device_without_being_mounted_is_told() {
    let copy = Copy::new(&["mounted"]);
    let (root, merged) = (copy.from("").join(".."), copy.from("mounted"));
    for name in ["tmpfs", "lower"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    let mount = |arguments: &[&str], at: &std::path::Path| sh("mount", arguments, at);
    mount(&["-t", "tmpfs", "tmpfs"], &root.join("tmpfs"));
    std::fs::write(root.join("tmpfs/foreign"), "x").unwrap();
    std::fs::write(root.join("lower/file"), "x").unwrap();
    let root = root.canonicalize().unwrap();
    let layers = format!("lowerdir={0}/tmpfs:{0}/lower,xino=off", root.display());
    mount(&["-t", "overlay", "overlay", "-o", &layers], &merged);
    let tree = Tree { from: "/from/mounted", to: "/to", beside: &[] };
    let copied = copy.bed.host.copy_tree(&tree, None, &|_| {});
    sh("umount", &["-l"], &merged);
    sh("umount", &["-l"], &root.join("tmpfs"));
    let mut foreign = copied.unwrap().foreign;
    foreign.sort();
    assert_eq!(foreign, ["file", "foreign"]);
}

#[test]
fn what_was_left_behind_is_deleted_as_it_was_or_not_at_all() {
    let copy = Copy::new(&["data"]);
    let (host, root) = (&copy.bed.host, copy.bed.host.real_path("/").unwrap().unwrap());
    let used = vec!["/to".to_owned()];
    let way = |path: &str| host.in_the_way(path, &used).unwrap();
    let all = |_: &str| false;
    assert_eq!(way("/from"), None);
    assert_eq!(way("/absent"), None);
    copy.write("../to/live", "x");
    let refused = |path: &str, why: InTheWay| {
        assert_eq!(way(path), Some(why.clone()), "{path}");
        assert_eq!(host.empty_left_behind(path, &used, &all).unwrap(), Some(why), "{path}");
        assert!(copy.to("live").exists(), "{path}");
    };
    // Links: to what is in use, elsewhere, and on the way.
    host.create_link("/to-link", "/to").unwrap();
    refused("/to-link", InTheWay::InUse("/to".to_owned()));
    host.create_link("/from-link", "/from").unwrap();
    refused("/from-link", InTheWay::Link("/from-link".to_owned()));
    refused("/from-link/data", InTheWay::Link("/from-link".to_owned()));
    // Around what is in use.
    std::fs::create_dir(copy.to("inner")).unwrap();
    refused("/to/inner", InTheWay::InUse("/to".to_owned()));
    std::fs::write(copy.from("../a-file"), "").unwrap();
    refused("/a-file", InTheWay::NotADirectory);
    // Mounts, of what is in use, and of what is around that.
    let mounted = |from: &str, at: &str, why: InTheWay, path: &str| {
        let (from, at) = (format!("{root}{from}"), format!("{root}{at}"));
        rustix::mount::mount_bind(&from, &at).unwrap();
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| refused(path, why)));
        rustix::mount::unmount(&at, rustix::mount::UnmountFlags::DETACH).unwrap();
        if let Err(panic) = refused {
            std::panic::resume_unwind(panic);
        }
    };
    std::fs::create_dir(copy.from("../other")).unwrap();
    mounted("/to", "/from", InTheWay::InUse("/to".to_owned()), "/from");
    mounted("", "/other", InTheWay::InUse("/to".to_owned()), "/other");
    // An attribute.
    copy.write("data/kept", "x");
    sh("chattr", &["+i"], &copy.from("data/kept"));
    let protected = way("/from");
    sh("chattr", &["-i"], &copy.from("data/kept"));
    assert_eq!(protected, Some(InTheWay::Protected("/from/data/kept".to_owned())));

    assert_eq!(host.empty_left_behind("/from", &used, &|name| name == "note").unwrap(), None);
    assert_eq!(host.read_dir("/from").unwrap(), [""; 0]);
    assert!(copy.to("live").exists());
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let copy = Copy::new(&["a"]);
    copy.write("a/file", "x");
    copy.bed.host.interrupt().set();
    let ended = copy.bed.host.copy_tree(&copy.tree(), None, &|_| {});
    assert!(matches!(ended, Err(HostError::Interrupted)), "{ended:?}");
}

#[test]
fn emptying_follows_no_link() {
    let copy = Copy::new(&["inside/deep"]);
    copy.write("inside/deep/file", "x");
    std::fs::write(copy.to("another"), "not to be touched").unwrap();
    symlink(copy.to("").canonicalize().unwrap(), copy.from("inside/link")).unwrap();
    copy.bed.host.empty_tree("/from").unwrap();
    assert_eq!(copy.bed.host.read_dir("/from").unwrap(), [""; 0]);
    assert!(copy.to("another").exists());
    copy.bed.host.empty_tree("/absent").unwrap();
}

#[test]
fn a_directory_that_is_mounted_on_itself_is_no_mount() {
    let table = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                 30 20 8:2 / /data rw - ext4 /dev/sda2 rw\n\
                 31 30 8:2 /docker/overlay2 /data/docker/overlay2 rw - ext4 /dev/sda2 rw\n\
                 32 30 8:2 /other /data/docker/volumes/a/_data rw - ext4 /dev/sda2 rw\n\
                 33 30 0:44 / /data/docker/overlay2/x/merged rw - overlay overlay rw\n";
    let mounts = super::super::mounts::parse(table);
    let on_itself: Vec<_> =
        mounts.iter().filter(|mount| is_on_itself(mount, &mounts)).map(|it| &it.point).collect();
    assert_eq!(on_itself, ["/data/docker/overlay2"]);
}

//! Whole images: loaded, mounted, saved, and looked at by another program.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use landfall_engine::image::{Digest, Document, Helper, ImageError, ImageStore, Reference};
use serde_json::json;
use tempfile::TempDir;

use crate::archive::{Archive, ENGINE};

fn open(root: &Path) -> ImageStore {
    let helper = Helper { program: ENGINE.into() };
    ImageStore::open_with(root, helper).unwrap()
}

fn store() -> (TempDir, ImageStore) {
    let root = tempfile::tempdir().unwrap();
    let store = open(&root.path().join("images"));
    (root, store)
}

/// An image whose layers hide, open anew and repeat.
fn layers() -> Vec<Vec<u8>> {
    let base = Archive::new()
        .directory("etc/")
        .file("etc/gone", b"1")
        .file("etc/kept", b"1")
        .directory("cache/")
        .file("cache/old", b"1")
        .finish();
    let change = Archive::new()
        .file("etc/.wh.gone", b"")
        .directory("cache/")
        .file("cache/.wh..wh.opq", b"")
        .file("cache/new", b"2")
        .finish();
    let again = Archive::new().file("etc/gone", b"3").file("cache/third", b"3").finish();
    vec![base, change.clone(), again, change]
}

fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    // What Docker keeps in it beyond the specification must survive.
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z",
        "config": {"Cmd": ["sh"], "Env": null, "Healthcheck": {"Test": ["NONE"]}, "OnBuild": null},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "docker_version": "1.2.3",
    });
    serde_json::to_vec(&config).unwrap()
}

/// What `docker save` wrote before version 25: names of its own, a link for a repeated layer.
fn docker_archive(config: &[u8], layers: &[Vec<u8>], tags: &[&str]) -> Archive {
    let name = |at: usize| format!("{at}/layer.tar");
    let mut archive = Archive::new();
    for (at, layer) in layers.iter().enumerate() {
        archive = match layers[..at].iter().position(|known| known == layer) {
            Some(first) => archive.symlink(&name(at), &format!("../{}", name(first))),
            None => archive.file(&name(at), layer),
        };
    }
    let names: Vec<String> = (0..layers.len()).map(name).collect();
    let list = json!([{"Config": "image.json", "RepoTags": tags, "Layers": names}]);
    archive.file("image.json", config).file("manifest.json", list.to_string().as_bytes())
}

fn loaded(store: &ImageStore) -> Digest {
    let layers = layers();
    let archive = docker_archive(&config(&layers), &layers, &["app:1", "host:5000/app:2"]);
    store.load(&*archive.finish()).unwrap()[0].id
}

fn saved(store: &ImageStore, images: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let images: Vec<String> = images.iter().map(|&image| image.to_owned()).collect();
    store.save(&images, &mut bytes).unwrap();
    bytes
}

/// Every file of a store with its bytes, except for the time of its last name.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let list = Command::new("find").arg(root).args(["-type", "f"]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    list.lines().map(|path| (path.into(), fs::read(path).unwrap())).collect()
}

fn skopeo(arguments: &[&str]) -> String {
    let output = Command::new("skopeo")
        .args(["--insecure-policy", "--override-os=linux", "--override-arch=amd64"])
        .args(arguments)
        .output()
        .expect("skopeo is installed by make deps");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_image_of_docker_is_loaded_found_and_mounted() {
    let (root, store) = store();
    let id = loaded(&store);
    assert_eq!(id, Digest::of(&config(&layers())));
    let hex = id.hex();
    for name in
        ["app:1", "docker.io/library/app:1", "host:5000/app:2", &hex, &hex[..12], &id.to_string()]
    {
        assert_eq!(store.resolve(name).unwrap().id, id, "{name}");
    }
    for (name, status) in [("app", 404), ("nothing", 404), ("a b", 400), ("Upper", 400)] {
        assert_eq!(store.resolve(name).unwrap_err().status(), status, "{name}");
    }
    let image = store.resolve("app:1").unwrap();
    assert_eq!(image.raw_config, config(&layers()));
    assert_eq!(image.config.config().as_ref().unwrap().cmd().as_ref().unwrap(), &["sh"]);
    // Of four layers two are the same, and count where they are highest.
    assert_eq!(image.layers.len(), 3);
    let lower: Vec<_> = image.layers.iter().rev().map(|path| path.display().to_string()).collect();
    let merged = root.path().join("merged");
    fs::create_dir(&merged).unwrap();
    let script =
        "mount -t overlay overlay -o \"lowerdir=$1\" \"$2\" && cd \"$2\" && find . -type f";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh", &lower.join(":")])
        .arg(&merged)
        .output()
        .unwrap();
    let mut files: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    files.sort_unstable();
    assert_eq!(files, ["./cache/new", "./etc/kept"], "{output:?}");
}

#[test]
fn what_is_saved_has_the_digests_of_what_was_loaded() {
    let (_root, store) = store();
    let id = loaded(&store);
    let archive = saved(&store, &["app:1", "host:5000/app:2"]);
    let (_other_root, other) = self::store();
    let again = other.load(&*archive).unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id, id);
    let names: Vec<String> = again[0].names.iter().map(Reference::to_string).collect();
    assert_eq!(names, ["docker.io/library/app:1", "host:5000/app:2"]);
    assert!(saved(&other, &["app:1", "host:5000/app:2"]) == archive);
    // By ID there is no name, and by a repository all its tags.
    let (_third_root, third) = self::store();
    assert_eq!(third.load(&*saved(&store, &[&id.hex()])).unwrap()[0].names, []);
    assert_eq!(third.load(&*saved(&store, &["app"])).unwrap()[0].names.len(), 1);
    assert!(matches!(
        store.save(&["nothing".into()], std::io::sink()),
        Err(ImageError::NoSuchImage(_))
    ));
}

/// Overlay does not know an opaque root: the layers below are left out.
#[test]
fn a_layer_that_hides_all_is_the_lowest() {
    let (_root, store) = store();
    let mut layers = layers();
    layers.push(Archive::new().file(".wh..wh.opq", b"").file("alone", b"").finish());
    store.load(&*docker_archive(&config(&layers), &layers, &["app:6"]).finish()).unwrap();
    let stack = store.resolve("app:6").unwrap().layers;
    assert_eq!(stack.len(), 1);
    assert!(stack[0].join("alone").exists());
}

/// The same digests are seen by another program, in both layouts, and survive its own archives.
#[test]
fn skopeo_sees_the_same_digests() {
    let (root, store) = store();
    let id = loaded(&store);
    let at = |name: &str| root.path().join(name).display().to_string();
    fs::write(at("ours.tar"), saved(&store, &["app:1"])).unwrap();
    let config =
        skopeo(&["inspect", "--config", "--raw", &format!("docker-archive:{}", at("ours.tar"))]);
    assert_eq!(Digest::of(config.as_bytes()), id);
    let raw = skopeo(&["inspect", "--raw", &format!("oci-archive:{}", at("ours.tar"))]);
    let manifest = Digest::of(raw.as_bytes());
    let Document::Manifest(parsed) = Document::parse(raw.as_bytes(), "it").unwrap() else {
        panic!("no manifest: {raw}");
    };
    assert_eq!(parsed.config.digest, id);
    let from = format!("oci-archive:{}", at("ours.tar"));
    for (to, tar) in [
        (format!("oci-archive:{}:app:3", at("oci.tar")), at("oci.tar")),
        (format!("docker-archive:{}:app:3", at("docker.tar")), at("docker.tar")),
    ] {
        // Docker's layout has no place for a manifest, so that its digest cannot be kept there.
        let keep = to.starts_with("oci").then_some("--preserve-digests");
        let arguments: Vec<&str> = ["copy"].into_iter().chain(keep).chain([&*from, &*to]).collect();
        skopeo(&arguments);
        let (_other_root, other) = self::store();
        let loaded = other.load(File::open(tar).unwrap()).unwrap();
        assert_eq!(loaded[0].id, id, "{to}");
        assert_eq!(loaded[0].names[0].to_string(), "docker.io/library/app:3");
        fs::write(at("again.tar"), saved(&other, &["app:3"])).unwrap();
        let raw = skopeo(&["inspect", "--raw", &format!("oci-archive:{}", at("again.tar"))]);
        if to.starts_with("oci") {
            assert_eq!(Digest::of(raw.as_bytes()), manifest, "{to}");
        }
    }
    // Compressed layers stay as they came.
    skopeo(&["copy", "--dest-compress", &from, &format!("dir:{}", at("dir"))]);
    skopeo(&[
        "copy",
        &format!("dir:{}", at("dir")),
        &format!("oci-archive:{}:app:4", at("gz.tar")),
    ]);
    let compressed = skopeo(&["inspect", "--raw", &format!("oci-archive:{}", at("gz.tar"))]);
    assert_ne!(Digest::of(compressed.as_bytes()), manifest);
    let loaded = store.load(File::open(at("gz.tar")).unwrap()).unwrap();
    assert_eq!(loaded[0].id, id);
    fs::write(at("gz-again.tar"), saved(&store, &["app:4"])).unwrap();
    assert_eq!(
        skopeo(&["inspect", "--raw", &format!("oci-archive:{}", at("gz-again.tar"))]),
        compressed
    );
}

#[test]
fn a_load_that_fails_leaves_nothing() {
    let (root, store) = store();
    loaded(&store);
    store.collect().unwrap();
    let before = contents(root.path());
    let layers = layers();
    let good = config(&layers);
    let mut other = layers.clone();
    other[2] = Archive::new().file("other", b"").finish();
    let evil = vec![Archive::new().file("../outside", b"evil").finish()];
    for (archive, why) in [
        (docker_archive(&good, &other, &[]).finish(), "does not have the digest"),
        (docker_archive(&good, &layers[..3], &[]).finish(), "its configuration has 4"),
        (docker_archive(&config(&evil), &evil, &[]).finish(), "leads out of the layer"),
        (docker_archive(b"{}", &layers, &[]).finish(), "rootfs"),
        (docker_archive(&good, &layers, &["Bad:name:x"]).finish(), "lowercase"),
        (Archive::new().file("x", b"").finish(), "neither manifest.json"),
        (Archive::new().file("manifest.json", b"[{}]").finish(), "missing field"),
        (b"no archive at all".repeat(100), "no tar archive"),
    ] {
        let error = store.load(&*archive).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(contents(root.path()) == before, "left something: {why}");
    }
    let whole = docker_archive(&good, &layers, &["app:5"]).finish();
    store.load(&whole[..whole.len() / 2]).unwrap_err();
    assert!(contents(root.path()) == before);
}

#[test]
fn a_name_in_an_archive_does_not_prove_its_bytes() {
    let (_root, store) = store();
    loaded(&store);
    let archive = saved(&store, &["app:1"]);
    let at = archive.windows(9).position(|bytes| bytes == b"etc/kept\0").unwrap();
    let mut changed = archive.clone();
    changed[at] = b'x';
    let (_other_root, other) = self::store();
    let error = other.load(&*changed).unwrap_err();
    assert!(matches!(error, ImageError::WrongDigest { .. }), "{error}");
    assert_eq!(other.collect().unwrap(), 0);
}

#[test]
fn images_survive_the_process_and_only_one_has_them() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let id = loaded(&store);
    let helper = Helper::this_program();
    assert!(matches!(
        ImageStore::open_with(root.path(), helper.clone()),
        Err(ImageError::StoreInUse(_))
    ));
    drop(store);
    fs::write(root.path().join("scratch/left-over"), "").unwrap();
    fs::write(root.path().join("blobs/sha256").join("0".repeat(64)), "").unwrap();
    let store = open(root.path());
    assert_eq!(store.resolve("app:1").unwrap().id, id);
    assert_eq!(fs::read_dir(root.path().join("scratch")).unwrap().count(), 0);
    store.collect().unwrap();
    assert!(!root.path().join("blobs/sha256").join("0".repeat(64)).exists());
    assert_eq!(store.resolve("app:1").unwrap().layers.len(), 3);
    drop(store);
    fs::write(root.path().join("format"), "99\n").unwrap();
    assert!(matches!(
        ImageStore::open_with(root.path(), helper),
        Err(ImageError::StoreTooNew { found: 99, .. })
    ));
}

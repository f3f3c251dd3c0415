use std::sync::Arc;

use super::*;

/// A tar archive of these files; a link has its target after `->` in its name.
fn tar_of(files: &[(&str, &[u8])]) -> Reader {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        match name.split_once("->") {
            Some((name, target)) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, name, target).unwrap();
            }
            None => {
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, name, *bytes).unwrap();
            }
        }
    }
    Reader { source: Arc::new(tar.into_inner().unwrap()), at: 0 }
}

fn read(archive: &Reader) -> Result<Vec<(BundledImage, Vec<Measured>)>, ImageError> {
    let from = Provenance {
        source: "images.tar".to_owned(),
        sha256: Digest::of(b""),
        vouched_by: Vec::new(),
    };
    read_images(archive, "amd64", &from)
}

fn config(architecture: &str, layers: &[&[u8]]) -> Vec<u8> {
    let ids: Vec<String> =
        layers.iter().map(|layer| format!("sha256:{}", Digest::of(layer))).collect();
    json!({
        "architecture": architecture, "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ids},
    })
    .to_string()
    .into_bytes()
}

fn path(bytes: &[u8]) -> String {
    blob_name(&Digest::of(bytes))
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({
        "mediaType": media_type, "digest": format!("sha256:{}", Digest::of(bytes)),
        "size": bytes.len(),
    })
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// An image for this architecture: manifest and configuration.
fn oci(architecture: &str, layers: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
    let config = config(architecture, layers);
    let layer = |layer: &&[u8]| descriptor("application/vnd.oci.image.layer.v1.tar", layer);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    });
    (manifest.to_string().into_bytes(), config)
}

#[test]
fn an_old_archive_keeps_the_ids_and_shares_the_layers() {
    let (one, two) = (config("amd64", &[b"base"]), config("amd64", &[b"base", b"more"]));
    let list = json!([
        {"Config": "one.json", "RepoTags": ["a:1", "a:latest"], "Layers": ["x/layer.tar"]},
        {"Config": "two.json", "RepoTags": ["b:1"], "Layers": ["y/layer.tar", "z/layer.tar"]},
    ])
    .to_string();
    let archive = tar_of(&[
        ("x/layer.tar", b"base"),
        // dockerd writes a layer once, and links it from the others.
        ("y/layer.tar->../x/layer.tar", b""),
        ("z/layer.tar", b"more"),
        ("one.json", &one),
        ("two.json", &two),
        ("manifest.json", list.as_bytes()),
    ]);
    let images = read(&archive).unwrap();
    let names: Vec<&str> = images.iter().map(|(image, _)| image.reference.as_str()).collect();
    assert_eq!(names, ["a:1", "a:latest", "b:1"]);
    assert_eq!(images[0].0.config, Digest::of(&one), "its id");
    assert_eq!(images[2].0.layers, [Digest::of(b"base"), Digest::of(b"more")]);

    let mut builder = super::super::Builder::new("x86_64", "2026-01-01T00:00:00Z".to_owned());
    for (image, blobs) in images {
        assert!(builder.image(image, blobs));
    }
    let (_, items) = builder.finish();
    // Two manifests, two configurations, two layers.
    let blobs = items.iter().filter(|item| item.entry.path.contains("blobs")).count();
    assert_eq!(blobs, 6);
}

#[test]
fn a_layout_keeps_its_digests_and_gives_the_image_for_the_architecture() {
    let (amd, amd_config) = oci("amd64", &[b"layer"]);
    let (arm, arm_config) = oci("arm64", &[b"layer"]);
    let mut inner = [descriptor(OCI_MANIFEST, &arm), descriptor(OCI_MANIFEST, &amd)];
    inner[0]["platform"] = json!({"architecture": "arm64", "os": "linux"});
    inner[1]["platform"] = json!({"architecture": "amd64", "os": "linux"});
    let inner = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": inner}).to_string();
    let mut outer = descriptor(INDEX, inner.as_bytes());
    outer["annotations"] = json!({"io.containerd.image.name": "docker.io/library/busybox:1"});
    let index = json!({"schemaVersion": 2, "manifests": [outer]}).to_string();
    let archive = tar_of(&[
        ("oci-layout", LAYOUT),
        ("index.json", index.as_bytes()),
        (&path(inner.as_bytes()), inner.as_bytes()),
        (&path(&amd), &amd),
        (&path(&amd_config), &amd_config),
        (&path(&arm), &arm),
        (&path(&arm_config), &arm_config),
        (&path(b"layer"), b"layer"),
    ]);
    let images = read(&archive).unwrap();
    assert_eq!(images.len(), 1);
    let image = &images[0].0;
    assert_eq!((image.reference.as_str(), image.digest), ("busybox:1", Digest::of(&amd)));
    assert_eq!(image.platform, "linux/amd64");
}

/// As Docker writes since version 25: a layout, with the list of before beside its index.
fn new_save(
    tags: &Value,
    architecture: &str,
    change: impl Fn(&mut Vec<(String, Vec<u8>)>),
) -> Reader {
    let (manifest, config) = oci(architecture, &[b"layer"]);
    let list = json!([{"Config": path(&config), "RepoTags": tags, "Layers": [path(b"layer")]}]);
    let mut one = descriptor(OCI_MANIFEST, &manifest);
    one["annotations"] = json!({"org.opencontainers.image.ref.name": "1"});
    let index = json!({"schemaVersion": 2, "manifests": [one]});
    let mut files = vec![
        ("oci-layout".to_owned(), LAYOUT.to_vec()),
        ("index.json".to_owned(), index.to_string().into_bytes()),
        ("manifest.json".to_owned(), list.to_string().into_bytes()),
        (path(&manifest), manifest),
        (path(&config), config),
        (path(b"layer"), b"layer".to_vec()),
    ];
    change(&mut files);
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    tar_of(&files)
}

#[test]
fn a_new_archive_has_its_names_in_the_list() {
    let images = read(&new_save(&json!(["ghcr.io/a/b:1"]), "amd64", |_| {})).unwrap();
    assert_eq!(images[0].0.reference, "ghcr.io/a/b:1");
}

#[test]
fn what_cannot_be_taken_is_told() {
    let tags = json!(["b:1"]);
    let of = |archive: &Reader| read(archive).map(|_| ()).unwrap_err();
    let error = of(&new_save(&tags, "arm64", |_| {}));
    assert!(matches!(&error, ImageError::Platform { found, .. } if found == "linux/arm64"));
    let error = of(&new_save(&Value::Null, "amd64", |_| {}));
    assert!(matches!(error, ImageError::NoName { .. }), "{error}");
    let error = of(&new_save(&tags, "amd64", |files| files[5].1 = b"other".to_vec()));
    assert!(matches!(error, ImageError::Digest { .. }), "{error}");
    let error = of(&new_save(&tags, "amd64", |files| drop(files.pop())));
    assert!(matches!(error, ImageError::Lacks { .. }), "{error}");
    let error = of(&new_save(&tags, "amd64", |files| files.retain(|it| !it.0.ends_with("json"))));
    assert!(matches!(error, ImageError::Malformed { .. }), "{error}");
    for bytes in [&b""[..], b"no archive", &[7; 2048]] {
        let error = of(&Reader { source: Arc::new(bytes.to_vec()), at: 0 });
        assert!(matches!(error, ImageError::Malformed { .. }), "{error}");
        assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    }
    // A layer that is not what the configuration says.
    let config = config("amd64", &[b"base"]);
    let list = json!([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["layer.tar"]}]);
    let list = list.to_string();
    let files: [(&str, &[u8]); 3] =
        [("layer.tar", b"other"), ("c.json", &config), ("manifest.json", list.as_bytes())];
    assert!(matches!(of(&tar_of(&files)), ImageError::Digest { .. }));
}

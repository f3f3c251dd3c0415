//! Certificates that are given for registries.

use std::collections::BTreeMap;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{Case, World};
use crate::digest::Digest;
use crate::facts::FileFact;
use crate::file_state::{FileKind, FileState};
use crate::registry::Registry;
use crate::registry::files::{ClientFiles, PemFile, RegistryFiles, key_state};

pub(super) const CASES: &[Case] = &[
    ("an authority", |w| _ = ca(w, authority("CA", |_| {}).pem()), &[]),
    ("no certificate", |w| _ = ca(w, "nothing".to_owned()), &["error LF180"]),
    ("a certificate in DER form", |w| _ = ca(w, "0\u{fffd}".to_owned()), &["error LF180"]),
    (
        "a certificate with a key beside it",
        |w| {
            let key = KeyPair::generate().unwrap().serialize_pem();
            ca(w, authority("CA", |_| {}).pem() + &key);
        },
        &["error LF180"],
    ),
    (
        "one that is broken behind one that is not",
        |w| {
            let pem = authority("CA", |_| {}).pem();
            let broken = pem.replacen("MII", "MIX", 1);
            ca(w, pem + &broken);
        },
        &["error LF180"],
    ),
    ("the server's own", |w| _ = ca(w, server(&["harbor.internal"]).0), &["warning LF181"]),
    ("another server's own", |w| _ = ca(w, server(&["other.internal"]).0), &["error LF182"]),
    ("a name in the subject alone", |w| _ = ca(w, server(&[]).0), &["error LF182"]),
    (
        "one that has signed itself, with the name in the subject alone",
        |w| _ = ca(w, authority("harbor.internal", |_| {}).pem()),
        &["error LF182"],
    ),
    (
        "one that has signed itself",
        |w| {
            let mut params = CertificateParams::new(vec!["harbor.internal".to_owned()]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            ca(w, params.self_signed(&key).unwrap().pem());
        },
        &[],
    ),
    ("an authority that is over", |w| _ = ca(w, over()), &["error LF183"]),
    (
        "an authority that is over, and there already",
        |w| {
            let path = ca(w, over()).ca_path();
            let text = w.desired.registries[0].ca.as_ref().unwrap().text.clone();
            w.facts.files.insert(path, text_file(text));
        },
        &["warning LF183"],
    ),
    (
        "an authority without the one above it",
        |w| {
            let root = authority("Root", |_| {});
            let params = authority_params("Middle");
            let key = KeyPair::generate().unwrap();
            ca(w, params.signed_by(&key, &root).unwrap().pem());
        },
        &["warning LF185"],
    ),
    ("a client", |w| client(w, server(&["client"])), &[]),
    (
        "a client with another key",
        |w| {
            let (certificate, _) = server(&["client"]);
            client(w, (certificate, KeyPair::generate().unwrap().serialize_pem()));
        },
        &["error LF184"],
    ),
    ("a client without a key", |w| client(w, (server(&["c"]).0, String::new())), &["error LF180"]),
    (
        "a client whose key has a password",
        |w| {
            let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n".to_owned();
            client(w, (server(&["client"]).0, key));
        },
        &["error LF180"],
    ),
    (
        "the system's store",
        |w| {
            ca(w, authority("CA", |_| {}).pem()).system_store = true;
            w.facts.programs.insert("update-ca-certificates".into(), "/usr/sbin/x".into());
        },
        &[],
    ),
    (
        "no system's store",
        |w| ca(w, authority("CA", |_| {}).pem()).system_store = true,
        &["warning LF186"],
    ),
];

fn text_file(text: String) -> FileFact {
    let state = FileState {
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: text.len() as u64,
        mtime: 0,
        xattrs: BTreeMap::new(),
        target: None,
    };
    FileFact { state, sha256: Some(Digest::of(text.as_bytes())), text: Some(text) }
}

fn ca(world: &mut World, text: String) -> &mut RegistryFiles {
    world.desired.registries.push(RegistryFiles {
        registry: Registry::parse("harbor.internal").unwrap(),
        ca: Some(PemFile { path: "ca.pem".into(), text }),
        client: None,
        system_store: false,
    });
    &mut world.desired.registries[0]
}

fn client(world: &mut World, (text, key): (String, String)) {
    world.desired.registries.push(RegistryFiles {
        registry: Registry::parse("harbor.internal").unwrap(),
        ca: None,
        client: Some(ClientFiles {
            key_state: key_state(&text, key.as_bytes()),
            certificate: PemFile { path: "c.pem".into(), text },
            key: "k.pem".into(),
            key_sha256: Digest::of(key.as_bytes()),
        }),
        system_store: false,
    });
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(
    name: &str,
    change: impl Fn(&mut CertificateParams),
) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = authority_params(name);
    change(&mut params);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn over() -> String {
    let over = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    authority("CA", over).pem()
}

/// A server's certificate and key.
fn server(names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "harbor.internal");
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &authority("CA", |_| {})).unwrap();
    (certificate.pem(), key.serialize_pem())
}

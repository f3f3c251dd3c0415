//! Registries on the test network, with certificates and passwords as a test wants them.

use super::bench::{MINUTE, bench};
use super::machine::Machine;
use super::run::Run;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};

/// Debian's docker-registry, reachable from every host. Stopped when dropped.
pub struct Registry {
    dir: PathBuf,
    /// `HOST:PORT`.
    pub address: String,
}

/// How a registry is run.
#[derive(Default)]
pub struct RegistryOptions<'a> {
    /// Its certificate and key; plain HTTP without.
    pub tls: Option<Identity>,
    /// More of its configuration.
    pub more: String,
    /// Whose images it has too.
    pub images_of: Option<&'a Registry>,
}

impl Registry {
    /// Starts an empty registry without TLS.
    pub fn start() -> Self {
        Self::with(RegistryOptions::default())
    }

    /// Starts a registry.
    pub fn with(options: RegistryOptions<'_>) -> Self {
        let dir = directory("registry");
        std::fs::create_dir_all(&dir).expect("the run's directory is writable");
        if let Some(other) = options.images_of {
            std::os::unix::fs::symlink(other.dir.join("data"), dir.join("data")).expect("a link");
        }
        if let Some(identity) = &options.tls {
            identity.put(&dir);
        }
        if !options.more.is_empty() {
            std::fs::write(dir.join("more.yml"), options.more).expect("a file");
        }
        let mut script = bench().script("registry.sh");
        let address = Run::of(script.arg("start").arg(&dir), b"", MINUTE).ok();
        Self { dir, address }
    }

    /// Runs it again at the same address, with another certificate.
    pub fn renew(&self, identity: &Identity) {
        Run::of(bench().script("registry.sh").arg("stop").arg(&self.dir), b"", MINUTE).ok();
        identity.put(&self.dir);
        let mut script = bench().script("registry.sh");
        Run::of(script.arg("start").arg(&self.dir).arg(self.port()), b"", MINUTE).ok();
    }

    /// Its port.
    pub fn port(&self) -> &str {
        self.address.rsplit(':').next().expect("HOST:PORT")
    }

    /// Its address without the port.
    pub fn host(&self) -> &str {
        self.address.split(':').next().expect("HOST:PORT")
    }

    /// Writes a file for its configuration; the path.
    pub fn put(&self, name: &str, text: &str) -> String {
        let path = self.dir.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    }

    /// It by another name, which the host has to know.
    pub fn named(&self, name: &str) -> String {
        format!("{name}:{}", self.port())
    }

    /// The registry's access log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).expect("the registry has a log")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        Run::of(bench().script("registry.sh").arg("stop").arg(&self.dir), b"", MINUTE);
    }
}

fn directory(kind: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    bench().run.join(format!("{kind}{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// A token server that knows the user `deploy`. Stopped when dropped.
pub struct TokenServer {
    dir: PathBuf,
    /// `HOST:PORT`.
    pub address: String,
}

impl TokenServer {
    /// Starts it.
    pub fn start(password: &str) -> Self {
        let dir = directory("auth");
        std::fs::create_dir_all(&dir).expect("the run's directory is writable");
        std::fs::write(dir.join("password"), password).expect("a file");
        let mut script = bench().script("registry.sh");
        let address = Run::of(script.arg("auth").arg(&dir), b"", MINUTE).ok();
        Self { dir, address }
    }

    /// What a registry has to have in its configuration to send its clients here, by this name.
    pub fn configuration(&self, name: &str, service: &str) -> String {
        let port = self.address.rsplit(':').next().expect("HOST:PORT");
        let certificate = self.dir.join("auth.crt");
        format!(
            "auth: {{token: {{realm: \"http://{name}:{port}/token\", service: {service}, issuer: \
             tests, rootcertbundle: {}}}}}\n",
            certificate.display()
        )
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        Run::of(bench().script("registry.sh").arg("stop").arg(&self.dir), b"", MINUTE);
    }
}

/// An authority of a test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM form.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those above it.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Identity {
    pub(super) fn put(&self, dir: &std::path::Path) {
        std::fs::write(dir.join("tls.crt"), &self.certificate).expect("a file");
        std::fs::write(dir.join("tls.key"), &self.key).expect("a file");
    }
}

impl Authority {
    /// One that nobody has signed.
    pub fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(authority(name), key()).expect("an authority");
        Self(issuer)
    }

    /// One that this one has signed.
    pub fn signs_authority(&self, name: &str) -> Self {
        let issuer = CertifiedIssuer::signed_by(authority(name), key(), &self.0);
        Self(issuer.expect("an authority"))
    }

    /// Its certificate, in PEM form.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for these names, whose subject is `registry.internal`.
    pub fn signs(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = named("registry.internal");
        change(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// Makes a certificate that is over.
pub fn expired(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = named(name);
    params
}

/// A name server that a host has on its own loopback. Stopped when dropped.
pub struct NameServer(Child);

impl NameServer {
    /// Starts it in the host's network. `records` are `NAME=ADDRESS`.
    pub fn start(host: &Machine, address: &str, records: &[&str]) -> Self {
        let script = bench().script("name_server.py");
        let mut child = Command::new("nsenter")
            .args(["--net", "--target", &host.leader(), "python3"])
            .arg(script.get_program())
            .arg(address)
            .args(records)
            .stdout(Stdio::piped())
            .spawn()
            .expect("nsenter can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it prints");
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! What a host says about registries, as its dockerd goes by it.

use std::net::IpAddr;

use ipnet::IpNet;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Map, Value};

use super::names::Names;
use super::proxy::Proxies;
use super::reference::{MirrorUrl, Registry, Target};
use super::trust::{Trust, certificates};
use crate::adoption::Flags;
use crate::desired::DAEMON_JSON;
use crate::facts::doctor::processes;
use crate::host::{Host, HostError};
use crate::net::authorities::authorities;

/// What a host says about registries.
pub struct Site {
    /// Whom names are asked of.
    pub names: Names,
    /// Through whom dockerd reaches registries.
    pub proxies: Proxies,
    /// Mirrors of Docker Hub, in order.
    pub mirrors: Vec<MirrorUrl>,
    /// Registries that are spoken to without looking at certificates, and networks of such.
    insecure: Vec<String>,
    /// The system's authorities.
    authorities: Vec<CertificateDer<'static>>,
}

impl Site {
    /// Reads it.
    ///
    /// # Errors
    /// [`HostError`] if a file that is there cannot be read.
    pub fn gather(host: &Host) -> Result<Self, HostError> {
        let text = |path: &str| Ok::<_, HostError>(host.read_text(path)?.unwrap_or_default());
        let json: Map<String, Value> =
            serde_json::from_str(&text(DAEMON_JSON)?).unwrap_or_default();
        let command = processes::command_of(host, "dockerd")?.unwrap_or_default();
        let flags = Flags::parse(&command).daemon;
        let list = |key: &str| -> Vec<String> {
            let all = [json.get(key), flags.get(key)].into_iter().flatten();
            let elements = all.filter_map(Value::as_array).flatten();
            elements.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mirror = |url: String| match Target::parse(&url) {
            Ok(Target::Mirror(mirror)) => Some(mirror),
            _ => None,
        };
        Ok(Self {
            names: Names::new(&text("/etc/hosts")?, &text("/etc/resolv.conf")?),
            proxies: proxies(host, &json)?,
            mirrors: list("registry-mirrors").into_iter().filter_map(mirror).collect(),
            insecure: list("insecure-registries"),
            authorities: authorities(host)?,
        })
    }

    /// What certificates of a registry are compared with: files of `certs.d` beside the system's
    /// authorities.
    ///
    /// # Errors
    /// [`HostError`] if a file that is there cannot be read.
    pub fn trust(&self, host: &Host, registry: &Registry) -> Result<Trust, HostError> {
        let directory = registry.directory();
        let mut trust = Trust::default();
        for name in host.read_dir(&directory)? {
            let read = |name: &str| host.read(&format!("{directory}/{name}"));
            match name.rsplit_once('.') {
                Some((_, "crt")) => {
                    trust.roots.extend(certificates(&read(&name)?.unwrap_or_default()));
                }
                Some((stem, "cert")) => {
                    let chain = certificates(&read(&name)?.unwrap_or_default());
                    let key = read(&format!("{stem}.key"))?.unwrap_or_default();
                    if let Ok(key) = PrivateKeyDer::from_pem_slice(&key) {
                        trust.client = Some((chain, key));
                    }
                }
                _ => {}
            }
        }
        trust.own = trust.roots.len();
        trust.roots.extend(self.authorities.iter().cloned());
        Ok(trust)
    }

    /// Whether dockerd looks at no certificate of this registry, and speaks plain HTTP to it where
    /// it has to: it is listed, or one of its addresses is in a network that is, or is this host
    /// itself (moby's registry/config.go, `isSecureIndex`).
    pub fn is_insecure(&self, registry: &Registry, addresses: &[IpAddr]) -> bool {
        let name = registry.to_string();
        if self.insecure.iter().any(|listed| listed.to_lowercase() == name) {
            return true;
        }
        let networks = self.insecure.iter().filter_map(|listed| listed.parse::<IpNet>().ok());
        let networks: Vec<IpNet> = networks.collect();
        addresses.iter().any(|address| {
            address.is_loopback() || networks.iter().any(|network| network.contains(address))
        })
    }

    /// Whether a registry is one of the mirrors.
    pub fn mirror(&self, registry: &Registry) -> Option<&MirrorUrl> {
        self.mirrors.iter().find(|mirror| mirror.registry == *registry)
    }
}

/// Of daemon.json (from 23.0 on), else of dockerd's environment, else of what its unit would give.
fn proxies(host: &Host, json: &Map<String, Value>) -> Result<Proxies, HostError> {
    if let Some(set) = json.get("proxies").and_then(Value::as_object) {
        let value = |key: &str| set.get(key).and_then(Value::as_str).unwrap_or_default();
        return Ok(Proxies::new(
            value("http-proxy"),
            value("https-proxy"),
            value("no-proxy"),
            DAEMON_JSON,
        ));
    }
    let running = processes::environment_of(host, "dockerd")?;
    let variables = match running {
        Some(variables) => variables,
        None => unit_environment(host),
    };
    Ok(Proxies::of_environment(&variables, "docker.service"))
}

fn unit_environment(host: &Host) -> Vec<String> {
    if !host.is_booted_with_systemd() {
        return Vec::new();
    }
    let argv = ["systemctl", "show", "--value", "--property=Environment", "docker.service"];
    let shown = host.run(&argv, std::time::Duration::from_secs(10));
    let text = shown.map(|output| output.stdout).unwrap_or_default();
    text.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()
}

#[cfg(test)]
impl Site {
    /// Of a host without an engine, and without authorities.
    pub(super) fn for_tests(names: Names, proxies: Proxies) -> Self {
        Self { names, proxies, mirrors: Vec::new(), insecure: Vec::new(), authorities: Vec::new() }
    }

    pub(super) fn list_insecure(&mut self, listed: &[&str]) {
        self.insecure = listed.iter().map(|one| (*one).to_owned()).collect();
    }
}

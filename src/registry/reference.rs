//! How registries, images and mirrors are named.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// A registry as names of images have it: `harbor.internal`, `10.0.0.5:5000`. The port is part of
/// the name: dockerd looks for certificates and credentials under exactly this text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Registry {
    host: String,
    port: Option<u16>,
}

/// Where names without a registry lead.
const HUB: &str = "docker.io";
/// Where Docker Hub's API really is (distribution/reference and moby's registry/config.go).
const HUB_API: &str = "registry-1.docker.io";

impl Registry {
    /// Reads `HOST[:PORT]`: a name, an address, or an IPv6 address in brackets.
    ///
    /// # Errors
    /// [`TargetError::Registry`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let refuse = || TargetError::Registry(text.to_owned());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(refuse)?))
            }
            _ => (text, None),
        };
        let in_brackets = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let valid = match in_brackets {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_host_name(host),
        };
        if valid { Ok(Self { host: host.to_lowercase(), port }) } else { Err(refuse()) }
    }

    /// The host alone, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        if self.host == HUB { HUB_API } else { self.host.trim_matches(['[', ']']) }
    }

    /// The port, or the usual one of the scheme.
    pub fn port(&self, tls: bool) -> u16 {
        self.port.unwrap_or(if tls { 443 } else { 80 })
    }

    /// Where dockerd looks for its certificates.
    pub fn directory(&self) -> String {
        format!("{}/{self}", crate::facts::doctor::certificates::DIRECTORY)
    }

    /// Under which name the docker command keeps its credentials.
    pub fn credentials_key(&self) -> String {
        if self.is_hub() { "https://index.docker.io/v1/".to_owned() } else { self.to_string() }
    }

    /// Whether it is Docker Hub.
    pub fn is_hub(&self) -> bool {
        self.host == HUB
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for Registry {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        Self::parse(&text)
    }
}

impl From<Registry> for String {
    fn from(registry: Registry) -> Self {
        registry.to_string()
    }
}

fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.chars().all(valid) && !label.starts_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// A repository and what is meant of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its path in the registry: `team/app`.
    pub repository: String,
    /// A tag, or a digest (`sha256:…`).
    pub reference: String,
}

impl Image {
    /// Reads `REPOSITORY[:TAG][@DIGEST]`, in which a digest wins.
    ///
    /// # Errors
    /// [`TargetError::Image`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let refuse = || TargetError::Image(text.to_owned());
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, tag),
            None => (name, "latest"),
        };
        let reference = digest.unwrap_or(tag);
        let part = |part: &str| {
            let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            !part.is_empty()
                && part.chars().all(valid)
                && part.starts_with(|c: char| c.is_ascii_alphanumeric())
        };
        let valid = |c: char| c.is_ascii_alphanumeric() || "._-:+".contains(c);
        if repository.split('/').all(part)
            && !reference.is_empty()
            && reference.chars().all(valid)
            && (digest.is_some() || !reference.contains(':'))
        {
            Ok(Self { repository: repository.to_owned(), reference: reference.to_owned() })
        } else {
            Err(refuse())
        }
    }

    /// The same as Docker Hub has it, which keeps images without a path in `library/`.
    pub fn of_hub(mut self) -> Self {
        if !self.repository.contains('/') {
            self.repository.insert_str(0, "library/");
        }
        self
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divider = if self.reference.contains(':') { '@' } else { ':' };
        write!(f, "{}{divider}{}", self.repository, self.reference)
    }
}

/// A mirror of Docker Hub, as `registry-mirrors` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorUrl {
    /// Where.
    pub registry: Registry,
    /// Whether by `https`.
    pub tls: bool,
    /// A path, which dockerd refuses; empty if there is none.
    pub path: String,
}

impl fmt::Display for MirrorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.registry)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

/// What a check is asked to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A registry, by its name, and perhaps an image of it.
    Registry(Registry, Option<Image>),
    /// A mirror, by its URL.
    Mirror(MirrorUrl),
}

/// A name that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Of a registry.
    Registry(String),
    /// Of an image.
    Image(String),
    /// Of a mirror.
    Mirror(String),
}

impl Target {
    /// Reads `HOST[:PORT][/REPOSITORY[:TAG]]`, or the URL of a mirror.
    ///
    /// # Errors
    /// [`TargetError`], for the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.contains("://") {
            return mirror(text).map(Self::Mirror);
        }
        match text.trim_end_matches('/').split_once('/') {
            None => Ok(Self::Registry(Registry::parse(text.trim_end_matches('/'))?, None)),
            Some((registry, image)) => {
                let registry = Registry::parse(registry)?;
                let image = Image::parse(image)?;
                let image = if registry.is_hub() { image.of_hub() } else { image };
                Ok(Self::Registry(registry, Some(image)))
            }
        }
    }
}

fn mirror(text: &str) -> Result<MirrorUrl, TargetError> {
    let refuse = || TargetError::Mirror(text.to_owned());
    let url = Url::parse(text).map_err(|_| refuse())?;
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(refuse()),
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refuse());
    }
    let host = url.host_str().ok_or_else(refuse)?;
    let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let registry = Registry::parse(&name).map_err(|_| refuse())?;
    Ok(MirrorUrl { registry, tls, path: url.path().trim_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_keep_their_port() {
        for (text, host, ports) in [
            ("harbor.internal", "harbor.internal", (443, 80)),
            ("Harbor.internal:443", "harbor.internal", (443, 443)),
            ("10.0.0.5:5000", "10.0.0.5", (5000, 5000)),
            ("[fd00::1]:5000", "fd00::1", (5000, 5000)),
            ("localhost", "localhost", (443, 80)),
            ("docker.io", "registry-1.docker.io", (443, 80)),
        ] {
            let registry = Registry::parse(text).unwrap();
            assert_eq!(registry.host(), host);
            assert_eq!((registry.port(true), registry.port(false)), ports, "{text}");
            assert_eq!(registry.to_string(), text.to_lowercase());
        }
        for text in ["", ":5000", "a:b", "a:0", "a:70000", "a b", "a/b", "..", "[::1", "-a", "a@b"]
        {
            assert!(Registry::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_check_is_asked() {
        let shown = |text| match Target::parse(text).unwrap() {
            Target::Registry(registry, image) => {
                format!("{registry} {}", image.map(|image| image.to_string()).unwrap_or_default())
            }
            Target::Mirror(mirror) => format!("mirror {mirror}"),
        };
        assert_eq!(shown("harbor.internal"), "harbor.internal ");
        assert_eq!(shown("harbor.internal:5000/team/app:2"), "harbor.internal:5000 team/app:2");
        assert_eq!(shown("a.b/app"), "a.b app:latest");
        assert_eq!(shown("a.b/app:1@sha256:00"), "a.b app@sha256:00");
        assert_eq!(shown("docker.io/alpine"), "docker.io library/alpine:latest");
        assert_eq!(shown("https://m.internal/"), "mirror https://m.internal");
        assert_eq!(shown("http://m.internal:5000/x/y"), "mirror http://m.internal:5000/x/y");
        for text in ["a.b/App", "a.b/app:", "a.b/../x", "ftp://a", "https://u:p@m", "https://"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}

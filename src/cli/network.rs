//! How this host reaches mirrors, and where what comes from them is kept.

use std::path::{Path, PathBuf};

use super::args::{Global, NetworkArgs};
use super::failure::{Failure, exit};
use super::prepare::{Config, named_file};
use crate::config::DownloadConfig;
use crate::host::cache_dir::CacheDir;
use crate::host::{Host, clock, input};
use crate::net::proxy::Proxies;
use crate::net::trust::certificates;
use crate::net::web::Web;
use crate::texts::download as texts;

/// Where root keeps what was fetched.
pub const CACHE: &str = "/var/cache/landfall";

/// By arguments, then by the configuration file, then by the environment.
pub struct Network {
    pub web: Web,
    /// The proxies.
    pub proxies: Proxies,
    /// Authorities that were named, as PEM.
    pub authorities: String,
    cache_dir: Option<PathBuf>,
}

impl Network {
    pub fn gather(global: &Global, args: &NetworkArgs, host: &Host) -> Result<Self, Failure> {
        let file = named_file(global, Config::OfThisHost)?;
        let file = file.as_ref().map(|file| file.download()).unwrap_or_default();
        let DownloadConfig { proxy, ca, cache_dir } = file;
        let proxies = proxy.map_or_else(environment, |[http, https, no]| {
            Proxies::new(&http, &https, &no, "landfall.yaml")
        });
        let named = if args.ca.is_empty() { ca } else { args.ca.clone() };
        let mut authorities = String::new();
        for path in &named {
            authorities.push_str(&authority(path)?);
        }
        let web = Web::gather(host, proxies.clone(), certificates(authorities.as_bytes()))?;
        let cache_dir = args.cache_dir.clone().or(cache_dir);
        Ok(Self { web, proxies, authorities, cache_dir })
    }

    /// The way to web servers with nobody trusted but those whom the host trusts; `None` if nobody
    /// else was named.
    pub fn without_authorities(&self, host: &Host) -> Result<Option<Web>, Failure> {
        if self.authorities.is_empty() {
            return Ok(None);
        }
        Ok(Some(Web::gather(host, self.proxies.clone(), Vec::new())?))
    }

    /// Opens the cache.
    pub fn cache(&self, host: &Host) -> Result<CacheDir, Failure> {
        let path = match &self.cache_dir {
            Some(path) => path.clone(),
            None => usual_cache(host)?,
        };
        let cache =
            CacheDir::open(&path).map_err(|error| Failure::from(error).hint(texts::OTHER_CACHE))?;
        cache.sweep(clock::now());
        Ok(cache)
    }
}

/// Its text, if it holds a certificate.
fn authority(path: &Path) -> Result<String, Failure> {
    let usage = |text: String| Failure::new(exit::USAGE, text).hint(texts::CA_FORM);
    let shown = path.to_string_lossy();
    let text = input::read_text(path).map_err(|error| usage(error.to_string()))?;
    let text = text.ok_or_else(|| usage(texts::no_ca(&shown)))?;
    if certificates(text.as_bytes()).is_empty() {
        return Err(usage(texts::no_certificate(&shown)));
    }
    Ok(if text.ends_with('\n') { text } else { text + "\n" })
}

/// What the environment says of proxies.
pub fn environment() -> Proxies {
    let text = |part: std::ffi::OsString| part.into_string().ok();
    let pairs = std::env::vars_os()
        .filter_map(|(name, value)| Some(format!("{}={}", text(name)?, text(value)?)));
    Proxies::of_environment(&pairs.collect::<Vec<_>>(), "the environment")
}

fn usual_cache(host: &Host) -> Result<PathBuf, Failure> {
    if host.uid() == 0 {
        return Ok(PathBuf::from(CACHE));
    }
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || from("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = from("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let base =
        base.ok_or_else(|| Failure::new(exit::USAGE, texts::NO_HOME).hint(texts::OTHER_CACHE));
    Ok(base?.join("landfall"))
}

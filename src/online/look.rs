//! Looking at a repository before anything is changed: from the first mirror that works, with a key
//! that is the right one, in a directory that nobody else looks at.

use std::path::Path;

use super::access::{self, login_files};
use super::openpgp::{self, Fingerprint, KeyError};
use super::repository::{APT_KEY, APT_SOURCES, ID, RPM_KEY, YUM_REPOS};
use super::version::{choose, compare};
use super::{
    Fetch, FetchError, Manager, OF_THE_ENGINE, OPTIONAL, Online, Query, REQUIRED, Release,
    Repository, RepositoryFile, Transaction, Versions, upstream,
};
use crate::file_state::Ownership;
use crate::host::{Host, HostError, input};
use crate::mirrors::{self, Site};
use crate::net::proxy::Proxies;
use crate::receipt::Receipt;
use crate::steps::Step;

/// Where is looked.
const DIRECTORY: &str = "/var/lib/landfall-look";

/// What is looked at.
pub struct Look<'a> {
    /// The host.
    pub host: &'a Host,
    /// Which repository is for it.
    pub release: &'a Release,
    /// The mirrors, in order.
    pub sites: &'a [Site],
    /// What is asked for.
    pub online: &'a Online,
    /// Whose key it has to be.
    pub fingerprint: Fingerprint,
    /// Gets the key.
    pub fetch: &'a dyn Fetch,
    /// An authority that the host does not trust by itself.
    pub authority: Option<Authority<'a>>,
    /// The proxies that the manager goes through.
    pub proxies: &'a Proxies,
}

/// Authorities that were named, beside those that the host trusts.
pub struct Authority<'a> {
    /// Their certificates, as PEM.
    pub certificates: &'a str,
    /// Gets the key without them.
    pub without: &'a dyn Fetch,
}

/// What a repository has for a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The mirror.
    pub site: Site,
    /// Who installs from it.
    pub manager: Manager,
    /// What its manager keeps of it.
    pub index: Index,
    /// Its files.
    pub repository: Repository,
    /// The engine's version.
    pub version: String,
    /// The packages that are asked for, each by name and version.
    pub packages: Versions,
    /// What the manager will do for it.
    pub transaction: Transaction,
    /// Mirrors that were tried before.
    pub passed: Vec<Passed>,
}

/// The files in which a package manager keeps what it knows of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Where they lie.
    pub directory: String,
    /// How their names begin.
    pub prefix: String,
}

impl Offer {
    /// What an earlier run has installed, if all of it is there `now`, be it in other versions.
    pub fn of_receipt(receipt: &Receipt, now: Versions) -> Option<Self> {
        let step = receipt.packages()?;
        let online = receipt.desired.as_ref()?.source.online.as_ref()?;
        let mut entries = receipt.entries.iter().rev();
        let index = entries.find_map(|entry| match &entry.step {
            Step::RefreshIndex(step) => Some(step.clone()),
            _ => None,
        })?;
        let file = |path: &str| {
            receipt.entries.iter().rev().find_map(|entry| match &entry.step {
                Step::WriteFile(file) if file.path == path => {
                    let (path, text) = (file.path.clone(), file.text.clone());
                    Some(RepositoryFile { path, text })
                }
                _ => None,
            })
        };
        let source = file(&index.source)?;
        let key = [APT_KEY, RPM_KEY].into_iter().find_map(file)?;
        // Its name is shown alone: nothing is fetched from it.
        let mirror = online.mirrors.first().map_or(OFFICIAL, String::as_str);
        let version = upstream(now.get(REQUIRED[0])?).to_owned();
        (now.len() == step.packages.len()).then(|| {
            Some(Self {
                site: mirrors::site(mirror).ok()?,
                manager: step.manager,
                index: Index { directory: index.directory, prefix: index.prefix },
                repository: Repository { source, key, authority: Vec::new(), login: Vec::new() },
                version,
                packages: now,
                transaction: Transaction::default(),
                passed: Vec::new(),
            })
        })?
    }
}

/// The mirror that is tried first where none is named.
const OFFICIAL: &str = "official";

/// A mirror that does not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Passed {
    /// Which.
    pub site: Site,
    /// Why.
    pub why: Why,
}

/// Why a mirror does not work.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Its key could not be had.
    Key(FetchError),
    /// What it gives for a key is none.
    NoKey(KeyError),
    /// It has no such release; which.
    NoRelease(String),
    /// The package manager does not take its index; in its words.
    Index(String),
    /// It has not all of the packages; one that it lacks.
    Lacks(&'static str),
    /// It has not the version that is asked for; the newest that it has.
    Version(Option<String>),
}

/// Why there is no offer.
#[derive(Debug)]
pub enum LookError {
    /// The host, or its package manager.
    Host(HostError),
    /// A mirror gives another key.
    OtherKey(Box<OtherKey>),
    /// No mirror works.
    NoMirror(Vec<Passed>),
    /// A template that Landfall carries is wrong.
    Template(tera::Error),
}

/// A mirror that gives another key.
#[derive(Debug)]
pub struct OtherKey {
    /// Which mirror.
    pub site: Site,
    /// Whose keys it gives.
    pub found: Vec<Fingerprint>,
    /// Whose it should.
    pub wanted: Fingerprint,
}

impl From<HostError> for LookError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// Looks at the mirrors in order. One that does not work is passed by; one whose key is not the
/// right one ends it, since that is no accident.
///
/// # Errors
/// [`LookError`].
pub fn look(looked: &Look<'_>) -> Result<Offer, LookError> {
    let mut passed = Vec::new();
    for site in looked.sites {
        looked.host.interrupt().check()?;
        match looked.at(site)? {
            Ok(offer) => return Ok(Offer { passed, ..offer }),
            Err(why) => passed.push(Passed { site: site.clone(), why }),
        }
    }
    Err(LookError::NoMirror(passed))
}

impl Look<'_> {
    fn at(&self, site: &Site) -> Result<Result<Offer, Why>, LookError> {
        let key = match self.key(site)? {
            Ok(key) => key,
            Err(why) => return Ok(Err(why)),
        };
        let (manager, ca) = (self.release.manager, self.authority(site));
        let made = Repository::new(self.release, site, &key, ca);
        let repository = made.map_err(LookError::Template)?;
        let repository = Repository { login: login_files(manager, site)?, ..repository };
        let place = Place::make(self, site, &repository)?;
        let query = place.query();
        if let Err(error) = query.refresh(&place.source) {
            return Ok(Err(self.reason(error)?));
        }
        let names: Vec<&str> = REQUIRED.into_iter().chain(OPTIONAL).collect();
        let offered = match query.offered(&place.source, &names) {
            Ok(offered) => offered,
            Err(error) => return Ok(Err(self.reason(error)?)),
        };
        let mut packages = Versions::new();
        for name in names {
            let versions = offered.get(name).map(Vec::as_slice).unwrap_or_default();
            let required = REQUIRED.contains(&name);
            if required && versions.is_empty() {
                return Ok(Err(Why::Lacks(name)));
            }
            let engine = packages.get(REQUIRED[0]).map(|version: &String| upstream(version));
            let wanted = match name {
                "docker-ce" => self.online.version.as_deref(),
                _ if OF_THE_ENGINE.contains(&name) => engine,
                _ => None,
            };
            match choose(versions, wanted) {
                Some(version) => {
                    packages.insert(name.to_owned(), version.clone());
                }
                None if required => {
                    let newest = versions.iter().max_by(|a, b| compare(a, b));
                    let newest = newest.map(|version| upstream(version).to_owned());
                    return Ok(Err(Why::Version(newest)));
                }
                None => {}
            }
        }
        let version = packages.get(REQUIRED[0]).map(|version| upstream(version).to_owned());
        place.see_other_repositories()?;
        let transaction = query.simulate(&packages)?;
        Ok(Ok(Offer {
            site: site.clone(),
            manager,
            index: self.release.index(site),
            repository,
            version: version.unwrap_or_default(),
            packages,
            transaction,
            passed: Vec::new(),
        }))
    }

    /// The certificates without which the manager would not believe the mirror. Others would keep
    /// it from believing whom the host trusts.
    fn authority(&self, site: &Site) -> Option<&str> {
        let named = self.authority.as_ref().filter(|_| site.is_https())?;
        let without = named.without.fetch(site, &self.release.key_path(), openpgp::LIMIT);
        without.is_err().then_some(named.certificates)
    }

    /// What the manager says is the mirror's fault; all else is not.
    fn reason(&self, error: HostError) -> Result<Why, LookError> {
        match error {
            HostError::Command { stderr, .. } if is_404(&stderr) => {
                Ok(Why::NoRelease(self.release.path.clone()))
            }
            HostError::Command { stderr, .. } => Ok(Why::Index(stderr)),
            other => Err(other.into()),
        }
    }

    /// The key, if it is the right one and alone.
    fn key(&self, site: &Site) -> Result<Result<String, Why>, LookError> {
        let file = match self.fetch.fetch(site, &self.release.key_path(), openpgp::LIMIT) {
            Ok(file) => file,
            Err(error) => return Ok(Err(Why::Key(error))),
        };
        let found = match openpgp::primary_keys(&file) {
            Ok(found) => found,
            Err(error) => return Ok(Err(Why::NoKey(error))),
        };
        if found != [self.fingerprint] {
            let wanted = self.fingerprint;
            let other = OtherKey { site: site.clone(), found, wanted };
            return Err(LookError::OtherKey(Box::new(other)));
        }
        // Managers take it as text.
        Ok(String::from_utf8(file).map_err(|_| Why::NoKey(KeyError::NotKeys)))
    }
}

/// Whether a manager's words are about what the server has not got: apt's `404  Not Found`, and
/// librepo's `Status code: 404`.
fn is_404(words: &str) -> bool {
    words.contains("404  Not Found") || words.contains("404 Not Found") || words.contains(": 404")
}

/// A directory with the repository's files, which is removed again.
struct Place<'a> {
    host: &'a Host,
    manager: Manager,
    /// The file that names the repository.
    source: String,
    /// What tells apt alone of an authority.
    authority: Option<String>,
    proxies: &'a Proxies,
}

const DIR: Ownership = Ownership::root(0o755);

impl<'a> Place<'a> {
    fn make(look: &Look<'a>, site: &Site, repository: &Repository) -> Result<Self, LookError> {
        let (host, manager) = (look.host, look.release.manager);
        // One that was cut has left it.
        host.remove_tree(DIRECTORY)?;
        host.create_dir(DIRECTORY, DIR)?;
        let name = Path::new(&repository.source.path).file_name().unwrap_or_default();
        let source = format!("{DIRECTORY}/sources/{}", name.to_string_lossy());
        let (key, ca) = (format!("{DIRECTORY}/key.asc"), format!("{DIRECTORY}/ca.pem"));
        let has_ca = !repository.authority.is_empty();
        let authority = has_ca.then(|| access::apt_argument(site, &ca));
        let place = Self { host, manager, source, authority, proxies: look.proxies };
        for name in ["sources", "lists", "lists/partial", "cache", "login"] {
            host.create_dir(&format!("{DIRECTORY}/{name}"), DIR)?;
        }
        let file = Ownership::root(0o644);
        host.write_file(&key, repository.key.text.as_bytes(), file)?;
        if let Some(certificates) = repository.authority.first() {
            host.write_file(&ca, certificates.text.as_bytes(), file)?;
        }
        for login in &repository.login {
            let name = login.path.rsplit('/').next().unwrap_or_default();
            let bytes = input::read_secret_bytes(&login.source.path())?;
            let at = format!("{DIRECTORY}/login/{name}");
            host.write_file(&at, &bytes, Ownership::root(0o600))?;
        }
        host.write_file(&place.source, repository.elsewhere(&key, &ca).as_bytes(), file)?;
        Ok(place)
    }

    /// The manager, looking here and leaving nothing anywhere else.
    fn query(&self) -> Query<'a> {
        let options: Vec<String> = match self.manager {
            Manager::Apt => [
                format!("Dir::Etc::sourceparts={DIRECTORY}/sources/"),
                format!("Dir::State::lists={DIRECTORY}/lists/"),
                "Dir::Cache::pkgcache=".to_owned(),
                "Dir::Cache::srcpkgcache=".to_owned(),
                "Debug::NoLocking=1".to_owned(),
                format!("Dir::Etc::netrcparts={DIRECTORY}/login/"),
            ]
            .into_iter()
            .chain(self.authority.clone())
            .collect(),
            Manager::Dnf | Manager::Yum => [
                format!("reposdir={DIRECTORY}/sources"),
                format!("cachedir={DIRECTORY}/cache"),
                format!("logdir={DIRECTORY}"),
                format!("varsdir=/etc/yum/vars,/etc/dnf/vars,{DIRECTORY}/login"),
            ]
            .to_vec(),
        };
        Query { options, ..Query::new(self.host, self.manager, self.proxies) }
    }

    /// What else the manager knows, so that it says what it would do on this host.
    fn see_other_repositories(&self) -> Result<(), HostError> {
        match self.manager {
            Manager::Apt => {
                self.link_all(APT_SOURCES, "sources")?;
                self.link_all("/var/lib/apt/lists", "lists")
            }
            Manager::Dnf | Manager::Yum => {
                self.link_all(YUM_REPOS, "sources")?;
                self.link_all("/etc/distro.repos.d", "sources")
            }
        }
    }

    fn link_all(&self, from: &str, to: &str) -> Result<(), HostError> {
        for name in self.host.read_dir(from)? {
            let at = format!("{DIRECTORY}/{to}/{name}");
            let is_ours = name.starts_with(ID);
            if !is_ours
                && !matches!(name.as_str(), "lock" | "partial" | "auxfiles")
                && self.host.stat(&at)?.is_none()
            {
                self.host.create_link(&at, &format!("{from}/{name}"))?;
            }
        }
        Ok(())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // The next one would remove it too.
        let _ = self.host.remove_tree(DIRECTORY);
    }
}

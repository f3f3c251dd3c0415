//! The repository of a distribution on a mirror, and the files that tell the package manager of it.

use serde::Serialize;

use super::access::{self, LoginFile};
use super::apt::index_prefix;
use super::{Index, Manager};
use crate::facts::Facts;
use crate::mirrors::Site;

/// Which of upstream's repositories is for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Who installs from it.
    pub manager: Manager,
    /// Its place beneath `linux/`: `centos/9`, `debian/bookworm`.
    pub path: String,
    /// The architecture, as the manager names it; only apt is told.
    pub architecture: String,
    /// Whether the manager reads sources in the newer form.
    pub deb822: bool,
}

impl Release {
    /// By what is known of distributions; `None` if Docker has no packages for this one, or its
    /// manager cannot be driven.
    pub fn of(facts: &Facts, apt: Option<(u32, u32)>) -> Option<Self> {
        let distribution = facts.distribution()?;
        let version = facts.os.version_id.split('.').next().unwrap_or_default();
        let path = distribution.docker_ce?.replace("%v", version);
        let architecture = match facts.architecture.as_str() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "armv7l" => "armhf",
            "ppc64le" => "ppc64el",
            other => other,
        };
        Some(Self {
            manager: Manager::of(facts.front_end()?)?,
            path,
            architecture: architecture.to_owned(),
            deb822: apt.is_none_or(|version| version >= DEB822),
        })
    }

    /// The distribution alone: `centos`, `debian`.
    fn distribution(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// What follows it: `9`, `bookworm`.
    fn suite(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or_default()
    }

    /// Where its manager finds it on a mirror: apt adds the suite by itself.
    pub fn base(&self, site: &Site) -> String {
        let path = match self.manager {
            Manager::Apt => self.distribution(),
            Manager::Dnf | Manager::Yum => &self.path,
        };
        site.url(&format!("linux/{path}"))
    }

    /// What its manager keeps of it, once it knows it.
    pub fn index(&self, site: &Site) -> Index {
        let (directory, prefix) = match self.manager {
            Manager::Apt => ("/var/lib/apt/lists", index_prefix(&self.base(site), self.suite())),
            Manager::Dnf => ("/var/cache/dnf", ID.to_owned()),
            Manager::Yum => ("/var/cache/yum", ID.to_owned()),
        };
        Index { directory: directory.to_owned(), prefix }
    }

    /// Where a mirror has the key.
    pub fn key_path(&self) -> String {
        format!("linux/{}/gpg", self.distribution())
    }
}

/// apt reads the newer form from 1.1 on, but the tools of the distributions that came with less
/// than this (add-apt-repository, for one) show and change the older one alone.
const DEB822: (u32, u32) = (2, 0);

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryFile {
    /// Where.
    pub path: String,
    /// What.
    pub text: String,
}

/// A repository as its manager is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The file that names it.
    pub source: RepositoryFile,
    /// The key.
    pub key: RepositoryFile,
    /// What tells of an authority that the host does not trust otherwise.
    pub authority: Vec<RepositoryFile>,
    /// What tells who asks.
    pub login: Vec<LoginFile>,
}

/// How the repository is called, and its files.
pub const ID: &str = "landfall-docker";
/// Where apt's key goes.
pub(super) const APT_KEY: &str = "/etc/apt/keyrings/landfall-docker.asc";
/// Where rpm's goes.
pub(super) const RPM_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-landfall-docker";
/// Where the managers look for repositories.
pub const APT_SOURCES: &str = "/etc/apt/sources.list.d";
/// See [`APT_SOURCES`].
pub const YUM_REPOS: &str = "/etc/yum.repos.d";

/// Every file that a repository may have.
pub const FILES: [&str; 5] = [
    APT_KEY,
    RPM_KEY,
    "/etc/apt/sources.list.d/landfall-docker.sources",
    "/etc/apt/sources.list.d/landfall-docker.list",
    "/etc/yum.repos.d/landfall-docker.repo",
];

const REPO: &str = include_str!("../../templates/landfall-docker.repo.tera");
const SOURCES: &str = include_str!("../../templates/landfall-docker.sources.tera");
const LIST: &str = include_str!("../../templates/landfall-docker.list.tera");

#[derive(Serialize)]
struct Values<'a> {
    id: &'a str,
    base: String,
    suite: &'a str,
    architecture: &'a str,
    key: &'a str,
    ca: Option<&'a str>,
    user: Option<&'a str>,
    password: Option<&'a str>,
}

impl Repository {
    /// The repository of a release at a mirror, with this key, and with these certificates for its
    /// server's authority. Who asks is added by others.
    ///
    /// # Errors
    /// If a template that Landfall carries is wrong.
    pub fn new(
        release: &Release,
        site: &Site,
        key: &str,
        ca: Option<&str>,
    ) -> Result<Self, tera::Error> {
        let apt = release.manager == Manager::Apt;
        let key_path = if apt { APT_KEY } else { RPM_KEY };
        let values = Values {
            id: ID,
            base: release.base(site),
            suite: release.suite(),
            architecture: &release.architecture,
            key: key_path,
            ca: ca.map(|_| access::ca_path(release.manager)),
            user: site.login().map(|_| access::USER),
            password: site.login().map(|_| access::PASSWORD),
        };
        let (template, at) = match (apt, release.deb822) {
            (true, true) => (SOURCES, format!("{APT_SOURCES}/{ID}.sources")),
            (true, false) => (LIST, format!("{APT_SOURCES}/{ID}.list")),
            (false, _) => (REPO, format!("{YUM_REPOS}/{ID}.repo")),
        };
        let context = tera::Context::from_serialize(values)?;
        let text = tera::Tera::one_off(template, &context, false)?;
        Ok(Self {
            source: RepositoryFile { path: at, text },
            key: RepositoryFile { path: key_path.to_owned(), text: key.to_owned() },
            authority: ca.map(|ca| access::files(release.manager, site, ca)).unwrap_or_default(),
            login: Vec::new(),
        })
    }

    /// The text of its file with key and authority elsewhere: to be looked at before anything is
    /// changed.
    pub(super) fn elsewhere(&self, key: &str, ca: &str) -> String {
        self.source.text.replace(&self.key.path, key).replace(access::RPM_CA, ca)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OsRelease;
    use crate::mirrors;

    fn release(id: &str, version: &str, manager: &str, apt: Option<(u32, u32)>) -> Option<Release> {
        let mut facts = Facts { architecture: "x86_64".to_owned(), ..Facts::default() };
        facts.os = OsRelease {
            id: id.to_owned(),
            version_id: version.to_owned(),
            pretty_name: "Kylin Linux Advanced Server".to_owned(),
            ..OsRelease::default()
        };
        facts.programs.insert(manager.to_owned(), format!("/usr/bin/{manager}"));
        Release::of(&facts, apt)
    }

    #[test]
    fn which_repository_is_for_whom() {
        for (id, version, manager, path) in [
            ("centos", "9", "dnf", "centos/9"),
            ("rocky", "9.4", "dnf", "centos/9"),
            ("rhel", "10.0", "dnf", "rhel/10"),
            ("fedora", "43", "dnf", "fedora/43"),
            ("openEuler", "22.03", "dnf", "centos/8"),
            ("openEuler", "23.09", "dnf", "centos/9"),
            ("openEuler", "24.03", "dnf", "centos/10"),
            ("kylin", "V10", "dnf", "centos/8"),
            ("kylin", "V11", "dnf", "centos/10"),
            ("anolis", "23", "dnf", "centos/9"),
            ("opencloudos", "23", "dnf", "centos/9"),
            ("tencentos", "4", "dnf", "centos/9"),
            ("tencentos", "3.1", "dnf", "centos/8"),
            ("alinux", "3", "dnf", "centos/8"),
            ("debian", "12", "apt-get", "debian/bookworm"),
            ("ubuntu", "24.04", "apt-get", "ubuntu/noble"),
        ] {
            let found = release(id, version, manager, None).map(|release| release.path);
            assert_eq!(found.as_deref(), Some(path), "{id} {version}");
        }
        assert_eq!(release("sles", "15.6", "zypper", None), None);
        assert_eq!(release("amzn", "2023", "dnf", None), None);
        assert_eq!(release("debian", "12", "dpkg", None), None, "without its front end");
    }

    #[test]
    fn files_of_each_kind() {
        let site = mirrors::site("http://10.0.0.5:8080/docker-ce").unwrap();
        let text = |id: &str, version: &str, manager: &str, apt| {
            let release = release(id, version, manager, apt).unwrap();
            let made = Repository::new(&release, &site, "KEY", None).unwrap();
            assert_eq!(made.key.text, "KEY");
            let body: Vec<&str> =
                made.source.text.lines().filter(|line| !line.starts_with('#')).collect();
            (made.source.path.clone(), body.join("\n"))
        };
        let (path, body) = text("debian", "12", "apt-get", Some((2, 6)));
        assert_eq!(path, "/etc/apt/sources.list.d/landfall-docker.sources");
        assert_eq!(
            body,
            "Types: deb\nURIs: http://10.0.0.5:8080/docker-ce/linux/debian\nSuites: bookworm\n\
             Components: stable\nArchitectures: amd64\n\
             Signed-By: /etc/apt/keyrings/landfall-docker.asc"
        );
        let (path, body) = text("ubuntu", "18.04", "apt-get", Some((1, 6)));
        assert_eq!(path, "/etc/apt/sources.list.d/landfall-docker.list");
        assert_eq!(
            body,
            "deb [arch=amd64 signed-by=/etc/apt/keyrings/landfall-docker.asc] \
             http://10.0.0.5:8080/docker-ce/linux/ubuntu bionic stable"
        );
        let (path, body) = text("rocky", "9.4", "dnf", None);
        assert_eq!(path, "/etc/yum.repos.d/landfall-docker.repo");
        assert_eq!(
            body,
            "[landfall-docker]\nname=Docker CE Stable - $basearch\n\
             baseurl=http://10.0.0.5:8080/docker-ce/linux/centos/9/$basearch/stable\nenabled=1\n\
             gpgcheck=1\n\
             gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-landfall-docker"
        );
    }

    #[test]
    fn where_the_key_is() {
        let of = |id, version, manager| release(id, version, manager, None).unwrap().key_path();
        assert_eq!(of("rocky", "9", "dnf"), "linux/centos/gpg");
        assert_eq!(of("ubuntu", "24.04", "apt-get"), "linux/ubuntu/gpg");
    }
}

//! What a package manager has to know of a mirror beside its place: whose certificates to believe, and
//! who asks. Neither managers nor Landfall have a login in arguments or in files that others read.

use std::fmt;
use std::sync::Arc;

use super::Manager;
use super::repository::{ID, RepositoryFile};
use crate::digest::Digest;
use crate::host::HostError;
use crate::host::memory_file::MemoryFile;
use crate::mirrors::Site;

/// Where apt's logins go (apt_auth.conf(5)), and how the directory's files are called.
pub(super) const APT_LOGIN: &str = "/etc/apt/auth.conf.d/landfall-docker.conf";
/// Where apt is told of an authority, and the authority.
const APT_SETTINGS: &str = "/etc/apt/apt.conf.d/80landfall-docker";
/// See [`APT_SETTINGS`].
pub(super) const APT_CA: &str = "/etc/apt/keyrings/landfall-docker-ca.pem";
/// Where dnf and yum have the authority.
pub(super) const RPM_CA: &str = "/etc/pki/rpm-gpg/landfall-docker-ca.pem";
/// Variables of dnf and yum, a file for each; the repository's file has their names alone.
pub(super) const USER: &str = "landfall_docker_user";
/// See [`USER`].
pub(super) const PASSWORD: &str = "landfall_docker_password";

/// Every file that holds a part of a login.
pub const LOGIN_FILES: [&str; 5] = [
    APT_LOGIN,
    "/etc/dnf/vars/landfall_docker_user",
    "/etc/dnf/vars/landfall_docker_password",
    "/etc/yum/vars/landfall_docker_user",
    "/etc/yum/vars/landfall_docker_password",
];
/// Every file that tells of an authority.
pub const CA_FILES: [&str; 3] = [APT_SETTINGS, APT_CA, RPM_CA];

/// Where a manager has the authority.
pub(super) fn ca_path(manager: Manager) -> &'static str {
    match manager {
        Manager::Apt => APT_CA,
        Manager::Dnf | Manager::Yum => RPM_CA,
    }
}

/// What apt goes by for one server alone; dnf and yum read it in the repository's file.
pub(super) fn apt_option(site: &Site, ca: &str) -> String {
    format!("Acquire::https::{}::CAInfo \"{ca}\";", host_of(site))
}

/// The same, as an argument.
pub(super) fn apt_argument(site: &Site, ca: &str) -> String {
    format!("Acquire::https::{}::CAInfo={ca}", host_of(site))
}

fn host_of(site: &Site) -> &str {
    let authority = site.authority();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The files that tell a manager of an authority, beside its repository's.
pub(super) fn files(manager: Manager, site: &Site, ca: &str) -> Vec<RepositoryFile> {
    let path = ca_path(manager);
    let mut files = vec![RepositoryFile { path: path.to_owned(), text: ca.to_owned() }];
    if manager == Manager::Apt {
        let text = format!("// Written by landfall.\n{}\n", apt_option(site, path));
        files.push(RepositoryFile { path: APT_SETTINGS.to_owned(), text });
    }
    files
}

/// A file with a part of a login, which lies in memory alone until it is copied to its place.
#[derive(Clone)]
pub struct LoginFile {
    /// Where it goes.
    pub path: String,
    /// Where it is.
    pub source: Arc<MemoryFile>,
    /// Its digest.
    pub sha256: Digest,
}

impl PartialEq for LoginFile {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, self.sha256) == (&other.path, other.sha256)
    }
}

impl Eq for LoginFile {}

impl fmt::Debug for LoginFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginFile({})", self.path)
    }
}

/// The files by which a manager says who it is, if the mirror wants to know.
///
/// # Errors
/// [`HostError`] if the kernel has no files in memory (before 3.17).
pub fn login_files(manager: Manager, site: &Site) -> Result<Vec<LoginFile>, HostError> {
    let Some(login) = site.login() else { return Ok(Vec::new()) };
    let texts = match manager {
        Manager::Apt => {
            // A line without a scheme is for https alone, also for those that know of none.
            let place = site.root();
            let place = place.strip_prefix("https://").unwrap_or(&place);
            let text =
                format!("machine {place}\nlogin {}\npassword {}\n", login.user, login.password);
            vec![(APT_LOGIN.to_owned(), text)]
        }
        Manager::Dnf | Manager::Yum => {
            let directory = variables(manager);
            let file =
                |name: &str, text: &str| (format!("{directory}/{name}"), format!("{text}\n"));
            vec![file(USER, &login.user), file(PASSWORD, &login.password)]
        }
    };
    let made = texts.into_iter().map(|(path, text)| {
        let text = zeroize::Zeroizing::new(text);
        let source = Arc::new(MemoryFile::new(ID, text.as_bytes())?);
        Ok(LoginFile { path, source, sha256: Digest::of(text.as_bytes()) })
    });
    made.collect()
}

/// Where a manager's variables are.
fn variables(manager: Manager) -> &'static str {
    match manager {
        Manager::Yum => "/etc/yum/vars",
        Manager::Apt | Manager::Dnf => "/etc/dnf/vars",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::input;
    use crate::mirrors;

    fn read(file: &LoginFile) -> String {
        let bytes = input::read_secret_bytes(&file.source.path()).unwrap();
        assert_eq!(Digest::of(&bytes), file.sha256);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn logins_of_each_manager() {
        let site = mirrors::site("https://ann:s3%2Fcret@m.example:8443/docker").unwrap();
        let apt = login_files(Manager::Apt, &site).unwrap();
        assert_eq!(apt[0].path, APT_LOGIN);
        let expected = "machine m.example:8443/docker\nlogin ann\npassword s3/cret\n";
        assert_eq!(read(&apt[0]), expected);
        assert!(!format!("{apt:?}").contains("cret"));
        for manager in [Manager::Dnf, Manager::Yum] {
            let files = login_files(manager, &site).unwrap();
            assert_eq!((read(&files[0]), read(&files[1])), ("ann\n".into(), "s3/cret\n".into()));
            assert!(files.iter().all(|file| LOGIN_FILES.contains(&file.path.as_str())));
        }
        let plain = mirrors::site("http://ann:s@10.0.0.5/d").unwrap();
        let files = login_files(Manager::Apt, &plain).unwrap();
        assert!(read(&files[0]).starts_with("machine http://10.0.0.5/d\n"));
        let nobody = mirrors::site("http://10.0.0.5/d").unwrap();
        assert_eq!(login_files(Manager::Apt, &nobody).unwrap(), []);
    }

    #[test]
    fn an_authority_is_for_one_server_alone() {
        let site = mirrors::site("https://m.example:8443/docker").unwrap();
        let files = files(Manager::Apt, &site, "PEM");
        assert_eq!((files[0].path.as_str(), files[0].text.as_str()), (APT_CA, "PEM"));
        let line =
            "Acquire::https::m.example::CAInfo \"/etc/apt/keyrings/landfall-docker-ca.pem\";";
        assert!(files[1].text.ends_with(&format!("{line}\n")), "{}", files[1].text);
        assert_eq!(super::files(Manager::Dnf, &site, "PEM").len(), 1);
    }
}

//! Mirrors of Docker's packages and archives: `bundles/mirrors.tsv`, which says where its facts
//! come from and is part of the program, and those that people name themselves.

use std::fmt;
use std::sync::LazyLock;

use crate::nearest;

const TABLE: &str = include_str!("../bundles/mirrors.tsv");

/// A mirror that Landfall knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// What it is called in `--mirror`.
    pub name: &'static str,
    /// Who reaches it.
    pub reach: Reach,
    /// Its root, without a trailing slash.
    pub url: &'static str,
    /// Who keeps it.
    pub kept_by: &'static str,
}

/// Who reaches a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is upstream itself; everybody does.
    Official,
    /// Everybody does.
    Public,
    /// Only machines of that cloud.
    Cloud,
}

/// All of the table, in its order.
pub fn all() -> &'static [Mirror] {
    static ALL: LazyLock<Vec<Mirror>> = LazyLock::new(|| rows().filter_map(parse).collect());
    &ALL
}

/// Where packages or archives come from: the root of a mirror. What is shown of it has no
/// user name and no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name, if it stands in the table.
    pub name: Option<&'static str>,
    scheme: &'static str,
    login: Option<Login>,
    /// Host, port and path, without a trailing slash.
    place: String,
}

/// What a URL holds before its `@`, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password; empty if there is none.
    pub password: String,
}

/// What was asked for by `--mirror`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These, in this order.
    Sites(Vec<Site>),
    /// The fastest that serves this host, and then the others.
    Auto,
}

/// Why a mirror cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MirrorError {
    /// It is neither a URL nor a name in the table; the nearest name. Without its login.
    Unknown(String, Option<&'static str>),
    /// `auto` stands for all of them.
    AutoAmongOthers,
    /// The URL is none of http or https, or holds what a root cannot have. Without its login.
    Url(String),
}

/// The sites that `--mirror` names, in order; without one, the official one and then the public
/// ones.
///
/// # Errors
/// [`MirrorError`] for the first that cannot be used.
pub fn wanted<S: AsRef<str>>(given: &[S]) -> Result<Wanted, MirrorError> {
    if given.is_empty() {
        return Ok(Wanted::Sites(public()));
    }
    let is_auto = |text: &S| text.as_ref() == "auto";
    match given {
        [only] if is_auto(only) => Ok(Wanted::Auto),
        _ if given.iter().any(is_auto) => Err(MirrorError::AutoAmongOthers),
        _ => {
            let sites = given.iter().map(|text| site(text.as_ref()));
            Ok(Wanted::Sites(sites.collect::<Result<_, _>>()?))
        }
    }
}

/// The official one and the public ones, in the table's order.
pub fn public() -> Vec<Site> {
    let reached = all().iter().filter(|mirror| mirror.reach != Reach::Cloud);
    reached.filter_map(|mirror| known(mirror).ok()).collect()
}

/// All of them, also those that only machines of a cloud reach: for finding the fastest.
pub fn everywhere() -> Vec<Site> {
    all().iter().filter_map(|mirror| known(mirror).ok()).collect()
}

/// The site of a name or a URL.
///
/// # Errors
/// [`MirrorError`].
pub fn site(text: &str) -> Result<Site, MirrorError> {
    if text.contains("://") {
        return Site::parse(text);
    }
    match all().iter().find(|mirror| mirror.name == text) {
        Some(mirror) => known(mirror),
        None => {
            let names = all().iter().map(|mirror| mirror.name);
            Err(MirrorError::Unknown(without_login(text), nearest::nearest(text, names)))
        }
    }
}

fn known(mirror: &'static Mirror) -> Result<Site, MirrorError> {
    Ok(Site { name: Some(mirror.name), ..Site::parse(mirror.url)? })
}

impl Site {
    fn parse(url: &str) -> Result<Self, MirrorError> {
        let (scheme, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            _ => return Err(MirrorError::Url(without_login(url))),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let path = path.trim_end_matches('/');
        let login = login.map(Login::parse).transpose();
        let (true, true, Ok(login)) = (is_host(host), is_path(path), login) else {
            return Err(MirrorError::Url(without_login(url)));
        };
        let place = format!("{}{path}", host.to_ascii_lowercase());
        Ok(Self { name: None, scheme, login, place })
    }

    /// The URL of a path beneath the root, without the login: for files that others read, for
    /// arguments and for people.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}/{}", self.scheme, self.place, path.trim_start_matches('/'))
    }

    /// The root, without a trailing slash and without the login.
    pub fn root(&self) -> String {
        format!("{}://{}", self.scheme, self.place)
    }

    /// User and password, if the URL has them.
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Host and port, as the URL has them.
    pub fn authority(&self) -> &str {
        self.place.split('/').next().unwrap_or_default()
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{name} ({})", self.root()),
            None => f.write_str(&self.root()),
        }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({self})")
    }
}

impl Login {
    fn parse(text: &str) -> Result<Self, MirrorError> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let decoded = |part| decode(part).ok_or_else(|| MirrorError::Url(String::new()));
        let (user, password) = (decoded(user)?, decoded(password)?);
        if user.is_empty() {
            return Err(MirrorError::Url(String::new()));
        }
        Ok(Self { user, password })
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// A URL as it may be shown: what stands before the last `@` is left out, even where it would not be
/// a login, since a password may hold a `/` that should have been written as `%2F`.
pub fn without_login(url: &str) -> String {
    let Some((_, place)) = url.rsplit_once('@') else { return url.to_owned() };
    match url.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{place}"),
        None => place.to_owned(),
    }
}

/// A name or an address, perhaps with a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("x", port),
            _ => return false,
        },
        None => text.find(':').map_or((text, ""), |colon| text.split_at(colon)),
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !host.is_empty() && host.bytes().all(is_of_names) && port_fits
}

/// It is written into files of others, and quoted in none of them: nothing that means something
/// there. A query would end up in the middle of what is asked for.
fn is_path(text: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%+,=@".contains(&byte);
    text.bytes().all(may_stand) && !text.split('/').any(|part| part == "..")
}

/// Undoes `%20` and its like. `None` if it is not text, or holds control characters.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn parse(row: &'static str) -> Option<Mirror> {
    let columns: Vec<&str> = row.split('\t').collect();
    let [name, reach, url, kept_by] = columns[..] else { return None };
    let reach = match reach {
        "official" => Reach::Official,
        "public" => Reach::Public,
        "cloud" => Reach::Cloud,
        _ => return None,
    };
    Some(Mirror { name, reach, url, kept_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_sound() {
        assert_eq!(all().len(), rows().count());
        let mut names = std::collections::BTreeSet::new();
        for mirror in all() {
            assert!(names.insert(mirror.name), "twice: {}", mirror.name);
            let site = site(mirror.name).unwrap();
            assert_eq!((site.root().as_str(), site.name), (mirror.url, Some(mirror.name)));
            assert_eq!(site.is_https(), mirror.reach != Reach::Cloud, "{}", mirror.name);
            assert!(!mirror.kept_by.is_empty());
        }
        assert_eq!(all()[0].reach, Reach::Official);
        assert_eq!(all().iter().filter(|mirror| mirror.reach == Reach::Official).count(), 1);
    }

    #[test]
    fn without_a_name_all_that_everybody_reaches() {
        let Wanted::Sites(sites) = wanted::<&str>(&[]).unwrap() else { panic!() };
        assert_eq!(sites[0].name, Some("official"));
        assert!(sites.len() > 10 && sites.iter().all(Site::is_https));
        assert_eq!(wanted(&["auto"]), Ok(Wanted::Auto));
        assert_eq!(wanted(&["auto", "tuna"]), Err(MirrorError::AutoAmongOthers));
        let Wanted::Sites(sites) = wanted(&["tuna", "http://10.0.0.5/d/"]).unwrap() else {
            panic!()
        };
        assert_eq!(sites.iter().map(Site::root).collect::<Vec<_>>()[1], "http://10.0.0.5/d");
    }

    #[test]
    fn a_name_that_is_not_known() {
        assert_eq!(site("aliyum"), Err(MirrorError::Unknown("aliyum".to_owned(), Some("aliyun"))));
    }

    #[test]
    fn urls() {
        let parsed = site("HTTPS://Mirror.example:8443/docker-ce//").unwrap();
        assert_eq!(parsed.root(), "https://mirror.example:8443/docker-ce");
        assert_eq!(parsed.authority(), "mirror.example:8443");
        assert_eq!(parsed.url("/linux/centos/gpg"), format!("{}/linux/centos/gpg", parsed.root()));
        assert_eq!(site("http://[fd00::1]:80").unwrap().root(), "http://[fd00::1]:80");
        for bad in [
            "ftp://a/b",
            "https://",
            "https:///x",
            "https://a b/",
            "https://a/b?c=d",
            "https://a/b#c",
            "https://a/$releasever",
            "https://a/../b",
            "https://a:0/",
            "https://a:x/",
            "https://a\nb/",
            "https://a/b\n",
            "https://[x]/",
            "https://:pw@a/",
            "https://u:%0a@a/",
            "https://u:%4@a/",
        ] {
            assert!(matches!(site(bad), Err(MirrorError::Url(_))), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let parsed = site("https://ann:s3cr%40t@mirror.example/x").unwrap();
        let login = parsed.login().unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("ann", "s3cr@t"));
        let shown = format!("{parsed} {parsed:?} {login:?} {} {}", parsed.root(), parsed.url("a"));
        assert!(!shown.contains("s3cr") && !shown.contains("ann"), "{shown}");
        let Err(error) = site("gopher://ann:s3cret@a/") else { panic!() };
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        for text in ["ann:s3c/ret@mirror.example", "http://ann:s3c/ret@a/", "x?s3cret@a/b c"] {
            let Err(error) = site(text) else { panic!("{text}") };
            assert!(!format!("{error:?}").contains("s3c"), "{error:?}");
        }
    }
}

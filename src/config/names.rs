//! Checks of names, numbers and directories that become part of the host.

use crate::texts::phrases::config as phrases;

/// Why a value cannot be used, and what would be right.
pub type Refusal = (&'static str, &'static str);

/// Longest name that useradd(8) and groupadd(8) make.
const LONGEST_NAME: usize = 32;

/// Checks the name of a user that may come from a directory service: letters, digits and
/// `. _ - @ $`, as sssd and Samba make them. Colons and commas would change /etc/group.
pub(super) fn user(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err((phrases::USER_EMPTY, phrases::USER_HINT));
    }
    let middle = name.strip_suffix('$').unwrap_or(name);
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if !middle.chars().all(valid) || middle.starts_with('-') || middle.is_empty() {
        return Err((phrases::USER_CHARACTERS, phrases::USER_HINT));
    }
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err((phrases::USER_NUMBER, phrases::USER_HINT));
    }
    if name.len() > 256 {
        return Err((phrases::USER_TOO_LONG, phrases::USER_HINT));
    }
    Ok(())
}

/// Checks the name of the group, which Landfall may have to make and which stands in a unit.
pub(super) fn group(name: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || !name.chars().all(valid) || name.starts_with(['-', '.']) {
        return Err((phrases::GROUP_CHARACTERS, phrases::GROUP_HINT));
    }
    if name.chars().all(|c| c.is_ascii_digit()) {
        return Err((phrases::GROUP_NUMBER, phrases::GROUP_NUMBER_HINT));
    }
    if name.len() > LONGEST_NAME {
        return Err((phrases::GROUP_TOO_LONG, phrases::GROUP_HINT));
    }
    Ok(())
}

/// Checks the id of a new group. 0 is root's own; 65535 and 4294967295 stand for "none" in
/// 16 and 32 bits, and systemd refuses them; 65534 is that of nobody.
pub(super) fn gid(gid: u32) -> Result<(), Refusal> {
    match gid {
        0 | 65534 | 65535 | u32::MAX => Err((phrases::GID_RESERVED, phrases::GID_HINT)),
        _ => Ok(()),
    }
}

/// A directory's path without double slashes, `.` and a slash at its end.
pub(super) fn directory(path: &str) -> Result<String, Refusal> {
    if !path.starts_with('/') {
        return Err((phrases::DIRECTORY_RELATIVE, phrases::DIRECTORY_HINT));
    }
    let parts: Vec<&str> =
        path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err((phrases::DIRECTORY_UPWARDS, phrases::DIRECTORY_HINT));
    }
    if parts.is_empty() {
        return Err((phrases::DIRECTORY_ROOT, phrases::DIRECTORY_HINT));
    }
    Ok(format!("/{}", parts.join("/")))
}

/// Checks the URL of a proxy; an empty one stands for none. It becomes part of a unit or of
/// daemon.json, which everybody may read, and of Landfall's journal: no password in it.
pub(super) fn proxy(text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    let schemes = ["http://", "https://", "socks5://"];
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err((phrases::PROXY_SCHEME, phrases::PROXY_HINT));
    };
    if rest.contains('@') {
        return Err((phrases::PROXY_PASSWORD, phrases::PROXY_PASSWORD_HINT));
    }
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-:[]/".contains(c);
    if rest.is_empty() || !rest.chars().all(valid) {
        return Err((phrases::PROXY_CHARACTERS, phrases::PROXY_HINT));
    }
    Ok(())
}

/// A URL that holds a password, as it can be shown.
pub(super) fn without_password(text: &str) -> Option<String> {
    let (before, after) = text.rsplit_once('@')?;
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    Some(format!("{scheme}://…@{after}"))
}

/// Checks what is reached without a proxy: names, addresses, networks, with commas.
pub(super) fn no_proxy(text: &str) -> Result<(), Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-:[]/,*".contains(c);
    match text.chars().all(valid) {
        true => Ok(()),
        false => Err((phrases::NO_PROXY_CHARACTERS, phrases::NO_PROXY_HINT)),
    }
}

/// Checks the code of a finding.
pub(super) fn finding(code: &str) -> Result<(), Refusal> {
    let digits = code.strip_prefix("LF").filter(|digits| digits.len() == 3);
    match digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        true => Ok(()),
        false => Err((phrases::CODE_FORM, phrases::CODE_HINT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users() {
        for name in ["deploy", "_svc", "a.b-c", "J_Doe", "bob@example.com", "host$", "0day"] {
            assert_eq!(user(name), Ok(()), "{name}");
        }
        for name in [
            "", "a:b", "a,b", "a b", "a\nb", "-a", "$(id)", "a;b", "1000", "a/b", "$", "a\\b", "é",
            "a$b", "`id`", "a|b", "a&b", "a'b", "*",
        ] {
            assert!(user(name).is_err(), "{name}");
        }
        assert!(user(&"a".repeat(257)).is_err());
    }

    #[test]
    fn groups_and_their_ids() {
        for name in ["docker", "docker-users", "_x", "Docker.2", &"a".repeat(32)] {
            assert_eq!(group(name), Ok(()), "{name}");
        }
        for name in ["", "-x", ".x", "a:b", "a b", "a%b", "991", "a$", "é", &"a".repeat(33)] {
            assert!(group(name).is_err(), "{name}");
        }
        for id in [1, 991, 65533, 65536, u32::MAX - 1] {
            assert_eq!(gid(id), Ok(()), "{id}");
        }
        for id in [0, 65534, 65535, u32::MAX] {
            assert!(gid(id).is_err(), "{id}");
        }
    }

    #[test]
    fn directories_are_normalised() {
        for (path, expected) in
            [("/usr/bin", "/usr/bin"), ("/opt//docker/./bin/", "/opt/docker/bin"), ("//a", "/a")]
        {
            assert_eq!(directory(path).as_deref(), Ok(expected), "{path}");
        }
        for path in ["", "a", "./a", "/", "//", "/.", "/a/../b", "/.."] {
            assert!(directory(path).is_err(), "{path}");
        }
    }

    #[test]
    fn proxies() {
        for text in ["", "http://p:3128", "https://proxy.example/", "socks5://[::1]:1080"] {
            assert_eq!(proxy(text), Ok(()), "{text}");
        }
        for text in ["p:3128", "http://", "http://a b", "http://a\"b", "http://me:pw@p", "ftp://p"]
        {
            assert!(proxy(text).is_err(), "{text}");
        }
        assert_eq!(without_password("http://me:pw@p:1").as_deref(), Some("http://…@p:1"));
        assert_eq!(no_proxy("10.0.0.0/8,.internal,*.x,[::1]:5000"), Ok(()));
        assert!(no_proxy("a b").is_err() && no_proxy("a\nb").is_err());
    }

    #[test]
    fn codes_of_findings() {
        assert_eq!(finding("LF001"), Ok(()));
        for code in ["", "LF", "LF1", "LF0001", "lf001", "LFabc", "XX001", "LF００1"] {
            assert!(finding(code).is_err(), "{code}");
        }
    }
}

//! os-release(5).

use super::OsRelease;

/// Where it stands: the first that exists counts.
pub const PATHS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Reads the text of os-release. A key that is absent leaves its field empty, except that
/// `ID` is then `linux`, as the manual says.
pub fn parse(text: &str) -> OsRelease {
    let mut os = OsRelease { id: "linux".to_owned(), ..OsRelease::default() };
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value = unquote(value);
        match key {
            "ID" => os.id = value,
            "ID_LIKE" => os.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => os.version_id = value,
            "VERSION_CODENAME" => os.codename = value,
            "PRETTY_NAME" => os.pretty_name = value,
            _ => {}
        }
    }
    os
}

impl OsRelease {
    /// The distribution's name for people.
    pub fn shown(&self) -> String {
        let short = || format!("{} {}", self.id, self.version_id).trim().to_owned();
        if self.pretty_name.is_empty() { short() } else { self.pretty_name.clone() }
    }
}

/// Takes shell quotes off: single quotes keep everything, in double quotes and outside of
/// quotes a backslash keeps the next character.
fn unquote(value: &str) -> String {
    let value = value.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centos_7() {
        let os = parse(
            "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\n\
             VERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\nANSI_COLOR=\"0;31\"\n\
             \nCENTOS_MANTISBT_PROJECT=\"CentOS-7\"\n",
        );
        assert_eq!(os.id, "centos");
        assert_eq!(os.id_like, ["rhel", "fedora"]);
        assert_eq!(os.version_id, "7");
        assert_eq!(os.codename, "");
        assert_eq!(os.pretty_name, "CentOS Linux 7 (Core)");
    }

    #[test]
    fn debian_12() {
        let os = parse(
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n\
             VERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
        );
        assert_eq!((os.id.as_str(), os.codename.as_str()), ("debian", "bookworm"));
        assert!(os.id_like.is_empty());
    }

    #[test]
    fn quotes_escapes_and_comments() {
        let os = parse("# ID=wrong\nID='kylin'\nPRETTY_NAME=\"A \\\"B\\\" \\$C\"\nnonsense\n");
        assert_eq!(os.id, "kylin");
        assert_eq!(os.pretty_name, "A \"B\" $C");
    }

    #[test]
    fn without_an_id_it_is_linux() {
        assert_eq!(parse("").id, "linux");
    }
}

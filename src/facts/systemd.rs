//! systemd's version.

/// Where the manager's own program lies.
pub const PROGRAMS: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// The major version from what systemd calls its version: the manager's property `Version`
/// (`252.39-1~deb12u2`, `v256~rc3`, `systemd 219`, `219`) or the first line of
/// `systemctl --version` (`systemd 252 (252.39-1~deb12u2)`).
pub fn parse_version(text: &str) -> Option<u32> {
    let text = text.trim();
    let text = text.strip_prefix("systemd ").unwrap_or(text);
    leading_number(text.strip_prefix('v').unwrap_or(text))
}

/// The major version from the names of files in systemd's directory of libraries: the newest
/// `libsystemd-shared-<version>.so`. systemd has that library since version 231.
pub fn from_library_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<u32> {
    names
        .into_iter()
        .filter_map(|name| name.strip_prefix("libsystemd-shared-"))
        .filter(|rest| rest.contains(".so"))
        .filter_map(parse_version)
        .max()
}

/// The major version from the bytes of the manager's program, which holds `systemd 219` as
/// a text of its own: for images with a version that has no shared library yet.
pub fn from_program(bytes: &[u8]) -> Option<u32> {
    const NAME: &[u8] = b"systemd ";
    let mut rest = bytes;
    while let Some(at) = rest.windows(NAME.len()).position(|window| window == NAME) {
        let digits = &rest[at + NAME.len()..];
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let before = at.checked_sub(1).map(|index| rest[index]);
        if (3..=4).contains(&length)
            && digits.get(length) == Some(&0)
            && before.is_none_or(|byte| byte == 0)
        {
            return leading_number(std::str::from_utf8(&digits[..length]).ok()?);
        }
        rest = digits;
    }
    None
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_systemd_writes_them() {
        for (text, version) in [
            ("252.39-1~deb12u2", 252),
            ("v256~rc3", 256),
            ("257.9-1~deb13u1", 257),
            ("systemd 219", 219),
            ("219", 219),
            ("systemd 239 (239-82.el8)\n", 239),
            ("247.3-7+deb11u6", 247),
        ] {
            assert_eq!(parse_version(text), Some(version), "{text}");
        }
        assert_eq!(parse_version(""), None);
        assert_eq!(parse_version("n/a"), None);
    }

    #[test]
    fn library_names() {
        let debian = ["libsystemd-shared-252.so", "libsystemd-core-252.so", "systemd"];
        assert_eq!(from_library_names(debian), Some(252));
        let el9 = ["libsystemd-shared-252-32.el9_4.so", "systemd-logind"];
        assert_eq!(from_library_names(el9), Some(252));
        let two = ["libsystemd-shared-252.so", "libsystemd-shared-257.so"];
        assert_eq!(from_library_names(two), Some(257));
        let el7 = ["systemd", "systemd-logind", "libsystemd-shared-x.so"];
        assert_eq!(from_library_names(el7), None);
    }

    #[test]
    fn program_text() {
        let program = b"\x7fELF\0systemd units\0running systemd 300\0systemd 219\0+PAM\0";
        assert_eq!(from_program(program), Some(219));
        assert_eq!(from_program(b"systemd 2199999\0"), None);
        assert_eq!(from_program(b""), None);
    }
}

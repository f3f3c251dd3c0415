//! What lets login shells find programs that are in none of the usual directories.

use crate::texts::phrases::units as phrases;

/// A file of `/etc/profile.d`, for every shell that reads profile files as sh(1) does. The
/// directory holds no character that has a meaning in single quotes, see
/// [`is_program_directory`](super::units::is_program_directory).
pub fn text(bin_dir: &str) -> String {
    format!(
        "# {comment}\ncase \":$PATH:\" in\n*:'{bin_dir}':*) ;;\n*) PATH=$PATH:'{bin_dir}' ;;\nesac\n",
        comment = phrases::PROFILE_COMMENT
    )
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A shell has to read it, outside any host.
mod tests {
    use std::process::Command;

    /// The PATH of a shell that reads the text, twice.
    fn path_in_shell(bin_dir: &str, path: &str) -> String {
        let script = format!("{0}{0}printf %s \"$PATH\"", super::text(bin_dir));
        let shell = Command::new("/bin/sh").args(["-euc", &script]).env("PATH", path).output();
        String::from_utf8(shell.unwrap().stdout).unwrap()
    }

    #[test]
    fn adds_the_directory_once() {
        assert_eq!(path_in_shell("/opt/a=b,~%@/bin", "/bin"), "/bin:/opt/a=b,~%@/bin");
        assert_eq!(path_in_shell("/opt/bin", "/opt/bin:/bin"), "/opt/bin:/bin");
        assert_eq!(path_in_shell("/opt/bin", "/opt/bin/x"), "/opt/bin/x:/opt/bin");
    }
}

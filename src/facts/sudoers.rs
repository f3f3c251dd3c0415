//! Where sudo looks for programs: `secure_path` of sudoers(5).

use crate::host::{Host, HostError};

const SUDOERS: &str = "/etc/sudoers";
const DIRECTORY: &str = "/etc/sudoers.d";

/// The directories that sudo looks in, if its configuration names them. The last setting
/// counts, and the files of `/etc/sudoers.d` come last, as distributions ship it.
///
/// # Errors
/// [`HostError`] if the configuration is there, but cannot be read by root.
pub fn gather(host: &Host) -> Result<Option<Vec<String>>, HostError> {
    if host.uid() != 0 {
        // Only root may read it; preflight says that root is needed.
        return Ok(None);
    }
    let mut text = host.read_text(SUDOERS)?.unwrap_or_default();
    // sudo leaves out names with a dot and backups.
    let is_read = |name: &String| !name.contains('.') && !name.ends_with('~');
    for name in host.read_dir(DIRECTORY)?.iter().filter(|name| is_read(name)) {
        text.push('\n');
        text.push_str(&host.read_text(&format!("{DIRECTORY}/{name}"))?.unwrap_or_default());
    }
    Ok(parse(&text))
}

/// The last `secure_path` that applies to everybody.
pub fn parse(text: &str) -> Option<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut path = None;
    for line in text.lines() {
        // `Defaults:user`, `Defaults@host` and the like are for some alone.
        let settings = line.trim_start().strip_prefix("Defaults");
        let Some(settings) = settings.filter(|rest| rest.starts_with([' ', '\t'])) else {
            continue;
        };
        for setting in split(settings) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match name.trim() {
                "secure_path" => {
                    let value = value.trim().trim_matches('"');
                    path = Some(value.split(':').map(str::to_owned).collect());
                }
                "!secure_path" => path = None,
                _ => {}
            }
        }
    }
    path
}

/// Settings of one line: divided by commas outside of quotes, up to a comment.
fn split(settings: &str) -> Vec<&str> {
    let mut quoted = false;
    let end = settings.find(|c| {
        quoted ^= c == '"';
        c == '#' && !quoted
    });
    let mut quoted = false;
    let is_comma = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    settings[..end.unwrap_or(settings.len())].split(is_comma).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse(text).map(|path| path.join(":"))
    }

    #[test]
    fn as_distributions_ship_it() {
        let el = "Defaults   !visiblepw\nDefaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin\n\
                  root ALL=(ALL) ALL\n";
        assert_eq!(parsed(el).as_deref(), Some("/sbin:/bin:/usr/sbin:/usr/bin"));
        let debian = "Defaults\tenv_reset\nDefaults\tsecure_path=\"/usr/local/bin:/snap/bin\"\n";
        assert_eq!(parsed(debian).as_deref(), Some("/usr/local/bin:/snap/bin"));
        assert_eq!(parsed("# Defaults secure_path=/a\nDefaults env_reset\n"), None);
    }

    #[test]
    fn the_last_one_for_everybody_counts() {
        let text = "Defaults env_reset, secure_path=/a # :/x\nDefaults:ann secure_path=/b\n";
        assert_eq!(parsed(text).as_deref(), Some("/a"));
        let continued = format!("{text}Defaults \\\n  secure_path=\"/c\", insults\n");
        assert_eq!(parsed(&continued).as_deref(), Some("/c"));
        assert_eq!(parsed(&format!("{continued}Defaults !secure_path\n")), None);
    }
}

//! What docker.service starts, word by word, and where each word stands: in the unit, in a
//! drop-in, or in a file of variables that one of them names. And options for dockerd in files
//! that nothing reads.
//!
//! Rules: systemd.unit(5) on drop-ins (by file name, those of `/etc` before those of `/run` before
//! those of `/usr/lib`), systemd.exec(5) on `EnvironmentFile=`, systemd.service(5) on `$VARIABLE`,
//! which becomes words, and `${VARIABLE}`, which stays within its word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::doctor::units::{DIRECTORIES, exec_start_line};
use crate::host::{Host, HostError};

/// What docker.service starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCommand {
    /// The words of its last `ExecStart=`; none without a unit.
    pub words: Vec<Word>,
    /// Whether a drop-in says that line, which then counts whatever the unit says.
    pub by_drop_in: bool,
    /// The last `ExecStart=` of the unit itself, without its drop-ins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_unit: Option<String>,
    /// Options for dockerd that stand where nothing reads them.
    pub unread: Vec<UnreadOptions>,
}

/// A word of a command line, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// The word.
    pub text: String,
    /// The file.
    pub path: String,
    /// The line in it, from 1.
    pub line: usize,
}

/// A variable that looks like options for dockerd, which docker.service does not use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadOptions {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The file.
    pub path: String,
    /// The line in it, from 1.
    pub line: usize,
}

/// A text file, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// Its path.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What may stand before the program in a command (systemd.service(5)).
pub(in crate::facts) const COMMAND_PREFIXES: [char; 6] = ['@', '-', ':', '+', '!', '|'];

/// Where packages of distributions, and tutorials, put options for dockerd: sysvinit and upstart
/// scripts of Debian's kind read the first, units of RHEL's kind the others.
const USUAL_FILES: [&str; 4] = [
    "/etc/default/docker",
    "/etc/sysconfig/docker",
    "/etc/sysconfig/docker-network",
    "/etc/sysconfig/docker-storage",
];

/// Variables of these files that hold options.
const USUAL_VARIABLES: [&str; 8] = [
    "ADD_REGISTRY",
    "BLOCK_REGISTRY",
    "DOCKER_NETWORK_OPTIONS",
    "DOCKER_OPTIONS",
    "DOCKER_OPTS",
    "DOCKER_STORAGE_OPTIONS",
    "INSECURE_REGISTRY",
    "OPTIONS",
];

/// Reads the unit, its drop-ins, and the files of variables.
///
/// # Errors
/// [`HostError`] if a file that is there cannot be read.
pub fn gather(host: &Host) -> Result<StartCommand, HostError> {
    let read = |path: String| {
        Ok::<_, HostError>(host.read_text(&path)?.map(|text| TextFile { path, text }))
    };
    let is_masked = |path: &str| {
        let target = host.stat(path)?.and_then(|state| state.target);
        Ok::<_, HostError>(target.as_deref() == Some("/dev/null"))
    };
    let mut unit = None;
    for directory in DIRECTORIES {
        let path = format!("{directory}/docker.service");
        // A masked unit starts nothing.
        if is_masked(&path)? {
            return Ok(StartCommand::default());
        }
        unit = read(path)?;
        if unit.is_some() {
            break;
        }
    }
    let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
    for directory in DIRECTORIES {
        for of in ["docker.service.d", "service.d"] {
            let directory = format!("{directory}/{of}");
            for name in host.read_dir(&directory)? {
                if name.ends_with(".conf") {
                    drop_ins.entry(name.clone()).or_insert(format!("{directory}/{name}"));
                }
            }
        }
    }
    let mut texts = Vec::new();
    for path in drop_ins.into_values() {
        if !is_masked(&path)? {
            texts.extend(read(path)?);
        }
    }
    // What is no file of text has nothing to say, and stops nobody.
    let readable = |path: String| read(path).ok().flatten();
    let variables: Vec<_> =
        environment_files(unit.iter().chain(&texts)).into_iter().filter_map(readable).collect();
    let usual: Vec<_> = USUAL_FILES.into_iter().map(str::to_owned).filter_map(readable).collect();
    Ok(read_command(unit.as_ref(), &texts, &variables, &usual))
}

/// The files of variables that units name; the dash before one that may be missing is no part.
fn environment_files<'a>(units: impl Iterator<Item = &'a TextFile>) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for line in units.flat_map(|file| lines(&file.text)) {
        match assignment(&line.text) {
            Some(("EnvironmentFile", "")) => paths.clear(),
            Some(("EnvironmentFile", path)) => {
                paths.push(unquoted(path.trim_start_matches('-')).to_owned());
            }
            _ => {}
        }
    }
    paths
}

/// What comes of a unit, its drop-ins in their order, the files of variables that they name, and
/// the files that are usual.
pub fn read_command(
    unit: Option<&TextFile>,
    drop_ins: &[TextFile],
    variables: &[TextFile],
    usual: &[TextFile],
) -> StartCommand {
    let mut commands: Vec<(Word, bool)> = Vec::new();
    let mut set: BTreeMap<String, Word> = BTreeMap::new();
    let of_unit = unit.and_then(|file| exec_start_line(std::slice::from_ref(&file.text)));
    let of_units = unit.map(|file| (file, false)).into_iter();
    for (file, is_drop_in) in of_units.chain(drop_ins.iter().map(|file| (file, true))) {
        for Line { number, text } in lines(&file.text) {
            let place =
                |text: &str| Word { text: text.to_owned(), path: file.path.clone(), line: number };
            match assignment(&text) {
                Some(("ExecStart", "")) => commands.clear(),
                Some(("ExecStart", command)) => commands.push((place(command), is_drop_in)),
                Some(("Environment", values)) => {
                    for (name, value) in environment(values) {
                        set.insert(name, place(&value));
                    }
                }
                _ => {}
            }
        }
    }
    for file in variables {
        set.extend(variables_of(file));
    }
    let last = commands.pop();
    let (mut words, mut used) = (Vec::new(), Vec::new());
    if let Some((command, _)) = &last {
        let line = command.text.trim_start_matches(COMMAND_PREFIXES);
        for word in line.split_whitespace() {
            let at = |text: &str| Word { text: unquoted(text).to_owned(), ..command.clone() };
            let bare = word.trim_matches(['"', '\'']);
            if let Some(name) = bare.strip_prefix('$').filter(|name| is_name(name)) {
                used.push(name.to_owned());
                let value = set.get(name);
                words.extend(value.into_iter().flat_map(|value| {
                    value.text.split_whitespace().map(|text| Word {
                        text: text.trim_matches(['"', '\'']).to_owned(),
                        ..value.clone()
                    })
                }));
            } else {
                words.push(within(at(word), &set, &mut used));
            }
        }
    }
    let unread = variables.iter().chain(usual).flat_map(|file| {
        let words = variables_of(file).into_iter();
        words.filter_map(|(name, Word { text, path, line })| {
            let is_unread = USUAL_VARIABLES.contains(&name.as_str())
                && text.contains('-')
                && !(used.contains(&name) && variables.iter().any(|it| it.path == path));
            is_unread.then_some(UnreadOptions { name, value: text, path, line })
        })
    });
    let mut unread: Vec<UnreadOptions> = unread.collect();
    unread.dedup();
    let by_drop_in = last.is_some_and(|(_, is_drop_in)| is_drop_in);
    StartCommand { words, by_drop_in, of_unit, unread }
}

/// Puts the values of `${VARIABLE}` into a word. It then stands where the first of them does.
fn within(word: Word, set: &BTreeMap<String, Word>, used: &mut Vec<String>) -> Word {
    let Some((before, rest)) = word.text.split_once("${") else { return word };
    let Some((name, after)) = rest.split_once('}') else { return word };
    used.push(name.to_owned());
    let value = set.get(name);
    let text = format!("{before}{}{after}", value.map_or("", |value| value.text.as_str()));
    let place = value.unwrap_or(&word);
    within(Word { text, path: place.path.clone(), line: place.line }, set, used)
}

/// A line of a unit.
pub(in crate::facts) struct Line {
    number: usize,
    /// With those that it goes on in.
    pub(in crate::facts) text: String,
}

/// The lines of a unit, those joined that end with a backslash; numbered by their first.
pub(in crate::facts) fn lines(text: &str) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let is_comment = line.trim_start().starts_with(['#', ';']);
        if is_comment {
            continue;
        }
        let (part, continues) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(part);
            }
            None => found.push(Line { number: index + 1, text: part.to_owned() }),
        }
        goes_on = continues;
    }
    found
}

/// What a line sets, and to what.
pub(in crate::facts) fn assignment(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
}

/// What `Environment=` sets: assignments, each of them in quotes or not.
fn environment(values: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = values.trim();
    while !rest.is_empty() {
        let (one, after) = match rest.chars().next().filter(|first| ['"', '\''].contains(first)) {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        found.extend(one.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        rest = after.trim_start();
    }
    found
}

/// The variables that a file sets, as shells and systemd read it.
fn variables_of(file: &TextFile) -> Vec<(String, Word)> {
    let of_line = |Line { number, text }: Line| {
        let (name, value) = assignment(&text)?;
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        let text = unquoted(value).to_owned();
        is_name(name)
            .then(|| (name.to_owned(), Word { text, path: file.path.clone(), line: number }))
    };
    lines(&file.text).into_iter().filter_map(of_line).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
        .trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::steps::testing::Bed;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn shown(command: &StartCommand) -> Vec<String> {
        let shown = |word: &Word| format!("{}:{} {}", word.path, word.line, word.text);
        command.words.iter().map(shown).collect()
    }

    const UNIT: &str = "[Service]\n# the daemon\nEnvironmentFile=-/env\n\
        ExecStart=/usr/bin/dockerd -H fd:// \\\n  $DOCKER_OPTS --mtu=${MTU}\n";

    #[test]
    fn words_stand_where_they_were_written() {
        let env = file("/env", "MTU=1400\n# old\nDOCKER_OPTS=\"--bip 172.30.0.1/24 --debug\"\n");
        let command = read_command(Some(&file("/unit", UNIT)), &[], &[env], &[]);
        let expected = [
            "/unit:4 /usr/bin/dockerd",
            "/unit:4 -H",
            "/unit:4 fd://",
            "/env:3 --bip",
            "/env:3 172.30.0.1/24",
            "/env:3 --debug",
            "/env:1 --mtu=1400",
        ];
        assert_eq!(shown(&command), expected);
        assert!(!command.by_drop_in && command.unread.is_empty());
    }

    #[test]
    fn the_last_drop_in_counts() {
        let one = file("/d/10.conf", "[Service]\nExecStart=\nExecStart=/bin/dockerd $OPTIONS\n");
        let two = file("/d/20.conf", "[Service]\nEnvironment=A=b \"OPTIONS=-D --icc=false\"\n");
        let command = read_command(Some(&file("/unit", UNIT)), &[one, two], &[], &[]);
        let expected = ["/d/10.conf:3 /bin/dockerd", "/d/20.conf:2 -D", "/d/20.conf:2 --icc=false"];
        assert_eq!(shown(&command), expected);
        assert!(command.by_drop_in);
    }

    #[test]
    fn options_that_nothing_reads_are_told() {
        let unit = file("/unit", "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
        let usual = file(
            "/etc/default/docker",
            "# DOCKER_OPTS=\"--dns 8.8.8.8\"\nDOCKER_OPTS=\"--dns 10.0.0.53\"\nexport http_proxy=x\n",
        );
        let empty = file("/etc/sysconfig/docker", "OPTIONS=''\n");
        let command = read_command(Some(&unit), &[], &[], &[usual, empty]);
        let unread = &command.unread;
        assert_eq!((unread.len(), unread[0].line), (1, 2));
        assert_eq!(
            (unread[0].name.as_str(), unread[0].value.as_str()),
            ("DOCKER_OPTS", "--dns 10.0.0.53")
        );
        // One that the unit names and uses is read.
        let unit = file(
            "/unit",
            "[Service]\nEnvironmentFile=/etc/default/docker\nExecStart=/d $DOCKER_OPTS\n",
        );
        let usual = file("/etc/default/docker", "DOCKER_OPTS=--debug\n");
        let command = read_command(Some(&unit), &[], from_ref(&usual), from_ref(&usual));
        assert_eq!((command.words.len(), command.unread.len()), (2, 0));
        // Named, but not used.
        let unit = file("/unit", "[Service]\nEnvironmentFile=/etc/default/docker\nExecStart=/d\n");
        let command = read_command(Some(&unit), &[], from_ref(&usual), from_ref(&usual));
        assert_eq!(command.unread.len(), 1);
    }

    #[test]
    fn files_are_found_as_systemd_finds_them() {
        let bed = Bed::new(&[
            "etc/systemd/system/docker.service.d",
            "usr/lib/systemd/system/docker.service.d",
            "etc/default",
            "etc/sysconfig/docker",
        ]);
        bed.write("/usr/lib/systemd/system/docker.service", UNIT);
        bed.write(
            "/usr/lib/systemd/system/docker.service.d/a.conf",
            "[Service]\nEnvironment=MTU=1\n",
        );
        bed.write(
            "/usr/lib/systemd/system/docker.service.d/b.conf",
            "[Service]\nEnvironment=MTU=2\n",
        );
        bed.write("/etc/systemd/system/docker.service.d/a.conf", "[Service]\nEnvironment=MTU=3\n");
        bed.write("/etc/default/docker", "DOCKER_OPTS=--debug\n");
        // Masked, as systemd.unit(5) has it; and a directory in place of a file.
        bed.host.create_link("/etc/systemd/system/docker.service.d/c.conf", "/dev/null").unwrap();
        bed.write("/usr/lib/systemd/system/docker.service.d/c.conf", "[Service]\nExecStart=/x\n");
        let command = gather(&bed.host).unwrap();
        assert_eq!(command.words.last().unwrap().text, "--mtu=2");
        assert_eq!(command.unread.len(), 1, "no unit names the file");
        bed.write("/etc/systemd/system/docker.service", "[Service]\nExecStart=/own\n");
        assert_eq!(
            shown(&gather(&bed.host).unwrap()),
            ["/etc/systemd/system/docker.service:2 /own"]
        );
    }
}

//! Which files an engine archive holds, and what each is for.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::texts::phrases::archive as phrases;
use crate::topology::starts_its_own_containerd;

/// What a program of the engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The command line client, `docker`.
    Client,
    /// The daemon, `dockerd`.
    Daemon,
    /// The container supervisor, `containerd`.
    Containerd,
    /// containerd's shim of the first generation.
    Shim,
    /// containerd's shim for its runtime v2 interface, `containerd-shim-runc-v2`.
    ShimRuncV2,
    /// containerd's debugging client, `ctr`.
    Ctr,
    /// The first process of containers started with `--init`.
    Init,
    /// The forwarder of published ports, `docker-proxy`.
    Proxy,
    /// The OCI runtime, `runc`.
    Runtime,
    /// A plugin of the command line client, such as `docker-compose`.
    Plugin,
}

/// Which generation of names an archive uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// From 18.09 on: containerd and runc under their own names.
    Modern,
    /// Up to 18.06: `docker-containerd`, `docker-containerd-shim`, `docker-containerd-ctr` and
    /// `docker-runc`; the daemon looks for them under these names and starts containerd itself.
    Prefixed,
}

impl Layout {
    /// The releases with this layout, in words.
    pub fn releases(self) -> &'static str {
        match self {
            Self::Modern => phrases::MODERN_RELEASES,
            Self::Prefixed => phrases::PREFIXED_RELEASES,
        }
    }
}

/// A program that archives hold, as `bundles/programs.tsv` lists it.
struct Program {
    name: &'static str,
    role: Role,
    /// The one layout that has it; `None`: both have.
    layout: Option<Layout>,
}

const TABLE: &str = include_str!("../../bundles/programs.tsv");

// A row that cannot be read is left out here, so that no user's machine has to stop over it; a
// test reads the table and accepts no such row.
static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| rows().filter_map(program).collect());

fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn program(row: &'static str) -> Option<Program> {
    let [name, role, first, last] = row.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let role = serde_json::from_value(role.into()).ok()?;
    let layout = match (starts_its_own_containerd(first), last) {
        (true, "-") => None,
        (true, last) => starts_its_own_containerd(last).then_some(Layout::Prefixed),
        (false, _) => Some(Layout::Modern),
    };
    Some(Program { name, role, layout })
}

/// Shell completions that the archives of 17.03 to 17.05 carry beside the programs
/// (moby/moby, `hack/make/tgz`). They are read and checked, but not handed on.
const COMPLETIONS: &[&str] =
    &["completion/bash/docker", "completion/fish/docker.fish", "completion/zsh/_docker"];
const COMPLETION_DIRECTORIES: &[&str] =
    &["completion", "completion/bash", "completion/fish", "completion/zsh"];

/// What the allow-list says about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A directory that may be there.
    Directory,
    /// A program, to be handed on.
    Program(&'static str, Role),
    /// A file that may be there and is not handed on.
    Extra,
}

/// Looks `path` up, `./` at its start and `/` at its end taken off.
pub(super) fn lookup(path: &str) -> Option<Known> {
    if path == "." || path == "docker" {
        return Some(Known::Directory);
    }
    let name = path.strip_prefix("docker/")?;
    if let Some(program) = PROGRAMS.iter().find(|program| program.name == name) {
        Some(Known::Program(program.name, program.role))
    } else if COMPLETIONS.contains(&name) {
        Some(Known::Extra)
    } else if COMPLETION_DIRECTORIES.contains(&name) {
        Some(Known::Directory)
    } else {
        None
    }
}

/// The names of all programs that an archive of any layout may hold.
pub fn program_names() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|program| program.name)
}

/// The names of the programs that every archive of `layout` holds; `None`: of either.
pub fn required_programs(layout: Option<Layout>) -> impl Iterator<Item = &'static str> {
    let may_be_absent = |role| matches!(role, Role::Ctr | Role::Shim | Role::ShimRuncV2);
    PROGRAMS
        .iter()
        .filter(move |program| program.layout.is_none() || program.layout == layout)
        .filter(move |program| !may_be_absent(program.role))
        .map(|program| program.name)
}

/// The layout that alone has a program of this name; `None` if both have, or neither.
pub(super) fn layout_of(name: &str) -> Option<Layout> {
    PROGRAMS.iter().find(|program| program.name == name)?.layout
}

/// What an archive of `layout` with the programs `present` lacks, by the names of that layout.
/// `ctr` is for debugging and may be absent; of the shims one is enough.
pub(super) fn missing(layout: Layout, present: &[Role]) -> Vec<String> {
    let shims = [Role::Shim, Role::ShimRuncV2];
    let has_shim = shims.iter().any(|shim| present.contains(shim));
    PROGRAMS
        .iter()
        .filter(|program| program.layout.is_none_or(|only| only == layout))
        .filter(|program| match program.role {
            Role::Ctr => false,
            // Since 23.0 the modern archive has no other.
            Role::ShimRuncV2 => !has_shim,
            Role::Shim => !has_shim && layout == Layout::Prefixed,
            _ => !present.contains(&program.role),
        })
        .map(|program| program.name.to_string())
        .collect()
}

/// The engine's version from the name of its archive: `docker-28.5.2.tgz`,
/// `docker-18.06.3-ce.tgz`, `docker-29.4.2-2.tgz`, `docker-29.0.0-rc.1.tgz`. Directories before
/// the name are taken off. `None` if the name follows no such pattern.
pub fn version_from_name(file_name: &str) -> Option<String> {
    let name = file_name.rsplit('/').next()?;
    let version = name
        .strip_prefix("docker-")
        .and_then(|rest| rest.strip_suffix(".tgz").or_else(|| rest.strip_suffix(".tar.gz")))?;
    let (numbers, suffix) = match version.split_once('-') {
        Some((numbers, suffix)) => (numbers, Some(suffix)),
        None => (version, None),
    };
    let fields: Vec<&str> = numbers.split('.').collect();
    let sound = fields.len() == 3
        && fields.iter().all(|field| is_number(field))
        && suffix.is_none_or(is_version_suffix);
    sound.then(|| version.to_string())
}

/// `ce`, `2`, `rc.1`, `rc1`, `beta.3`, `ce-rc1`.
fn is_version_suffix(suffix: &str) -> bool {
    let suffix = suffix.strip_prefix("ce-").unwrap_or(suffix);
    let pre_release = ["alpha", "beta", "rc", "tp"]
        .iter()
        .find_map(|word| suffix.strip_prefix(word))
        .map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    suffix == "ce" || is_number(pre_release.unwrap_or(suffix))
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_names() {
        for (name, version) in [
            ("docker-28.5.2.tgz", "28.5.2"),
            ("/mnt/usb/docker-28.5.2.tgz", "28.5.2"),
            ("docker-18.06.3-ce.tgz", "18.06.3-ce"),
            ("docker-29.4.2-2.tgz", "29.4.2-2"),
            ("docker-29.0.0-rc.1.tgz", "29.0.0-rc.1"),
            ("docker-17.06.0-ce-rc1.tgz", "17.06.0-ce-rc1"),
            ("docker-24.0.9.tar.gz", "24.0.9"),
        ] {
            assert_eq!(version_from_name(name).as_deref(), Some(version), "{name}");
        }
        for name in [
            "docker.tgz",
            "docker-.tgz",
            "docker-28.5.tgz",
            "docker-28.5.2.zip",
            "docker-28.5.2-.tgz",
            "docker-28.5.2-x86_64.tgz",
            "docker-rootless-extras-28.5.2.tgz",
            "docker-28..2.tgz",
            "docker-28.5.99999.tgz",
            "docker-28.5.2 (1).tgz",
            "docker-28.5.2.tgz/",
        ] {
            assert_eq!(version_from_name(name), None, "{name}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_sound() {
        let programs: Vec<Program> =
            rows().map(|row| program(row).unwrap_or_else(|| panic!("{row:?}"))).collect();
        assert_eq!(PROGRAMS.len(), programs.len());
        for (index, program) in programs.iter().enumerate() {
            assert!(programs[..index].iter().all(|other| other.name != program.name));
            let is_renamed =
                program.name.starts_with("docker-containerd") || program.name == "docker-runc";
            assert_eq!(program.layout == Some(Layout::Prefixed), is_renamed, "{}", program.name);
        }
        for layout in [Layout::Modern, Layout::Prefixed] {
            assert_eq!(missing(layout, &[]).len(), 7, "{layout:?}");
        }
    }

    #[test]
    fn allow_list() {
        assert_eq!(lookup("docker"), Some(Known::Directory));
        assert_eq!(lookup("docker/runc"), Some(Known::Program("runc", Role::Runtime)));
        assert_eq!(lookup("docker/completion/zsh/_docker"), Some(Known::Extra));
        for name in ["", "runc", "docker/", "docker/runc/", "docker/Runc", "docker/sh", "Docker"] {
            assert_eq!(lookup(name), None, "{name}");
        }
    }

    #[test]
    fn missing_programs_are_named_in_their_layout() {
        let lacks = missing(Layout::Modern, &[Role::Client, Role::Daemon, Role::Init]);
        let all = ["docker-proxy", "containerd", "containerd-shim-runc-v2", "runc"];
        assert_eq!(lacks, all);
        let lacks = missing(Layout::Prefixed, &[Role::Client, Role::Daemon, Role::Proxy]);
        let all = ["docker-init", "docker-containerd", "docker-containerd-shim", "docker-runc"];
        assert_eq!(lacks, all);
    }

    #[test]
    fn one_shim_is_enough_and_ctr_is_optional() {
        use Role::*;
        for shim in [Shim, ShimRuncV2] {
            let present = [Client, Daemon, Containerd, shim, Init, Proxy, Runtime];
            assert!(missing(Layout::Modern, &present).is_empty());
        }
    }
}

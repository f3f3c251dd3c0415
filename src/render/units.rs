//! The units of both topologies, rendered for the host's version of systemd.
//!
//! Which directive which version knows is taken from systemd's own NEWS file; the reasons
//! for each directive stand in the templates, as comments that the host's administrator
//! reads too.

use serde::Serialize;

use crate::desired::SYSTEM_PATH;
use crate::texts::phrases::units as phrases;
use crate::topology::Topology;

/// What the units depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitContext {
    /// Which units there are.
    pub topology: Topology,
    /// systemd's major version, such as 219 or 252.
    pub systemd_version: u32,
    /// Where the programs are: absolute, without a trailing slash.
    pub bin_dir: String,
    /// The group that owns the API socket: a name, or a number where names cannot be
    /// looked up when the socket is made.
    pub group: String,
    /// The daemon's data directory, if it is not the default one: the daemon then waits for
    /// the file system that it lies on.
    pub data_root: Option<String>,
    /// Where containerd keeps its data, unless that is its default.
    pub containerd_root: Option<String>,
    /// Where modprobe(8) is on the host; without it nothing is loaded ahead of containerd.
    pub modprobe: Option<String>,
    /// Whether this containerd tells systemd that it is ready, see [`containerd_notifies`].
    pub containerd_notify: bool,
    /// Whether these daemons raise their limit of open files themselves, see
    /// [`raises_open_files`].
    pub raises_open_files: bool,
}

/// Whether the containerd in upstream's archive of this engine, `(major, minor)`, tells
/// systemd that it is ready (containerd 1.3.4 and later). A unit with `Type=notify` around
/// one that does not would never count as started.
pub fn containerd_notifies(engine: (u32, u32)) -> bool {
    engine >= (20, 10)
}

/// Whether the daemons of this engine, `(major, minor)`, raise their soft limit of open files to
/// the hard one: programs built with Go 1.19 and later do (Go 1.19 release notes, package `os`),
/// and 23.0 is the first release line built with it. Others keep the 1024 that systemd 240 and
/// later gives to services.
pub fn raises_open_files(engine: (u32, u32)) -> bool {
    engine >= (23, 0)
}

/// A unit that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// File name, such as `docker.service`.
    pub name: &'static str,
    /// Its whole text.
    pub text: String,
}

/// Why a unit cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A value that would change the meaning of the unit, or that systemd cannot take.
    Value {
        /// Which value.
        what: &'static str,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A template that Landfall carries is wrong.
    Template {
        /// Which unit.
        unit: &'static str,
        /// What the template engine says.
        source: tera::Error,
    },
}

const TEMPLATES: [(&str, &str); 3] = [
    ("containerd.service", include_str!("../../templates/containerd.service.tera")),
    ("docker.socket", include_str!("../../templates/docker.socket.tera")),
    ("docker.service", include_str!("../../templates/docker.service.tera")),
];

/// Renders all units, in the order in which they are started.
///
/// # Errors
/// [`RenderError::Value`] for a value that cannot stand in a unit.
pub fn units(context: &UnitContext) -> Result<Vec<Unit>, RenderError> {
    let values = tera::Context::from_serialize(Values::new(context)?)
        .map_err(|source| RenderError::Template { unit: phrases::EVERY_UNIT, source })?;
    let names = context.topology.units();
    TEMPLATES
        .into_iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, template)| {
            tera::Tera::one_off(template, &values, false)
                .map(|text| Unit { name, text })
                .map_err(|source| RenderError::Template { unit: name, source })
        })
        .collect()
}

/// The directory (beneath [`UNIT_DIR`](crate::desired::UNIT_DIR)) that a link with the unit's
/// name is put into to enable it, as its `[Install]` section says. `None` for a unit that is
/// not ours.
pub fn wants_dir(unit: &str) -> Option<&'static str> {
    match unit {
        "docker.service" | "containerd.service" => Some("multi-user.target.wants"),
        "docker.socket" => Some("sockets.target.wants"),
        _ => None,
    }
}

/// What the templates see.
#[derive(Serialize)]
struct Values {
    classic: bool,
    bin_dir: String,
    group: String,
    group_is_number: bool,
    data_root: Option<String>,
    containerd_root: Option<String>,
    modprobe: Option<String>,
    path: Option<String>,
    notify: bool,
    start_limit: &'static str,
    limit_nofile: Option<u32>,
    tasks_max: bool,
    delegate: bool,
}

/// Open files where systemd's own default is too low; the number that newer kernels take
/// without `fs.nr_open` being raised.
const OPEN_FILES: u32 = 1_048_576;

impl Values {
    fn new(context: &UnitContext) -> Result<Self, RenderError> {
        let version = context.systemd_version;
        let bin_dir = unit_path(phrases::PROGRAM_DIRECTORY, &context.bin_dir)?;
        let path = match SYSTEM_PATH.split(':').any(|known| known == context.bin_dir) {
            true => None,
            false => Some(format!("{bin_dir}:{SYSTEM_PATH}")),
        };
        Ok(Self {
            classic: context.topology == Topology::Classic,
            bin_dir,
            group: unit_group(&context.group)?,
            group_is_number: context.group.bytes().all(|byte| byte.is_ascii_digit()),
            data_root: (context.data_root.as_deref())
                .map(|path| quoted_path(phrases::DATA_DIRECTORY, path))
                .transpose()?,
            containerd_root: (context.containerd_root.as_deref())
                .map(|path| quoted_path(phrases::DATA_DIRECTORY, path))
                .transpose()?,
            modprobe: (context.modprobe.as_deref())
                .map(|path| unit_path(phrases::MODPROBE_PATH, path))
                .transpose()?,
            path,
            notify: context.containerd_notify,
            start_limit: match version {
                ..229 => "service",
                229 => "unit-old-name",
                _ => "unit",
            },
            limit_nofile: (version < 240 || !context.raises_open_files).then_some(OPEN_FILES),
            tasks_max: version >= 226,
            delegate: version >= 218,
        })
    }
}

/// Whether the units can be rendered for programs in this directory.
pub fn is_program_directory(path: &str) -> bool {
    path_problem(path, false).is_none()
}

/// Checks a path and doubles `%`, which systemd would expand (systemd.unit(5), "Specifiers").
pub(super) fn unit_path(what: &'static str, value: &str) -> Result<String, RenderError> {
    match path_problem(value, false) {
        Some(reason) => Err(RenderError::Value { what, value: value.to_string(), reason }),
        None => Ok(value.replace('%', "%%")),
    }
}

/// The same for a path that may hold spaces; it is quoted then.
pub(super) fn quoted_path(what: &'static str, value: &str) -> Result<String, RenderError> {
    match path_problem(value, true) {
        Some(reason) => Err(RenderError::Value { what, value: value.to_string(), reason }),
        None if value.contains(' ') => Ok(format!("\"{}\"", value.replace('%', "%%"))),
        None => Ok(value.replace('%', "%%")),
    }
}

fn path_problem(path: &str, spaces: bool) -> Option<&'static str> {
    // Quotes, backslash, `$` and `;` have a meaning in ExecStart=, `:` divides PATH.
    let plain = |c: char| c.is_alphanumeric() || "/._-+@,=~%".contains(c) || (spaces && c == ' ');
    if !path.starts_with('/') {
        Some(phrases::NOT_ABSOLUTE)
    } else if path.chars().all(plain) {
        None
    } else if path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some(phrases::WHITE_SPACE)
    } else {
        Some(phrases::SPECIAL_CHARACTER)
    }
}

/// Checks a group's name or number.
fn unit_group(value: &str) -> Result<String, RenderError> {
    let refuse =
        |reason| RenderError::Value { what: phrases::GROUP, value: value.to_string(), reason };
    if value.is_empty() {
        return Err(refuse(phrases::EMPTY));
    }
    if value.starts_with('-')
        || !value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    {
        return Err(refuse(phrases::NOT_A_GROUP));
    }
    Ok(value.to_string())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // Golden files are read and written outside any host.
mod tests {
    use std::path::Path;

    use super::*;

    fn context(systemd_version: u32) -> UnitContext {
        UnitContext {
            topology: Topology::Modern,
            systemd_version,
            bin_dir: "/usr/bin".to_string(),
            group: "docker".to_string(),
            data_root: None,
            containerd_root: None,
            modprobe: Some("/sbin/modprobe".to_string()),
            containerd_notify: true,
            raises_open_files: true,
        }
    }

    fn classic(systemd_version: u32) -> UnitContext {
        UnitContext { topology: Topology::Classic, ..context(systemd_version) }
    }

    fn text(context: &UnitContext, unit: &str) -> String {
        units(context).unwrap().into_iter().find(|u| u.name == unit).unwrap().text
    }

    /// Compares with `tests/golden/units/<case>/`; `UPDATE_GOLDEN=1` writes them anew.
    fn golden(case: &str, context: &UnitContext) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/units").join(case);
        for unit in units(context).unwrap() {
            let file = dir.join(unit.name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&file, &unit.text).unwrap();
            }
            let expected = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(unit.text, expected, "{} differs", file.display());
        }
    }

    #[test]
    fn golden_units_per_systemd_version() {
        for version in [219, 226, 229, 230, 240, 252, 257] {
            golden(&version.to_string(), &context(version));
        }
    }

    #[test]
    fn golden_units_with_everything_moved() {
        let moved = UnitContext {
            bin_dir: "/opt/docker/bin".to_string(),
            group: "991".to_string(),
            data_root: Some("/data/100%/docker".to_string()),
            containerd_root: Some("/data/100%/docker/containerd".to_string()),
            modprobe: None,
            containerd_notify: false,
            ..context(252)
        };
        golden("moved", &moved);
    }

    #[test]
    fn golden_units_of_the_classic_topology() {
        for version in [219, 226, 230, 252] {
            golden(&format!("classic-{version}"), &classic(version));
        }
    }

    #[test]
    fn units_come_in_start_order_and_say_where_they_are_enabled() {
        for context in [context(252), classic(252)] {
            let units = units(&context).unwrap();
            let names: Vec<_> = units.iter().map(|unit| unit.name).collect();
            assert_eq!(names, context.topology.units());
            for unit in units {
                let target = wants_dir(unit.name).unwrap().strip_suffix(".wants").unwrap();
                assert!(unit.text.contains(&format!("\nWantedBy={target}\n")), "{}", unit.name);
            }
        }
        assert_eq!(wants_dir("sshd.service"), None);
    }

    #[test]
    fn flags_of_the_daemon_are_the_ones_listed() {
        for context in [context(252), classic(252)] {
            let text = text(&context, "docker.service");
            let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
            let flags: Vec<&str> = line
                .split_whitespace()
                .filter(|word| word.starts_with('-'))
                .map(|word| word.split('=').next().unwrap())
                .collect();
            let listed = context.topology.daemon_flags().iter().map(|(_, flag)| *flag);
            assert_eq!(flags, listed.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_classic_unit_names_no_other_unit_of_an_engine() {
        let text = text(&classic(252), "docker.service");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            assert!(!line.contains("containerd") && !line.contains("docker.socket"), "{line}");
        }
    }

    #[test]
    fn each_directive_appears_with_the_version_that_knows_it() {
        let has = |version, unit, line: &str| {
            text(&context(version), unit).lines().any(|found| found == line)
        };
        for unit in ["docker.service", "containerd.service"] {
            assert!(!has(217, unit, "Delegate=yes") && has(218, unit, "Delegate=yes"));
            assert!(!has(225, unit, "TasksMax=infinity") && has(226, unit, "TasksMax=infinity"));
            assert!(has(239, unit, "LimitNOFILE=1048576"));
            assert!(!text(&context(240), unit).contains("\nLimitNOFILE="));
        }
        let section_of = |version, key: &str| {
            let text = text(&context(version), "docker.service");
            let mut section = String::new();
            for line in text.lines() {
                if line.starts_with('[') {
                    section = line.to_string();
                } else if line.starts_with(key) {
                    return section;
                }
            }
            String::new()
        };
        assert_eq!(section_of(228, "StartLimitInterval="), "[Service]");
        assert_eq!(section_of(229, "StartLimitInterval="), "[Unit]");
        assert_eq!(section_of(230, "StartLimitInterval="), "");
        assert_eq!(section_of(230, "StartLimitIntervalSec="), "[Unit]");
        assert_eq!(section_of(228, "StartLimitBurst="), "[Service]");
        assert_eq!(section_of(229, "StartLimitBurst="), "[Unit]");
    }

    #[test]
    fn values_that_would_change_a_unit_are_refused_by_name() {
        let bad_paths = [
            "usr/bin",
            "",
            "/a\tb",
            "/a\nExecStart=/bin/sh",
            "/a\"b",
            "/a'b",
            "/a\\b",
            "/a$b",
            "/a;b",
            "/a:b",
            "/a#b",
            "/a\u{a0}b",
        ];
        let spaced = UnitContext { bin_dir: "/a b".into(), ..context(252) };
        assert!(units(&spaced).unwrap_err().to_string().contains("white space"));
        for path in bad_paths {
            for (what, broken) in [
                (
                    "the directory for programs",
                    UnitContext { bin_dir: path.into(), ..context(252) },
                ),
                (
                    "the data directory",
                    UnitContext { data_root: Some(path.into()), ..context(252) },
                ),
                (
                    "the path of modprobe",
                    UnitContext { modprobe: Some(path.into()), ..context(252) },
                ),
            ] {
                let error = units(&broken).unwrap_err();
                assert!(error.to_string().starts_with(what), "{path:?}: {error}");
                assert_eq!(error.to_string().lines().count(), 1);
            }
        }
        for group in ["", "-x", "a b", "a\nb", "a%b", "a:b", "a$"] {
            let broken = UnitContext { group: group.into(), ..context(252) };
            assert!(units(&broken).unwrap_err().to_string().starts_with("the group"), "{group:?}");
        }
    }

    #[test]
    fn a_data_directory_may_hold_spaces() {
        let text = text(
            &UnitContext { data_root: Some("/data/my docker%".into()), ..context(252) },
            "docker.service",
        );
        assert!(text.contains("\nRequiresMountsFor=\"/data/my docker%%\"\n"));
    }

    #[test]
    fn specifiers_are_doubled_everywhere() {
        let text =
            text(&UnitContext { bin_dir: "/opt/%n".into(), ..context(252) }, "docker.service");
        assert!(text.contains("ExecStart=/opt/%%n/dockerd "));
        assert!(text.contains("Environment=PATH=/opt/%%n:"));
    }

    #[test]
    fn older_containerd_is_not_waited_for() {
        assert!(!containerd_notifies((19, 3)));
        assert!(containerd_notifies((20, 10)));
        assert!(containerd_notifies((29, 0)));
    }

    #[test]
    fn daemons_that_do_not_raise_their_open_files_are_given_some() {
        assert!(!raises_open_files((20, 10)) && raises_open_files((23, 0)));
        let old = UnitContext { raises_open_files: false, ..context(252) };
        for unit in ["docker.service", "containerd.service"] {
            assert!(text(&old, unit).contains("\nLimitNOFILE=1048576\n"));
            assert!(!text(&context(252), unit).contains("LimitNOFILE"));
        }
    }
}

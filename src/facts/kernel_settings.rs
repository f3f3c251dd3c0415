//! What turns kernel settings off that an engine needs: files of sysctl.d(5), jobs of cron, scripts
//! of the boot, profiles of tuned. The engine sets them when it starts; each of these can undo that
//! at any time, and containers lose their network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::host::{Host, HostError};

/// Something that turns a setting off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingReset {
    /// The setting, such as `net.ipv4.ip_forward`.
    pub setting: String,
    /// The file.
    pub path: String,
    /// The line in it, from 1.
    pub line: usize,
    /// When it does.
    pub by: ResetBy,
}

/// What turns a setting off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetBy {
    /// A file of sysctl.d(5), at boot and with each `sysctl --system`.
    Sysctl,
    /// A job of cron.
    Cron,
    /// A script of the boot.
    Boot,
    /// A profile of tuned.
    Tuned,
}

/// The settings that an engine turns on, by the name that counts, and their other names.
const SETTINGS: [(&str, &[&str]); 3] = [
    ("net.ipv4.ip_forward", &["net.ipv4.conf.all.forwarding"]),
    ("net.bridge.bridge-nf-call-iptables", &[]),
    ("net.bridge.bridge-nf-call-ip6tables", &[]),
];

/// Directories of sysctl.d(5): of files with the same name the first one counts.
const SYSCTL_DIRECTORIES: [&str; 5] = [
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
];
/// What is read last, by systemd-sysctl (as 99-sysctl.conf) and by `sysctl --system`.
const SYSCTL_CONF: &str = "/etc/sysctl.conf";
/// Files and directories with jobs of cron.
const CRON: [&str; 9] = [
    "/etc/anacrontab",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
];
/// Scripts that run at the end of the boot.
const BOOT: [&str; 2] = ["/etc/rc.local", "/etc/rc.d/rc.local"];
/// Where tuned keeps profiles, those of the host before its own; the deeper ones since 2.23.
const TUNED: [&str; 4] =
    ["/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned"];
/// The names of the profiles that are in force.
const TUNED_ACTIVE: &str = "/etc/tuned/active_profile";
/// How many profiles may include each other.
const DEEPEST: usize = 8;

/// Looks for all of them. What cannot be read is passed over.
///
/// # Errors
/// [`HostError`] if a directory of sysctl.d(5) cannot be listed.
pub fn gather(host: &Host) -> Result<Vec<SettingReset>, HostError> {
    let read = |path: &str| host.read_text(path).ok().flatten();
    let mut names = BTreeMap::new();
    for directory in SYSCTL_DIRECTORIES {
        for name in host.read_dir(directory)? {
            if name.ends_with(".conf") {
                names.entry(name.clone()).or_insert(format!("{directory}/{name}"));
            }
        }
    }
    let paths = names.into_values().chain([SYSCTL_CONF.to_owned()]);
    let files: Vec<(String, String)> =
        paths.filter_map(|path| read(&path).map(|text| (path, text))).collect();
    let mut found = off_at_last(&files);
    for path in CRON {
        let within = host.read_dir(path).unwrap_or_default();
        let within = within.iter().map(|name| format!("{path}/{name}"));
        for path in within.chain([path.to_owned()]) {
            found.extend(off_by_script(&path, &read(&path).unwrap_or_default(), ResetBy::Cron));
        }
    }
    for path in BOOT {
        found.extend(off_by_script(path, &read(path).unwrap_or_default(), ResetBy::Boot));
    }
    let active = read(TUNED_ACTIVE).unwrap_or_default();
    let mut profiles: Vec<String> = active.split_whitespace().map(str::to_owned).collect();
    let mut index = 0;
    while index < profiles.len().min(DEEPEST) {
        let profile = profiles[index].clone();
        let mut places = TUNED.iter().map(|place| format!("{place}/{profile}/tuned.conf"));
        let text = places.find_map(|path| read(&path).map(|text| (path, text)));
        if let Some((path, text)) = text {
            let (off, included) = off_by_profile(&path, &text);
            found.extend(off);
            profiles.extend(included);
        }
        index += 1;
    }
    found.dedup();
    Ok(found)
}

/// The name that counts, of a setting that is watched.
fn watched(name: &str) -> Option<&'static str> {
    let name = name.trim().trim_start_matches('-').replace('/', ".");
    let is =
        |(own, others): &&(&'static str, &[&str])| *own == name || others.contains(&name.as_str());
    SETTINGS.iter().find(is).map(|(own, _)| *own)
}

/// The settings whose last assignment, in files of sysctl.d(5) in their order, is 0.
fn off_at_last(files: &[(String, String)]) -> Vec<SettingReset> {
    let mut last: BTreeMap<&'static str, (bool, SettingReset)> = BTreeMap::new();
    for (path, text) in files {
        for (index, line) in text.lines().enumerate() {
            let Some((name, value)) = line.split_once('=') else { continue };
            if let Some(setting) = watched(name) {
                let reset = SettingReset {
                    setting: setting.to_owned(),
                    path: path.clone(),
                    line: index + 1,
                    by: ResetBy::Sysctl,
                };
                last.insert(setting, (value.trim() == "0", reset));
            }
        }
    }
    last.into_values().filter(|(off, _)| *off).map(|(_, reset)| reset).collect()
}

/// Lines of a script that turn a setting off: `sysctl -w NAME=0`, `echo 0 >/proc/sys/NAME`.
fn off_by_script(path: &str, text: &str, by: ResetBy) -> Vec<SettingReset> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let names = SETTINGS.iter().flat_map(|(own, others)| {
            std::iter::once(own).chain(others.iter()).map(move |name| (*own, *name))
        });
        let words: Vec<&str> = line.split([' ', '\t', ';', '&', '|', '"', '\'']).collect();
        for (setting, name) in names {
            let file = format!("/proc/sys/{}", name.replace('.', "/"));
            let assigned = words.iter().any(|word| {
                word.split_once('=')
                    .is_some_and(|(key, value)| value == "0" && key.replace('/', ".") == name)
            });
            let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            let echoed = ["echo0", "echo'0'", "echo\"0\"", "printf0"]
                .iter()
                .any(|echo| compact.contains(&format!("{echo}>{file}")));
            if assigned || echoed {
                found.push(SettingReset {
                    setting: setting.to_owned(),
                    path: path.to_owned(),
                    line: index + 1,
                    by,
                });
            }
        }
    }
    found
}

/// What a profile of tuned turns off in its section `sysctl`, and the profiles that it includes.
fn off_by_profile(path: &str, text: &str) -> (Vec<SettingReset>, Vec<String>) {
    let (mut found, mut included) = (Vec::new(), Vec::new());
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        // A value may begin with an operator, such as `>1`: no less than this.
        if section == "sysctl" && value.trim() == "0" {
            found.extend(watched(name).map(|setting| SettingReset {
                setting: setting.to_owned(),
                path: path.to_owned(),
                line: index + 1,
                by: ResetBy::Tuned,
            }));
        } else if section == "main" && name.trim() == "include" {
            included.extend(value.split([',', ' ']).filter(|it| !it.is_empty()).map(str::to_owned));
        }
    }
    (found, included)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn shown(found: &[SettingReset]) -> Vec<String> {
        let one = |reset: &SettingReset| format!("{}:{} {}", reset.path, reset.line, reset.setting);
        found.iter().map(one).collect()
    }

    #[test]
    fn the_last_file_of_sysctl_counts() {
        let bed = Bed::new(&["etc/sysctl.d", "usr/lib/sysctl.d"]);
        bed.write("/etc/sysctl.d/50-docker.conf", "net.ipv4.ip_forward = 1\n");
        bed.write("/usr/lib/sysctl.d/50-hard.conf", "# x\nnet/ipv4/conf/all/forwarding=0\n");
        bed.write("/etc/sysctl.d/10-a.conf", "net.bridge.bridge-nf-call-iptables=0\n");
        let found = gather(&bed.host).unwrap();
        let bridge = "/etc/sysctl.d/10-a.conf:1 net.bridge.bridge-nf-call-iptables";
        assert_eq!(shown(&found), [bridge, "/usr/lib/sysctl.d/50-hard.conf:2 net.ipv4.ip_forward"]);
        // Of two files with one name that of /etc counts; and /etc/sysctl.conf comes last.
        bed.write("/etc/sysctl.d/50-hard.conf", "");
        assert_eq!(shown(&gather(&bed.host).unwrap()), [bridge]);
        bed.write("/etc/sysctl.conf", "\n\nnet.ipv4.ip_forward=0\n");
        let found = gather(&bed.host).unwrap();
        assert_eq!(shown(&found)[1], "/etc/sysctl.conf:3 net.ipv4.ip_forward");
    }

    #[test]
    fn scripts_that_turn_it_off() {
        let text = "#!/bin/sh\n# sysctl -w net.ipv4.ip_forward=0\nsysctl -w net.ipv4.ip_forward=1\n\
            * * * * * root /sbin/sysctl -qw net.ipv4.ip_forward=0 >/dev/null\n\
            echo 0 > /proc/sys/net/ipv4/ip_forward\necho 10 >/proc/sys/net/ipv4/ip_forward\n\
            sysctl net/bridge/bridge-nf-call-iptables=0; true\n";
        let found = off_by_script("/x", text, ResetBy::Cron);
        let expected = [
            "/x:4 net.ipv4.ip_forward",
            "/x:5 net.ipv4.ip_forward",
            "/x:7 net.bridge.bridge-nf-call-iptables",
        ];
        assert_eq!(shown(&found), expected);
    }

    #[test]
    fn cron_boot_and_tuned_are_looked_at() {
        let bed = Bed::new(&[
            "etc/cron.d",
            "etc/tuned/hardened",
            "usr/lib/tuned/base",
            "usr/lib/tuned/other",
        ]);
        bed.write("/etc/cron.d/harden", "0 * * * * root sysctl -w net.ipv4.ip_forward=0\n");
        bed.write("/etc/rc.local", "echo 0 >/proc/sys/net/ipv4/ip_forward\n");
        bed.write("/etc/tuned/active_profile", "hardened\n");
        bed.write(
            "/etc/tuned/hardened/tuned.conf",
            "[main]\ninclude=base\n[vm]\nnet.ipv4.ip_forward=0\n",
        );
        bed.write("/usr/lib/tuned/base/tuned.conf", "[sysctl]\nnet.ipv4.ip_forward = 0\n");
        bed.write("/usr/lib/tuned/other/tuned.conf", "[sysctl]\nnet.ipv4.ip_forward = 0\n");
        let found = gather(&bed.host).unwrap();
        let by: Vec<ResetBy> = found.iter().map(|reset| reset.by).collect();
        assert_eq!(by, [ResetBy::Cron, ResetBy::Boot, ResetBy::Tuned]);
        assert_eq!(found[2].path, "/usr/lib/tuned/base/tuned.conf");
    }
}

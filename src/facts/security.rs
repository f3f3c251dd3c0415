//! What decides beside users and modes: SELinux, AppArmor, fapolicyd, IMA, kysec, lockdown, FIPS.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FileFact, Wanted};
use crate::file_state::FileKind;
use crate::host::labels::{Labeller, WrongLabel};
use crate::host::{Host, HostError};

/// The unit of fapolicyd.
pub const FAPOLICYD_UNIT: &str = "fapolicyd.service";
/// Its directory of trust files; older versions have only one file, `fapolicyd.trust`.
pub const TRUST_DIR: &str = "/etc/fapolicyd/trust.d";

/// What decides beside users and modes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Security {
    /// SELinux, where it is on. Of an image: where it will be, once the image boots.
    pub selinux: Option<Selinux>,
    /// AppArmor is on, as an engine sees it.
    pub apparmor: bool,
    /// fapolicyd, where it is installed.
    pub fapolicyd: Option<Fapolicyd>,
    /// What IMA does with files whose signature or hash does not fit; `None` where it does
    /// not appraise.
    pub ima: Option<ImaAppraisal>,
    /// Kylin's own security module, where it is on.
    pub kysec: Option<Kysec>,
    /// Kernel lockdown; `None` where it is off.
    pub lockdown: Option<Lockdown>,
    /// The kernel runs in FIPS mode.
    pub fips: bool,
}

/// SELinux.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selinux {
    /// Whether the policy is enforced, or what it denies is only logged.
    pub enforcing: bool,
    /// The policy's name, such as `targeted`; empty if it cannot be told.
    pub policy: String,
    /// The policy has the module `container` (the package container-selinux).
    pub container_policy: bool,
    /// The program that sets labels, where there is one: `restorecon` of a running host,
    /// `setfiles` of the machine that provisions an image.
    pub labeller: Option<String>,
    /// Directories that are labelled like others: path to the path it is like.
    pub equivalences: BTreeMap<String, String>,
    /// Of the files that Landfall may write, those that are there with another label than
    /// the policy's: by path.
    pub wrong: BTreeMap<String, WrongLabel>,
    /// Why `wrong` could not be found out: what the labeller said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_unknown: Option<String>,
}

/// fapolicyd, which lets nothing run that it does not trust.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fapolicyd {
    /// It is running.
    pub active: bool,
    /// It reads [`TRUST_DIR`].
    pub trust_dir: bool,
}

/// What IMA does with a file whose signature or hash does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImaAppraisal {
    /// It is refused.
    Enforce,
    /// It is logged.
    Log,
    /// Its hash is set to what it is now.
    Fix,
}

/// Kylin's kysec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kysec {
    /// What `getstatus` says of its control of programs, such as `on`, `warning`, `off`;
    /// `None` if it could not be asked.
    pub exec_control: Option<String>,
}

/// How far the kernel is closed against root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lockdown {
    /// Nothing may change the running kernel.
    Integrity,
    /// Nothing may read its memory either.
    Confidentiality,
}

/// Looks at all of it.
///
/// # Errors
/// [`HostError`] if a file that is there cannot be read, or a program cannot be run.
pub fn gather(
    host: &Host,
    wanted: &Wanted,
    files: &BTreeMap<String, FileFact>,
) -> Result<Security, HostError> {
    let mut security = Security {
        selinux: selinux(host, wanted, files)?,
        fapolicyd: fapolicyd(host)?,
        ..Security::default()
    };
    if !host.is_live() {
        return Ok(security);
    }
    let text = |path: &str| Ok::<_, HostError>(host.read_text(path)?.unwrap_or_default());
    // An engine uses AppArmor only where it finds both.
    security.apparmor = host.stat("/sys/kernel/security/apparmor")?.is_some()
        && text("/sys/module/apparmor/parameters/enabled")?.trim() == "Y";
    security.ima = parse_ima(&text("/proc/cmdline")?, &ima_policy(host));
    security.kysec = kysec(host)?;
    security.lockdown = parse_lockdown(&text("/sys/kernel/security/lockdown")?);
    security.fips = text("/proc/sys/crypto/fips_enabled")?.trim() == "1";
    Ok(security)
}

fn selinux(
    host: &Host,
    wanted: &Wanted,
    files: &BTreeMap<String, FileFact>,
) -> Result<Option<Selinux>, HostError> {
    let config = host.read_text("/etc/selinux/config")?.unwrap_or_default();
    let (configured, policy) = parse_config(&config);
    let mode = if host.is_live() {
        host.read_text("/sys/fs/selinux/enforce")?.map(|text| text.trim() == "1")
    } else {
        configured
    };
    let Some(enforcing) = mode else { return Ok(None) };
    let policy = policy.unwrap_or_default();
    let labeller = Labeller::find(host, &policy)?;
    let ours: Vec<&str> = wanted
        .programs
        .iter()
        .chain(&wanted.texts)
        .filter(|path| files.get(*path).is_some_and(|fact| fact.state.kind == FileKind::File))
        .map(String::as_str)
        .collect();
    let asked = labeller.as_ref().map(|labeller| labeller.wrong(host, &ours));
    let (mut wrong, labels_unknown) = match asked.transpose() {
        Ok(wrong) => (wrong.unwrap_or_default(), None),
        Err(error) if error.is_a_programs() => (BTreeMap::new(), Some(error.to_string())),
        Err(error) => return Err(error),
    };
    // Who made a file may stand in its label; the policy decides by the rest.
    wrong.retain(|_, label| label.differs_in_type());
    Ok(Some(Selinux {
        enforcing,
        container_policy: has_container_policy(host, &policy)?,
        labeller: labeller.map(|labeller| labeller.program),
        equivalences: equivalences(host, &policy)?,
        wrong,
        labels_unknown,
        policy,
    }))
}

/// Reads `/etc/selinux/config`: whether the policy is to be enforced (`None`: SELinux is off),
/// and the policy's name.
pub fn parse_config(text: &str) -> (Option<bool>, Option<String>) {
    let value = |key: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once('=')).rfind(|(name, _)| name.trim() == key)
    };
    let mode = match value("SELINUX").map(|(_, mode)| mode.trim().to_lowercase()).as_deref() {
        Some("enforcing") => Some(true),
        Some("permissive") => Some(false),
        _ => None,
    };
    (mode, value("SELINUXTYPE").map(|(_, policy)| policy.trim().to_owned()))
}

/// Modules lie below `/var/lib/selinux`; before RHEL 8 below `/etc/selinux`.
fn has_container_policy(host: &Host, policy: &str) -> Result<bool, HostError> {
    for base in ["/var/lib/selinux", "/etc/selinux"] {
        let modules = format!("{base}/{policy}/active/modules");
        for priority in host.read_dir(&modules)? {
            if host.stat(&format!("{modules}/{priority}/container"))?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn equivalences(host: &Host, policy: &str) -> Result<BTreeMap<String, String>, HostError> {
    let mut all = BTreeMap::new();
    for name in ["file_contexts.subs_dist", "file_contexts.subs"] {
        let path = format!("/etc/selinux/{policy}/contexts/files/{name}");
        all.extend(parse_equivalences(&host.read_text(&path)?.unwrap_or_default()));
    }
    Ok(all)
}

/// Reads `file_contexts.subs`: a path, and the path that it is labelled like, a line.
pub fn parse_equivalences(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

fn fapolicyd(host: &Host) -> Result<Option<Fapolicyd>, HostError> {
    if host.stat("/etc/fapolicyd")?.is_none() {
        return Ok(None);
    }
    let active = host.is_booted_with_systemd() && host.unit_state(FAPOLICYD_UNIT)?.is_active();
    Ok(Some(Fapolicyd { active, trust_dir: host.stat(TRUST_DIR)?.is_some() }))
}

/// The rules of IMA, where the kernel shows them (CONFIG_IMA_READ_POLICY, and a security module
/// that lets root read them); empty where it does not.
fn ima_policy(host: &Host) -> String {
    let rules = host.read_text("/sys/kernel/security/ima/policy");
    rules.ok().flatten().unwrap_or_default()
}

/// What IMA does, from the kernel's command line (`ima_policy=`, `ima_appraise=`; see
/// kernel-parameters) and its rules. `ima_appraise=` alone sets no rules, so nothing is
/// appraised.
pub fn parse_ima(cmdline: &str, rules: &str) -> Option<ImaAppraisal> {
    let words = || cmdline.split_whitespace();
    let named = words()
        .filter_map(|word| word.strip_prefix("ima_policy="))
        .flat_map(|names| names.split('|'))
        .any(|name| matches!(name.trim_matches('"'), "appraise_tcb" | "secure_boot"));
    let old = words().any(|word| word == "ima_appraise_tcb");
    // Rules for modules, firmware and the like do not concern programs.
    let programs = ["BPRM_CHECK", "FILE_CHECK", "MMAP_CHECK"];
    let loaded = rules.lines().filter(|line| line.starts_with("appraise ")).any(|line| {
        let func = line.split_whitespace().find_map(|word| word.strip_prefix("func="));
        func.is_none_or(|func| programs.contains(&func))
    });
    if !(named || old || loaded) {
        return None;
    }
    match words().filter_map(|word| word.strip_prefix("ima_appraise=")).next_back() {
        Some("off") => None,
        Some("log") => Some(ImaAppraisal::Log),
        Some("fix") => Some(ImaAppraisal::Fix),
        _ => Some(ImaAppraisal::Enforce),
    }
}

fn kysec(host: &Host) -> Result<Option<Kysec>, HostError> {
    if host.stat("/sys/kernel/security/kysec")?.is_none() {
        return Ok(None);
    }
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);
    let output = host.find_program("getstatus").and_then(|path| host.run(&[&path], LIMIT).ok());
    Ok(match output {
        Some(output) => parse_kysec(&output.stdout),
        None => Some(Kysec::default()),
    })
}

/// Reads what Kylin's `getstatus` prints; `None` if kysec is off.
pub fn parse_kysec(text: &str) -> Option<Kysec> {
    let value = |key: &str| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        let mut found = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case(key));
        found.next().map(|(_, value)| value.trim().to_lowercase())
    };
    match value("KySec status").as_deref() {
        Some("disabled") => None,
        _ => Some(Kysec { exec_control: value("exec control") }),
    }
}

/// Reads `/sys/kernel/security/lockdown`: the level in brackets is in force.
pub fn parse_lockdown(text: &str) -> Option<Lockdown> {
    let level = text.split_once('[')?.1.split_once(']')?.0;
    match level {
        "integrity" => Some(Lockdown::Integrity),
        "confidentiality" => Some(Lockdown::Confidentiality),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_modes() {
        let text = "# SELINUX= can take one of three values\nSELINUX=enforcing\n\
                    # SELINUXTYPE= …\nSELINUXTYPE=targeted \n";
        assert_eq!(parse_config(text), (Some(true), Some("targeted".to_owned())));
        assert_eq!(parse_config("SELINUX=Permissive\n").0, Some(false));
        assert_eq!(parse_config("SELINUX=disabled\nSELINUXTYPE=mls\n").0, None);
        assert_eq!(parse_config(""), (None, None));
    }

    #[test]
    fn equivalent_paths() {
        let text = "# local\n/data/docker /var/lib/docker\n/run /var/run\n\n/odd\n";
        let all = parse_equivalences(text);
        assert_eq!(all.len(), 2);
        assert_eq!(all["/data/docker"], "/var/lib/docker");
    }

    #[test]
    fn appraisal() {
        let ima = |cmdline| parse_ima(cmdline, "");
        assert_eq!(ima("quiet ima_policy=tcb"), None);
        assert_eq!(ima("ima_appraise=fix ro"), None, "without rules nothing is appraised");
        assert_eq!(ima("ima_policy=appraise_tcb ima_appraise=fix"), Some(ImaAppraisal::Fix));
        assert_eq!(ima("ima_policy=\"tcb|appraise_tcb\""), Some(ImaAppraisal::Enforce));
        assert_eq!(ima("ima_appraise_tcb ima_appraise=log"), Some(ImaAppraisal::Log));
        assert_eq!(ima("ima_policy=appraise_tcb ima_appraise=off"), None);
        let rule = "appraise func=BPRM_CHECK appraise_type=imasig fowner=0\n";
        assert_eq!(parse_ima("", rule), Some(ImaAppraisal::Enforce));
        assert_eq!(parse_ima("", "appraise func=MODULE_CHECK appraise_type=imasig\n"), None);
        assert_eq!(parse_ima("", "dont_appraise fsmagic=0x9fa0\nmeasure func=BPRM_CHECK\n"), None);
    }

    /// As Kylin V10 prints it, in several versions.
    #[test]
    fn kysec_status() {
        let exec = |text| parse_kysec(text).map(|kysec| kysec.exec_control.unwrap_or_default());
        let v10 = "KySec status: enabled\n\nexec control : warning\nnet control  : off\n";
        assert_eq!(exec(v10).as_deref(), Some("warning"));
        let older = "KySec status: Normal\n\nexec control: on\nfile protect: on\n";
        assert_eq!(exec(older).as_deref(), Some("on"));
        assert_eq!(exec("KySec status: disabled\n"), None);
        assert_eq!(exec("usage: getstatus\n").as_deref(), Some(""));
    }

    #[test]
    fn lockdown_levels() {
        assert_eq!(parse_lockdown("[none] integrity confidentiality\n"), None);
        assert_eq!(parse_lockdown("none [integrity] confidentiality\n"), Some(Lockdown::Integrity));
        assert_eq!(
            parse_lockdown("none integrity [confidentiality]\n"),
            Some(Lockdown::Confidentiality)
        );
        assert_eq!(parse_lockdown(""), None);
    }

    /// The real setfiles, and rules that it does not take.
    #[test]
    fn a_labeller_that_fails_leaves_labels_unknown() {
        let bed = crate::steps::testing::Bed::new(&["etc/selinux/targeted/contexts/files", "etc"]);
        assert!(Host::find_own_program("setfiles").is_some(), "policycoreutils: make deps");
        bed.write("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
        bed.write("/etc/selinux/targeted/contexts/files/file_contexts", "/etc(/.*? broken\n");
        bed.write("/etc/daemon.json", "{}");
        let wanted = Wanted { texts: vec!["/etc/daemon.json".to_owned()], ..Wanted::default() };
        let state = bed.host.stat("/etc/daemon.json").unwrap().unwrap();
        let fact = FileFact { state, sha256: None, text: None };
        let files = BTreeMap::from([("/etc/daemon.json".to_owned(), fact)]);
        let selinux = gather(&bed.host, &wanted, &files).unwrap().selinux.unwrap();
        assert_eq!(selinux.wrong, BTreeMap::new());
        let why = selinux.labels_unknown.unwrap();
        assert!(why.contains("setfiles"), "{why}");
    }

    #[test]
    fn an_image_is_as_its_configuration_says() {
        let bed = crate::steps::testing::Bed::new(&[
            "etc/selinux",
            "etc/fapolicyd/trust.d",
            "var/lib/selinux/targeted/active/modules/200/container",
        ]);
        let look = || gather(&bed.host, &Wanted::default(), &BTreeMap::new()).unwrap();
        bed.write("/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
        let found = look();
        let selinux = found.selinux.unwrap();
        assert!(selinux.enforcing && selinux.container_policy);
        assert_eq!(selinux.policy, "targeted");
        assert_eq!(selinux.labeller, None, "the image has no file_contexts to go by");
        assert_eq!(found.fapolicyd, Some(Fapolicyd { active: false, trust_dir: true }));
        bed.write("/etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=targeted\n");
        assert_eq!(look().selinux, None);
    }
}

//! Findings about SELinux, AppArmor and their like: what was seen, and what mends it.

use super::LABEL_TOOLS;
use crate::facts::security::{ImaAppraisal, Lockdown};
use crate::preflight::Seen;

pub(super) fn seen(seen: &Seen) -> String {
    match seen {
        Seen::AppArmorParserMissing => {
            "the kernel has it on, and there is no apparmor_parser".to_owned()
        }
        Seen::LabelToolsMissing { live: true, enforcing } => {
            format!("SELinux is {}, and there is no restorecon", mode(*enforcing))
        }
        Seen::LabelToolsMissing { live: false, enforcing } => format!(
            "the image will be {}; this machine has no setfiles, or the image no file_contexts",
            mode(*enforcing)
        ),
        Seen::ContainerPolicyMissing { policy, wanted: false } => {
            format!("policy {policy} is enforced, and has no module “container”")
        }
        Seen::ContainerPolicyMissing { policy, wanted: true } => {
            format!("selinux-enabled is set, and policy {policy} has no module “container”")
        }
        Seen::SelinuxNotUsed { policy } => {
            format!("policy {policy} is enforced, and daemon.json has no selinux-enabled")
        }
        Seen::SemanageMissing { data_root, live: true } => {
            format!("the policy does not know {data_root}, and there is no semanage to tell it")
        }
        Seen::SemanageMissing { data_root, live: false } => {
            format!("the policy does not know {data_root}, and semanage works on a running host")
        }
        Seen::DataRootLabels { data_root, like, .. } => {
            format!("the policy labels {data_root} like {like}, not like /var/lib/docker")
        }
        Seen::LabelsUnknown { reason, .. } => reason.clone(),
        Seen::FapolicydToolMissing => "it is active, and there is no fapolicyd-cli".to_owned(),
        Seen::ImaAppraisal { appraisal: ImaAppraisal::Enforce } => {
            "the kernel checks files against security.ima, and refuses those that do not fit"
                .to_owned()
        }
        Seen::ImaAppraisal { appraisal: ImaAppraisal::Log } => {
            "the kernel checks files against security.ima, and logs those that do not fit"
                .to_owned()
        }
        Seen::ImaAppraisal { appraisal: ImaAppraisal::Fix } => {
            "ima_appraise=fix: the kernel writes hashes by itself until the next boot without it"
                .to_owned()
        }
        Seen::Kysec { exec_control: Some(control) } => format!("its exec control is “{control}”"),
        Seen::Kysec { exec_control: None } => "getstatus does not say what it controls".to_owned(),
        Seen::Lockdown { level: Lockdown::Integrity } => "integrity".to_owned(),
        Seen::Lockdown { level: Lockdown::Confidentiality } => "confidentiality".to_owned(),
        Seen::Fips => "/proc/sys/crypto/fips_enabled is 1".to_owned(),
        _ => super::migrate::seen(seen)
            .or_else(|| super::configuration::seen(seen))
            .unwrap_or_default(),
    }
}

pub(super) fn fix(seen: &Seen) -> String {
    match seen {
        Seen::AppArmorParserMissing => {
            "apt-get install apparmor (openSUSE: zypper install apparmor-parser), or boot with \
             apparmor=0"
                .to_owned()
        }
        Seen::LabelToolsMissing { live: true, .. } => LABEL_TOOLS.to_owned(),
        Seen::LabelToolsMissing { live: false, .. } => format!(
            "{LABEL_TOOLS} on this machine, and the policy in the image; or touch /.autorelabel \
             in the image, which then labels itself at its first boot, and --ignore LF076"
        ),
        Seen::ContainerPolicyMissing { .. } => {
            "dnf install container-selinux, of the distribution's own release".to_owned()
        }
        Seen::SelinuxNotUsed { .. } => {
            "to confine containers: --set selinux-enabled=true; volumes then need :z or :Z"
                .to_owned()
        }
        Seen::SemanageMissing { live: true, .. } => {
            "dnf install policycoreutils-python-utils (RHEL and CentOS 7: yum install \
             policycoreutils-python)"
                .to_owned()
        }
        Seen::SemanageMissing { data_root, live: false } => format!(
            "--ignore LF079, and on the booted host, before the first container: semanage \
             fcontext -a -e /var/lib/docker {data_root}; restorecon -R {data_root}"
        ),
        Seen::DataRootLabels { data_root, like, live: true, .. } => format!(
            "semanage fcontext -d -e {like} {data_root}, if nothing else needs it; or another place: \
             --data-root DIR"
        ),
        Seen::DataRootLabels { data_root, policy, live: false, .. } => format!(
            "another place: --data-root DIR; or take {data_root} out of the image's \
             /etc/selinux/{policy}/contexts/files/file_contexts.subs"
        ),
        Seen::LabelsUnknown { live: true, .. } => {
            "semodule -B builds the policy's rules anew; then landfall doctor looks again".to_owned()
        }
        Seen::LabelsUnknown { live: false, .. } => {
            "install the image's policy again; or touch /.autorelabel in the image, which then \
             labels itself at its first boot, and leave SELinux out: --ignore LF046"
                .to_owned()
        }
        Seen::FapolicydToolMissing => "dnf install fapolicyd, the whole package".to_owned(),
        Seen::ImaAppraisal { .. } => {
            "nothing, where it asks for hashes: the kernel makes them. Where it asks for signatures \
             (appraise_type=imasig) landfall cannot sign: evmctl ima_sign --key KEY FILE, for each \
             program, or have the IMA policy pass them"
                .to_owned()
        }
        Seen::Kysec { .. } => {
            "if a program is refused: kysec_set -n exectl -v trusted FILE (older: verified); \
             landfall itself may need it first"
                .to_owned()
        }
        Seen::Lockdown { .. } => {
            "nothing, with the distribution's own modules; others have to be signed: mokutil \
             --import KEY, then reboot"
                .to_owned()
        }
        _ => super::migrate::fix(seen)
            .or_else(|| super::configuration::fix(seen))
            .unwrap_or_default(),
    }
}

fn mode(enforcing: bool) -> &'static str {
    if enforcing { "enforcing" } else { "permissive" }
}

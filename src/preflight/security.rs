//! SELinux, AppArmor, fapolicyd, IMA, kysec, lockdown, FIPS.

use serde_json::Value;

use super::{Case, Finding, Seen};
use crate::desired::DEFAULT_DATA_ROOT;
use crate::facts::security::{ImaAppraisal, Selinux};

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let security = &case.facts.security;
    let has = |program: &str| case.facts.programs.contains_key(program);
    let mut findings = security.selinux.as_ref().map_or_else(Vec::new, |it| selinux(case, it));
    if security.apparmor && !has("apparmor_parser") {
        findings.push(Finding::error(Seen::AppArmorParserMissing));
    }
    if security.fapolicyd.is_some_and(|fapolicyd| fapolicyd.active) && !has("fapolicyd-cli") {
        findings.push(Finding::error(Seen::FapolicydToolMissing));
    }
    if let Some(appraisal) = security.ima {
        let seen = Seen::ImaAppraisal { appraisal };
        findings.push(match appraisal {
            ImaAppraisal::Enforce => Finding::warning(seen),
            ImaAppraisal::Log | ImaAppraisal::Fix => Finding::note(seen),
        });
    }
    if let Some(kysec) = &security.kysec {
        let control = kysec.exec_control.clone();
        let off = control.as_deref().is_some_and(|control| control.starts_with("off"));
        let seen = Seen::Kysec { exec_control: control };
        findings.push(if off { Finding::note(seen) } else { Finding::warning(seen) });
    }
    if let Some(level) = security.lockdown {
        findings.push(Finding::note(Seen::Lockdown { level }));
    }
    if security.fips {
        findings.push(Finding::note(Seen::Fips));
    }
    findings
}

/// What can be said of another data directory's labels.
pub(super) fn data_root(case: &Case<'_>) -> Option<Finding> {
    let selinux = case.facts.security.selinux.as_ref()?;
    let seen = data_root_labels(case, selinux)?;
    Some(if selinux.enforcing { Finding::error(seen) } else { Finding::warning(seen) })
}

fn selinux(case: &Case<'_>, selinux: &Selinux) -> Vec<Finding> {
    let (enforcing, policy) = (selinux.enforcing, selinux.policy.clone());
    let severe = |seen| if enforcing { Finding::error(seen) } else { Finding::warning(seen) };
    let mut findings = Vec::new();
    if selinux.labeller.is_none() {
        findings.push(severe(Seen::LabelToolsMissing { live: case.facts.live, enforcing }));
    }
    if let Some(reason) = selinux.labels_unknown.clone() {
        findings.push(severe(Seen::LabelsUnknown { reason, live: case.facts.live }));
    }
    let used = case.setting("selinux-enabled").and_then(Value::as_bool);
    if !selinux.container_policy {
        // With selinux-enabled the engine asks for types that such a policy does not know.
        let wanted = used == Some(true);
        let seen = Seen::ContainerPolicyMissing { policy, wanted };
        if wanted {
            findings.push(severe(seen));
        } else if enforcing {
            findings.push(Finding::warning(seen));
        }
    } else if enforcing && used.is_none() {
        findings.push(Finding::note(Seen::SelinuxNotUsed { policy }));
    }
    findings.extend(data_root_labels(case, selinux).map(severe));
    findings
}

/// The policy labels the data directory like the default one, or can be told to. It knows one
/// equivalent of a directory: what stands there is not replaced.
fn data_root_labels(case: &Case<'_>, selinux: &Selinux) -> Option<Seen> {
    let data_root = case.data_root();
    let live = case.facts.live;
    match selinux.equivalences.get(data_root) {
        _ if data_root == DEFAULT_DATA_ROOT => None,
        Some(like) if like == DEFAULT_DATA_ROOT => None,
        Some(like) => Some(Seen::DataRootLabels {
            data_root: data_root.to_owned(),
            like: like.clone(),
            policy: selinux.policy.clone(),
            live,
        }),
        None if live && case.facts.programs.contains_key("semanage") => None,
        None => Some(Seen::SemanageMissing { data_root: data_root.to_owned(), live }),
    }
}

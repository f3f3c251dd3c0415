//! The steps that make what is installed acceptable to SELinux and fapolicyd.

use std::collections::BTreeSet;

use super::Inputs;
use crate::desired::{DEFAULT_CONTAINERD_ROOT, DEFAULT_DATA_ROOT, UNIT_DIR};
use crate::render::trust;
use crate::steps::{LabelLike, SetLabels, Step, TrustPrograms, TrustedProgram};

/// Labels what these steps write, and what an earlier run or a person left with a wrong label.
pub(super) fn labels(inputs: &Inputs<'_>, steps: &[Step]) -> Option<Step> {
    let selinux = inputs.facts.security.selinux.as_ref()?;
    selinux.labeller.as_ref()?;
    let mut paths: BTreeSet<String> =
        steps.iter().filter_map(Step::path).map(str::to_owned).collect();
    let ours = |path: &&String| {
        let program = path.strip_prefix(&format!("{}/", inputs.desired.bin_dir));
        match program {
            Some(name) => inputs.archive.entries.iter().any(|entry| entry.name == name),
            None => path.starts_with(UNIT_DIR) || path.starts_with("/etc/docker"),
        }
    };
    // A package's file is left as it is.
    let is_packages = |path: &&String| inputs.facts.packages.owners.contains_key(*path);
    let wrong = selinux.wrong.keys().filter(ours).filter(|path| !is_packages(path));
    paths.extend(wrong.cloned());
    if paths.is_empty() {
        return None;
    }
    let paths = paths.into_iter().collect();
    Some(Step::SetLabels(SetLabels { paths, policy: selinux.policy.clone() }))
}

/// Has the policy label another data directory like the default one. `semanage` works on the
/// running system alone.
pub(super) fn data_root(inputs: &Inputs<'_>, data_root: &str) -> Option<Step> {
    label_like(inputs, data_root, DEFAULT_DATA_ROOT)
}

/// The same for containerd's.
pub(super) fn containerd_root(inputs: &Inputs<'_>, root: &str) -> Option<Step> {
    label_like(inputs, root, DEFAULT_CONTAINERD_ROOT)
}

fn label_like(inputs: &Inputs<'_>, directory: &str, like: &str) -> Option<Step> {
    let selinux = inputs.facts.security.selinux.as_ref()?;
    let can = inputs.facts.programs.contains_key("semanage") && selinux.labeller.is_some();
    // What the policy labels like another directory still is told before; semanage refuses a
    // second rule.
    if directory == like || !can || selinux.equivalences.contains_key(directory) {
        return None;
    }
    Some(Step::LabelLike(LabelLike {
        path: directory.to_owned(),
        like: like.to_owned(),
        policy: selinux.policy.clone(),
    }))
}

/// Has fapolicyd trust the archive's programs, where it does not yet.
pub(super) fn trust(inputs: &Inputs<'_>) -> Option<Step> {
    let fapolicyd = inputs.facts.security.fapolicyd?;
    let path = if fapolicyd.trust_dir { trust::OWN_FILE } else { trust::SHARED_FILE };
    let (bin_dir, plugin_dir) = (&inputs.desired.bin_dir, &inputs.desired.plugin_dir());
    let engine = inputs.archive.entries.iter().map(|entry| (bin_dir, entry));
    let plugins = inputs.archive.plugins().iter().map(|entry| (plugin_dir, entry));
    let programs: Vec<TrustedProgram> = engine
        .chain(plugins)
        .map(|(directory, entry)| TrustedProgram {
            path: format!("{directory}/{}", entry.name),
            size: entry.size,
            sha256: entry.sha256,
        })
        .collect();
    let text = inputs.facts.files.get(path).and_then(|file| file.text.as_deref());
    if trust::has(text.unwrap_or_default(), &programs) {
        return None;
    }
    Some(Step::TrustPrograms(TrustPrograms { path: path.to_owned(), programs }))
}

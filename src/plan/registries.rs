//! Certificates of registries: `/etc/docker/certs.d`, and the system's trust store. dockerd reads
//! the first at each pull, so that nothing has to be reloaded.

use super::files::{Directories, FilePlan, plan_text};
use super::{Inputs, PlanError};
use crate::digest::Digest;
use crate::file_state::Ownership;
use crate::registry::files::RegistryFiles;
use crate::render::trust_store;
use crate::steps::{CopyFile, RemoveFile, Step, UpdateTrust, WhenUpdated};

pub(super) fn plan(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    for files in &inputs.desired.registries {
        if files.is_removal() {
            remove(inputs, files, plan);
        } else {
            write(inputs, directories, files, plan)?;
        }
    }
    Ok(())
}

fn write(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    files: &RegistryFiles,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    plan.steps.extend(directories.reach(&files.registry.directory()));
    if let Some(ca) = &files.ca {
        plan_text(inputs, plan, &files.ca_path(), ca.text.clone())?;
    }
    if let Some(client) = &files.client {
        plan_text(inputs, plan, &files.certificate_path(), client.certificate.text.clone())?;
        let (path, ownership) = (files.key_path(), Ownership::root(0o600));
        let there = inputs.facts.files.get(&path);
        let is_as_it_shall_be = there.is_some_and(|file| {
            file.sha256 == Some(client.key_sha256) && file.state.ownership() == ownership
        });
        if !is_as_it_shall_be {
            let (source, sha256) = (client.key.clone(), client.key_sha256);
            plan.steps.push(Step::CopyFile(CopyFile { source, path, sha256, ownership }));
        }
    }
    if let (Some(ca), true, Some(store)) =
        (&files.ca, files.system_store, trust_store::store(inputs.facts))
    {
        let path = trust_store::path(store, &files.registry.to_string());
        let made = directories.reach(store.directory);
        let mut inner = Vec::new();
        std::mem::swap(&mut inner, &mut plan.steps);
        let changes = plan_text(inputs, plan, &path, ca.text.clone())?;
        let written = std::mem::replace(&mut plan.steps, inner);
        if changes {
            plan.steps.extend(made);
            plan.steps.push(update(store, WhenUpdated::Undone));
            plan.steps.extend(written);
            plan.steps.push(update(store, WhenUpdated::Made));
        }
    }
    Ok(())
}

fn update(store: trust_store::TrustStore, when: WhenUpdated) -> Step {
    let argv = store.argv.iter().map(|word| (*word).to_owned()).collect();
    Step::UpdateTrust(UpdateTrust { argv, when })
}

/// What Landfall wrote for a registry, and nobody has changed since.
fn remove(inputs: &Inputs<'_>, files: &RegistryFiles, plan: &mut FilePlan) {
    let Some(receipt) = inputs.receipt else { return };
    let owned = receipt.paths();
    let standing = |path: &str| -> Option<Digest> {
        owned.contains(path).then(|| inputs.facts.files.get(path)?.sha256)?
    };
    let mut take = |path: String| {
        let Some(sha256) = standing(&path) else { return false };
        plan.steps.push(Step::RemoveFile(RemoveFile { path, sha256 }));
        true
    };
    for path in [files.ca_path(), files.certificate_path(), files.key_path()] {
        take(path);
    }
    let store = trust_store::store(inputs.facts);
    if let Some(store) = store
        && take(trust_store::path(store, &files.registry.to_string()))
    {
        plan.steps.push(update(store, WhenUpdated::Made));
    }
}

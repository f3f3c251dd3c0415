//! Certificates of registries: `/etc/docker/certs.d`, and the system's trust store. dockerd reads
//! the first at each pull, so that nothing has to be reloaded.

use super::files::{Directories, FilePlan, plan_secret, plan_text, take_away};
use super::{Inputs, PlanError};
use crate::registry::files::{ClientFiles, RegistryFiles};
use crate::render::trust_store::{self, TrustStore};
use crate::steps::{Step, UpdateTrust, WhenUpdated};

/// What each registry shall have is written; what Landfall wrote and it shall not have any more is
/// taken away.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    for files in &inputs.desired.registries {
        if !files.is_removal() {
            plan.steps.extend(directories.reach(&files.registry.directory()));
        }
        match &files.ca {
            Some(ca) => {
                plan_text(inputs, plan, &files.ca_path(), ca.text.clone())?;
            }
            None => plan.steps.extend(take_away(inputs, &files.ca_path())),
        }
        plan_client(inputs, files, plan)?;
        if let Some(store) = trust_store::store(inputs.facts) {
            plan_store(inputs, store, files, directories, plan)?;
        }
    }
    Ok(())
}

fn plan_client(
    inputs: &Inputs<'_>,
    files: &RegistryFiles,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    let (certificate_path, path) = (files.certificate_path(), files.key_path());
    let Some(ClientFiles { certificate, key, key_sha256, .. }) = &files.client else {
        plan.steps.extend(take_away(inputs, &certificate_path));
        plan.steps.extend(take_away(inputs, &path));
        return Ok(());
    };
    plan_text(inputs, plan, &certificate_path, certificate.text.clone())?;
    plan_secret(inputs, plan, key.clone(), path, *key_sha256);
    Ok(())
}

/// The trust store is put together again after its file has changed, and, when that is undone,
/// after the file is what it was.
fn plan_store(
    inputs: &Inputs<'_>,
    store: TrustStore,
    files: &RegistryFiles,
    directories: &mut Directories<'_>,
    plan: &mut FilePlan,
) -> Result<(), PlanError> {
    let path = trust_store::path(store, &files.registry.to_string());
    let before = plan.steps.len();
    match files.ca.as_ref().filter(|_| files.system_store) {
        Some(ca) => {
            let made = directories.reach(store.directory);
            if plan_text(inputs, plan, &path, ca.text.clone())? {
                plan.steps.splice(before..before, made);
            }
        }
        None => plan.steps.extend(take_away(inputs, &path)),
    }
    if plan.steps.len() > before {
        plan.steps.insert(before, update(store, WhenUpdated::Undone));
        plan.steps.push(update(store, WhenUpdated::Made));
    }
    Ok(())
}

fn update(store: TrustStore, when: WhenUpdated) -> Step {
    let argv = store.argv.iter().map(|word| (*word).to_owned()).collect();
    Step::UpdateTrust(UpdateTrust { argv, when })
}

//! An engine from packages: the repository's files, what the package manager does, and the units that
//! it brings.

use super::files::{self, Directories, FilePlan};
use super::listeners::{self, Unit};
use super::wanted::with_parents;
use super::{
    EngineAction, Inputs, Plan, PlanError, SCHEMA, Stops, guarded, kernel, proxy, registries,
    security, services, swap,
};
use crate::desired::{DAEMON_JSON, Desired, UNIT_DIR};
use crate::facts::Wanted;
use crate::file_state::parent_of;
use crate::online::{self, Fingerprint, Manager, Offer};
use crate::render::daemon_json::{Verdict, verdict};
use crate::render::units::wants_dir;
use crate::steps::{
    DaemonReload, EnableUnits, GuardRuntime, HoldPackages, ImportKey, InstallPackages,
    RefreshIndex, SmokeTest, Step, UnitStep,
};
use crate::topology::{ALL_UNITS, Topology};
use crate::unit_state::UnitAction;

/// Plans an installation from packages, or a change of one: `hold` keeps them at their versions,
/// `key` is whose key the repository's is.
///
/// # Errors
/// [`PlanError`] if files that stand there cannot be merged with.
pub fn online(
    inputs: &Inputs<'_>,
    offer: &Offer,
    key: Fingerprint,
    hold: bool,
) -> Result<Plan, PlanError> {
    let fresh = || FilePlan::empty(Topology::Modern);
    let mut plan = inputs.receipt.map_or_else(fresh, files::empty);
    let installs = !offer.transaction.is_empty();
    write_files(inputs, offer, &mut plan)?;
    let told = plan.changes.iter().any(|change| {
        [&offer.repository.key.path, &offer.repository.source.path].contains(&&change.path)
    });
    let manager = offer.manager;
    if told && manager != Manager::Apt {
        let path = offer.repository.key.path.clone();
        plan.steps.push(Step::ImportKey(ImportKey { path, fingerprint: key }));
    }
    if told || installs {
        let index = offer.index.clone();
        plan.steps.push(Step::RefreshIndex(RefreshIndex {
            manager,
            source: offer.repository.source.path.clone(),
            directory: index.directory,
            prefix: index.prefix,
        }));
    }
    let (steps, engine) = engine_steps(inputs, offer, &plan, installs);
    plan.steps.extend(steps);
    if hold && !holds(inputs, offer) {
        let names = offer.packages.keys().cloned().collect();
        plan.steps.push(Step::HoldPackages(HoldPackages { manager, names }));
    }
    let Stops { stopping, ending } = match engine {
        EngineAction::Restart => swap::stops(inputs),
        _ => Stops::default(),
    };
    let runs = matches!(engine, EngineAction::Reload | EngineAction::Restart);
    let settings = if runs { super::effects::effects(&plan.daemon_changes) } else { Vec::new() };
    Ok(Plan {
        settings,
        schema: SCHEMA,
        version: inputs.version.map(str::to_owned),
        topology: Topology::Modern,
        steps: guarded(plan.steps, Some(inputs.staging)),
        changes: plan.changes,
        engine,
        stopping,
        ending,
        daemon: plan.daemon,
    })
}

/// The paths, units and names that planning such an installation looks at.
pub fn wanted(desired: &Desired) -> Wanted {
    let mut wanted = super::wanted(desired);
    wanted.programs.extend(online::LOGIN_FILES.map(str::to_owned));
    wanted.texts.extend(online::FILES.into_iter().chain(online::CA_FILES).map(str::to_owned));
    let all = online::FILES.into_iter().chain(online::CA_FILES).chain(online::LOGIN_FILES);
    wanted.paths.extend(all.filter_map(parent_of).flat_map(with_parents));
    wanted.paths.sort();
    wanted.paths.dedup();
    wanted
}

/// What the packages' docker.service starts (docker-ce-packaging: `systemd/docker.service`).
const COMMAND: &str = "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock";

/// The key, the file that names the repository, the group, daemon.json and what belongs to it: what
/// the packages bring starts with all that.
fn write_files(inputs: &Inputs<'_>, offer: &Offer, plan: &mut FilePlan) -> Result<(), PlanError> {
    let mut directories = Directories::new(inputs);
    let existing = files::standing_daemon_json(inputs)?;
    let standing = inputs.facts.start_command.of_unit.as_deref();
    let unit = match standing {
        Some(_) => Unit::Stays(plan.topology),
        None => Unit::IsWritten(plan.topology),
    };
    let daemon = files::plan_daemon_json(inputs, plan, existing, &serde_json::Map::new(), unit)?;
    files::plan_group(inputs, plan);
    for login in &offer.repository.login {
        plan.steps.extend(directories.reach(parent_of(&login.path).unwrap_or_default()));
        let (source, path) = (login.source.path(), login.path.clone());
        files::plan_secret(inputs, plan, source, path, login.sha256);
    }
    let repository = &offer.repository;
    for file in repository.authority.iter().chain([&repository.key, &repository.source]) {
        plan.steps.extend(directories.reach(parent_of(&file.path).unwrap_or_default()));
        files::plan_text(inputs, plan, &file.path, file.text.clone())?;
    }
    if let Some(text) = daemon {
        plan.steps.extend(directories.reach("/etc/docker"));
        files::plan_text(inputs, plan, DAEMON_JSON, text)?;
    }
    listeners::plan(inputs, plan, &mut directories, Some(standing.unwrap_or(COMMAND)))?;
    kernel::plan(inputs, &mut directories, plan)?;
    registries::plan(inputs, &mut directories, plan)?;
    proxy::plan(inputs, &mut directories, plan)?;
    plan.steps.extend(security::labels(inputs, &plan.steps));
    Ok(())
}

/// From what has to be noted before packages change to the proof that the engine works.
fn engine_steps(
    inputs: &Inputs<'_>,
    offer: &Offer,
    plan: &FilePlan,
    installs: bool,
) -> (Vec<Step>, EngineAction) {
    let is_active = |unit: &str| {
        inputs.facts.units.get(unit).is_some_and(crate::unit_state::UnitState::is_active)
    };
    let runs = is_active("docker.service");
    // Its own package's script restarts the daemon.
    let brings = |name: &str| offer.transaction.names().contains(&name);
    let change = match verdict(&plan.daemon_changes) {
        _ if !runs || brings("docker-ce") => None,
        _ if plan.units.contains("docker.service") => Some(UnitAction::Restart),
        Verdict::Restart => Some(UnitAction::Restart),
        Verdict::Reload => Some(UnitAction::Reload),
        _ => None,
    };
    let swaps = brings("docker-ce") || brings("containerd.io");
    let restarts = runs && (swaps || change == Some(UnitAction::Restart));
    let mut steps = Vec::new();
    let guarded = inputs
        .receipt
        .is_some_and(|receipt| receipt.has(|step| matches!(step, Step::GuardRuntime(_))));
    if !guarded {
        let data = plan.topology.data(&plan.data_root, &plan.containerd_root);
        steps.push(Step::GuardRuntime(GuardRuntime { data }));
    }
    steps.extend(security::data_root(inputs, &plan.data_root));
    if restarts {
        steps.extend(swap::note_containers(inputs));
    }
    if installs {
        steps.push(Step::InstallPackages(InstallPackages {
            manager: offer.manager,
            packages: offer.packages.clone(),
            transaction: offer.transaction.clone(),
        }));
    }
    if !plan.units.is_empty() {
        steps.push(Step::DaemonReload(DaemonReload {}));
    }
    let not_enabled = ALL_UNITS.into_iter().filter(|unit| {
        let link = wants_dir(unit).map(|wants| format!("{UNIT_DIR}/{wants}/{unit}"));
        link.is_none_or(|link| !inputs.facts.files.contains_key(&link))
    });
    let units: Vec<String> = not_enabled.map(str::to_owned).collect();
    if !units.is_empty() {
        steps.push(Step::EnableUnits(EnableUnits { units }));
    }
    let step = |unit: &str, action| {
        let revert = if action == UnitAction::Reload { action } else { UnitAction::Restart };
        Step::Unit(UnitStep { unit: unit.to_owned(), action, revert, limit: None })
    };
    let before = steps.len();
    for unit in ALL_UNITS {
        if installs || !is_active(unit) {
            // What their scripts have started runs already.
            steps.push(step(unit, UnitAction::Start));
        }
    }
    if let Some(action) = change {
        steps.push(step("docker.service", action));
    }
    if steps.len() > before {
        steps.push(swap::gate(inputs, restarts.then(|| swap::limit(inputs.facts.engine.as_ref()))));
    }
    if restarts {
        steps.push(swap::resume());
    }
    steps.extend(services::image_steps(inputs));
    if (installs || !runs) && inputs.desired.smoke_test {
        steps.push(Step::SmokeTest(SmokeTest {
            socket: crate::desired::SOCKET.to_owned(),
            network: plan.bridge.clone().filter(|bridge| bridge == "none"),
        }));
    }
    if restarts {
        steps.extend(swap::watch(inputs, plan));
    }
    let engine = match change {
        _ if restarts => EngineAction::Restart,
        _ if !runs => EngineAction::Start,
        Some(_) => EngineAction::Reload,
        None => EngineAction::None,
    };
    (steps, engine)
}

/// Whether an earlier run keeps these packages already.
fn holds(inputs: &Inputs<'_>, offer: &Offer) -> bool {
    inputs.receipt.is_some_and(|receipt| {
        receipt.has(|step| match step {
            Step::HoldPackages(step) => offer.packages.keys().all(|name| step.names.contains(name)),
            _ => false,
        })
    })
}

//! What brings a host back to its receipt, and nothing else. The engine is brought up by the
//! same rules as after an installation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::files::{self, FilePlan};
use super::listeners::Unit;
use super::{Change, ChangeKind, EngineAction, Inputs, Plan, PlanError, SCHEMA, assembled};
use crate::desired::{DAEMON_JSON, DEFAULT_DATA_ROOT, SOCKET, UNIT_DIR};
use crate::file_state::{FileKind, Ownership};
use crate::receipt::Receipt;
use crate::render::daemon_json::KeyChange;
use crate::render::diff::diff;
use crate::steps::{
    CreateDir, CreateGroup, CreateLink, DaemonReload, InstallBinary, RemoveLink, SetLabels,
    SetMode, Step, WriteFile,
};
use crate::topology::Topology;
use crate::verify::{Difference, Expected, ExpectedPath, Made, restored_daemon_json};

/// What is to be repaired.
pub struct Damage<'a> {
    /// What the host should be.
    pub receipt: &'a Receipt,
    /// How it differs from that.
    pub differences: &'a [Difference],
    /// Where the bytes of programs are staged, by the program's path.
    pub staged: &'a BTreeMap<String, String>,
}

/// A plan that repairs, and what it leaves.
#[derive(Debug)]
pub struct Repair {
    /// The plan.
    pub plan: Plan,
    /// What people have to mend.
    pub left: Vec<Difference>,
}

/// Plans the repair. `inputs` hold the host, the images that can be loaded again, and a receipt
/// and wishes like those of `damage`, but for the images that are gone.
///
/// # Errors
/// [`PlanError`] if daemon.json cannot be put right, or docker would not start with it.
pub fn repair(inputs: &Inputs<'_>, damage: &Damage<'_>) -> Result<Repair, PlanError> {
    let expected = Expected::of(damage.receipt);
    let mut repairs = Repairs {
        inputs,
        damage,
        files: files::empty(damage.receipt),
        steps: BTreeMap::new(),
        rewritten: BTreeSet::new(),
        labels: BTreeSet::new(),
        left: Vec::new(),
    };
    repairs.daemon_json(&expected)?;
    // What is written anew has the right mode with that.
    let (modes, others): (Vec<_>, Vec<_>) = damage.differences.iter().partition(|difference| {
        matches!(difference, Difference::Mode { .. } | Difference::Owner { .. })
    });
    for difference in others.into_iter().chain(modes) {
        repairs.one(difference, &expected);
    }
    repairs.labels();
    let Repairs { mut files, steps, left, .. } = repairs;
    files.steps = steps.into_values().flatten().collect();
    let plan =
        if damage.receipt.has_engine() { assembled(inputs, files) } else { without_engine(files) };
    Ok(Repair { plan, left })
}

/// In this order things are made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Directories,
    Accounts,
    Programs,
    Trust,
    Texts,
    Links,
    Modes,
    Labels,
}

struct Repairs<'a> {
    inputs: &'a Inputs<'a>,
    damage: &'a Damage<'a>,
    files: FilePlan,
    steps: BTreeMap<Stage, Vec<Step>>,
    /// Paths that get their owner and mode anyway.
    rewritten: BTreeSet<String>,
    labels: BTreeSet<String>,
    left: Vec<Difference>,
}

impl Repairs<'_> {
    fn one(&mut self, difference: &Difference, expected: &Expected<'_>) {
        match difference {
            Difference::Missing { path, .. }
            | Difference::Bytes { path, .. }
            | Difference::Text { path, .. }
            | Difference::Target { path, .. } => match expected.at(path) {
                Some(at) => self.make(at, difference),
                None => self.left.extend(self.unless_written(path, difference)),
            },
            Difference::Mode { path, .. } | Difference::Owner { path, .. } => {
                let ownership = expected.at(path).and_then(|at| at.ownership);
                if let Some(ownership) = ownership
                    && self.rewritten.insert(path.clone())
                {
                    let step = SetMode { path: path.clone(), ownership };
                    self.add(Stage::Modes, Step::SetMode(step));
                }
            }
            Difference::Label { path, .. } => {
                self.labels.insert(path.clone());
            }
            Difference::Untrusted { .. } => {
                let steps = expected.trust.cloned().map(Step::TrustPrograms);
                steps.into_iter().for_each(|step| self.add(Stage::Trust, step));
            }
            Difference::Group { group } => self.group(group, expected),
            Difference::Member { group, user } => self.member(group, user, difference, expected),
            Difference::NotInForce { key } => {
                let after = self.damage.receipt.daemon.get(key).cloned();
                self.files.daemon_changes.push(KeyChange { key: key.clone(), before: None, after });
            }
            // The engine that was installed is not the one that runs.
            Difference::Version { .. } => {
                self.files.programs.insert("dockerd".to_owned());
            }
            Difference::Image { archive, .. } => {
                if !self.inputs.images.iter().any(|(_, sha256)| sha256 == archive) {
                    self.left.push(difference.clone());
                }
            }
            Difference::OtherKind { .. }
            | Difference::DaemonJson { .. }
            | Difference::Silent { .. }
            | Difference::Package { .. } => self.left.push(difference.clone()),
            // What is not repaired by files is by the units' steps.
            Difference::Key { .. } | Difference::Inactive { .. } | Difference::LabelRule { .. } => {
            }
        }
    }

    fn add(&mut self, stage: Stage, step: Step) {
        self.steps.entry(stage).or_default().push(step);
    }

    fn unless_written(&self, path: &str, difference: &Difference) -> Option<Difference> {
        (!self.rewritten.contains(path)).then(|| difference.clone())
    }

    /// Makes again what was made at a path.
    fn make(&mut self, at: &ExpectedPath<'_>, difference: &Difference) {
        let path = at.path.to_owned();
        match at.made {
            Made::Directory => {
                let ownership = at.ownership.unwrap_or(Ownership::root(0o755));
                self.add(Stage::Directories, Step::CreateDir(CreateDir { path, ownership }));
            }
            Made::Program(step) => match self.damage.staged.get(&path) {
                Some(staged) => {
                    let staged = staged.clone();
                    let ownership = at.ownership.unwrap_or(step.ownership);
                    self.program(InstallBinary { staged, ownership, ..step.clone() });
                }
                None => self.left.push(difference.clone()),
            },
            // Nobody keeps a copy of a secret.
            Made::Copy(_) => self.left.push(difference.clone()),
            Made::DaemonJson(_) => self.left.extend(self.unless_written(&path, difference)),
            Made::Text(step) => {
                let ownership = at.ownership.unwrap_or(step.ownership);
                self.text(path.clone(), step.text.clone(), ownership);
                if let Some(unit) = path.strip_prefix(&format!("{UNIT_DIR}/")) {
                    self.files.units.insert(unit.to_owned());
                }
            }
            Made::Link(step) => {
                if let Difference::Target { found: Some(target), .. } = difference {
                    let other = RemoveLink { path: path.clone(), target: target.clone() };
                    self.add(Stage::Links, Step::RemoveLink(other));
                }
                let link = CreateLink { path, target: step.target.clone() };
                self.add(Stage::Links, Step::CreateLink(link));
            }
        }
    }

    fn program(&mut self, step: InstallBinary) {
        let name = step.path.rsplit('/').next().unwrap_or(&step.path);
        self.files.programs.insert(name.to_owned());
        let before = self.inputs.facts.files.get(&step.path).and_then(|fact| fact.sha256);
        self.files.changes.push(Change {
            path: step.path.clone(),
            kind: ChangeKind::Program { before, after: step.sha256, size: step.size },
        });
        self.rewritten.insert(step.path.clone());
        self.add(Stage::Programs, Step::InstallBinary(step));
    }

    fn text(&mut self, path: String, text: String, ownership: Ownership) {
        let existing = self.inputs.facts.files.get(&path);
        let old = existing.and_then(|fact| fact.text.as_deref()).unwrap_or_default();
        self.files.changes.push(Change {
            path: path.clone(),
            kind: ChangeKind::Text { exists: existing.is_some(), diff: diff(old, &text) },
        });
        self.rewritten.insert(path.clone());
        self.add(Stage::Texts, Step::WriteFile(WriteFile { path, text, ownership }));
    }

    /// Keys of daemon.json, in the text that stands there.
    fn daemon_json(&mut self, expected: &Expected<'_>) -> Result<(), PlanError> {
        let receipt = self.damage.receipt;
        let (facts, damaged) = (self.inputs.facts, |difference: &Difference| match difference {
            Difference::Key { .. } => true,
            difference => {
                matches!(difference, Difference::Missing { .. })
                    && difference.path() == Some(DAEMON_JSON)
            }
        });
        let touched = self.damage.differences.iter().any(damaged);
        let merged = match restored_daemon_json(receipt, facts) {
            Ok(merged) => merged,
            // It is told as it is; without a need to write it, the rest can be repaired.
            Err(_) if !touched => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let text = |key| merged.value.get(key).and_then(Value::as_str);
        self.files.bridge = text("bridge").map(str::to_owned);
        let data_root = text("data-root").unwrap_or(DEFAULT_DATA_ROOT);
        data_root.trim_end_matches('/').clone_into(&mut self.files.data_root);
        if !touched {
            return Ok(());
        }
        let service = format!("{UNIT_DIR}/docker.service");
        // What stands in it now is not what docker will be started with.
        let differs = self.damage.differences.iter().any(|it| it.path() == Some(&service));
        let unit = match differs {
            true => Unit::IsWritten(receipt.topology),
            false => Unit::Stays(receipt.topology),
        };
        files::refuse_other_sockets(self.inputs, unit, &merged.value, receipt.topology)?;
        files::refuse_move(self.inputs, &self.files.data_root)?;
        let existing = facts.files.get(DAEMON_JSON);
        self.files.daemon_changes = match existing {
            Some(_) => merged.changed_keys,
            None => all_new(&merged.value),
        };
        let made = expected.at(DAEMON_JSON).and_then(|at| at.ownership);
        let kept = existing.map(|fact| fact.state.ownership());
        let ownership = made.or(kept).unwrap_or(Ownership::root(0o644));
        self.text(DAEMON_JSON.to_owned(), merged.text, ownership);
        Ok(())
    }

    /// Makes the group again, with the id that the API socket still has.
    fn group(&mut self, name: &str, expected: &Expected<'_>) {
        let facts = self.inputs.facts;
        let socket = facts.files.get(SOCKET).filter(|fact| fact.state.kind == FileKind::Other);
        let gid = socket.map(|fact| fact.state.gid).filter(|gid| {
            *gid != 0 && !facts.accounts.groups.values().any(|group| group.gid == *gid)
        });
        let made = expected.groups.iter().find(|group| group.name == name);
        let step =
            CreateGroup { name: name.to_owned(), gid: gid.or(made.and_then(|step| step.gid)) };
        if gid.is_none() {
            // The socket is made anew for the new group.
            let unit = match self.damage.receipt.topology {
                Topology::Modern => "docker.socket",
                Topology::Classic => "docker.service",
            };
            self.files.units.insert(unit.to_owned());
        }
        self.add(Stage::Accounts, Step::CreateGroup(step));
        for member in expected.members.iter().filter(|member| member.group == name) {
            let difference =
                Difference::Member { group: name.to_owned(), user: member.user.clone() };
            self.member(name, &member.user, &difference, expected);
        }
    }

    fn member(
        &mut self,
        group: &str,
        user: &str,
        difference: &Difference,
        expected: &Expected<'_>,
    ) {
        let step = expected.members.iter().find(|step| step.group == group && step.user == user);
        match step {
            Some(step) if self.inputs.facts.accounts.users.contains_key(user) => {
                self.add(Stage::Accounts, Step::AddGroupMember((*step).clone()));
            }
            _ => self.left.push(difference.clone()),
        }
    }

    /// Labels what was written, and what has a wrong label.
    fn labels(&mut self) {
        let Some(selinux) = &self.inputs.facts.security.selinux else { return };
        if selinux.labeller.is_none() {
            let is_label =
                |difference: &&Difference| matches!(difference, Difference::Label { .. });
            self.left.extend(self.damage.differences.iter().filter(is_label).cloned());
            return;
        }
        let written = self.steps.values().flatten().filter_map(Step::path).map(str::to_owned);
        let paths: BTreeSet<String> = written.chain(self.labels.iter().cloned()).collect();
        if paths.is_empty() {
            return;
        }
        let (paths, policy) = (paths.into_iter().collect(), selinux.policy.clone());
        self.add(Stage::Labels, Step::SetLabels(SetLabels { paths, policy }));
    }
}

/// The host was repaired alone: there is nothing to bring up.
fn without_engine(files: FilePlan) -> Plan {
    let mut steps = files.steps;
    if !files.units.is_empty() {
        steps.push(Step::DaemonReload(DaemonReload {}));
    }
    Plan {
        schema: SCHEMA,
        version: None,
        topology: files.topology,
        steps,
        changes: files.changes,
        engine: EngineAction::None,
        stopping: Vec::new(),
        ending: Vec::new(),
        settings: Vec::new(),
        daemon: files.daemon,
    }
}

/// The changes that a daemon sees which knows nothing of these keys yet.
pub(super) fn all_new(value: &Map<String, Value>) -> Vec<KeyChange> {
    let new = |(key, value): (&String, &Value)| KeyChange {
        key: key.clone(),
        before: None,
        after: Some(value.clone()),
    };
    value.iter().map(new).collect()
}

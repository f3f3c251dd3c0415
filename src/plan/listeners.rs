//! What docker.service says on dockerd's command line and daemon.json must not say too; and `hosts`
//! in daemon.json, which a socket of systemd's (`-H fd://`) leaves no room for: it goes into a
//! drop-in.

use serde_json::{Map, Value};

use super::files::{Directories, FilePlan, plan_text};
use super::{Inputs, PlanError};
use crate::desired::{HOSTS_DROP_IN, UNIT_DIR};
use crate::facts::start_command::Word;
use crate::render::daemon_options::flag_among;
use crate::render::listeners;
use crate::steps::Before;
use crate::topology::Topology;

/// A key of daemon.json that the command line says too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagConflict {
    /// The key.
    pub key: String,
    /// The flag.
    pub flag: String,
    /// File and line; `None` if it is the unit that is going to be written.
    pub place: Option<(String, usize)>,
    /// Whether the unit was taken over and not written since: its flags move to daemon.json once it
    /// is.
    pub moves: bool,
}

/// Whose docker.service counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The one that stands there; where it is not known, one of this style.
    Stays(Topology),
    /// It is written anew.
    IsWritten(Topology),
}

/// The listeners that daemon.json has and a drop-in shall have instead; `None` if they can stay, or
/// nothing can be done.
pub(super) fn to_move(
    inputs: &Inputs<'_>,
    unit: Unit,
    daemon: &Map<String, Value>,
) -> Option<Vec<String>> {
    let hosts = daemon.get("hosts")?.as_array()?;
    let command = command(inputs, unit);
    // Somebody else's drop-in says the line, and would go on saying it.
    let by_others = inputs.facts.start_command.by_drop_in
        && command.iter().any(|word| word.path != HOSTS_DROP_IN);
    let by_systemd = command.iter().any(|word| word.text.ends_with("fd://"));
    // A unit that starts nothing has no command that could be said again.
    let is_unknown = matches!(unit, Unit::Stays(_)) && inputs.facts.start_command.of_unit.is_none();
    if by_others || !by_systemd || is_unknown {
        return None;
    }
    let hosts = hosts.iter().map(|host| host.as_str().map(str::to_owned));
    hosts
        .collect::<Option<Vec<String>>>()
        .filter(|hosts| hosts.iter().all(|it| listeners::is_plain(it)))
}

/// dockerd does not start with a key that its command line says too.
///
/// # Errors
/// [`PlanError::SetByFlag`] with all such keys.
pub(super) fn refuse_flags(
    inputs: &Inputs<'_>,
    unit: Unit,
    daemon: &Map<String, Value>,
) -> Result<(), PlanError> {
    let command = command(inputs, unit);
    let words: Vec<String> = command.iter().map(|word| word.text.clone()).collect();
    let conflict = |key: &String| {
        let (index, flag) = flag_among(key, &words)?;
        let word = &command[index];
        let place = (!word.path.is_empty()).then(|| (word.path.clone(), word.line));
        let moves = is_taken_over(inputs, &word.path);
        Some(FlagConflict { key: key.clone(), flag: flag.to_owned(), place, moves })
    };
    let conflicts: Vec<FlagConflict> = daemon.keys().filter_map(conflict).collect();
    if conflicts.is_empty() { Ok(()) } else { Err(PlanError::SetByFlag(conflicts)) }
}

/// Whether this is a unit of a Docker that was taken over, as it was then.
fn is_taken_over(inputs: &Inputs<'_>, path: &str) -> bool {
    let mut entries = inputs.receipt.iter().flat_map(|receipt| receipt.entries.iter().rev());
    inputs.receipt.is_none_or(|receipt| !receipt.is_packaged())
        && entries
            .find(|entry| entry.step.path() == Some(path))
            .is_some_and(|entry| entry.before == Before::Adopted)
}

/// The words that dockerd will be started with.
fn command(inputs: &Inputs<'_>, unit: Unit) -> Vec<Word> {
    let standing = &inputs.facts.start_command;
    let topology = match unit {
        Unit::IsWritten(topology) if !standing.by_drop_in => topology,
        Unit::Stays(topology) if standing.words.is_empty() => topology,
        _ => return standing.words.clone(),
    };
    let word = |text: &str| Word { text: text.to_owned(), path: String::new(), line: 0 };
    let flags = topology.daemon_flags().iter().map(|(_, flag)| word(flag));
    flags.chain((topology == Topology::Modern).then(|| word("fd://"))).collect()
}

/// Plans the drop-in: with what it has already, if it is there, and what is moved into it.
/// `command` is what docker.service starts without it.
pub(super) fn plan(
    inputs: &Inputs<'_>,
    plan: &mut FilePlan,
    directories: &mut Directories<'_>,
    command: Option<&str>,
) -> Result<(), PlanError> {
    let standing = inputs.facts.files.get(HOSTS_DROP_IN).and_then(|file| file.text.as_deref());
    let mut hosts = standing.map(listeners::of_drop_in).unwrap_or_default();
    hosts.append(&mut plan.hosts);
    let Some(command) = command else { return Ok(()) };
    let mut there = listeners::of_command(command);
    hosts.retain(|host| {
        let is_new = !listeners::is_of_the_socket(host) && !there.contains(host);
        there.push(host.clone());
        is_new
    });
    if hosts.is_empty() {
        return Ok(());
    }
    let text = listeners::drop_in(command, &hosts);
    let steps = directories.reach(&format!("{UNIT_DIR}/docker.service.d"));
    plan.steps.extend(steps);
    if plan_text(inputs, plan, HOSTS_DROP_IN, text)? {
        plan.units.insert("docker.service".to_owned());
    }
    Ok(())
}

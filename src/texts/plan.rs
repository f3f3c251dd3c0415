//! A plan's headings and summary.

use crate::plan::{Effect, EngineAction};
use crate::render::daemon_json::Verdict;
use crate::render::daemon_options::Existing;
use crate::topology::{Topology, starts_its_own_containerd};

/// Above the files that change.
pub const FILES: &str = "Files";
/// Above a word on the units.
pub const UNIT_STYLE: &str = "Units";
/// Above all steps.
pub const STEPS: &str = "Steps";
/// Above the steps that are no files.
pub const OTHER_STEPS: &str = "Other steps";

/// Above what becomes of changed keys of daemon.json.
pub const SETTINGS: &str = "Settings";

/// What brings a key into force, and who goes on without it.
pub fn effect(effect: &Effect) -> String {
    let Effect { key, verdict, removed, existing } = effect;
    let how = match verdict {
        Verdict::Nothing | Verdict::Reload => "taken over by a reload",
        Verdict::Restart if *removed => {
            "removed or left empty, which a reload does not undo: needs a restart"
        }
        Verdict::Restart => "needs a restart",
    };
    let who = match existing {
        None => "",
        Some(Existing::Created) => {
            "; for new containers only: those that exist keep the old value until they are created \
             anew"
        }
        Some(Existing::Started) => {
            "; containers that run on take it over when they are started next"
        }
        Some(Existing::Networks) => "; for new networks only: those that exist keep the old value",
    };
    format!("{key}: {how}{who}")
}

/// Which units there will be, where they are not the usual ones.
pub fn unit_style(topology: Topology, version: Option<&str>) -> Option<String> {
    let why = match version {
        Some(version) if starts_its_own_containerd(version) => {
            format!("docker {version} knows no containerd but the one that it starts")
        }
        _ => "dockerd makes its socket and starts its containerd itself".to_owned(),
    };
    match topology {
        Topology::Modern => None,
        Topology::Classic => {
            Some(format!("Classic style: docker.service is the only unit; {why}."))
        }
    }
}

/// The containers that stop, for a while or for good.
pub fn stopping(names: &[String], again: bool) -> String {
    let again = if again { ", and are started again" } else { "" };
    format!("Containers that stop{again}: {}", names.join(", "))
}

/// The containers that are not there any more once they stop.
pub fn ending(names: &[String]) -> String {
    format!(
        "Containers that are LOST (started with --rm: gone when they stop): {}",
        names.join(", ")
    )
}

/// How many steps there are, and what they mean for the engine.
pub fn summary(steps: usize, engine: EngineAction) -> String {
    let engine = match engine {
        EngineAction::None => "The engine is not touched.",
        EngineAction::Start => "The engine is started.",
        EngineAction::Reload => "The engine reads its configuration again; containers run on.",
        EngineAction::Restart => {
            "The engine is restarted: containers stop, unless live-restore is on."
        }
        EngineAction::Containerd => "containerd is restarted; containers run on.",
        EngineAction::Image => "Nothing is started in an image.",
    };
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    format!("{steps}. {engine}")
}

//! A plan's headings and summary.

use crate::plan::EngineAction;

/// Above the files that change.
pub const FILES: &str = "Files";
/// Above the steps that are no files.
pub const OTHER_STEPS: &str = "Other steps";

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

//! Has `systemd-analyze verify` look at the units before systemd reads them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::report::Event;

/// Checks unit files that were just written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyUnits {
    /// Their paths.
    pub paths: Vec<String>,
}

impl Action for VerifyUnits {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if context.host.find_program("systemd-analyze").is_none() {
            return Ok(());
        }
        let mut argv = vec!["systemd-analyze", "verify"];
        argv.extend(self.paths.iter().map(String::as_str));
        let output = context.host.run(&argv, Duration::from_secs(60))?;
        // It also loads what our units depend on, and complains about that; the exit code
        // then says nothing about ours.
        let objections = objections(&output.stderr, &self.paths).join("; ");
        if objections.is_empty() {
            return Ok(());
        }
        if output.code == Some(0) {
            // Directives that it ignores, say: the units work.
            context.reporter.event(&Event::Warning { text: objections });
            return Ok(());
        }
        Err(StepError::UnitsRefused(objections))
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

/// The lines that speak of one of our files.
fn objections(stderr: &str, paths: &[String]) -> Vec<String> {
    let names: Vec<&str> = paths.iter().filter_map(|path| path.rsplit('/').next()).collect();
    stderr
        .lines()
        .filter(|line| {
            names.iter().any(|name| {
                line.starts_with(&format!("{name}:"))
                    || line.contains(&format!("/{name}:"))
                    || line.starts_with(&format!("Unit {name} "))
            })
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_about_our_units_count() {
        let stderr = "/lib/systemd/system/plymouth-start.service:17: Unit configured to use KillMode=none.\n\
             /etc/systemd/system/docker.service:9: Unknown key name 'Foo' in section 'Service', ignoring.\n\
             docker.socket: Failed to create docker.socket/start: Unit docker.service not found.\n";
        let paths =
            ["docker.service", "docker.socket"].map(|name| format!("/etc/systemd/system/{name}"));
        let found = objections(stderr, &paths);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("Foo"));
    }
}

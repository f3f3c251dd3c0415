//! The units that a boot after a power cut needs.

use serde_json::json;

use super::units::{RenderError, quoted_path, unit_path};
use crate::file_state::parent_of;
use crate::smoke;
use crate::texts::phrases::units as phrases;

/// The unit that completes a run that was cut, or takes it back.
pub const RECOVER: &str = "landfall-recover.service";
/// Where units are that go with the running system.
pub const RUNTIME_UNIT_DIR: &str = "/run/systemd/system";
/// The unit that starts containers again, and removes those of a smoke test.
pub const RESUME: &str = "landfall-resume.service";

/// The text of [`RECOVER`]; `program` is the landfall that it runs, `data` a directory to which
/// data are being moved, whose disk has to be there.
///
/// # Errors
/// [`RenderError::Value`] for a path that cannot stand in a unit.
pub fn recover_unit(program: &str, data: Option<&str>) -> Result<String, RenderError> {
    let directory = parent_of(program).unwrap_or("/");
    let data = data.map(|data| quoted_path(phrases::DATA_DIRECTORY, data)).transpose()?;
    let values = json!({
        "program": unit_path(phrases::OWN_PROGRAM, program)?,
        "directory": unit_path(phrases::PROGRAM_DIRECTORY, directory)?,
        "data": data,
    });
    render(RECOVER, include_str!("../../templates/landfall-recover.service.tera"), values)
}

/// The program that the text of a [`RECOVER`] runs.
pub fn program_of(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    Some(line.split(' ').next()?.replace("%%", "%"))
}

/// The text of [`RESUME`], for containers by their ids, of which some were `paused`; `smoke_test` if
/// one was cut off.
///
/// # Errors
/// [`RenderError::Value`] for a path that cannot stand in a unit.
pub fn resume_unit(
    docker: &str,
    containers: &[&str],
    paused: &[&str],
    smoke_test: bool,
) -> Result<String, RenderError> {
    let values = json!({
        "docker": unit_path(phrases::PROGRAM_DIRECTORY, docker)?,
        "containers": containers.join(" "),
        "paused": paused.join(" "),
        "smoke_test": smoke_test.then(|| json!({"label": smoke::LABEL, "image": smoke::REFERENCE})),
    });
    render(RESUME, include_str!("../../templates/landfall-resume.service.tera"), values)
}

fn render(
    unit: &'static str,
    template: &str,
    values: serde_json::Value,
) -> Result<String, RenderError> {
    tera::Context::from_value(values)
        .and_then(|values| tera::Tera::one_off(template, &values, false))
        .map_err(|source| RenderError::Template { unit, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_before_the_engine_and_never_beside_a_run() {
        let text = recover_unit("/opt/50%/.landfall-recover", None).unwrap();
        for line in [
            "RequiresMountsFor=/var/lib/landfall /opt/50%%",
            "Before=containerd.service docker.socket docker.service",
            "ConditionPathExists=!/run/landfall/run.sock",
            "ExecStart=/opt/50%%/.landfall-recover recover --boot --yes --quiet",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert_eq!(program_of(&text).as_deref(), Some("/opt/50%/.landfall-recover"));
        assert!(recover_unit("/opt/a b/landfall", None).is_err());
        let text = recover_unit("/opt/landfall", Some("/my data/50%")).unwrap();
        let line = "RequiresMountsFor=/var/lib/landfall /opt \"/my data/50%%\"";
        assert!(text.lines().any(|found| found == line), "{text}");
    }

    #[test]
    fn containers_are_started_by_the_engine_s_own_client() {
        let text = resume_unit("/usr/bin/docker", &["0a1", "0b2"], &[], false).unwrap();
        assert!(text.ends_with("\nExecStart=/usr/bin/docker start 0a1 0b2\n"), "{text}");
        assert!(!text.contains("smoke"), "{text}");
        let text = resume_unit("/usr/bin/docker", &["0a1", "0b2"], &["0b2"], false).unwrap();
        assert!(text.ends_with("\nExecStart=-/usr/bin/docker pause 0b2\n"), "{text}");
        // What is left of a smoke test may be gone, or never have been there.
        let text = resume_unit("/usr/bin/docker", &[], &[], true).unwrap();
        let starts: Vec<_> = text.lines().filter(|line| line.starts_with("ExecStart=")).collect();
        assert!(starts.len() == 2 && starts.iter().all(|line| line.contains("=-/usr/bin/docker")));
        assert!(text.ends_with(&format!("image rm {}\n", smoke::REFERENCE)), "{text}");
    }
}

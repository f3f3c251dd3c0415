//! The guard of a run that changes what a boot would start.

use crate::steps::{GuardBoot, Step};

/// Puts the guard before steps that need one: those that change programs, units or their
/// configuration, or stop the engine. `directory` is where its program may lie; `None` if no
/// boot has to be guarded.
pub fn guarded(mut steps: Vec<Step>, directory: Option<&str>) -> Vec<Step> {
    if let Some(directory) = directory
        && steps.iter().any(needs_guard)
    {
        let directory = directory.to_owned();
        steps.insert(0, Step::GuardBoot(GuardBoot { directory, data: None }));
    }
    steps
}

fn needs_guard(step: &Step) -> bool {
    match step {
        Step::InstallBinary(_)
        | Step::WriteFile(_)
        | Step::CopyFile(_)
        | Step::CreateLink(_)
        | Step::RemoveFile(_)
        | Step::TrustPrograms(_)
        | Step::GuardRuntime(_)
        | Step::InstallPackages(_)
        | Step::StopUnits(_) => true,
        Step::NoteContainers(step) => step.stop,
        Step::Revert(step) => needs_guard(&step.entry.step),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{AddGroupMember, StopUnits};

    #[test]
    fn what_no_boot_would_start_needs_none() {
        let member =
            || Step::AddGroupMember(AddGroupMember { user: "ann".into(), group: "docker".into() });
        let stop = || Step::StopUnits(StopUnits { units: Vec::new() });
        let guard = Step::GuardBoot(GuardBoot { directory: "/usr/bin".into(), data: None });
        assert_eq!(guarded(vec![member()], Some("/usr/bin")), [member()]);
        assert_eq!(guarded(vec![stop()], None), [stop()], "beneath --root");
        let all = guarded(vec![member(), stop()], Some("/usr/bin"));
        assert_eq!(all, [guard, member(), stop()]);
    }
}

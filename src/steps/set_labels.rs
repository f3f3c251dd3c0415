//! Gives files the SELinux labels that the host's policy names for their paths.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::host::labels::Labeller;

/// Labels files once they have their final names. A program that was unpacked or copied has
/// the label of the directory it was made in, and the policy may have another one for its
/// name: without that, no domain of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLabels {
    /// Which; those that do not exist are passed over.
    pub paths: Vec<String>,
    /// The policy's name, such as `targeted`.
    pub policy: String,
}

impl Action for SetLabels {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let labels = match Labeller::find(context.host, &self.policy)? {
            Some(labeller) => labeller.wrong(context.host, &self.paths())?,
            None => BTreeMap::new(),
        };
        Ok(Before::Labels { labels })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let no_labeller = || StepError::NoLabeller;
        let labeller = Labeller::find(context.host, &self.policy)?.ok_or_else(no_labeller)?;
        labeller.label(context.host, &self.paths())?;
        let left = labeller.wrong(context.host, &self.paths())?;
        if left.is_empty() {
            return Ok(());
        }
        Err(StepError::WrongLabels(left))
    }

    /// Files that were replaced or made get their label back with their bytes; here it is
    /// for those that were there and only got another label.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Labels { labels } = before else { return Ok(Undone::Unchanged) };
        let mut outcome = Undone::Unchanged;
        for (path, label) in labels {
            if context.host.stat(path)?.is_none() {
                continue;
            }
            let now = context.host.label(path)?;
            if now.as_deref() == Some(label.wants.as_str()) {
                context.host.set_label(path, label.has.as_deref())?;
                if outcome == Undone::Unchanged {
                    outcome = Undone::Restored;
                }
            } else if now != label.has {
                outcome = Undone::Kept { what: path.clone(), reason: KeptReason::ChangedSince };
            }
        }
        Ok(outcome)
    }
}

impl SetLabels {
    fn paths(&self) -> Vec<&str> {
        self.paths.iter().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;
    use crate::steps::{Step, WriteFile};
    use crate::store::Store;

    const RUNC: &str = "/usr/bin/runc";
    const RIGHT: &str = "system_u:object_r:container_runtime_exec_t:s0";
    const OLD: &str = "unconfined_u:object_r:user_home_t:s0";

    /// An image with a policy of two rules, labelled by the real setfiles. The kernel of the
    /// machine that tests need not have SELinux: labels are plain attributes then.
    fn image() -> Bed {
        assert!(rustix::process::geteuid().is_root(), "this test has to be run by root");
        assert!(Host::find_own_program("setfiles").is_some(), "policycoreutils: make deps");
        let bed = Bed::new(&["usr/bin", "etc/selinux/targeted/contexts/files"]);
        let rules = format!("/usr/bin/.*\tsystem_u:object_r:bin_t:s0\n{RUNC}\t--\t{RIGHT}\n");
        bed.write("/etc/selinux/targeted/contexts/files/file_contexts", &rules);
        bed
    }

    use crate::host::Host;

    fn step(paths: &[&str]) -> SetLabels {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        SetLabels { paths, policy: "targeted".to_owned() }
    }

    #[test]
    fn labels_as_the_policy_says_and_puts_the_old_label_back() {
        let bed = image();
        bed.write(RUNC, "runc");
        bed.write("/usr/bin/ctr", "ctr");
        bed.host.set_label(RUNC, Some(OLD)).unwrap();
        let step = step(&[RUNC, "/usr/bin/ctr", "/usr/bin/absent"]);
        let before = bed.apply(&step);
        assert_eq!(bed.host.label(RUNC).unwrap().as_deref(), Some(RIGHT));
        let ctr = bed.host.label("/usr/bin/ctr").unwrap();
        assert_eq!(ctr.as_deref(), Some("system_u:object_r:bin_t:s0"));
        assert_eq!(bed.undo(&step, &before), Undone::Restored);
        assert_eq!(bed.host.label(RUNC).unwrap().as_deref(), Some(OLD));
        assert_eq!(bed.host.label("/usr/bin/ctr").unwrap(), None);
        assert_eq!(bed.undo(&step, &before), Undone::Unchanged, "a second time");
    }

    #[test]
    fn a_label_that_a_person_set_since_is_kept() {
        let bed = image();
        bed.write(RUNC, "runc");
        let step = step(&[RUNC]);
        let before = bed.apply(&step);
        bed.host.set_label(RUNC, Some(OLD)).unwrap();
        let kept = bed.undo(&step, &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
        assert_eq!(bed.host.label(RUNC).unwrap().as_deref(), Some(OLD));
    }

    #[test]
    fn links_are_labelled_themselves() {
        let bed = image();
        bed.host.create_link("/usr/bin/link", "nowhere").unwrap();
        let step = step(&["/usr/bin/link"]);
        bed.apply(&step);
        let label = bed.host.label("/usr/bin/link").unwrap();
        assert_eq!(label.as_deref(), Some("system_u:object_r:bin_t:s0"));
    }

    /// A file that is replaced comes back with its own label, though the copy in the store
    /// never had it.
    #[test]
    fn what_is_replaced_comes_back_with_its_label() {
        let bed = image();
        bed.write(RUNC, "old");
        bed.host.set_label(RUNC, Some(OLD)).unwrap();
        let ownership = crate::file_state::Ownership::own(0o755);
        let write = WriteFile { path: RUNC.to_owned(), text: "new".to_owned(), ownership };
        let label = step(&[RUNC]);
        let steps = [Step::WriteFile(write), Step::SetLabels(label)];
        let before: Vec<Before> = steps.iter().map(|step| bed.apply(step.action())).collect();
        assert_eq!(bed.host.label(RUNC).unwrap().as_deref(), Some(RIGHT));
        let kept = Store::new(&bed.host).keep(RUNC).unwrap();
        let copy = format!("/var/lib/landfall/store/{kept}");
        assert_eq!(bed.host.label(&copy).unwrap(), None, "the store is labelled as its place is");
        for (step, before) in steps.iter().zip(&before).rev() {
            bed.undo(step.action(), before);
        }
        assert_eq!(bed.read(RUNC), "old");
        assert_eq!(bed.host.label(RUNC).unwrap().as_deref(), Some(OLD));
    }

    #[test]
    fn without_a_program_that_labels_it_fails() {
        let bed = Bed::new(&[]);
        let error = step(&[RUNC]).apply(&bed.context()).unwrap_err();
        assert!(matches!(error, StepError::NoLabeller), "{error}");
    }
}

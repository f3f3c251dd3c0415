//! Sets a kernel setting under `/proc/sys` (sysctl(8)).

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};

/// Sets a kernel setting until the next boot; a file in `/etc/sysctl.d` keeps it after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSetting {
    /// Its path, such as `/proc/sys/net/ipv4/ip_forward`.
    pub path: String,
    /// Its value.
    pub value: String,
}

impl SetSetting {
    fn now(&self, context: &Context<'_>) -> Result<Option<String>, StepError> {
        Ok(context.host.read_text(&self.path)?.map(|text| text.trim().to_owned()))
    }
}

impl Action for SetSetting {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(match self.now(context)? {
            Some(value) if value == self.value => Before::Present,
            Some(value) => Before::Setting { value },
            None => Before::Absent,
        })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if self.now(context)?.as_deref() == Some(&self.value) {
            return Ok(());
        }
        Ok(context.host.write_setting(&self.path, &self.value)?)
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let Before::Setting { value } = before else { return Ok(Undone::Unchanged) };
        let now = self.now(context)?;
        if now.as_deref() == Some(value) {
            return Ok(Undone::Unchanged);
        }
        if now.as_deref() != Some(&self.value) {
            let reason = KeptReason::ChangedSince;
            return Ok(Undone::Kept { what: self.path.clone(), reason });
        }
        context.host.write_setting(&self.path, value)?;
        Ok(Undone::Restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const PATH: &str = "/proc/sys/net/ipv4/ip_forward";

    fn step() -> SetSetting {
        SetSetting { path: PATH.to_owned(), value: "1".to_owned() }
    }

    fn bed(value: &str) -> Bed {
        let bed = Bed::new(&["proc/sys/net/ipv4"]);
        bed.write(PATH, value);
        bed
    }

    #[test]
    fn sets_it_and_sets_it_back() {
        let bed = bed("0\n");
        let before = bed.apply(&step());
        assert_eq!(bed.read(PATH).trim(), "1");
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.read(PATH).trim(), "0");
    }

    #[test]
    fn finds_it_already_set() {
        let bed = bed("1\n");
        let before = bed.apply(&step());
        assert_eq!(before, Before::Present);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
    }

    #[test]
    fn leaves_what_was_set_since() {
        let bed = bed("0\n");
        let before = bed.apply(&step());
        bed.write(PATH, "2\n");
        let kept = bed.undo(&step(), &before);
        assert!(matches!(kept, Undone::Kept { reason: KeptReason::ChangedSince, .. }), "{kept:?}");
    }
}

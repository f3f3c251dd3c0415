//! Has the system's trust store put together again: after a file was added for it, and after that
//! file was taken away again. Two steps, one on either side of the file's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs the program that puts the trust store together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateTrust {
    /// The program, with its arguments.
    pub argv: Vec<String>,
    /// When it is run.
    pub when: WhenUpdated,
}

/// When the trust store is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUpdated {
    /// When the step is made: it follows the file.
    Made,
    /// When it is undone: it comes before the file, which is undone first then.
    Undone,
}

impl UpdateTrust {
    fn run(&self, context: &Context<'_>) -> Result<(), StepError> {
        let argv: Vec<&str> = self.argv.iter().map(String::as_str).collect();
        context.host.run_ok(&argv, LIMIT)?;
        Ok(())
    }
}

impl Action for UpdateTrust {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        match self.when {
            WhenUpdated::Made => self.run(context),
            WhenUpdated::Undone => Ok(()),
        }
    }

    fn undo(&self, context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        match self.when {
            WhenUpdated::Made => Ok(Undone::Unchanged),
            WhenUpdated::Undone => {
                self.run(context)?;
                Ok(Undone::Restored)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn it_runs_on_one_side_only() {
        let bed = Bed::new(&[]);
        let step = |when| UpdateTrust { argv: vec!["/bin/false".to_owned()], when };
        let (made, undone) = (step(WhenUpdated::Made), step(WhenUpdated::Undone));
        assert!(made.apply(&bed.context()).is_err());
        let before = bed.apply(&undone);
        assert!(undone.undo(&bed.context(), &before).is_err());
        assert_eq!(bed.undo(&made, &before), Undone::Unchanged);
    }
}

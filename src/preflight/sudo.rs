//! Whether sudo will find the programs.

use super::{Case, Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let bin_dir = &case.desired.bin_dir;
    let secure_path = case.facts.sudo_path.clone()?;
    (!secure_path.contains(bin_dir))
        .then(|| Finding::warning(Seen::SudoPath { bin_dir: bin_dir.clone(), secure_path }))
}

//! What is lost on the way from the engine that is installed to another.

use super::{Case, Finding, Seen};
use crate::bundle::boundaries::{Boundary, between};
use crate::topology::release;

/// `installed` is the version of the engine that Landfall installed here.
pub(super) fn check(case: &Case<'_>, installed: Option<&str>) -> Vec<Finding> {
    let running = case.facts.engine.as_ref();
    let from = running.map(|engine| engine.version.as_str()).or(installed);
    let (Some(from), Some(to)) = (from, case.engine()) else { return Vec::new() };
    if installed.is_none() {
        return Vec::new();
    }
    let older = release(&to) < release(from);
    let mut findings = Vec::new();
    if older {
        let (from, to) = (from.to_owned(), to.clone());
        findings.push(Finding::error(Seen::Downgrade { from, to }));
    }
    for boundary in between(from, &to).into_iter().filter(|_| !older) {
        match boundary {
            Boundary::OneWay { what } => {
                let (from, to, what) = (from.to_owned(), to.clone(), what.to_owned());
                findings.push(Finding::error(Seen::OneWay { from, to, what }));
            }
            Boundary::DriverRemoved { driver } => {
                if running.is_some_and(|engine| engine.storage_driver == driver) {
                    let (driver, to) = (driver.to_owned(), to.clone());
                    findings.push(Finding::error(Seen::DriverRemoved { driver, to }));
                }
            }
        }
    }
    findings
}

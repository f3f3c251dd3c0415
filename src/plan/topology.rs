//! Which topology an installation gets.

use super::PlanError;
use crate::bundle::Layout;
use crate::desired::Desired;
use crate::receipt::Receipt;
use crate::topology::{Topology, starts_its_own_containerd};

/// The topology: what is installed keeps its own, else what is asked for, else what the engine
/// is made for. `layout` is that of the archive, once it has been read; before that the
/// engine's version has to do.
///
/// # Errors
/// [`PlanError::UnitStyleKept`] if the host has the other one, [`PlanError::NeedsClassic`] for
/// an engine that does not run in the modern one.
pub fn topology(
    desired: &Desired,
    version: Option<&str>,
    layout: Option<Layout>,
    receipt: Option<&Receipt>,
) -> Result<Topology, PlanError> {
    let installed = receipt.filter(|receipt| receipt.has_engine()).map(|receipt| receipt.topology);
    if let (Some(installed), Some(asked)) = (installed, desired.unit_style)
        && installed != asked
    {
        return Err(PlanError::UnitStyleKept { installed, asked });
    }
    let old = match layout {
        Some(layout) => layout == Layout::Prefixed,
        None => version.is_some_and(starts_its_own_containerd),
    };
    match installed.or(desired.unit_style) {
        Some(Topology::Modern) if old => Err(PlanError::NeedsClassic {
            version: version.map(str::to_owned),
            installed: installed.is_some(),
        }),
        Some(topology) => Ok(topology),
        None if old => Ok(Topology::Classic),
        None => Ok(Topology::Modern),
    }
}

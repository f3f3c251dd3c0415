//! What an engine has – containers, images, volumes – before its data are moved, and after.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError};
use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, StepError, Undone};
use crate::desired::SOCKET;
use crate::facts::containers;
use crate::file_state::is_beneath;

/// How long the API may take to answer.
const LIMIT: Duration = Duration::from_secs(60);

/// Notes what the engine has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteInventory {}

/// Checks that the engine uses another directory now, and has all that it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInventory {
    /// Its data-root.
    pub data_root: String,
}

/// What an engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Ids of containers, running or not.
    pub containers: BTreeSet<String>,
    /// Names of volumes.
    pub volumes: BTreeSet<String>,
    /// How many images.
    pub images: u64,
}

impl Action for NoteInventory {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let (data_root, mut inventory) = context.host.block_on_or_interrupt(ask())??;
        let mut lasting = BTreeSet::new();
        for id in inventory.containers {
            if containers::removes_itself(context.host, &data_root, &id)? {
                for volume in containers::anonymous_volumes(context.host, &data_root, &id)? {
                    inventory.volumes.remove(&volume);
                }
            } else {
                lasting.insert(id);
            }
        }
        inventory.containers = lasting;
        context.inventory.replace(inventory);
        Ok(())
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

impl Action for CheckInventory {
    fn observe(&self, _context: &Context<'_>) -> Result<Before, StepError> {
        Ok(Before::Nothing)
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        let (data_root, now) = context.host.block_on_or_interrupt(ask())??;
        // With user namespaces in one of its own there.
        if !is_beneath(&data_root, &self.data_root) {
            return Err(StepError::OtherDataRoot {
                found: data_root,
                wanted: self.data_root.clone(),
            });
        }
        let lacking = context.inventory.borrow().lacking_in(&now);
        if lacking.is_empty() { Ok(()) } else { Err(StepError::Lacking(lacking)) }
    }

    fn undo(&self, _context: &Context<'_>, _before: &Before) -> Result<Undone, StepError> {
        Ok(Undone::Unchanged)
    }
}

impl Inventory {
    /// What is not there any more, in words.
    fn lacking_in(&self, now: &Self) -> Vec<String> {
        let containers = self.containers.difference(&now.containers);
        let volumes = self.volumes.difference(&now.volumes);
        let mut lacking: Vec<String> = containers
            .map(|id| format!("container {}", id.get(..12).unwrap_or(id)))
            .chain(volumes.map(|name| format!("volume {name}")))
            .collect();
        if now.images < self.images {
            lacking.push(format!("{} of {} images", self.images - now.images, self.images));
        }
        lacking
    }
}

/// The daemon's data-root, and what it has.
async fn ask() -> Result<(String, Inventory), EngineError> {
    let client = Client::connect(Path::new(SOCKET), LIMIT).await?;
    let info = client.info().await?;
    let containers = client.list_containers(true, &[]).await?;
    let inventory = Inventory {
        containers: containers.into_iter().map(|container| container.id).collect(),
        volumes: client.list_volumes().await?.into_iter().collect(),
        images: info.images,
    };
    Ok((info.data_root.to_string_lossy().into_owned(), inventory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let before = Inventory {
            containers: set(&["0123456789abcdef", "b"]),
            volumes: set(&["data"]),
            images: 3,
        };
        assert_eq!(before.lacking_in(&before), [""; 0]);
        let more = Inventory { images: 4, volumes: set(&["data", "new"]), ..before.clone() };
        assert_eq!(before.lacking_in(&more), [""; 0]);
        let after = Inventory { containers: set(&["b"]), volumes: set(&[]), images: 1 };
        let expected = ["container 0123456789ab", "volume data", "2 of 3 images"];
        assert_eq!(before.lacking_in(&after), expected);
    }
}

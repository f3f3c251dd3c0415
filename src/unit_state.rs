//! What systemd knows of a unit, and what it can be asked to do.

use serde::{Deserialize, Serialize};

/// What systemd knows of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// `loaded`, `not-found`, `masked`, …
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active: String,
    /// `running`, `dead`, `listening`, …
    pub sub: String,
    /// The unit file that was read, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
    /// Drop-ins that apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_ins: Vec<String>,
    /// Why the last run of a service or socket ended: `success`, `exit-code`, `timeout`,
    /// `start-limit-hit`, … Empty where systemd does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
    /// Since when it is active, in microseconds of the monotonic clock: another moment once it was
    /// started again. `None` if it is not. Of the moment only, so not kept anywhere.
    #[serde(skip)]
    pub active_since: Option<u64>,
}

impl UnitState {
    /// Whether it runs, or is on its way up.
    pub fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading")
    }
}

/// What a unit is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitAction {
    /// Start it, if it does not run.
    Start,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
    /// Have it read its configuration again.
    Reload,
}

impl UnitAction {
    /// The verb, as `systemctl` spells it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }
}

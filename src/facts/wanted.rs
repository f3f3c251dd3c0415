//! What a run wants to know of a host.

use serde::{Deserialize, Serialize};

/// Paths and names that a run wants to know about. [`super::gather`] adds what it always
/// looks at: programs of the host, units of other engines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Files whose text is needed (units, daemon.json).
    pub texts: Vec<String>,
    /// Programs whose digest is needed.
    pub programs: Vec<String>,
    /// Directories, links and other paths of which only the attributes are needed.
    pub paths: Vec<String>,
    /// Units.
    pub units: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Users.
    pub users: Vec<String>,
    /// Paths whose file systems are needed.
    pub file_systems: Vec<String>,
}

//! Which host this is.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::host::{Host, HostError};

/// Tells a host from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// A digest of `/etc/machine-id`, which tells apart hosts of the same name, but not the
    /// id itself, which machine-id(5) asks to keep; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Digest>,
}

/// Looks which host this is.
///
/// # Errors
/// [`HostError`] if a file is there but cannot be read.
pub fn gather(host: &Host) -> Result<Identity, HostError> {
    let name = match host.is_live() {
        true => host.node_name(),
        false => host.read_text("/etc/hostname")?.unwrap_or_default(),
    };
    let id = host.read_text("/etc/machine-id")?.unwrap_or_default();
    let id = id.trim();
    // systemd writes `uninitialized` into images that boot for the first time later.
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let machine = is_id.then(|| Digest::of(format!("landfall {id}").as_bytes()));
    Ok(Identity { name: name.trim().to_owned(), machine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    #[test]
    fn an_image_is_known_by_its_files() {
        let bed = Bed::new(&["etc"]);
        assert_eq!(gather(&bed.host).unwrap(), Identity::default());
        bed.write("/etc/hostname", "web1\n");
        bed.write("/etc/machine-id", "uninitialized\n");
        let machine = None;
        assert_eq!(gather(&bed.host).unwrap(), Identity { name: "web1".to_owned(), machine });
        let id = "0123456789abcdef0123456789abcdef";
        bed.write("/etc/machine-id", &format!("{id}\n"));
        let machine = gather(&bed.host).unwrap().machine.unwrap();
        assert_eq!(machine, Digest::of(format!("landfall {id}").as_bytes()));
    }
}

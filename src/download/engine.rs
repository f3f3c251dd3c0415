//! Where upstream's archive of an engine is, and which one.

use super::Want;
use crate::bundle::catalogue;
use crate::digest::Digest;
use crate::mirrors::Site;
use crate::net::web::Address;

/// The largest archive that is taken, in bytes: the largest of upstream's has 80 MB.
const LIMIT: u64 = 1 << 30;

/// An archive of upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineArchive {
    /// The engine's version, as upstream writes it.
    pub version: String,
    /// The architecture, as upstream writes it in paths.
    pub arch: String,
}

impl EngineArchive {
    /// The one of a version, or the newest that is pinned. `None` if the version is no version, or
    /// none is known for the architecture (`uname -m`).
    pub fn choose(version: Option<&str>, machine: &str) -> Option<Self> {
        let arch = match machine {
            "armv7l" | "armv8l" => "armhf",
            "armv6l" => "armel",
            other => other,
        };
        let version = match version {
            Some(version) if is_version(version) => version.trim_start_matches('v').to_owned(),
            Some(_) => return None,
            None => catalogue::newest(arch)?.version.to_owned(),
        };
        Some(Self { version, arch: arch.to_owned() })
    }

    /// Its file name.
    pub fn name(&self) -> String {
        format!("docker-{}.tgz", self.version)
    }

    /// Where it is beneath the root of a mirror.
    pub fn path(&self) -> String {
        format!("linux/static/stable/{}/{}", self.arch, self.name())
    }

    /// It as something to fetch from these mirrors; `pin` is what the caller says that it is.
    pub fn want(&self, sites: &[Site], pin: Option<Digest>) -> Want {
        let path = self.path();
        let known = catalogue::lookup(&self.version, &self.arch).map(|known| known.sha256);
        Want {
            name: self.name(),
            sources: sites.iter().filter_map(|site| Address::of(site, &path)).collect(),
            // That the two differ is said when the archive is judged.
            pin: pin.or(known),
            limit: LIMIT,
        }
    }
}

fn is_version(text: &str) -> bool {
    let text = text.trim_start_matches('v');
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirrors;

    #[test]
    fn names_and_paths() {
        let archive = EngineArchive::choose(Some("v28.5.2"), "aarch64").unwrap();
        assert_eq!(archive.path(), "linux/static/stable/aarch64/docker-28.5.2.tgz");
        let arm = EngineArchive::choose(Some("20.10.17"), "armv7l").unwrap();
        assert_eq!(arm.path(), "linux/static/stable/armhf/docker-20.10.17.tgz");
        for bad in ["", "latest", "../28", "28.5/2", "28 5"] {
            assert_eq!(EngineArchive::choose(Some(bad), "x86_64"), None, "{bad:?}");
        }
        let newest = EngineArchive::choose(None, "x86_64").unwrap();
        let sites = [mirrors::site("http://10.0.0.5/d").unwrap()];
        let want = newest.want(&sites, None);
        assert_eq!(want.pin, catalogue::lookup(&newest.version, "x86_64").map(|it| it.sha256));
        assert!(want.pin.is_some());
        assert_eq!(want.sources[0].to_string(), format!("http://10.0.0.5/d/{}", newest.path()));
        assert_eq!(EngineArchive::choose(None, "riscv64"), None);
    }
}

//! What is known of engine releases: digests of their archives, and what each line of them
//! asks of the host. The tables are `bundles/docker-static.tsv` and `bundles/engines.tsv`, which
//! say where their facts come from; they are part of the program.

use std::sync::LazyLock;

use landfall_engine::ApiVersion;

use super::kernel_version::KernelVersion;
use crate::digest::Digest;
use crate::topology::release;

const ARCHIVES: &str = include_str!("../../bundles/docker-static.tsv");
const ENGINES: &str = include_str!("../../bundles/engines.tsv");

/// A recorded archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The engine's version, as upstream writes it in the file name.
    pub version: &'static str,
    /// The architecture, as upstream writes it in the download path.
    pub arch: &'static str,
    /// The digest that was recorded.
    pub sha256: Digest,
    /// How many independent records of it agree.
    pub records: u32,
    /// Who recorded it.
    pub sources: Vec<&'static str>,
}

/// Where the images of a fresh installation are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageStore {
    /// A graph driver of the daemon (overlay2), beneath its data-root.
    GraphDriver,
    /// containerd's image store, beneath containerd's own root.
    Containerd,
}

/// What a line of releases asks of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLine {
    /// The first two numbers of the first release that it holds for.
    pub line: (u32, u32),
    /// The kernels that it runs on.
    pub kernel: KernelRange,
    /// Where images go on a fresh installation.
    pub store: ImageStore,
    /// The oldest iptables, by its first two numbers.
    pub iptables_min: (u32, u32),
    /// The versions of the Engine API that its daemon speaks, oldest and newest.
    pub api: (ApiVersion, ApiVersion),
}

/// The kernels that an engine runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelRange {
    /// The oldest.
    pub min: KernelVersion,
    /// The newest, where one is known.
    pub max: Option<KernelVersion>,
    /// The oldest mainline kernel on which the default storage works.
    pub overlay: KernelVersion,
    /// The oldest kernel of RHEL 7 and CentOS 7 on which it works, where it does.
    pub overlay_el7: Option<KernelVersion>,
}

impl KernelRange {
    /// Whether the engine runs at all on `kernel`.
    pub fn holds(&self, kernel: KernelVersion) -> bool {
        self.min <= kernel && self.max.is_none_or(|max| kernel <= max)
    }

    /// Whether the engine's default storage works on `kernel`; `el7` says that it is one of
    /// RHEL 7's or its rebuilds'.
    pub fn overlay_works(&self, kernel: KernelVersion, el7: bool) -> bool {
        let backported = el7 && self.overlay_el7.is_some_and(|min| min <= kernel);
        self.overlay <= kernel || backported
    }
}

// A line that cannot be read is left out here, so that no user's machine has to stop over it;
// the tests read both tables and accept no such line.
static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| rows(ARCHIVES).filter_map(|row| known(row).ok()).collect());
static LINES: LazyLock<Vec<EngineLine>> =
    LazyLock::new(|| rows(ENGINES).filter_map(|row| parse_line(row).ok()).collect());

/// The recorded archive with this digest.
pub fn by_digest(digest: &Digest) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.sha256 == *digest)
}

/// The record of this version for this architecture (upstream's name, such as `x86_64`).
pub fn lookup(version: &str, arch: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.version == version && known.arch == arch)
}

/// The newest recorded archive for this architecture.
pub fn newest(arch: &str) -> Option<&'static Known> {
    let numbers = |known: &&Known| -> Vec<u32> {
        known.version.split(['.', '-']).map_while(|part| part.parse().ok()).collect()
    };
    KNOWN.iter().filter(|known| known.arch == arch).max_by_key(numbers)
}

/// All lines of releases, oldest first.
pub fn lines() -> &'static [EngineLine] {
    &LINES
}

/// The line that an engine's version belongs to: the last one that is not newer. `None` if the
/// version is older than all of them, or cannot be read.
pub fn engine_line(version: &str) -> Option<&'static EngineLine> {
    let wanted = release(version)?;
    LINES.iter().rev().find(|line| line.line <= wanted)
}

/// The kernels that this version runs on. A version that belongs to no line (too old, or not
/// readable) is judged by the oldest one.
pub fn kernel_range(version: &str) -> KernelRange {
    let line = engine_line(version).or(LINES.first());
    line.map_or(DOCUMENTED, |line| line.kernel)
}

/// What upstream documents for all releases.
const DOCUMENTED: KernelRange = KernelRange {
    min: KernelVersion { major: 3, minor: 10, patch: 0, build: 0 },
    max: None,
    overlay: KernelVersion { major: 4, minor: 0, patch: 0, build: 0 },
    overlay_el7: None,
};

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What is wrong with a row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BadRow(&'static str);

fn columns<const N: usize>(row: &'static str) -> Result<[&'static str; N], BadRow> {
    let columns: Vec<&str> = row.split('\t').collect();
    columns.try_into().map_err(|_| BadRow("number of columns"))
}

fn known(row: &'static str) -> Result<Known, BadRow> {
    let [version, arch, sha256, records, sources] = columns(row)?;
    Ok(Known {
        version,
        arch,
        sha256: sha256.parse().map_err(|_| BadRow("sha256"))?,
        records: records.parse().map_err(|_| BadRow("records"))?,
        sources: sources.split("; ").collect(),
    })
}

fn parse_line(row: &'static str) -> Result<EngineLine, BadRow> {
    let [line, min, max, overlay, overlay_el7, store, iptables, api_min, api_max] = columns(row)?;
    let kernel = |text: &str| text.parse().map_err(|_| BadRow("kernel version"));
    let api = |text: &str| text.parse().map_err(|_| BadRow("API version"));
    let optional = |text: &str| if text == "-" { Ok(None) } else { kernel(text).map(Some) };
    Ok(EngineLine {
        line: release(line).ok_or(BadRow("line"))?,
        kernel: KernelRange {
            min: kernel(min)?,
            max: optional(max)?,
            overlay: kernel(overlay)?,
            overlay_el7: optional(overlay_el7)?,
        },
        store: match store {
            "graph-driver" => ImageStore::GraphDriver,
            "containerd" => ImageStore::Containerd,
            _ => return Err(BadRow("store")),
        },
        iptables_min: release(iptables).ok_or(BadRow("iptables"))?,
        api: (api(api_min)?, api(api_max)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::version_from_name;

    #[test]
    fn every_archive_row_is_sound() {
        let mut seen = std::collections::BTreeSet::new();
        let mut digests = std::collections::BTreeSet::new();
        let mut count = 0;
        for row in rows(ARCHIVES) {
            let known = known(row).unwrap_or_else(|bad| panic!("{bad:?} in {row:?}"));
            assert!(seen.insert((known.version, known.arch)), "twice: {row:?}");
            assert!(digests.insert(known.sha256), "the same archive twice: {row:?}");
            assert!(["x86_64", "aarch64"].contains(&known.arch), "{row:?}");
            assert!(known.records as usize >= known.sources.len().max(1), "{row:?}");
            assert!(known.sources.iter().all(|source| !source.trim().is_empty()), "{row:?}");
            let name = format!("docker-{}.tgz", known.version);
            assert_eq!(version_from_name(&name).as_deref(), Some(known.version));
            assert!(engine_line(known.version).is_some(), "{row:?}");
            count += 1;
        }
        assert_eq!(KNOWN.len(), count);
        assert!(count > 100);
    }

    #[test]
    fn every_engine_row_is_sound() {
        let lines: Vec<EngineLine> = rows(ENGINES)
            .map(|row| parse_line(row).unwrap_or_else(|bad| panic!("{bad:?} in {row:?}")))
            .collect();
        assert_eq!(*LINES, lines);
        assert!(lines.is_sorted_by_key(|line| line.line), "lines stand in order");
        for line in &lines {
            assert!(line.kernel.min <= line.kernel.overlay);
            assert!(line.kernel.max.is_none_or(|max| line.kernel.overlay <= max));
            let (oldest, newest) = line.api;
            assert!(oldest <= newest);
            assert!(ApiVersion::agree(Some(oldest), newest).is_some(), "{:?}", line.line);
        }
    }

    #[test]
    fn archives_by_digest_and_by_version() {
        let known = lookup("20.10.23", "aarch64").unwrap();
        assert_eq!(by_digest(&known.sha256), Some(known));
        assert_eq!(known.sources, ["kubesphere/kubekey"]);
        assert_eq!(lookup("20.10.17", "x86_64").unwrap().records, 2);
        assert_eq!(lookup("20.10.23", "s390x"), None);
        let release = |arch| newest(arch).and_then(|known| release(known.version));
        assert!(release("x86_64") >= Some((29, 5)) && release("aarch64") >= Some((20, 10)));
        assert_eq!(newest("s390x"), None);
        assert_eq!(by_digest(&Digest::of(b"")), None);
    }

    #[test]
    fn a_version_belongs_to_the_last_line_that_is_not_newer() {
        let line = |version| engine_line(version).map(|line| line.line);
        assert_eq!(line("17.03.0-ce"), Some((17, 3)));
        assert_eq!(line("17.12.1-ce"), Some((17, 12)));
        assert_eq!(line("18.01.0-ce"), Some((17, 12)));
        assert_eq!(line("18.06.3-ce"), Some((18, 6)));
        assert_eq!(line("20.10.24+dfsg1"), Some((20, 10)));
        assert_eq!(line("28.5.2"), Some((28, 3)));
        assert_eq!(line("29.4.2-2"), Some((29, 3)));
        assert_eq!(line("31.0.0"), Some((29, 3)));
        assert_eq!(line("1.13.1"), None);
        assert_eq!(line("unknown"), None);
    }

    #[test]
    fn kernels() {
        let kernel = |text: &str| text.parse::<KernelVersion>().unwrap();
        let range = kernel_range("20.10.24");
        assert!(range.holds(kernel("3.10.0-957.el7.x86_64")));
        assert!(!range.holds(kernel("2.6.32-754.el6.x86_64")));
        assert!(range.overlay_works(kernel("3.10.0-957"), true));
        assert!(!range.overlay_works(kernel("3.10.0-327"), true));
        assert!(!range.overlay_works(kernel("3.10.0-957"), false));
        assert!(range.overlay_works(kernel("4.19.90"), false));
        assert!(!kernel_range("17.09.0-ce").overlay_works(kernel("3.10.0-957"), true));
        assert!(!kernel_range("29.1.0").overlay_works(kernel("3.10.0-957"), true));
        assert!(kernel_range("1.13.1").holds(kernel("3.10")));
    }
}

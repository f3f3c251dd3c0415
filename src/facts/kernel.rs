//! The running kernel: version, file systems, modules, build options.

use std::collections::BTreeMap;
use std::io::Read;

use super::Kernel;
use crate::host::{Host, HostError};

/// Build options that an engine needs or profits from (without `CONFIG_`): those that
/// moby's `check-config.sh` calls required, and overlay.
pub const OPTIONS: [&str; 33] = [
    "BRIDGE",
    "BRIDGE_NETFILTER",
    "CGROUPS",
    "CGROUP_BPF",
    "CGROUP_CPUACCT",
    "CGROUP_DEVICE",
    "CGROUP_FREEZER",
    "CGROUP_PIDS",
    "CGROUP_SCHED",
    "CPUSETS",
    "IPC_NS",
    "IP_NF_FILTER",
    "IP_NF_NAT",
    "IP_NF_TARGET_MASQUERADE",
    "KEYS",
    "MEMCG",
    "NAMESPACES",
    "NETFILTER_XT_MARK",
    "NETFILTER_XT_MATCH_ADDRTYPE",
    "NETFILTER_XT_MATCH_CONNTRACK",
    "NETFILTER_XT_TARGET_MASQUERADE",
    "NET_NS",
    "NFT_COMPAT",
    "NF_NAT",
    "NF_TABLES",
    "OVERLAY_FS",
    "PID_NS",
    "POSIX_MQUEUE",
    "SECCOMP",
    "SECCOMP_FILTER",
    "USER_NS",
    "UTS_NS",
    "VETH",
];

/// Modules that an engine needs, as far as they are not built in.
pub const MODULES: [&str; 16] = [
    "br_netfilter",
    "bridge",
    "ip_tables",
    "ipt_MASQUERADE",
    "iptable_filter",
    "iptable_nat",
    "nf_conntrack",
    "nf_nat",
    "nf_tables",
    "nft_compat",
    "overlay",
    "veth",
    "vxlan",
    "xt_MASQUERADE",
    "xt_addrtype",
    "xt_conntrack",
];

/// How much of an unpacked `/proc/config.gz` is read; real ones have about 300 KiB.
const CONFIG_LIMIT: u64 = 4 << 20;

/// The first three numbers of a version: `3.10.0-1160.el7.x86_64` is (3, 10, 0).
pub fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == '.'));
    let mut numbers = text[..end.unwrap_or(text.len())].split('.');
    let first = numbers.next()?.parse().ok()?;
    let mut next = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    Some((first, next(), next()))
}

/// Reads `/proc/filesystems`.
pub fn parse_file_systems(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Reads `/proc/modules`.
pub fn parse_modules(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Those of [`MODULES`] that `modules.dep` or `modules.builtin` names: one path a line,
/// `kernel/fs/overlayfs/overlay.ko.xz: …`.
pub fn parse_module_list(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text.lines().filter_map(module_name).collect();
    found.sort();
    found.dedup();
    found
}

fn module_name(line: &str) -> Option<String> {
    let path = line.split(':').next()?;
    let file = path.rsplit('/').next()?;
    let name = file.split_once(".ko")?.0.replace('-', "_");
    MODULES.contains(&name.as_str()).then_some(name)
}

/// Those of [`OPTIONS`] that a kernel's `.config` sets to `y` or `m`.
pub fn parse_config(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
        .filter(|(name, value)| OPTIONS.contains(name) && matches!(*value, "y" | "m"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Looks at the running kernel.
///
/// # Errors
/// [`HostError`] if one of its files is there but cannot be read.
pub fn gather(host: &Host, release: &str) -> Result<Kernel, HostError> {
    let text = |path: &str| host.read_text(path);
    let directory = format!("/lib/modules/{release}");
    let lists = [
        text(&format!("{directory}/modules.dep"))?,
        text(&format!("{directory}/modules.builtin"))?,
    ];
    let loadable = lists[0]
        .is_some()
        .then(|| parse_module_list(&lists.into_iter().flatten().collect::<Vec<_>>().join("\n")));
    Ok(Kernel {
        release: release.to_owned(),
        version: parse_version(release).unwrap_or_default(),
        file_systems: parse_file_systems(&text("/proc/filesystems")?.unwrap_or_default()),
        config: config_text(host, release)?.as_deref().map(parse_config),
        modules: parse_modules(&text("/proc/modules")?.unwrap_or_default()),
        loadable,
    })
}

pub(super) fn config_text(host: &Host, release: &str) -> Result<Option<String>, HostError> {
    const PACKED: &str = "/proc/config.gz";
    if let Some(packed) = host.read(PACKED)? {
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .take(CONFIG_LIMIT)
            .read_to_string(&mut text)
            .map_err(|source| HostError::io("unpack", PACKED, source))?;
        return Ok(Some(text));
    }
    for path in [format!("/boot/config-{release}"), format!("/lib/modules/{release}/config")] {
        if let Some(text) = host.read_text(&path)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse_version("3.10.0-1160.119.1.el7.x86_64"), Some((3, 10, 0)));
        assert_eq!(parse_version("6.1.0-18-amd64"), Some((6, 1, 0)));
        assert_eq!(parse_version("6.12-rc3"), Some((6, 12, 0)));
        assert_eq!(parse_version("5.10.0-60.18.0.50.oe2203.aarch64"), Some((5, 10, 0)));
        assert_eq!(parse_version("Linux"), None);
    }

    #[test]
    fn proc_files() {
        let file_systems = parse_file_systems("nodev\tsysfs\nnodev\toverlay\n\text4\n");
        assert_eq!(file_systems, ["ext4", "overlay", "sysfs"]);
        let modules = parse_modules(
            "overlay 151552 20 - Live 0x0000000000000000\nbridge 311296 1 br_netfilter, Live 0x0\n",
        );
        assert_eq!(modules, ["bridge", "overlay"]);
    }

    #[test]
    fn module_lists() {
        let names = parse_module_list(
            "kernel/fs/overlayfs/overlay.ko.xz:\n\
             kernel/net/bridge/br_netfilter.ko.zst: kernel/net/bridge/bridge.ko.zst\n\
             kernel/net/netfilter/xt_addrtype.ko: kernel/net/netfilter/x_tables.ko\n\
             kernel/net/netfilter/nft-compat.ko\nkernel/drivers/net/dummy.ko:\n\n",
        );
        assert_eq!(names, ["br_netfilter", "nft_compat", "overlay", "xt_addrtype"]);
    }

    #[test]
    fn options() {
        let config = parse_config(
            "# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_OVERLAY_FS=m\nCONFIG_VETH=y\n\
             # CONFIG_BRIDGE is not set\nCONFIG_LOCALVERSION=\"y\"\nCONFIG_HZ=250\n",
        );
        assert_eq!(config.get("OVERLAY_FS").map(String::as_str), Some("m"));
        assert_eq!(config.get("VETH").map(String::as_str), Some("y"));
        assert_eq!(config.len(), 2);
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(OPTIONS.is_sorted() && MODULES.is_sorted());
    }
}

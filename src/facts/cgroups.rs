//! Control groups, from what is mounted.

use super::{CgroupMode, Cgroups};

/// Reads `/proc/self/mountinfo`, `/proc/cgroups`, and the `cgroup.controllers` of a version 2
/// root (empty where there is none; see [`v2_root`]).
pub fn parse(mountinfo: &str, proc_cgroups: &str, v2_controllers: &str) -> Cgroups {
    let mut controllers: Vec<String> = Vec::new();
    let (mut v1, mut v2) = (false, false);
    for mount in mountinfo.lines().filter_map(Mount::parse) {
        match mount.kind {
            "cgroup2" => v2 = true,
            "cgroup" => {
                let named = enabled_v1(proc_cgroups)
                    .filter(|name| mount.super_options.split(',').any(|option| option == *name));
                let before = controllers.len();
                controllers.extend(named.map(str::to_owned));
                v1 |= controllers.len() > before;
            }
            _ => {}
        }
    }
    if v2 {
        controllers.extend(v2_controllers.split_whitespace().map(str::to_owned));
    }
    controllers.sort();
    controllers.dedup();
    let mode = match (v1, v2) {
        (false, false) => CgroupMode::None,
        (true, false) => CgroupMode::V1,
        (true, true) => CgroupMode::Hybrid,
        (false, true) => CgroupMode::V2,
    };
    Cgroups { mode, controllers }
}

/// Where the version 2 tree is mounted, from `/proc/self/mountinfo`.
pub fn v2_root(mountinfo: &str) -> Option<&str> {
    mountinfo
        .lines()
        .filter_map(Mount::parse)
        .find(|mount| mount.kind == "cgroup2")
        .map(|mount| mount.point)
}

/// The version 1 controllers that the kernel has and that its command line left on.
fn enabled_v1(proc_cgroups: &str) -> impl Iterator<Item = &str> {
    proc_cgroups.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next()?;
        (fields.nth(2)? == "1").then_some(name)
    })
}

/// A line of mountinfo, as far as it is needed (proc_pid_mountinfo(5)).
struct Mount<'a> {
    point: &'a str,
    kind: &'a str,
    super_options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut file_system = file_system.split(' ');
        Some(Self {
            point: mount.split(' ').nth(4)?,
            kind: file_system.next()?,
            super_options: file_system.nth(1)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_ENABLED: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
        cpuset\t3\t2\t1\ncpu\t1\t2\t1\ncpuacct\t1\t2\t1\nmemory\t4\t16\t1\ndevices\t5\t2\t1\n\
        net_cls\t0\t16\t1\nhugetlb\t0\t16\t0\n";

    #[test]
    fn hybrid() {
        let mountinfo = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n\
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
            40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let cgroups = parse(mountinfo, V1_ENABLED, "");
        assert_eq!(cgroups.mode, CgroupMode::Hybrid);
        assert_eq!(cgroups.controllers, ["cpu", "cpuacct", "memory"]);
        assert_eq!(v2_root(mountinfo), Some("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn version_1_with_a_controller_that_is_off() {
        let mountinfo = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            36 31 0:33 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb\n";
        let cgroups = parse(mountinfo, V1_ENABLED, "");
        assert_eq!(cgroups.mode, CgroupMode::V1);
        assert_eq!(cgroups.controllers, ["memory"]);
    }

    #[test]
    fn version_2() {
        let mountinfo = "28 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - \
            cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";
        let cgroups = parse(mountinfo, V1_ENABLED, "cpuset cpu io memory hugetlb pids rdma\n");
        assert_eq!(cgroups.mode, CgroupMode::V2);
        assert_eq!(
            cgroups.controllers,
            ["cpu", "cpuset", "hugetlb", "io", "memory", "pids", "rdma"]
        );
        assert_eq!(v2_root(mountinfo), Some("/sys/fs/cgroup"));
    }

    #[test]
    fn a_named_hierarchy_alone_is_no_version_1() {
        let mountinfo = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
        assert_eq!(parse(mountinfo, V1_ENABLED, "").mode, CgroupMode::None);
        assert_eq!(parse("", "", ""), Cgroups::default());
    }
}

//! Control groups, as far as the runtime library leaves them to us.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often, and how long each time, the end of killed processes is waited for.
const ROUNDS: u32 = 400;
const ROUND: Duration = Duration::from_millis(5);

/// The hierarchies that are mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchies {
    /// Where version 1 is mounted, and its controllers or its `name=`.
    pub v1: Vec<(PathBuf, Vec<String>)>,
    /// Where version 2 is mounted.
    pub v2: Option<PathBuf>,
}

impl Hierarchies {
    /// Those of this host.
    pub fn load() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/mountinfo")?))
    }

    /// From the text of /proc/self/mountinfo, see proc(5).
    pub fn parse(mountinfo: &str) -> Self {
        let mut found = Self { v1: Vec::new(), v2: None };
        for line in mountinfo.lines() {
            let Some((mount, file_system)) = line.split_once(" - ") else { continue };
            let Some(path) = mount.split(' ').nth(4) else { continue };
            let mut words = file_system.split(' ');
            match (words.next(), words.nth(1)) {
                (Some("cgroup"), Some(options)) => {
                    let controllers = options.split(',').filter(|word| *word != "rw");
                    found.v1.push((path.into(), controllers.map(str::to_owned).collect()));
                }
                (Some("cgroup2"), _) => found.v2 = Some(path.into()),
                _ => {}
            }
        }
        found
    }

    /// Moves this process into `group` of every hierarchy: what it starts is no longer beneath the
    /// daemon's unit, which a restart empties. Not cpuset: a new group there has no processors.
    pub fn leave_for(&self, group: &Path) -> io::Result<()> {
        let group = group.strip_prefix("/").unwrap_or(group);
        let v1 =
            self.v1.iter().filter(|(_, controllers)| !controllers.iter().any(|c| c == "cpuset"));
        for mount in v1.map(|(path, _)| path).chain(&self.v2) {
            let directory = mount.join(group);
            fs::create_dir_all(&directory)?;
            fs::write(directory.join("cgroup.procs"), "0")?;
        }
        Ok(())
    }

    /// Whether the kernel killed a process of `group` for want of memory.
    pub fn was_out_of_memory(&self, group: &Path) -> bool {
        let group = group.strip_prefix("/").unwrap_or(group);
        let (path, file) = match self.v1_of("memory") {
            Some(path) => (path, "memory.oom_control"),
            None => match &self.v2 {
                Some(path) => (path.as_path(), "memory.events"),
                None => return false,
            },
        };
        fs::read_to_string(path.join(group).join(file)).is_ok_and(|text| oom_kills(&text) > 0)
    }

    /// The process IDs in `group`, with those of groups beneath it.
    pub fn processes(&self, group: &Path) -> Vec<i32> {
        let group = group.strip_prefix("/").unwrap_or(group);
        let mount = self.v1_of("devices").or(self.v2.as_deref());
        let mut found = Vec::new();
        let mut directories: Vec<PathBuf> =
            mount.map(|path| path.join(group)).into_iter().collect();
        while let Some(directory) = directories.pop() {
            let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            directories.extend(
                entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()),
            );
        }
        found
    }

    /// Kills what is in `group`, and waits until it is empty; not for ever: a process that hangs
    /// in the kernel cannot be killed.
    pub fn kill(&self, group: &Path) {
        for _ in 0..ROUNDS {
            let processes = self.processes(group);
            if processes.is_empty() {
                return;
            }
            self.thaw(group);
            for pid in processes.into_iter().filter_map(rustix::process::Pid::from_raw) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::sleep(ROUND);
        }
    }

    /// Lets go on what is frozen: it does not even die otherwise.
    fn thaw(&self, group: &Path) {
        let group = group.strip_prefix("/").unwrap_or(group);
        let v1 =
            self.v1_of("freezer").map(|mount| (mount.join(group).join("freezer.state"), "THAWED"));
        let v2 = self.v2.as_ref().map(|mount| (mount.join(group).join("cgroup.freeze"), "0"));
        for (file, state) in v1.into_iter().chain(v2).filter(|(file, _)| file.exists()) {
            // It may be gone by now.
            let _ = fs::write(file, state);
        }
    }

    /// Removes `group` from every hierarchy. Those that are not there are fine.
    pub fn remove(&self, group: &Path) -> io::Result<()> {
        let group = group.strip_prefix("/").unwrap_or(group);
        for mount in self.v1.iter().map(|(path, _)| path).chain(&self.v2) {
            match fs::remove_dir(mount.join(group)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Where hierarchies of version 1 are in a container. The runtime library mounts them there
    /// for writing, whatever the specification says.
    pub fn paths_in_container(&self) -> Vec<String> {
        let names = self.v1.iter().filter_map(|(path, _)| path.file_name());
        names.map(|name| format!("/sys/fs/cgroup/{}", name.to_string_lossy())).collect()
    }

    /// Where a controller of version 1 is mounted.
    pub fn v1_of(&self, controller: &str) -> Option<&Path> {
        let mut mounts = self.v1.iter();
        let found = mounts.find(|(_, controllers)| controllers.iter().any(|c| c == controller));
        found.map(|(path, _)| path.as_path())
    }
}

/// `oom_kill` of memory.oom_control (since 4.13) or memory.events.
fn oom_kills(text: &str) -> u64 {
    let mut lines = text.lines();
    let count = lines.find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_a_hybrid_host() {
        let found = Hierarchies::parse(
            "25 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
             26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
             27 25 0:24 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,name=systemd\n\
             28 25 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n",
        );
        assert_eq!(found.v1_of("cpuacct"), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(found.v1_of("name=systemd"), Some(Path::new("/sys/fs/cgroup/systemd")));
        assert_eq!(found.v2.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        assert_eq!(found.v1_of("memory"), None);
    }

    #[test]
    fn kills_are_counted_as_both_versions_write_them() {
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(oom_kills("low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n"), 1);
        assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\n"), 0);
    }
}

//! What a container is to be → the OCI specification that makes it (pure).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use libcontainer::oci_spec::{
    OciSpecError,
    runtime::{
        Capabilities, Capability, LinuxBuilder, LinuxCapabilities, LinuxCapabilitiesBuilder,
        LinuxCpuBuilder, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
        LinuxMemoryBuilder, LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType,
        LinuxPidsBuilder, LinuxResources, LinuxResourcesBuilder, Mount, MountBuilder, PosixRlimit,
        Process, ProcessBuilder, RootBuilder, Spec, SpecBuilder, UserBuilder,
    },
};

/// A container, with everything that Docker leaves open decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The mounted root file system.
    pub root: PathBuf,
    /// Whether it is mounted read-only.
    pub read_only: bool,
    /// Its name for itself.
    pub hostname: String,
    /// Its domain, if it has one.
    pub domainname: Option<String>,
    /// Its first process.
    pub process: ProcessSpec,
    /// Files of the host that are mounted over those of the image, and where.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Where its network comes from.
    pub network: Network,
    /// What is mounted in it beside what always is, in this order.
    pub extra_mounts: Vec<ExtraMount>,
    /// Kernel parameters of its own namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Paths that are read-only beside those that always are.
    pub read_only_paths: Vec<String>,
    /// Its group in every hierarchy.
    pub cgroup: PathBuf,
    /// What it may use.
    pub limits: Limits,
    /// Bytes of /dev/shm.
    pub shm_bytes: u64,
}

/// A mount that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraMount {
    /// `bind`, or a file system.
    pub kind: String,
    /// What is mounted.
    pub source: String,
    /// Where, in the container.
    pub destination: String,
    /// As mount(8) has them.
    pub options: Vec<String>,
}

/// A process in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    /// Where it starts.
    pub directory: PathBuf,
    /// Whether it has a terminal.
    pub terminal: bool,
    /// Who it is: user, group, more groups.
    pub user: (u32, u32, Vec<u32>),
    /// What it may become.
    pub capabilities: HashSet<Capability>,
    /// Its limits of its own.
    pub rlimits: Vec<PosixRlimit>,
    /// How much rather than others it is killed where memory is short.
    pub oom_score_adj: i32,
    /// Whether programs that give privileges give none.
    pub no_new_privileges: bool,
}

/// Where a container's network comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// A new one, with nothing but loopback.
    None,
    /// The host's.
    Host,
    /// That of the process with this ID.
    OfProcess(i32),
}

/// Limits, none where there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<i64>,
    /// Bytes of memory and swap together.
    pub memory_and_swap: Option<i64>,
    /// Weight of its share of the processors.
    pub cpu_shares: Option<u64>,
    /// Microseconds of processor time in each period.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<u64>,
    /// Processors, as in `0-2,7`.
    pub cpus: Option<String>,
    /// How many processes and threads.
    pub pids: Option<i64>,
}

/// The capabilities that Docker gives without being asked.
pub const DEFAULT_CAPABILITIES: [Capability; 14] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fsetid,
    Capability::Fowner,
    Capability::Mknod,
    Capability::NetRaw,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setfcap,
    Capability::Setpcap,
    Capability::NetBindService,
    Capability::SysChroot,
    Capability::Kill,
    Capability::AuditWrite,
];

/// What no container sees (moby, oci/defaults).
pub const MASKED: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
/// What no container writes to.
pub const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl ContainerSpec {
    /// The specification.
    pub fn render(&self) -> Result<Spec, OciSpecError> {
        let strings = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let masked: Vec<String> = strings(&MASKED);
        let mut read_only: Vec<String> = strings(&READ_ONLY);
        read_only.extend(self.read_only_paths.iter().cloned());
        let linux = LinuxBuilder::default()
            .namespaces(self.namespaces()?)
            .cgroups_path(&self.cgroup)
            .masked_paths(masked)
            .readonly_paths(read_only)
            .sysctl(self.sysctls.clone().into_iter().collect::<HashMap<_, _>>())
            .resources(self.resources()?)
            .build()?;
        let mut spec = SpecBuilder::default()
            .version("1.2.0")
            .root(RootBuilder::default().path(&self.root).readonly(self.read_only).build()?)
            .hostname(&self.hostname)
            .process(self.process.render()?)
            .mounts(self.mounts()?)
            .linux(linux)
            .build()?;
        spec.set_domainname(self.domainname.clone());
        Ok(spec)
    }

    fn namespaces(&self) -> Result<Vec<LinuxNamespace>, OciSpecError> {
        use LinuxNamespaceType as Type;
        let of = |kind| LinuxNamespaceBuilder::default().typ(kind).build();
        let mut all = vec![of(Type::Mount)?, of(Type::Pid)?, of(Type::Ipc)?, of(Type::Uts)?];
        match self.network {
            Network::Host => {}
            Network::None => all.push(of(Type::Network)?),
            Network::OfProcess(pid) => all.push(
                LinuxNamespaceBuilder::default()
                    .typ(Type::Network)
                    .path(format!("/proc/{pid}/ns/net"))
                    .build()?,
            ),
        }
        Ok(all)
    }

    fn mounts(&self) -> Result<Vec<Mount>, OciSpecError> {
        let shm = format!("size={}", self.shm_bytes);
        // The same that Docker mounts (moby, oci/defaults), in its order.
        let mut all = vec![
            mount("proc", "proc", "/proc", &["nosuid", "noexec", "nodev"])?,
            mount("tmpfs", "tmpfs", "/dev", &["nosuid", "strictatime", "mode=755", "size=65536k"])?,
            mount(
                "devpts",
                "devpts",
                "/dev/pts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            )?,
            mount("sysfs", "sysfs", "/sys", &["nosuid", "noexec", "nodev", "ro"])?,
            mount("cgroup", "cgroup", "/sys/fs/cgroup", &["ro", "nosuid", "noexec", "nodev"])?,
            mount("mqueue", "mqueue", "/dev/mqueue", &["nosuid", "noexec", "nodev"])?,
            mount("tmpfs", "shm", "/dev/shm", &["nosuid", "noexec", "nodev", "mode=1777", &shm])?,
        ];
        for extra in &self.extra_mounts {
            all.push(
                MountBuilder::default()
                    .typ(&extra.kind)
                    .source(&extra.source)
                    .destination(&extra.destination)
                    .options(extra.options.clone())
                    .build()?,
            );
        }
        for (host, inside) in &self.files {
            all.push(
                MountBuilder::default()
                    .typ("bind")
                    .source(host)
                    .destination(inside)
                    .options(["rbind".to_owned(), "rprivate".to_owned()])
                    .build()?,
            );
        }
        Ok(all)
    }

    fn resources(&self) -> Result<LinuxResources, OciSpecError> {
        let limits = &self.limits;
        let mut resources = LinuxResourcesBuilder::default().devices(device_rules()?);
        if limits.memory.is_some() || limits.memory_and_swap.is_some() {
            let mut memory = LinuxMemoryBuilder::default();
            if let Some(bytes) = limits.memory {
                memory = memory.limit(bytes);
            }
            if let Some(bytes) = limits.memory_and_swap {
                memory = memory.swap(bytes);
            }
            resources = resources.memory(memory.build()?);
        }
        let mut cpu = LinuxCpuBuilder::default();
        if let Some(shares) = limits.cpu_shares {
            cpu = cpu.shares(shares);
        }
        if let Some(quota) = limits.cpu_quota {
            cpu = cpu.quota(quota);
        }
        if let Some(period) = limits.cpu_period {
            cpu = cpu.period(period);
        }
        if let Some(cpus) = &limits.cpus {
            cpu = cpu.cpus(cpus);
        }
        resources = resources.cpu(cpu.build()?);
        if let Some(pids) = limits.pids {
            resources = resources.pids(LinuxPidsBuilder::default().limit(pids).build()?);
        }
        resources.build()
    }
}

impl ProcessSpec {
    /// The process.
    pub fn render(&self) -> Result<Process, OciSpecError> {
        let (uid, gid, groups) = &self.user;
        let user =
            UserBuilder::default().uid(*uid).gid(*gid).additional_gids(groups.clone()).build()?;
        let mut process = ProcessBuilder::default()
            .args(self.arguments.clone())
            .env(self.environment.clone())
            .cwd(&self.directory)
            .terminal(self.terminal)
            .user(user)
            .capabilities(capabilities(&self.capabilities)?)
            .no_new_privileges(self.no_new_privileges)
            .build()?;
        // The builder fills in a limit of its own.
        let limits = self.rlimits.clone();
        process.set_rlimits(Some(limits).filter(|limits| !limits.is_empty()));
        process.set_oom_score_adj(Some(self.oom_score_adj));
        Ok(process)
    }
}

/// Docker gives no inheritable and no ambient capabilities (CVE-2022-24769).
fn capabilities(given: &HashSet<Capability>) -> Result<LinuxCapabilities, OciSpecError> {
    let given: Capabilities = given.iter().copied().collect();
    LinuxCapabilitiesBuilder::default()
        .bounding(given.clone())
        .effective(given.clone())
        .permitted(given)
        .inheritable(Capabilities::new())
        .ambient(Capabilities::new())
        .build()
}

/// Nothing, but: making devices, and using those that are in every container.
fn device_rules() -> Result<Vec<LinuxDeviceCgroup>, OciSpecError> {
    let rule = |allow, kind, numbers: Option<(i64, Option<i64>)>, access: &str| {
        let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).typ(kind).access(access);
        if let Some((major, minor)) = numbers {
            rule = rule.major(major);
            if let Some(minor) = minor {
                rule = rule.minor(minor);
            }
        }
        rule.build()
    };
    let character = LinuxDeviceType::C;
    let mut rules = vec![
        rule(false, LinuxDeviceType::A, None, "rwm")?,
        rule(true, character, None, "m")?,
        rule(true, LinuxDeviceType::B, None, "m")?,
    ];
    // null, zero, full, random, urandom, tty, console, ptmx, and the terminals of devpts.
    let one = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)];
    for (major, minor) in one {
        rules.push(rule(true, character, Some((major, Some(minor))), "rwm")?);
    }
    rules.push(rule(true, character, Some((136, None)), "rwm")?);
    Ok(rules)
}

fn mount(kind: &str, source: &str, at: &str, options: &[&str]) -> Result<Mount, OciSpecError> {
    MountBuilder::default()
        .typ(kind)
        .source(source)
        .destination(at)
        .options(options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
        .build()
}

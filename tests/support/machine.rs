//! One booted, disposable host: a container with a systemd of its own, or a virtual machine.

use super::bench::{MINUTE, SHARE, Slot, bench};
use super::bundle;
use super::run::Run;
use super::snapshot::Snapshot;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A host that is not the usual one.
#[derive(Debug, Default)]
pub struct MachineOptions {
    /// Debian suite; the bench's default when `None`.
    pub suite: Option<&'static str>,
    /// A variant of the bench's default suite, see `mkvariant.sh`.
    pub variant: Option<&'static str>,
    /// Size of a disk of its own for `/` and `/var/lib`, as `truncate` reads it ("400M").
    pub disk: Option<&'static str>,
    /// More options for systemd-nspawn.
    pub nspawn: Vec<String>,
}

impl MachineOptions {
    /// Boots the host; waits for one of the slots first.
    pub fn boot(self) -> Machine {
        let slot = Slot::take();
        let pid = std::process::id();
        let name = next_name();
        let cut = if self.disk.is_some() { "cut" } else { "kill" };
        let machine = Machine { name, script: "machine.sh", cut, patience: 1, _slot: slot };
        let mut start = bench().script("machine.sh");
        start.args(["start", &machine.name, "--owner", &pid.to_string()]);
        if let Some(suite) = self.suite {
            Run::of(bench().script("mkroot.sh").arg(suite), b"", MINUTE * 20).ok();
            start.args(["--suite", suite]);
        }
        if let Some(variant) = self.variant {
            let made = Run::of(bench().script("mkvariant.sh").arg(variant), b"", MINUTE * 20).ok();
            start.args(["--suite", made.lines().last().expect("mkvariant.sh prints a name")]);
        }
        if let Some(disk) = self.disk {
            start.args(["--disk", disk]);
        }
        start.arg("--").arg(format!("--bind-ro={}:{SHARE}", bench().share.display()));
        start.args(&self.nspawn);
        Run::of(&start, b"", MINUTE * 3).ok();
        machine
    }
}

/// A virtual machine: a host with a kernel of its own, emulated, and so much slower.
#[derive(Debug, Default)]
pub struct VmOptions {
    /// Words for the kernel's command line; without any, SELinux and AppArmor are off.
    pub kernel: &'static [&'static str],
}

impl VmOptions {
    /// Boots it; waits for one of the slots first. What it sees at `/mnt/share` is a copy of
    /// what is there now: the program, the usual archive, and the usual image.
    pub fn boot(self) -> Machine {
        let slot = Slot::take();
        bundle::docker();
        bundle::image();
        let pid = std::process::id();
        let name = next_name();
        let machine = Machine { name, script: "vm.sh", cut: "kill", patience: 10, _slot: slot };
        let mut start = bench().script("vm.sh");
        start.args(["start", &machine.name, "--owner", &pid.to_string(), "--share"]);
        start.arg(&bench().share).arg("--").args(self.kernel);
        Run::of(&start, b"", MINUTE * 30).ok();
        machine
    }
}

/// Unique among all runs on this machine: interfaces and cgroups bear this name.
fn next_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("t{:x}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A host of its own for one test: a Debian with a running systemd and no way to the internet.
/// Removed when dropped, also when the test panics; then the end of its journal is shown.
pub struct Machine {
    name: String,
    /// The script that drives it.
    script: &'static str,
    /// What cuts its power.
    cut: &'static str,
    /// How many times longer than usual everything may take.
    patience: u32,
    _slot: Slot,
}

impl Machine {
    /// The usual host.
    pub fn boot() -> Self {
        MachineOptions::default().boot()
    }

    /// Runs a command as root in the host.
    pub fn exec<S: AsRef<str>>(&self, command: &[S]) -> Run {
        self.exec_with_input(command, b"")
    }

    /// The same, with bytes on its standard input.
    pub fn exec_with_input<S: AsRef<str>>(&self, command: &[S], input: &[u8]) -> Run {
        Run::of(&self.command(command), input, MINUTE * 4 * self.patience)
    }

    /// The command of this machine that runs a command in the host; for tests that start it themselves.
    pub fn command<S: AsRef<str>>(&self, command: &[S]) -> Command {
        let mut exec = bench().script(self.script);
        exec.args(["exec", &self.name]).args(command.iter().map(AsRef::as_ref));
        exec
    }

    /// Runs a shell script in the host, which must succeed; its standard output.
    #[track_caller]
    pub fn sh(&self, script: &str) -> String {
        self.exec(&["sh", "-euc", script]).ok()
    }

    /// Runs the program under test.
    pub fn landfall<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        let program = format!("{SHARE}/landfall");
        let words: Vec<&str> =
            std::iter::once(program.as_str()).chain(arguments.iter().map(AsRef::as_ref)).collect();
        self.exec(&words)
    }

    /// The same on a kernel that seems to be 3.10: it answers `answer` (`ENOSYS`, `EPERM`) to all
    /// system calls that came later, see `old_kernel.py`.
    pub fn landfall_on_old_kernel<S: AsRef<str>>(&self, answer: &str, arguments: &[S]) -> Run {
        let program = format!("{SHARE}/landfall");
        let words: Vec<&str> =
            std::iter::once(program.as_str()).chain(arguments.iter().map(AsRef::as_ref)).collect();
        self.on_old_kernel(answer, &words)
    }

    /// Any command of the host, on such a kernel.
    pub fn on_old_kernel<S: AsRef<str>>(&self, answer: &str, command: &[S]) -> Run {
        let exec = self.command(command);
        // From outside, so that the host needs nothing; the filter is inherited.
        let mut filtered = bench().script("old_kernel.py");
        filtered.arg(answer).arg(exec.get_program()).args(exec.get_args());
        Run::of(&filtered, b"", MINUTE * 4)
    }

    /// Writes a file in the host, with mode 0644 if it is new.
    #[track_caller]
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        let script = r#"umask 022; mkdir -p "${1%/*}"; cat >"$1""#;
        self.exec_with_input(&["sh", "-euc", script, "put", path], content.as_ref()).exits(0);
    }

    /// A text file of the host.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        self.exec(&["cat", path]).exits(0).stdout
    }

    /// Whether the host has this path (a dangling link counts).
    pub fn exists(&self, path: &str) -> bool {
        self.exec(&["sh", "-c", r#"[ -e "$1" ] || [ -L "$1" ]"#, "exists", path]).code == 0
    }

    /// The process of this machine that is the host's first.
    #[track_caller]
    pub(super) fn leader(&self) -> String {
        self.machine("pid").ok()
    }

    /// A unit's property, as `systemctl show` prints it.
    #[track_caller]
    pub fn unit(&self, unit: &str, property: &str) -> String {
        self.exec(&["systemctl", "show", "--value", "-p", property, unit]).ok()
    }

    /// Everything that an installation may change. Not for a virtual machine: its files and
    /// processes cannot be seen from outside.
    pub fn snapshot(&self) -> Snapshot {
        let mut script = bench().script("snapshot.py");
        Snapshot::parse(&Run::of(script.arg(&self.name), b"", MINUTE * 2).ok())
    }

    /// Reboots the host and waits until its systemd has finished.
    pub fn reboot(&self) {
        self.machine("reboot").ok();
    }

    /// Shuts the host down, and boots it again from its disk.
    pub fn power_off_and_on(&self) {
        self.machine("poweroff").ok();
        self.machine("start").ok();
    }

    /// Cuts the power, and boots again from the disk. What was not synced is lost on a virtual
    /// machine, and on a host with a disk of its own; on another only processes die.
    pub fn power_cut(&self) {
        self.machine(self.cut).ok();
        self.machine("start").ok();
    }

    fn machine(&self, command: &str) -> Run {
        let limit = MINUTE * 3 * self.patience;
        Run::of(bench().script(self.script).args([command, &self.name]), b"", limit)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let journal =
                self.exec(&["journalctl", "--no-pager", "-n", "40", "-o", "short-monotonic"]);
            eprintln!("--- end of the journal of {}\n{}", self.name, journal.output());
            if std::env::var_os("BENCH_KEEP").is_some() {
                eprintln!("BENCH_KEEP is set: {} stays up until the next run", self.name);
                return;
            }
        }
        self.machine("rm");
    }
}

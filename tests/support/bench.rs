//! What all tests of one run share: the bench's scripts, the run's directory, the limit on hosts.

use super::run::Run;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Hosts that may be up at once, unless `BENCH_HOSTS` says otherwise. A host with a daemon needs
/// about 100 MiB and, while it installs, a core.
const HOSTS_AT_ONCE: usize = 4;

/// Where the run's directory appears in every host, read-only.
pub const SHARE: &str = "/mnt/share";

/// The test bench, ready: packages there, root and archive made, program in the shared directory.
pub struct Bench {
    scripts: PathBuf,
    /// This run's own directory; removed by `machine.sh gc` once this process is gone.
    pub run: PathBuf,
    /// The part of `run` that hosts see at [`SHARE`].
    pub share: PathBuf,
    /// The archive that `mkbundle.sh` made.
    pub bundle: PathBuf,
}

/// The bench of this test run, prepared by whoever asks first.
pub fn bench() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(Bench::prepare)
}

impl Bench {
    fn prepare() -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench");
        let script = |name: &str, arguments: &[&str]| {
            // Cold, the root is debootstrapped here: minutes.
            let run = Run::of(
                Command::new(scripts.join(name)).args(arguments),
                b"",
                MINUTE.saturating_mul(20),
            );
            assert!(run.code == 0, "the test bench is not ready; run `make deps roots`: {run}");
            run.stdout.trim_end().to_owned()
        };
        script("deps.sh", &["--check"]);
        script("machine.sh", &["gc"]);
        script("mkroot.sh", &[]);
        let bundle = PathBuf::from(script("mkbundle.sh", &[]));
        let work = bundle.ancestors().nth(3).expect("WORK/bundles/SUITE/FILE");
        let run = work.join("run").join(format!("t{}", std::process::id()));
        let share = run.join("share");
        std::fs::create_dir_all(&share).expect("the cache directory is writable");
        let started = script("machine.sh", &["start-time", &std::process::id().to_string()]);
        std::fs::write(run.join("owner"), format!("{} {started}\n", std::process::id()))
            .expect("the run's directory is writable");
        // A copy, so that a build in the middle of a run does not change the program under test.
        std::fs::copy(env!("CARGO_BIN_EXE_landfall"), share.join("landfall"))
            .expect("the program can be copied");
        Self { scripts, run, share, bundle }
    }

    /// A command that runs one of the bench's scripts.
    pub fn script(&self, name: &str) -> Command {
        Command::new(self.scripts.join(name))
    }
}

/// The directory that hosts see as [`SHARE`].
pub fn share() -> &'static Path {
    &bench().share
}

/// The unit of time limits here.
pub const MINUTE: Duration = Duration::from_secs(60);

/// The right to have one host up; given back when dropped.
pub struct Slot(());

static TAKEN: Mutex<usize> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

impl Slot {
    /// Waits until fewer hosts than allowed are up.
    pub fn take() -> Self {
        let limit = std::env::var("BENCH_HOSTS")
            .map_or(HOSTS_AT_ONCE, |text| text.parse().expect("BENCH_HOSTS is a number"));
        let taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = GIVEN_BACK
            .wait_while(taken, |taken| *taken >= limit)
            .unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Self(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        GIVEN_BACK.notify_one();
    }
}

//! What can be wrong with files, programs and units of the host.

/// What stands where a file belongs.
pub const A_FILE: &str = "a file";
/// What stands where a file belongs.
pub const A_DIRECTORY: &str = "a directory";
/// What stands where a file belongs.
pub const A_SYMBOLIC_LINK: &str = "a symbolic link";
/// What stands where a file belongs.
pub const A_SPECIAL_FILE: &str = "a device, FIFO or socket";
/// What stands where the link belongs.
pub const NOT_THE_LINK: &str = "something else than the link that enables the unit";
/// How groupdel ended.
pub const A_SIGNAL: &str = "a signal";
/// Why a file is not read.
pub const NOT_REGULAR: &str = "not a regular file";
/// Why the beginning of a file is not added to.
pub const FETCHED_ELSEWHERE: &str = "another process is fetching this file";
/// Why a directory is no cache.
pub const OTHERS_CACHE: &str =
    "it has to be a directory of the caller's own, in which nobody else may write";
/// Why a file is not read.
pub const OVER_16_MIB: &str = "over 16 MiB";
/// Why an input file is not read.
pub const OVER_1_MIB: &str = "over 1 MiB";
/// Why a plan or a probe is not read.
pub const OVER_64_MIB: &str = "over 64 MiB";
/// How a program ended.
pub const ENDED_BY_SIGNAL: &str = "ended by a signal";
/// Why a program's output is not taken.
pub const TOO_MUCH_OUTPUT: &str = "it printed more than 16 MiB";
/// Instead of a unit: systemd itself.
pub const THE_MANAGER: &str = "the manager";
/// Why a process cannot be moved.
pub const NO_BUS: &str = "the system bus cannot be reached";
/// What `systemctl` calls a run's scope.
pub const SCOPE_DESCRIPTION: &str = "A run of landfall";
/// Instead of a path.
/// Why staged files are not on disk.
pub const SYNCING_PANICKED: &str = "the syncing thread panicked";
/// Why staged bytes are not written.
pub const NO_FILE_BEGUN: &str = "no file was begun";

/// How a program ended.
pub fn exit_code(code: i32) -> String {
    format!("exit code {code}")
}

/// systemd did not answer, or a job did not end.
pub fn not_done_within(seconds: u64) -> String {
    format!("not done within {seconds} s")
}

/// How a job of systemd ended, in systemd's own word.
pub fn job_result(result: &str) -> String {
    format!("the job's result is “{result}”")
}
/// What could not be read.
pub const ROUTES: &str = "the kernel's routes";
/// What stands where a directory belongs.
pub const NOT_A_DIRECTORY: &str = "no directory";

/// The copy of a directory is in that directory, by another name.
pub const COPY_IN_ITSELF: &str =
    "the new place is in the directory itself, by another name: a bind mount?";

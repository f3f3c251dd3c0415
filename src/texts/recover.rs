//! Completing or taking back a run that was cut.

/// Without root.
pub const NOT_ROOT: &str = "recovering needs root";
/// No run was cut.
pub const NOTHING: &str = "Nothing to do: no run was cut.";
/// It had been committed.
pub const COMPLETED: &str = "Completed: the changes of the run that was cut are made.";
/// It was taken back.
pub const UNDONE: &str = "Taken back: the host is as it was before the run that was cut.";
/// At boot, when it failed.
pub const ENGINE_HELD: &str = "docker is not started, since its files may be of two versions: \
     mend the cause, type landfall recover, then systemctl start docker";

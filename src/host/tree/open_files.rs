//! How many files may be open at once: a deep directory needs one, or two, for each level.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, for as long as this exists: programs that
/// are started get the usual one.
pub(super) struct OpenFiles(Option<Rlimit>);

impl OpenFiles {
    pub(super) fn raise() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
        let is_raised = limit.current != limit.maximum && setrlimit(Resource::Nofile, most).is_ok();
        Self(is_raised.then_some(limit))
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        if let Some(limit) = self.0.take() {
            // More than usual does no harm.
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
}

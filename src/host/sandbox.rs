//! Sandboxes that forbid what a program cannot do without.

use rustix::fs::{Access, AtFlags, CWD, StatxFlags};
use rustix::io::Errno;

use super::HostError;

/// Makes sure that newer system calls are there or are said not to be there.
///
/// The C library and path resolution fall back to older calls where the kernel does not know a
/// newer one (`ENOSYS`). Sandboxes that are older than the call (container engines before
/// Docker 20.10.10, with their own seccomp profile) answer `EPERM` instead, from which nothing
/// falls back: it is better to say so than to fail half-way.
///
/// # Errors
/// [`HostError::Sandbox`] names the first call that is forbidden.
pub(super) fn check() -> Result<(), HostError> {
    let forbidden = |call, source| Err(HostError::Sandbox { call, source });
    match std::thread::Builder::new().spawn(|| {}) {
        Ok(thread) => drop(thread.join()),
        Err(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            return forbidden("clone3", source);
        }
        // Too many processes, say: whoever needs a thread reports it.
        Err(_) => {}
    }
    if rustix::fs::accessat(CWD, "/", Access::EXISTS, AtFlags::SYMLINK_NOFOLLOW) == Err(Errno::PERM)
    {
        return forbidden("faccessat2", Errno::PERM.into());
    }
    if rustix::fs::statx(CWD, "/", AtFlags::empty(), StatxFlags::MNT_ID).err() == Some(Errno::PERM)
    {
        return forbidden("statx", Errno::PERM.into());
    }
    Ok(())
}

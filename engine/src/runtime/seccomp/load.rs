//! Loading a filter, without also setting no_new_privs as the crate that compiles it does.
#![allow(unsafe_code)] // one call that no crate has

use std::io;

use nix::libc;

use super::Program;

/// Loads a filter into this thread, for good.
pub fn load(program: &Program) -> io::Result<()> {
    let length = u16::try_from(program.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the filter is too long"))?;
    // The kernel reads as many instructions as the length says (seccomp(2)).
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: `filter` points to `length` instructions of the kernel's layout (the crate's
    // `sock_filter` is `repr(C)` with the same fields), which outlive the call; the kernel copies
    // them and writes nothing.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::c_ulong::from(libc::SECCOMP_MODE_FILTER),
            &raw const filter,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

//! Keeps a static program out of the C library's name services.
//!
//! `getaddrinfo`, `getpwuid_r` and their kin load shared modules of the *host's* C library
//! (glibc's NSS) into the program; a static program of another version crashes there
//! (glibc manual, "Static Linking and NSS"; `ld` warns of it). Landfall calls none of them,
//! but its libraries reference them. These definitions come before the C library's in the
//! link, so that the originals are never linked in (an end-to-end test looks at the symbols):
//! each fails, as if the name was unknown.
#![allow(unsafe_code)] // defines symbols of the C library

use std::ffi::{c_char, c_int, c_void};

/// `EAI_FAIL` of netdb.h: a permanent failure.
const EAI_FAIL: c_int = -4;
/// `ENOENT` of errno.h: the name was not found (getpwnam(3)).
const ENOENT: c_int = 2;

/// No host name is ever resolved through the C library.
#[unsafe(no_mangle)]
extern "C" fn getaddrinfo(
    _node: *const c_char,
    _service: *const c_char,
    _hints: *const c_void,
    _result: *mut *mut c_void,
) -> c_int {
    EAI_FAIL
}

/// Nothing that [`getaddrinfo`] could have allocated.
#[unsafe(no_mangle)]
extern "C" fn freeaddrinfo(_result: *mut c_void) {}

/// No user is ever looked up through the C library.
#[unsafe(no_mangle)]
extern "C" fn getpwuid_r(
    _uid: u32,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _length: usize,
    result: *mut *mut c_void,
) -> c_int {
    not_found(result)
}

/// No user is ever looked up through the C library.
#[unsafe(no_mangle)]
extern "C" fn getpwnam_r(
    _name: *const c_char,
    _entry: *mut c_void,
    _buffer: *mut c_char,
    _length: usize,
    result: *mut *mut c_void,
) -> c_int {
    not_found(result)
}

/// No user's groups are ever looked up through the C library.
#[unsafe(no_mangle)]
extern "C" fn getgrouplist(
    _user: *const c_char,
    _group: u32,
    _groups: *mut u32,
    _count: *mut c_int,
) -> c_int {
    // getgrouplist(3): -1 if the groups do not fit.
    -1
}

fn not_found(result: *mut *mut c_void) -> c_int {
    if !result.is_null() {
        // SAFETY: the caller passes where the result goes (getpwnam(3)), and it is not null.
        unsafe { *result = std::ptr::null_mut() };
    }
    ENOENT
}

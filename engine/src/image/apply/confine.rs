//! Giving up everything that unpacking a layer does not need.

use std::{io, path::Path};

use rustix::{
    fs::Mode,
    process::{
        Resource, Rlimit, Signal, chdir, chroot, getppid, getrlimit,
        set_parent_process_death_signal, setrlimit, umask,
    },
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};

/// Most memory: that of the largest Zstandard window, its tables, and the program itself.
const MEMORY: u64 = 1 << 30;

/// Most open files: it needs a handful.
const OPEN_FILES: u64 = 64;

/// Makes `root` all that this process can see.
pub(super) fn to(root: &Path) -> io::Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != parent || parent.is_none() {
        return Err(io::Error::other("the engine has gone"));
    }
    umask(Mode::empty());
    chdir(root)?;
    chroot(".")?;
    chdir("/")?;
    for (resource, most) in
        [(Resource::As, MEMORY), (Resource::Core, 0), (Resource::Nofile, OPEN_FILES)]
    {
        let known = getrlimit(resource).current.unwrap_or(u64::MAX);
        let most = Some(known.min(most));
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    set_no_new_privs(true)?;
    // Owners, modes, devices and attributes of files of any owner. `trusted` attributes, which
    // overlay's are, need more than one would like.
    let needed = CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::FOWNER
        | CapabilitySet::FSETID
        | CapabilitySet::MKNOD
        | CapabilitySet::SETFCAP
        | CapabilitySet::SYS_ADMIN;
    let sets = CapabilitySets {
        effective: needed,
        permitted: needed,
        inheritable: CapabilitySet::empty(),
    };
    Ok(set_capabilities(None, sets)?)
}

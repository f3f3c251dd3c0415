//! Effects that a test may have fail, as they do on a disk that is full, broken or read-only.
//! Only a build with debug assertions has them: in a release they are nothing.
//!
//! `LANDFALL_FAIL="N ERRNO"` has the Nth effect fail, `"N+ ERRNO"` that one and all after it which
//! would fail on such a disk: on a full one (`ENOSPC`) what needs room, on one that is read-only
//! (`EROFS`) what changes it.

use std::os::fd::AsFd;

/// What an effect needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Room: bytes, or a name that was not there.
    Grows,
    /// A disk that can be written to, and no room: attributes, a rename, a removal.
    Changes,
    /// Nothing that a full or read-only disk would refuse: a sync.
    Syncs,
}

/// Before an effect.
///
/// # Errors
/// The error that a test asks for.
#[cfg(not(debug_assertions))]
#[inline]
pub fn before(_effect: Effect) -> rustix::io::Result<()> {
    Ok(())
}

/// Before a name is removed; one that is absent is no effect.
///
/// # Errors
/// The error that a test asks for.
#[cfg(not(debug_assertions))]
#[inline]
pub fn before_removal(_directory: impl AsFd, _name: &str) -> rustix::io::Result<()> {
    Ok(())
}

/// Before an effect.
///
/// # Errors
/// The error that a test asks for.
#[cfg(debug_assertions)]
#[allow(clippy::print_stderr)] // a test has to know whether there was such an effect
pub fn before(effect: Effect) -> rustix::io::Result<()> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ASKED: OnceLock<Option<Fault>> = OnceLock::new();
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let asked = ASKED.get_or_init(|| Fault::parse(&std::env::var("LANDFALL_FAIL").ok()?));
    match asked {
        Some(fault) if fault.hits(COUNT.fetch_add(1, Ordering::Relaxed), effect) => {
            eprintln!("LANDFALL_FAIL hit");
            Err(fault.errno)
        }
        _ => Ok(()),
    }
}

/// Before a name is removed; one that is absent is no effect.
///
/// # Errors
/// The error that a test asks for.
#[cfg(debug_assertions)]
pub fn before_removal(directory: impl AsFd, name: &str) -> rustix::io::Result<()> {
    match rustix::fs::statat(directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => before(Effect::Changes),
        Err(_) => Ok(()),
    }
}

/// What shall fail.
#[cfg(debug_assertions)]
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    at: usize,
    stays: bool,
    errno: rustix::io::Errno,
}

#[cfg(debug_assertions)]
impl Fault {
    fn parse(text: &str) -> Option<Self> {
        use rustix::io::Errno;
        let (at, errno) = text.split_once(' ')?;
        let errno = match errno {
            "ENOSPC" => Errno::NOSPC,
            "EROFS" => Errno::ROFS,
            "EACCES" => Errno::ACCESS,
            "EIO" => Errno::IO,
            _ => return None,
        };
        let number = at.trim_end_matches('+').parse().ok()?;
        Some(Self { at: number, stays: at.ends_with('+'), errno })
    }

    fn hits(&self, number: usize, effect: Effect) -> bool {
        if number == self.at {
            return true;
        }
        let refused = match effect {
            Effect::Grows => true,
            Effect::Changes => self.errno != rustix::io::Errno::NOSPC,
            Effect::Syncs => false,
        };
        self.stays && number > self.at && refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(text: &str, effects: &[Effect]) -> Vec<usize> {
        let fault = Fault::parse(text).unwrap();
        let numbered = effects.iter().enumerate();
        let hits = numbered.filter(|(index, effect)| fault.hits(index + 1, **effect));
        hits.map(|(index, _)| index + 1).collect()
    }

    #[test]
    fn a_disk_that_stays_full_takes_renames_and_a_read_only_one_nothing() {
        let effects =
            [Effect::Grows, Effect::Changes, Effect::Syncs, Effect::Grows, Effect::Changes];
        assert_eq!(hit("2 EIO", &effects), [2]);
        assert_eq!(hit("1+ ENOSPC", &effects), [1, 4]);
        assert_eq!(hit("2+ EROFS", &effects), [2, 4, 5]);
        assert_eq!(Fault::parse("now ENOSPC"), None);
        assert_eq!(Fault::parse("1 EWHAT"), None);
    }
}

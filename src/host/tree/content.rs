//! The bytes of a file: shared where the file system can, else moved by the kernel, else read and
//! written; holes stay holes.

use std::os::fd::BorrowedFd;

use rustix::fs::{SeekFrom, Stat};
use rustix::io::Errno;

/// What is copied between two looks at whether the run shall end.
const CHUNK: usize = 16 << 20;
/// What is read and written at once where the kernel does not copy.
const BUFFER: usize = 1 << 20;

/// Copies files' bytes.
pub(super) struct Content {
    /// Both lie on one file system, which may be able to share blocks.
    same_device: bool,
    /// The kernel has not refused to copy between these file systems.
    in_kernel: bool,
    buffer: Vec<u8>,
}

impl Content {
    pub(super) fn new(same_device: bool) -> Self {
        Self { same_device, in_kernel: true, buffer: Vec::new() }
    }

    /// Copies all bytes; `told` hears of each part, and may end it with an error.
    pub(super) fn copy<E: From<Errno>>(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        stat: &Stat,
        mut told: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        if size == 0 {
            return Ok(());
        }
        if self.same_device && rustix::fs::ioctl_ficlone(to, from).is_ok() {
            return told(size);
        }
        // stat(2): blocks are counted by 512 bytes.
        let on_disk = u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
        if on_disk >= size {
            return self.range(from, to, 0, u64::MAX, &mut told);
        }
        let mut at = 0;
        while let Some((start, end)) = next_data(from, at)? {
            self.range(from, to, start, end, &mut told)?;
            at = end;
        }
        // The hole at the end.
        Ok(rustix::fs::ftruncate(to, size.max(at))?)
    }

    /// Copies from `start` to `end`, or to the end of the file.
    fn range<E: From<Errno>>(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        start: u64,
        end: u64,
        told: &mut impl FnMut(u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = start;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let copied = self.part(from, to, at, length)?;
            if copied == 0 {
                break;
            }
            at += copied as u64;
            told(copied as u64)?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        at: u64,
        length: usize,
    ) -> rustix::io::Result<usize> {
        if self.in_kernel {
            let (mut read_at, mut write_at) = (at, at);
            match rustix::fs::copy_file_range(
                from,
                Some(&mut read_at),
                to,
                Some(&mut write_at),
                length,
            ) {
                Ok(0) => {}
                Ok(copied) => return Ok(copied),
                Err(Errno::INTR) => return self.part(from, to, at, length),
                // Before kernel 5.3 not between file systems, before 4.5 not at all; sandboxes
                // answer EPERM to what they do not know.
                Err(Errno::XDEV | Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM) => {
                    self.in_kernel = false;
                }
                Err(errno) => return Err(errno),
            }
        }
        self.buffer.resize(BUFFER, 0);
        let wanted = length.min(BUFFER);
        let read = rustix::io::pread(from, &mut self.buffer[..wanted], at)?;
        let mut written = 0;
        while written < read {
            written += rustix::io::pwrite(to, &self.buffer[written..read], at + written as u64)?;
        }
        Ok(read)
    }
}

/// Where the next data are, from `at` on; `None` if there is only a hole until the end.
fn next_data(file: BorrowedFd<'_>, at: u64) -> rustix::io::Result<Option<(u64, u64)>> {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => {
            let end = rustix::fs::seek(file, SeekFrom::Hole(start))?;
            Ok((end > start).then_some((start, end)))
        }
        Err(Errno::NXIO) => Ok(None),
        Err(errno) => Err(errno),
    }
}

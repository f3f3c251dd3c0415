//! Reading tar archives of any origin, in one pass and in bounded memory.
//!
//! Read are the formats that occur in images: ustar, GNU (long names, sparse files, numbers in base
//! 256), PAX (records, extended attributes, sparse files of all three versions), and what came
//! before them. The `tar` crate keeps names and PAX records of any length in memory, knows neither
//! PAX's sparse files nor times before 1970, and gives no access to what is left of an entry.

mod header;
mod pax;
mod sparse;

use std::io::{self, Read};

use header::{BLOCK, Header};
use pax::Records;
pub(crate) use sparse::Segment;

/// Longest name, and longest target of a link: what the kernel takes, without the NUL.
const MAX_NAME: usize = 4095;

/// Longest block of PAX records. An attribute's value can have 64 KiB.
const MAX_RECORDS: u64 = 1 << 20;

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TarError {
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is no archive, or one that nobody should unpack.
    #[error("{why} (in the entry at byte {at})")]
    Malformed { at: u64, why: String },
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
}

/// Seconds since 1970, and nanoseconds after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// One entry. Its name is as in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
    pub(crate) atime: Option<Time>,
    pub(crate) device: (u32, u32),
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Length of the file.
    pub(crate) size: u64,
    /// Where the data belongs, if there are holes.
    pub(crate) segments: Option<Vec<Segment>>,
}

/// Reads an archive. After each entry its data can be read; what is not read is passed over.
pub(crate) struct TarReader<R> {
    inner: R,
    position: u64,
    /// Bytes of data of this entry, and of padding after them, that were not read yet.
    data: u64,
    padding: u64,
    /// Where the entry began, for messages.
    entry: u64,
}

/// What comes before the header that it is about.
#[derive(Default)]
struct Pending {
    records: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, position: 0, data: 0, padding: 0, entry: 0 }
    }

    /// The next entry, or `None` at the end of the archive.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut pending = Pending::default();
        loop {
            self.skip()?;
            self.entry = self.position;
            let Some(header) = self.header()? else {
                return match pending {
                    Pending { records: None, long_name: None, long_link: None } => Ok(None),
                    _ => self.malformed("the archive ends where an entry was announced"),
                };
            };
            match header.type_flag() {
                b'x' => {
                    let bytes = self.extension(&header, MAX_RECORDS)?;
                    let records = Records::parse(&bytes).or_else(|why| self.malformed(why))?;
                    pending.records = Some(records);
                }
                // Defaults for all that follows: nobody relies on them in images.
                b'g' => drop(self.extension(&header, MAX_RECORDS)?),
                b'L' => pending.long_name = Some(self.long_name(&header)?),
                b'K' => pending.long_link = Some(self.long_name(&header)?),
                _ => return self.entry(&header, pending).map(Some),
            }
        }
    }

    /// The rest of the stream, after the last entry.
    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    fn entry(&mut self, header: &Header, pending: Pending) -> Result<Entry, TarError> {
        let records = pending.records.unwrap_or_default();
        let field = |value: Option<u64>, what: &str| {
            value.ok_or_else(|| format!("its {what} is not a number"))
        };
        let read = || -> Result<(Entry, u64), String> {
            let mut kind = header.kind()?;
            let name = pending.long_name.unwrap_or_else(|| header.name());
            let path = records.path.clone().unwrap_or(name);
            if kind == Kind::File && path.ends_with(b"/") {
                kind = Kind::Directory;
            }
            let link = pending.long_link.unwrap_or_else(|| header.link());
            let link = records.link.clone().unwrap_or(link);
            for name in [&path, &link] {
                if name.len() > MAX_NAME {
                    return Err(format!("a name has {} bytes", name.len()));
                }
                if name.contains(&0) {
                    return Err("a name contains a NUL byte".to_owned());
                }
            }
            let size = match records.size {
                Some(size) => size,
                None => field(header.size(), "size")?,
            };
            let size = if kind == Kind::File { size } else { 0 };
            let id = |record: Option<u64>, value: Option<u64>, what: &str| {
                let id = match record {
                    Some(id) => id,
                    None => field(value, what)?,
                };
                // The highest number means "as it is" to the kernel.
                match u32::try_from(id) {
                    Ok(id) if id != u32::MAX => Ok(id),
                    _ => Err(format!("its {what} {id} does not exist")),
                }
            };
            let mtime = match records.mtime {
                Some(time) => time,
                None => Time { seconds: field(header.mtime(), "time")? as i64, nanoseconds: 0 },
            };
            let device = match kind {
                Kind::CharDevice | Kind::BlockDevice => header.device()?,
                _ => (0, 0),
            };
            let entry = Entry {
                kind,
                path,
                link,
                mode: field(header.mode(), "mode")? as u32 & 0o7777,
                uid: id(records.uid, header.uid(), "owner")?,
                gid: id(records.gid, header.gid(), "group")?,
                mtime,
                atime: records.atime,
                device,
                xattrs: records.xattrs.clone(),
                size,
                segments: None,
            };
            Ok((entry, size))
        };
        let (mut entry, size) = match read() {
            Ok(read) => read,
            Err(why) => return self.malformed(why),
        };
        self.data = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        if entry.kind == Kind::File {
            self.sparse(header, &records, &mut entry)?;
        }
        Ok(entry)
    }

    /// Finds out about holes. What is left to be read afterwards is the data of the segments.
    fn sparse(
        &mut self,
        header: &Header,
        records: &Records,
        entry: &mut Entry,
    ) -> Result<(), TarError> {
        let (segments, size) = if header.type_flag() == b'S' {
            sparse::old_gnu(self, header)?
        } else if let Some(sparse) = &records.sparse {
            if let Some(name) = &sparse.name {
                entry.path.clone_from(name);
            }
            match &sparse.map {
                Some(map) => (map.clone(), sparse.size),
                None => (sparse::version_1(self)?, sparse.size),
            }
        } else {
            return Ok(());
        };
        if entry.path.len() > MAX_NAME || entry.path.contains(&0) {
            return self.malformed("the name of a sparse file cannot be used");
        }
        sparse::check(&segments, size, self.data).or_else(|why| self.malformed(why))?;
        (entry.segments, entry.size) = (Some(segments), size);
        Ok(())
    }

    fn long_name(&mut self, header: &Header) -> Result<Vec<u8>, TarError> {
        let mut name = self.extension(header, MAX_NAME as u64 + 1)?;
        if let Some(end) = name.iter().position(|byte| *byte == 0) {
            name.truncate(end);
        }
        Ok(name)
    }

    fn extension(&mut self, header: &Header, limit: u64) -> Result<Vec<u8>, TarError> {
        let Some(size) = header.size().filter(|size| *size <= limit) else {
            return self.malformed(format!("a name or record is longer than {limit} bytes"));
        };
        (self.data, self.padding) = (size, size.wrapping_neg() % BLOCK as u64);
        let mut bytes = vec![0; size as usize];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The next header; `None` at the end: of the stream, or two blocks of zeros.
    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().any(|byte| *byte != 0) {
            return Header::new(block).or_else(|why| self.malformed(why)).map(Some);
        }
        match self.block()? {
            Some(block) if block.iter().any(|byte| *byte != 0) => {
                self.malformed("an empty block stands between entries")
            }
            _ => Ok(None),
        }
    }

    /// A block outside of any entry's data, or `None` where the stream ends.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.position += BLOCK as u64;
        Ok(Some(block))
    }

    /// Passes over what is left of the entry.
    fn skip(&mut self) -> Result<(), TarError> {
        let left = self.data + self.padding;
        let skipped = io::copy(&mut (&mut self.inner).take(left), &mut io::sink())?;
        self.position += skipped;
        if skipped < left {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        (self.data, self.padding) = (0, 0);
        Ok(())
    }

    fn malformed<T>(&self, why: impl Into<String>) -> Result<T, TarError> {
        Err(TarError::Malformed { at: self.entry, why: why.into() })
    }
}

/// The data of the current entry.
impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.data).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.data -= read as u64;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;

//! Reaching any file of a bundle without what lies before it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::error::FormatError;
use super::head::Head;
use super::member::{Bound, HEADER, Packed};

/// Bytes that can be read from any place: a file, or volumes that make one up.
pub trait ReadAt: Send + Sync {
    /// Reads some bytes from `at` on; none at the end.
    ///
    /// # Errors
    /// What the system answers.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// How many bytes there are.
    fn size(&self) -> u64;
}

/// A file of a length that was asked for once.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    size: u64,
}

impl WholeFile {
    /// Takes an open file.
    ///
    /// # Errors
    /// Its length cannot be asked for.
    pub fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for WholeFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

/// Reads from a place on.
#[derive(Clone)]
pub struct Reader {
    /// What is read.
    pub source: Arc<dyn ReadAt>,
    /// Where the next byte lies.
    pub at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Where the members of a bundle lie.
#[derive(Clone)]
pub struct MemberIndex {
    source: Arc<dyn ReadAt>,
    members: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    packed_at: u64,
    packed: u64,
    unpacked_at: u64,
    unpacked: u64,
}

impl MemberIndex {
    /// Goes from member to member by the lengths that they state; reads no more than those.
    ///
    /// # Errors
    /// [`FormatError`] if what is there is no member.
    pub fn new(source: Arc<dyn ReadAt>, head: &Head) -> Result<Self, FormatError> {
        let (mut packed_at, mut unpacked_at) = (head.body_at, head.body_tar_at);
        let mut members = Vec::new();
        while packed_at < source.size() {
            let mut header = [0; HEADER];
            exact(&*source, &mut header, packed_at)?;
            let packed = Bound::USUAL.length(&header, packed_at)?;
            let mut size = [0; 4];
            exact(&*source, &mut size, packed_at + packed - 4)?;
            let unpacked = u64::from(u32::from_le_bytes(size));
            members.push(Place { packed_at, packed, unpacked_at, unpacked });
            packed_at += packed;
            unpacked_at += unpacked;
        }
        Ok(Self { source, members })
    }

    /// Reads `size` unpacked bytes from `at` on.
    pub fn read(self: &Arc<Self>, at: u64, size: u64) -> impl Read + Send + use<> {
        Piece { index: Arc::clone(self), at, end: at + size, member: None }
    }
}

fn exact(source: &dyn ReadAt, buffer: &mut [u8], at: u64) -> Result<(), FormatError> {
    let mut filled = 0;
    while filled < buffer.len() {
        let got = source.read_at(&mut buffer[filled..], at + filled as u64);
        match got.map_err(FormatError::Read)? {
            0 => return Err(FormatError::Cut { packed_at: at + filled as u64 }),
            count => filled += count,
        }
    }
    Ok(())
}

struct Piece {
    index: Arc<MemberIndex>,
    at: u64,
    end: u64,
    /// The member that was unpacked last, and where it begins.
    member: Option<(u64, Vec<u8>)>,
}

impl Piece {
    fn load(&mut self) -> Result<(), FormatError> {
        let members = &self.index.members;
        let after = members.partition_point(|place| place.unpacked_at <= self.at);
        let place = members[..after].last().filter(|it| self.at < it.unpacked_at + it.unpacked);
        let place = place.ok_or(FormatError::Cut { packed_at: self.index.source.size() })?;
        let mut bytes = vec![0; place.packed as usize];
        exact(&*self.index.source, &mut bytes, place.packed_at)?;
        let packed = Packed { at: place.packed_at, bytes };
        self.member = Some((place.unpacked_at, packed.unpack(Bound::USUAL)?));
        Ok(())
    }
}

impl Read for Piece {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = (self.end - self.at).min(buffer.len() as u64) as usize;
        if left == 0 {
            return Ok(0);
        }
        let here = |member: &Option<(u64, Vec<u8>)>, at: u64| match member {
            Some((start, bytes)) if (*start..*start + bytes.len() as u64).contains(&at) => {
                Some((at - start) as usize)
            }
            _ => None,
        };
        if here(&self.member, self.at).is_none() {
            self.load().map_err(io::Error::other)?;
        }
        let (Some(from), Some((_, bytes))) = (here(&self.member, self.at), &self.member) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let count = left.min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        self.at += count as u64;
        Ok(count)
    }
}

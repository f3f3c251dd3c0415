//! Bounded, incremental gzip decompression of a whole file.

use flate2::{Decompress, FlushDecompress, Status};

use super::error::BundleError;
use super::limits::Limits;
use crate::texts::phrases::archive as phrases;

/// What ratio is not asked of: a small archive may well consist of zeros.
const RATIO_FLOOR: u64 = 4 << 20;
/// The base-2 logarithm of the largest window that gzip allows.
const WINDOW_BITS: u8 = 15;

/// Unpacks gzip member after gzip member (RFC 1952), then allows zeros to the end of the file.
#[derive(Debug)]
pub(super) struct Gunzip<'l> {
    state: State,
    limits: &'l Limits,
    packed: u64,
    unpacked: u64,
}

#[derive(Debug)]
enum State {
    /// Before the first byte of the file.
    Start,
    /// Within a member.
    Member(Box<Decompress>),
    /// Between members, or behind the last one.
    Between,
    /// In the zeros behind the last member.
    Padding,
}

/// How far one step came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of input used.
    pub(super) consumed: usize,
    /// Bytes of output written.
    pub(super) produced: usize,
}

impl<'l> Gunzip<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { state: State::Start, limits, packed: 0, unpacked: 0 }
    }

    /// Unpacks some of `input` into `output`. Uses all the input unless the output is full or a
    /// member ends.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BundleError> {
        let step = match &mut self.state {
            State::Member(member) => {
                let (step, ended) = inflate(member, input, output, self.packed)?;
                if ended {
                    self.state = State::Between;
                }
                step
            }
            State::Start | State::Between | State::Padding if input.is_empty() => {
                Step { consumed: 0, produced: 0 }
            }
            State::Start | State::Between => self.between(input)?,
            State::Padding => self.padding(input)?,
        };
        self.packed += step.consumed as u64;
        self.unpacked += step.produced as u64;
        if self.unpacked > self.limits.total {
            return Err(BundleError::TooLarge { limit: self.limits.total });
        }
        let most = self.packed.saturating_mul(self.limits.ratio).max(RATIO_FLOOR);
        if self.unpacked > most {
            return Err(BundleError::Ratio { limit: self.limits.ratio });
        }
        Ok(step)
    }

    /// Confirms that the input may end here.
    pub(super) fn finish(&self) -> Result<(), BundleError> {
        match self.state {
            State::Start => Err(BundleError::NotGzip { found: phrases::EMPTY_FILE }),
            State::Member(_) => Err(BundleError::Truncated { packed_at: self.packed }),
            State::Between | State::Padding => Ok(()),
        }
    }

    /// Decides by the next byte what follows: a member, padding, or what must not be there.
    fn between(&mut self, input: &[u8]) -> Result<Step, BundleError> {
        let first = matches!(self.state, State::Start);
        self.state = match input.first() {
            Some(0x1f) => State::Member(Box::new(Decompress::new_gzip(WINDOW_BITS))),
            Some(_) if first => return Err(BundleError::NotGzip { found: looks_like(input) }),
            Some(0) => State::Padding,
            _ => return Err(BundleError::TrailingData { packed_at: self.packed }),
        };
        Ok(Step { consumed: 0, produced: 0 })
    }

    fn padding(&self, input: &[u8]) -> Result<Step, BundleError> {
        match input.iter().position(|byte| *byte != 0) {
            None => Ok(Step { consumed: input.len(), produced: 0 }),
            Some(at) => Err(BundleError::TrailingData { packed_at: self.packed + at as u64 }),
        }
    }
}

/// One call of the decompressor; also says whether the member ended.
fn inflate(
    member: &mut Decompress,
    input: &[u8],
    output: &mut [u8],
    packed: u64,
) -> Result<(Step, bool), BundleError> {
    let (before_in, before_out) = (member.total_in(), member.total_out());
    let result = member.decompress(input, output, FlushDecompress::None);
    let step = Step {
        consumed: (member.total_in() - before_in) as usize,
        produced: (member.total_out() - before_out) as usize,
    };
    let packed_at = packed + step.consumed as u64;
    match result {
        Ok(Status::StreamEnd) => Ok((step, true)),
        Ok(_) if step == (Step { consumed: 0, produced: 0 }) && !input.is_empty() => {
            Err(BundleError::Corrupt { packed_at, detail: phrases::NO_FURTHER.into() })
        }
        Ok(_) => Ok((step, false)),
        Err(error) => {
            let detail = error.message().unwrap_or(phrases::NOT_UNPACKED).trim_end_matches('\0');
            Err(match detail {
                // zlib's wording for the two fields at the end of a member.
                "incorrect data check" | "incorrect length check" => {
                    BundleError::BadCrc { packed_at }
                }
                _ => BundleError::Corrupt { packed_at, detail: detail.to_string() },
            })
        }
    }
}

/// What a file that is not gzip looks like, by its first bytes.
fn looks_like(start: &[u8]) -> &'static str {
    let text = start.trim_ascii_start();
    if text.starts_with(b"<") {
        phrases::WEB_PAGE
    } else if start.starts_with(b"BZh") {
        "bzip2"
    } else if start.starts_with(b"\xfd7zXZ") {
        "xz"
    } else if start.starts_with(b"\x28\xb5\x2f\xfd") {
        "zstd"
    } else if start.starts_with(b"PK") {
        phrases::ZIP_ARCHIVE
    } else if start.starts_with(b"\x7fELF") {
        phrases::PROGRAM
    } else if start.get(257..262) == Some(b"ustar") {
        phrases::TAR_ARCHIVE
    } else if start.iter().all(|byte| *byte == 0) {
        phrases::ZEROS
    } else {
        phrases::SOMETHING_ELSE
    }
}

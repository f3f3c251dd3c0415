//! PAX records: `length key=value\n`, for what does not fit into a header.

use super::{Segment, Time, sparse::MAX_SEGMENTS};

/// Before the name of an extended attribute, whose value then stands as it is.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// The records that matter here.
#[derive(Default)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Time>,
    pub(super) atime: Option<Time>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: Option<Sparse>,
}

/// GNU's records about holes.
#[derive(Default)]
pub(super) struct Sparse {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: u64,
    /// Absent in version 1.0, which has it before the data.
    pub(super) map: Option<Vec<Segment>>,
}

impl Records {
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, String> {
        let mut records = Self::default();
        let mut sparse = SparseRecords::default();
        while !bytes.is_empty() {
            let wrong = || "a PAX record is malformed".to_owned();
            let space = bytes.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
            let length = decimal(&bytes[..space]).ok_or_else(wrong)?;
            let length = usize::try_from(length).map_err(|_| wrong())?;
            if length <= space + 1 || length > bytes.len() || bytes[length - 1] != b'\n' {
                return Err(wrong());
            }
            let record = &bytes[space + 1..length - 1];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key.strip_prefix(b"GNU.sparse.".as_slice()) {
                Some(key) => sparse.add(key, value)?,
                None => records.add(key, value)?,
            }
            bytes = &bytes[length..];
        }
        records.sparse = sparse.finish()?;
        Ok(records)
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let wrong = || format!("the PAX record {} is malformed", key.escape_ascii());
        let number = || decimal(value).map(Some).ok_or_else(wrong);
        let moment = || time(value).map(Some).ok_or_else(wrong);
        match key {
            // An empty value takes the record back.
            b"path" => self.path = (!value.is_empty()).then(|| value.to_vec()),
            b"linkpath" => self.link = (!value.is_empty()).then(|| value.to_vec()),
            b"size" => self.size = number()?,
            b"uid" => self.uid = number()?,
            b"gid" => self.gid = number()?,
            b"mtime" => self.mtime = moment()?,
            b"atime" => self.atime = moment()?,
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    if name.is_empty() || name.contains(&0) {
                        return Err(wrong());
                    }
                    self.xattrs.retain(|(known, _)| known != name);
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct SparseRecords {
    sparse: Sparse,
    seen: bool,
    major: u64,
    pairs: Vec<u64>,
    has_map: bool,
}

impl SparseRecords {
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let wrong = || format!("the record GNU.sparse.{} is malformed", key.escape_ascii());
        let number = || decimal(value).ok_or_else(wrong);
        self.seen = true;
        match key {
            b"name" => self.sparse.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.sparse.size = number()?,
            b"major" => self.major = number()?,
            b"numblocks" => self.has_map = true,
            b"offset" | b"numbytes" => {
                if (key == b"offset") != self.pairs.len().is_multiple_of(2) {
                    return Err(wrong());
                }
                self.has_map = true;
                self.pairs.push(number()?);
            }
            b"map" => {
                self.has_map = true;
                for word in value.split(|byte| *byte == b',').filter(|word| !word.is_empty()) {
                    self.pairs.push(decimal(word).ok_or_else(wrong)?);
                }
            }
            _ => {}
        }
        if self.pairs.len() > 2 * MAX_SEGMENTS {
            return Err("a sparse file has too many segments".to_owned());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<Sparse>, String> {
        if !self.seen {
            return Ok(None);
        }
        if self.has_map == (self.major > 0) || self.major > 1 {
            return Err("the records of a sparse file contradict each other".to_owned());
        }
        if self.has_map {
            let (pairs, rest) = self.pairs.as_chunks::<2>();
            if !rest.is_empty() {
                return Err("the map of a sparse file is cut off".to_owned());
            }
            let segments = pairs.iter().map(|&[offset, length]| Segment { offset, length });
            self.sparse.map = Some(segments.collect());
        }
        Ok(Some(self.sparse))
    }
}

/// Digits alone.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// `[-]seconds[.fraction]`, cut to nanoseconds towards the past.
fn time(text: &[u8]) -> Option<Time> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let seconds = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| fraction.get(at).map_or(0, |digit| u32::from(digit - b'0'));
    let nanoseconds = (0..9).fold(0, |value, at| value * 10 + digit(at));
    if !negative {
        return Some(Time { seconds, nanoseconds });
    }
    let cut = fraction.iter().skip(9).any(|digit| *digit != b'0');
    let back = nanoseconds + u32::from(cut);
    Some(match back {
        0 => Time { seconds: -seconds, nanoseconds: 0 },
        back => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - back },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Records, String> {
        Records::parse(text.as_bytes())
    }

    #[test]
    fn records_are_read() {
        let records = parse(
            "9 path=a\n5 x=\n15 mtime=-1.25\n22 SCHILY.xattr.u=a\nb\n13 path=ab=c\n12 uid=1000\n",
        );
        let records = records.unwrap();
        assert_eq!(records.path.as_deref(), Some(&b"ab=c"[..]));
        assert_eq!(records.mtime, Some(Time { seconds: -2, nanoseconds: 750_000_000 }));
        assert_eq!(records.xattrs, [(b"u".to_vec(), b"a\nb".to_vec())]);
        assert_eq!(records.uid, Some(1000));
        assert!(records.sparse.is_none());
    }

    #[test]
    fn malformed_records_are_refused() {
        for text in [
            "x",
            "9 path=a",
            "99 path=a\n",
            "0 a=b\n",
            "3 \n",
            "6 ab\n\n",
            "-1 a=b\n",
            "12 mtime=1.x\n",
            "10 size=-\n",
            "18446744073709551616 a=b\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_exact_to_the_nanosecond() {
        for (text, seconds, nanoseconds) in [
            ("0", 0, 0),
            ("1.5", 1, 500_000_000),
            ("1.123456789999", 1, 123_456_789),
            ("-1", -1, 0),
            ("-0.000000001", -1, 999_999_999),
            ("-0.0000000001", -1, 999_999_999),
        ] {
            assert_eq!(time(text.as_bytes()), Some(Time { seconds, nanoseconds }), "{text}");
        }
    }
}

//! One block of 512 bytes that describes an entry.

use super::Kind;

pub(super) const BLOCK: usize = 512;

/// A header whose checksum is right.
pub(super) struct Header([u8; BLOCK]);

impl Header {
    pub(super) fn new(block: [u8; BLOCK]) -> Result<Self, &'static str> {
        let in_sum = |at: usize| !(148..156).contains(&at);
        let bytes =
            || block.iter().enumerate().map(|(at, byte)| if in_sum(at) { *byte } else { b' ' });
        let unsigned: i64 = bytes().map(i64::from).sum();
        // Some old programs added the bytes up as signed ones.
        let signed: i64 = bytes().map(|byte| i64::from(byte as i8)).sum();
        let given = number(&block[148..156]).and_then(|sum| i64::try_from(sum).ok());
        if given != Some(unsigned) && given != Some(signed) {
            return Err("it is no tar archive, or a damaged one: the checksum is wrong");
        }
        Ok(Self(block))
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn kind(&self) -> Result<Kind, String> {
        Ok(match self.type_flag() {
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => return Err(format!("it is of an unknown type ({})", other.escape_ascii())),
        })
    }

    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        // "ustar\0" has a prefix there; "ustar  " is GNU's, which has other fields.
        if &self.0[257..263] == b"ustar\0" {
            // "star" keeps times behind a shorter prefix.
            let prefix =
                if &self.0[508..512] == b"tar\0" { &self.0[345..476] } else { &self.0[345..500] };
            let prefix = text(prefix);
            if !prefix.is_empty() {
                return [prefix, b"/", name].concat();
            }
        }
        name.to_vec()
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    pub(super) fn mode(&self) -> Option<u64> {
        number(&self.0[100..108])
    }

    pub(super) fn uid(&self) -> Option<u64> {
        number(&self.0[108..116])
    }

    pub(super) fn gid(&self) -> Option<u64> {
        number(&self.0[116..124])
    }

    pub(super) fn size(&self) -> Option<u64> {
        number(&self.0[124..136])
    }

    /// Two's complement: there were times before 1970.
    pub(super) fn mtime(&self) -> Option<u64> {
        number(&self.0[136..148])
    }

    /// Major and minor number.
    pub(super) fn device(&self) -> Result<(u32, u32), String> {
        let part = |bytes: &[u8]| number(bytes).and_then(|number| u32::try_from(number).ok());
        match (part(&self.0[329..337]), part(&self.0[337..345])) {
            // What the kernel's dev_t holds.
            (Some(major), Some(minor)) if major < 1 << 12 && minor < 1 << 20 => Ok((major, minor)),
            _ => Err("the numbers of a device cannot be used".to_owned()),
        }
    }

    /// The first four segments of GNU's old sparse format, whether more follow, and the real size.
    pub(super) fn sparse(&self) -> (&[u8], bool, Option<u64>) {
        (&self.0[386..482], self.0[482] != 0, number(&self.0[483..495]))
    }
}

/// Octal digits among blanks and NULs, or base 256 if the highest bit is set.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        let negative = first & 0x40 != 0;
        let mut value = if negative { -1_i128 } else { 0 };
        for (at, byte) in field.iter().enumerate() {
            let byte = if at == 0 && !negative { byte & 0x7f } else { *byte };
            value = value << 8 | i128::from(byte);
            if !(i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&value) {
                return None;
            }
        }
        return Some(value as i64 as u64);
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    digits[..end].iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        for (field, value) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"00000008", None),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2_i64 as u64)),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"777777777777", Some(0o777777777777)),
        ] {
            assert_eq!(number(field), value, "{}", field.escape_ascii());
        }
    }
}

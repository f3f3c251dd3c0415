//! Architectures.

use std::fmt;

use object::elf;
use serde::{Deserialize, Serialize};

/// The architecture of a program or a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Machine {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm.
    Arm,
    /// 64-bit Power, little-endian.
    Ppc64le,
    /// IBM Z.
    S390x,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit LoongArch.
    Loongarch64,
    /// Any other, by the number in the ELF header.
    Other(u16),
}

impl Machine {
    /// The architecture for ELF's `e_machine`, word size and byte order.
    pub(super) fn from_elf(machine: elf::Machine, is_64: bool, little_endian: bool) -> Self {
        match (machine, is_64, little_endian) {
            (elf::EM_X86_64, true, true) => Self::X86_64,
            (elf::EM_AARCH64, true, true) => Self::Aarch64,
            (elf::EM_ARM, false, true) => Self::Arm,
            (elf::EM_PPC64, true, true) => Self::Ppc64le,
            (elf::EM_S390, true, false) => Self::S390x,
            (elf::EM_RISCV, true, true) => Self::Riscv64,
            (elf::EM_LOONGARCH, true, true) => Self::Loongarch64,
            (other, ..) => Self::Other(other.0),
        }
    }

    /// The architecture of a kernel, from what `uname -m` prints.
    pub fn from_uname(name: &str) -> Option<Self> {
        Some(match name {
            "x86_64" => Self::X86_64,
            "aarch64" => Self::Aarch64,
            "armv6l" | "armv7l" | "armv8l" => Self::Arm,
            "ppc64le" => Self::Ppc64le,
            "s390x" => Self::S390x,
            "riscv64" => Self::Riscv64,
            "loongarch64" => Self::Loongarch64,
            _ => return None,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
            Self::Riscv64 => "riscv64",
            Self::Loongarch64 => "loongarch64",
            Self::Other(number) => return write!(f, "ELF machine {number}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_agree() {
        for (machine, name) in [
            (Machine::X86_64, "x86_64"),
            (Machine::Aarch64, "aarch64"),
            (Machine::Ppc64le, "ppc64le"),
            (Machine::S390x, "s390x"),
            (Machine::Riscv64, "riscv64"),
            (Machine::Loongarch64, "loongarch64"),
        ] {
            assert_eq!(machine.to_string(), name);
            assert_eq!(serde_json::to_value(machine).unwrap(), name);
            assert_eq!(Machine::from_uname(name), Some(machine));
        }
        assert_eq!(Machine::from_uname("armv7l"), Some(Machine::Arm));
        assert_eq!(Machine::from_uname("mips64"), None);
    }

    #[test]
    fn word_size_and_byte_order_count() {
        assert_eq!(Machine::from_elf(elf::EM_PPC64, true, true), Machine::Ppc64le);
        assert_eq!(Machine::from_elf(elf::EM_PPC64, true, false), Machine::Other(21));
        assert_eq!(Machine::from_elf(elf::EM_X86_64, false, true), Machine::Other(62));
    }
}

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
    /// 32-bit Arm, floating point in registers (EABI 5, hard float): Arm v7 and later.
    Armhf,
    /// 32-bit Arm, floating point in software (EABI 5, soft float): Arm v5 and v6.
    Armel,
    /// 32-bit Arm (EABI 5) of a program that passes no floating point: Go's own linker says
    /// nothing about it. It runs with either.
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
    /// The architecture for ELF's `e_machine`, word size, byte order and `e_flags`.
    pub(super) fn from_elf(
        machine: elf::Machine,
        is_64: bool,
        little_endian: bool,
        flags: elf::FileFlags,
    ) -> Self {
        match (machine, is_64, little_endian) {
            (elf::EM_X86_64, true, true) => Self::X86_64,
            (elf::EM_AARCH64, true, true) => Self::Aarch64,
            (elf::EM_ARM, false, true) => Self::arm(flags.0).unwrap_or(Self::Other(machine.0)),
            (elf::EM_PPC64, true, true) => Self::Ppc64le,
            (elf::EM_S390, true, false) => Self::S390x,
            (elf::EM_RISCV, true, true) => Self::Riscv64,
            (elf::EM_LOONGARCH, true, true) => Self::Loongarch64,
            (other, ..) => Self::Other(other.0),
        }
    }

    /// Which 32-bit Arm it is ("ELF for the Arm Architecture", 5.2); `None` for those before
    /// EABI 5, which no host of today runs.
    fn arm(flags: u32) -> Option<Self> {
        const EABI: u32 = 0xff00_0000;
        const EABI_5: u32 = 0x0500_0000;
        const FLOAT_SOFT: u32 = 0x200;
        const FLOAT_HARD: u32 = 0x400;
        match (flags & EABI, flags & (FLOAT_SOFT | FLOAT_HARD)) {
            (EABI_5, FLOAT_HARD) => Some(Self::Armhf),
            (EABI_5, FLOAT_SOFT) => Some(Self::Armel),
            (EABI_5, 0) => Some(Self::Arm),
            _ => None,
        }
    }

    /// Whether a program for this architecture runs on a host of `host`'s.
    pub fn runs_on(self, host: Self) -> bool {
        match (self, host) {
            (Self::Arm, Self::Armhf | Self::Armel) => true,
            // Arm v7 runs what was built for its predecessors; libraries are looked for apart.
            (Self::Armel, Self::Armhf) => true,
            _ => self == host,
        }
    }

    /// Whether programs for both belong into one archive.
    pub(in crate::bundle) fn goes_with(self, other: Self) -> bool {
        let any_arm = |one, other| one == Self::Arm && matches!(other, Self::Armhf | Self::Armel);
        self == other || any_arm(self, other) || any_arm(other, self)
    }

    /// The architecture of a kernel, from what `uname -m` prints.
    pub fn from_uname(name: &str) -> Option<Self> {
        Some(match name {
            "x86_64" => Self::X86_64,
            "aarch64" => Self::Aarch64,
            // An armv8l kernel is a 64-bit one that shows itself to a 32-bit program.
            "armv7l" | "armv8l" => Self::Armhf,
            "armv5tel" | "armv5tejl" | "armv6l" => Self::Armel,
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
            Self::Armhf => "armhf",
            Self::Armel => "armel",
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
        for (uname, machine) in [
            ("armv7l", Machine::Armhf),
            ("armv8l", Machine::Armhf),
            ("armv6l", Machine::Armel),
            ("armv5tel", Machine::Armel),
        ] {
            assert_eq!(Machine::from_uname(uname), Some(machine), "{uname}");
        }
        for uname in ["mips64", "i686", "aarch64_be", "armv7b", "ppc64", "s390", "riscv32", ""] {
            assert_eq!(Machine::from_uname(uname), None, "{uname}");
        }
        for (machine, name) in
            [(Machine::Armhf, "armhf"), (Machine::Armel, "armel"), (Machine::Arm, "arm")]
        {
            assert_eq!(machine.to_string(), name);
            assert_eq!(serde_json::to_value(machine).unwrap(), name);
        }
    }

    /// Number, 64-bit, little-endian and flags of each architecture, as the psABI documents say
    /// and as Debian's compilers set them.
    const ELF: [(elf::Machine, bool, bool, u32, Machine); 9] = [
        (elf::EM_X86_64, true, true, 0, Machine::X86_64),
        (elf::EM_AARCH64, true, true, 0, Machine::Aarch64),
        (elf::EM_ARM, false, true, 0x0500_0400, Machine::Armhf),
        (elf::EM_ARM, false, true, 0x0500_0200, Machine::Armel),
        (elf::EM_ARM, false, true, 0x0500_0002, Machine::Arm),
        (elf::EM_PPC64, true, true, 2, Machine::Ppc64le),
        (elf::EM_S390, true, false, 0, Machine::S390x),
        (elf::EM_RISCV, true, true, 5, Machine::Riscv64),
        (elf::EM_LOONGARCH, true, true, 0x43, Machine::Loongarch64),
    ];

    #[test]
    fn word_size_and_byte_order_count() {
        for (number, is_64, little, flags, machine) in ELF {
            let from =
                |is_64, little| Machine::from_elf(number, is_64, little, elf::FileFlags(flags));
            assert_eq!(from(is_64, little), machine);
            for (is_64, little) in [(!is_64, little), (is_64, !little), (!is_64, !little)] {
                assert_eq!(from(is_64, little), Machine::Other(number.0), "{machine}");
            }
        }
    }

    #[test]
    fn arm_before_eabi_5_and_with_both_kinds_of_float_is_none_that_is_known() {
        for flags in [0, 0x0400_0000, 0x0400_0400, 0x0500_0600] {
            let machine = Machine::from_elf(elf::EM_ARM, false, true, elf::FileFlags(flags));
            assert_eq!(machine, Machine::Other(40), "{flags:x}");
        }
    }

    #[test]
    fn what_runs_where() {
        let all = ELF.map(|(.., machine)| machine);
        for program in all {
            for host in all.into_iter().filter(|host| *host != Machine::Arm) {
                let arm = matches!(
                    (program, host),
                    (Machine::Arm, Machine::Armhf | Machine::Armel)
                        | (Machine::Armel, Machine::Armhf)
                );
                assert_eq!(program.runs_on(host), arm || program == host, "{program} on {host}");
            }
        }
        assert!(Machine::Arm.goes_with(Machine::Armhf) && Machine::Armel.goes_with(Machine::Arm));
        assert!(!Machine::Armel.goes_with(Machine::Armhf));
        assert!(!Machine::Aarch64.goes_with(Machine::Arm));
    }
}

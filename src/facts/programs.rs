//! Programs of the host.

use super::Iptables;

/// The programs that [`super::gather`] looks for.
pub const PROGRAMS: [&str; 28] = [
    "apparmor_parser",
    "apt-get",
    "dnf",
    "docker",
    "dockerd",
    "dpkg",
    "fapolicyd-cli",
    "getent",
    "git",
    "gpasswd",
    "groupadd",
    "groupdel",
    "iptables",
    "journalctl",
    "modprobe",
    "nft",
    "ps",
    "restorecon",
    "rpm",
    "semanage",
    "systemctl",
    "systemd-analyze",
    "update-ca-certificates",
    "update-ca-trust",
    "usermod",
    "xz",
    "yum",
    "zypper",
];

/// Reads what `iptables --version` prints: `iptables v1.8.9 (nf_tables)`, `iptables v1.4.21`.
pub fn parse_iptables(text: &str) -> Option<Iptables> {
    let rest = text.trim().strip_prefix("iptables v")?;
    let (number, variant) = rest.split_once(' ').unwrap_or((rest, ""));
    let version = super::kernel::parse_version(number)?;
    Some(Iptables { version, nf_tables: variant.contains("nf_tables") })
}

/// The architecture of an ELF program, as `uname -m` names it; the header's number if it is
/// none of those. `None` if the bytes do not begin with an ELF header.
pub fn parse_architecture(header: &[u8]) -> Option<String> {
    use object::elf;
    const IS_64: u8 = 2;
    const LITTLE: u8 = 1;
    let header = header.first_chunk::<20>()?;
    if !header.starts_with(b"\x7fELF") {
        return None;
    }
    let (class, order, machine) = (header[4], header[5], [header[18], header[19]]);
    let little = order == LITTLE;
    let machine = if little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    let name = match (elf::Machine(machine), class == IS_64, little) {
        (elf::EM_X86_64, true, true) => "x86_64",
        (elf::EM_386, false, true) => "i686",
        (elf::EM_AARCH64, true, true) => "aarch64",
        (elf::EM_ARM, false, true) => "armv7l",
        (elf::EM_PPC64, true, true) => "ppc64le",
        (elf::EM_S390, true, false) => "s390x",
        (elf::EM_RISCV, true, true) => "riscv64",
        (elf::EM_LOONGARCH, true, true) => "loongarch64",
        _ => return Some(format!("ELF machine {machine}")),
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iptables() {
        let version = |text| parse_iptables(text).map(|seen| (seen.version, seen.nf_tables));
        assert_eq!(version("iptables v1.8.9 (nf_tables)\n"), Some(((1, 8, 9), true)));
        assert_eq!(version("iptables v1.8.7 (legacy)"), Some(((1, 8, 7), false)));
        assert_eq!(version("iptables v1.4.21"), Some(((1, 4, 21), false)));
        assert_eq!(version("nothing"), None);
    }

    fn header(class: u8, order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.extend([class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
        bytes.extend(machine);
        bytes
    }

    #[test]
    fn architectures() {
        let name = |class, order, machine| parse_architecture(&header(class, order, machine));
        assert_eq!(name(2, 1, [62, 0]).as_deref(), Some("x86_64"));
        assert_eq!(name(2, 1, [183, 0]).as_deref(), Some("aarch64"));
        assert_eq!(name(2, 2, [0, 22]).as_deref(), Some("s390x"));
        assert_eq!(name(1, 1, [3, 0]).as_deref(), Some("i686"));
        // Big-endian Power is not what `ppc64le` means.
        assert_eq!(name(2, 2, [0, 21]).as_deref(), Some("ELF machine 21"));
        assert_eq!(parse_architecture(b"#!/bin/sh\necho hello\n"), None);
        assert_eq!(parse_architecture(b"\x7fELF"), None);
    }
}

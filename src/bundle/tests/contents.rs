//! What can be wrong with what the archive holds, and with who takes it.

use super::*;

#[test]
fn incomplete_sets() {
    for name in ["docker", "dockerd", "containerd", "runc", "docker-init", "docker-proxy"] {
        let bytes = modern().without(&format!("docker/{name}")).build();
        assert_error!(error_of(&bytes), BundleError::Missing { ref names } if *names == [name]);
    }
    let bytes = modern().without("docker/ctr").build();
    assert!(read_bytes(&bytes).is_ok(), "ctr is optional");
    let bytes = modern().without("docker/containerd-shim-runc-v2").build();
    assert_error!(error_of(&bytes), BundleError::Missing { .. });
    // What macOS gets.
    let client = ElfImage::fixed(Machine::X86_64).build();
    let bytes = ArchiveImage::default().with(FileImage::file("docker/docker", &client)).build();
    assert_error!(error_of(&bytes), BundleError::Missing { ref names } if names.len() == 6);
    assert_error!(error_of(&ArchiveImage::default().build()), BundleError::Missing { .. });
}

#[test]
fn two_generations() {
    let runc = FileImage::file("docker/docker-runc", &ElfImage::fixed(Machine::X86_64).build());
    let error = error_with(runc);
    assert!(error.to_string().contains("docker-runc to 18.06 and earlier"), "{error}");
    assert_error!(error, BundleError::MixedLayouts { .. });
}

#[test]
fn two_architectures() {
    let runc = FileImage::file("docker/runc", &ElfImage::fixed(Machine::Aarch64).build());
    let error = error_of(&modern().without("docker/runc").with(runc).build());
    assert!(error.to_string().contains("runc for aarch64"), "{error}");
    assert_error!(error, BundleError::MixedMachines { .. });
}

/// Go's own linker does not say how a program for 32-bit Arm passes floating point, a C compiler
/// does; the two kinds that do say it are not mixed.
#[test]
fn one_architecture_of_two_linkers() {
    let with = |client: Machine, others: Machine| {
        let file = |name: &str, machine| {
            FileImage::file(&format!("docker/{name}"), &ElfImage::fixed(machine).build())
        };
        let names = ["dockerd", "containerd", "containerd-shim-runc-v2", "ctr", "runc"];
        let rest = ["docker-init", "docker-proxy"];
        let image = ArchiveImage::default().with(file("docker", client));
        let image = names.iter().chain(&rest).fold(image, |all, name| all.with(file(name, others)));
        read_bytes(&image.build())
    };
    for machine in [Machine::Armhf, Machine::Armel] {
        assert_eq!(with(Machine::Arm, machine).unwrap().machine(), Some(machine));
        assert_eq!(with(machine, Machine::Arm).unwrap().machine(), Some(machine));
    }
    let mixed = with(Machine::Armel, Machine::Armhf).unwrap_err();
    assert_error!(mixed, BundleError::MixedMachines { .. });
}

#[test]
fn no_programs() {
    for contents in [&b""[..], b"#!/bin/sh\n", b"MZ\x90"] {
        let runc = FileImage::file("docker/runc", contents);
        let error = error_of(&modern().without("docker/runc").with(runc).build());
        assert_error!(error, BundleError::NotElf { ref name, .. } if name == "runc");
    }
}

#[test]
fn failures_of_the_sink_are_not_the_archives() {
    struct Full(&'static str);
    impl Full {
        fn answer(&self, call: &str) -> io::Result<()> {
            if self.0 == call { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }
    impl Sink for Full {
        fn begin(&mut self, _: &str, _: u64) -> io::Result<()> {
            self.answer("begin")
        }
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            self.answer("write")
        }
        fn end(&mut self) -> io::Result<()> {
            self.answer("end")
        }
    }
    let bytes = modern().build();
    for call in ["begin", "write", "end"] {
        let error = read(&bytes[..], &Limits::default(), &mut Full(call), &|_| {}).unwrap_err();
        assert_error!(error, BundleError::Sink { ref entry, ref source }
            if entry == "docker-proxy" && source.kind() == io::ErrorKind::StorageFull);
    }
}

/// A sink that fails early must not leave the other threads waiting.
#[test]
fn failure_early_in_a_large_archive() {
    struct Refuse;
    impl Sink for Refuse {
        fn begin(&mut self, _: &str, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let payload = Random::new(3).bytes(8 << 20);
    let image = ElfImage::fixed(Machine::X86_64).payload(&payload).build();
    let bytes = modern().without("docker/ctr").with(FileImage::file("docker/ctr", &image)).build();
    let buffers = Buffers { packed: 4096, unpacked: 4096, count: 1 };
    let error = read_with(&bytes[..], &Limits::default(), buffers, &mut Refuse, &|_| {});
    assert_error!(error.unwrap_err(), BundleError::Sink { .. });
}

//! A second disk for a host: a file system of its own.

use super::bench::bench;
use super::run::Run;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An ext4 file system in a file; it goes when this is dropped, after the host that has it.
pub struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    /// A disk of this size, as `truncate` reads it ("400M").
    pub fn new(size: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("disk-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let disk = Self {
            image: bench().run.join(format!("{name}.img")),
            mounted: bench().run.join(name),
        };
        std::fs::create_dir_all(&disk.mounted).expect("the run's directory is writable");
        run(Command::new("truncate").args(["-s", size]).arg(&disk.image));
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image));
        run(Command::new("mount").args(["-o", "loop"]).arg(&disk.image).arg(&disk.mounted));
        disk
    }

    /// The option for systemd-nspawn that mounts it in a host.
    pub fn at(&self, place: &str) -> String {
        format!("--bind={}:{place}", self.mounted.display())
    }
}

fn run(command: &Command) {
    Run::of(command, b"", Duration::from_secs(60)).ok();
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Hosts that were started meanwhile see this mount too: it goes when they do.
        let mut umount = Command::new("umount");
        umount.arg("-l").arg(&self.mounted);
        let _ = Run::of(&umount, b"", Duration::from_secs(60));
        let _ = std::fs::remove_dir(&self.mounted);
        let _ = std::fs::remove_file(&self.image);
    }
}

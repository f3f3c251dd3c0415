//! One run at a time.

use crate::support::{Machine, with};

#[test]
fn of_two_installs_at_once_one_is_told_to_wait() {
    let host = Machine::boot();
    let install = format!("/mnt/share/landfall {}", with("install", &[]).join(" "));
    // Both begin within milliseconds, and an installation takes more than a second.
    let codes = host.sh(&format!(
        "({install} && echo first 0 || echo first $?) >/tmp/1 2>&1 &
         ({install} && echo second 0 || echo second $?) >/tmp/2 2>&1 & wait
         tail -qn1 /tmp/1 /tmp/2"
    ));
    let mut codes: Vec<&str> = codes.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    codes.sort_unstable();
    let outputs = host.sh("cat /tmp/1 /tmp/2");
    assert_eq!(codes, ["0", "6"], "{outputs}");
    assert_eq!(host.unit("docker.service", "ActiveState"), "active");
    // The lock is gone with the run that held it.
    host.landfall(&with("install", &[])).exits(0).says("nothing");
}

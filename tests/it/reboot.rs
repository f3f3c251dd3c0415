//! After a reboot Docker is up again.

use crate::support::{Machine, bundle, installed};

#[test]
fn docker_is_up_again_after_a_reboot() {
    let host = Machine::boot();
    installed(&host, &["--image", bundle::image()]);
    host.sh(&format!(
        "docker run -d --name web --restart always {} sleep 100000",
        bundle::IMAGE_NAME
    ));
    host.reboot();
    for unit in ["docker.socket", "docker.service", "containerd.service"] {
        assert_eq!(host.unit(unit, "ActiveState"), "active", "{unit}");
    }
    assert_eq!(host.sh("docker inspect --format '{{.State.Running}}' web"), "true");
    host.landfall(&["status"]).exits(0);
}

//! Pulling from a registry on the network that the installation names.

use crate::support::{Machine, Registry, bundle, installed, with};

#[test]
fn images_come_from_an_insecure_registry_and_through_a_mirror() {
    let registry = Registry::start();
    let host = Machine::boot();
    installed(&host, &["--image", bundle::image()]);
    let reference = format!("{}/library/{}", registry.address, bundle::IMAGE_NAME);
    host.sh(&format!("docker tag {} {reference}", bundle::IMAGE_NAME));
    host.exec(&["docker", "push", &reference]).exits(1).says("HTTPS");

    let mirror = format!("http://{}", registry.address);
    let options = ["--insecure-registry", &registry.address, "--registry-mirror", &mirror];
    host.landfall(&with("install", &options)).exits(0);
    host.sh(&format!("docker push -q {reference}; docker rmi {reference} {}", bundle::IMAGE_NAME));
    assert_eq!(host.sh("docker images -q"), "");

    assert_eq!(host.sh(&format!("docker run --rm {reference} echo direct")), "direct");
    host.sh(&format!("docker rmi {reference}"));
    // A name of Docker Hub, which this host cannot reach: only the mirror can have it.
    assert_eq!(
        host.sh(&format!("docker run --rm {} echo mirrored", bundle::IMAGE_NAME)),
        "mirrored"
    );
}

//! The examples are what the program takes.

use crate::support::{Machine, bundle};

#[test]
fn the_configuration_file_is_one() {
    let host = Machine::boot();
    host.sh("useradd --create-home deploy");
    host.put("/root/landfall.yaml", include_str!("../../examples/landfall.yaml"));
    host.sh(&format!("cp {} /root/docker-28.5.2.tgz", bundle::docker().path));
    // The archive is not the release that the example names, and the catalogue says so.
    let plan = ["plan", "--config", "/root/landfall.yaml"];
    host.landfall(&plan).exits(4).says("docker 28.5.2");
    let archive = [plan.as_slice(), &bundle::docker().arguments()].concat();
    host.landfall(&archive).exits(0).says("/data").says("https://mirror.example.internal");
}

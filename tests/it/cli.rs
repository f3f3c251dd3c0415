//! The command line's own words, in a sealed environment: help, and mistakes in the call.
//! `UPDATE_GOLDEN=1` writes what is printed now; read the difference.
// Runs the program itself, on this machine.
#![allow(clippy::disallowed_methods, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

/// Runs the program without any host; exit code and everything it printed.
fn landfall(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("the program runs");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(printed).expect("it prints text"))
}

#[track_caller]
fn prints(arguments: &[&str], code: i32, golden: &str) {
    let (exit, printed) = landfall(arguments);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(golden);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &printed).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("the golden file is there");
    assert_eq!(printed, expected, "{}", path.display());
    assert_eq!(exit, Some(code));
}

#[test]
fn help() {
    prints(&["--help"], 0, "help.txt");
    prints(&["install", "--help"], 0, "install-help.txt");
    prints(&["uninstall", "--help"], 0, "uninstall-help.txt");
    prints(&["adopt", "--help"], 0, "adopt-help.txt");
    prints(&["plan", "--help"], 0, "plan-help.txt");
    prints(&["apply", "--help"], 0, "apply-help.txt");
    prints(&["probe", "--help"], 0, "probe-help.txt");
    prints(&["support-bundle", "--help"], 0, "support-bundle-help.txt");
    prints(&["migrate-data-root", "--help"], 0, "migrate-data-root-help.txt");
    prints(&["verify", "--help"], 0, "verify-help.txt");
    prints(&["doctor", "--help"], 0, "doctor-help.txt");
    prints(&["bootstrap-script", "--help"], 0, "bootstrap-script-help.txt");
    prints(&["cloud-init", "--help"], 0, "cloud-init-help.txt");
}

#[test]
fn codes_are_explained() {
    prints(&["doctor", "LF105"], 0, "doctor-explain.txt");
    prints(&["doctor", "--explain", "lf018"], 0, "doctor-explain-preflight.txt");
    prints(&["doctor", "LF999"], 2, "doctor-no-code.txt");
}

#[test]
fn mistakes_in_the_call() {
    prints(&["install"], 2, "no-source.txt");
    prints(&["install", "--offlin", "x"], 2, "unknown-option.txt");
    prints(&["--json", "install", "--offlin", "x"], 2, "unknown-option.json");
    prints(&["install", "--offline", "/no/such/docker-28.5.2.tgz"], 2, "no-archive.txt");
    prints(&["install", "--offline", "/dev/null", "--set", "mtu=abc"], 2, "set-no-json.txt");
    prints(&["install", "--offline", "/dev/null", "--set", "mtuu=1"], 2, "set-unknown-key.txt");
    let mirror = ["install", "--offline", "/dev/null", "--registry-mirror", "https://a.example/x"];
    prints(&mirror, 2, "mirror-with-path.txt");
    prints(&["apply", "/no/such/plan.json"], 2, "no-plan.txt");
    prints(&["plan", "--facts", "/no/such/host.json", "--offline", "/dev/null"], 2, "no-probe.txt");
    prints(&["--root", "/no/such/image", "status"], 2, "no-root.txt");
}

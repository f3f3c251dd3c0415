//! The command line's own words, in a sealed environment: help, and mistakes in the call.
//! `UPDATE_GOLDEN=1` writes what is printed now; read the difference.
// Runs the program itself, on this machine.
#![allow(clippy::disallowed_methods, clippy::expect_used)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::Run;

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

/// What a program of this machine makes of an input, without a word of complaint.
#[track_caller]
fn given(program: &str, arguments: &[&str], input: &str) -> String {
    let limit = Duration::from_secs(30);
    let run = Run::of(Command::new(program).args(arguments), input.as_bytes(), limit);
    assert_eq!(run.stderr, "", "{run}");
    run.ok()
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
    prints(&["bundle", "--help"], 0, "bundle-help.txt");
    prints(&["bundle", "create", "--help"], 0, "bundle-create-help.txt");
    prints(&["bundle", "sign", "--help"], 0, "bundle-sign-help.txt");
    prints(&["support-bundle", "--help"], 0, "support-bundle-help.txt");
    prints(&["migrate-data-root", "--help"], 0, "migrate-data-root-help.txt");
    prints(&["verify", "--help"], 0, "verify-help.txt");
    prints(&["doctor", "--help"], 0, "doctor-help.txt");
    prints(&["fleet", "report", "--help"], 0, "fleet-report-help.txt");
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

#[test]
fn manual_pages_and_completions() {
    let (code, page) = landfall(&["man"]);
    assert_eq!(code, Some(0));
    // Each command that the page lists has a page of its own, and all are well-formed.
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("landfall\\-")?.strip_suffix("(1)"))
        .collect();
    assert!(commands.contains(&"install") && commands.len() > 15, "{commands:?}");
    for command in commands {
        let name = command.replace("\\-", "-");
        let (code, page) = landfall(&["man", &name]);
        assert_eq!(code, Some(0), "{name}: {page}");
        let text = given("groff", &["-man", "-Kutf8", "-Tutf8", "-ww"], &page);
        assert!(text.contains(&format!("landfall-{name}(1)")), "{text}");
    }
    prints(&["man", "instal"], 2, "man-no-command.txt");
    for shell in ["bash", "zsh", "fish"] {
        let (code, script) = landfall(&["completions", shell]);
        assert_eq!(code, Some(0), "{script}");
        assert!(script.contains("migrate-data-root"), "{shell}");
    }
    let (_, script) = landfall(&["completions", "bash"]);
    let completed = "\nCOMP_WORDS=(landfall migr); COMP_CWORD=1; _landfall landfall migr landfall
        echo \"${COMPREPLY[*]}\"";
    let answer = given("bash", &[], &(script + completed));
    assert_eq!(answer.trim(), "migrate-data-root");
}

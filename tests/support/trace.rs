//! What the program under test asks of the kernel.

use super::bench::{MINUTE, SHARE, bench};
use super::machine::Machine;
use super::run::Run;
use std::process::Command;

/// Runs the program in a host under strace, successfully; the `connect` and `openat` calls of all
/// its threads, but not those of other programs that it started.
pub fn trace<S: AsRef<str>>(host: &Machine, arguments: &[S]) -> Vec<String> {
    let program = format!("{SHARE}/landfall");
    threads(host, arguments).iter().flat_map(|text| of_program(text, &program)).collect()
}

/// Runs it in the same way; the `execve` calls of everything that it started, with all arguments.
pub fn trace_programs<S: AsRef<str>>(host: &Machine, arguments: &[S]) -> Vec<String> {
    let texts = threads(host, arguments);
    let lines = texts.iter().flat_map(|text| text.lines());
    lines.filter(|line| line.starts_with("execve(")).map(str::to_owned).collect()
}

/// The calls of each thread.
fn threads<S: AsRef<str>>(host: &Machine, arguments: &[S]) -> Vec<String> {
    // Its own: what another test traced is not this program's doing.
    let own = tempfile::tempdir_in(&bench().run).expect("the run's directory is writable");
    let directory = own.path();
    let program = format!("{SHARE}/landfall");
    let words: Vec<&str> =
        std::iter::once(program.as_str()).chain(arguments.iter().map(AsRef::as_ref)).collect();
    let exec = host.command(&words);
    // From outside, so that the host needs no strace; one file a thread (-ff), so that no call is
    // torn into two lines.
    let mut strace = Command::new("strace");
    strace.args(["-ff", "-qq", "-s", "256", "-e", "trace=execve,connect,openat", "-o"]);
    strace.arg(directory.join("calls")).arg(exec.get_program()).args(exec.get_args());
    Run::of(&strace, b"", MINUTE * 4).ok();
    let files = std::fs::read_dir(directory).expect("strace wrote its files");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("the directory can be read").path();
        std::fs::read_to_string(path).expect("strace writes text")
    };
    files.map(read).collect()
}

/// A thread's calls while it was the program: from its `execve` on, or, in a thread that never
/// called `execve`, all of them.
fn of_program(thread: &str, program: &str) -> Vec<String> {
    let mut ours = true;
    let mut calls = Vec::new();
    for line in thread.lines() {
        if line.starts_with("execve(") && line.ends_with(" = 0") {
            ours = line.starts_with(&format!("execve(\"{program}\""));
        } else if ours {
            calls.push(line.to_owned());
        }
    }
    calls
}

//! dockerd itself looks at daemon.json before it gets it.

use std::time::Duration;

use super::failure::{Failure, exit};
use super::output::Output;
use crate::desired::{DAEMON_JSON, Desired, UNIT_DIR};
use crate::facts::Facts;
use crate::file_state::Ownership;
use crate::host::Host;
use crate::plan::Plan;
use crate::report::{Event, Reporter};
use crate::steps::Step;
use crate::texts::validate as texts;
use crate::topology::release;

/// The first release that can be asked (`dockerd --validate`).
const SINCE: (u32, u32) = (23, 0);
/// How long it may take; it only reads the file.
const LIMIT: Duration = Duration::from_secs(30);
/// Where it finds the text. It lies in memory, and can be read from its beginning again and again.
const INPUT: &str = "/dev/stdin";

/// Asks the dockerd that will read daemon.json – a staged one, or the one that is there – whether it
/// accepts it as the plan leaves it. Where neither the file nor dockerd changes, nothing is asked.
///
/// # Errors
/// [`exit::REFUSED`] with dockerd's own words. That it cannot be asked is no more than a warning.
pub fn validate(
    plan: &Plan,
    desired: &Desired,
    facts: &Facts,
    host: &Host,
    output: &Output,
) -> Result<(), Failure> {
    let too_old = plan.version.as_deref().and_then(release).is_some_and(|it| it < SINCE);
    if too_old || !host.is_live() || host.uid() != 0 {
        return Ok(());
    }
    let staged = plan.steps.iter().find_map(|step| match step {
        Step::InstallBinary(step) if step.path.ends_with("/dockerd") => Some(step.staged.as_str()),
        _ => None,
    });
    let Some(text) = text_after(plan, facts, staged.is_some()) else { return Ok(()) };
    let words = &facts.start_command.words;
    let is_dockerd = |word: &str| word.starts_with('/') && word.ends_with("/dockerd");
    let own_unit = plan.steps.iter().any(
        |step| matches!(step, Step::WriteFile(file) if file.path == format!("{UNIT_DIR}/docker.service")),
    );
    let command: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let counts = command.first().is_some_and(|first| is_dockerd(first));
    let standing = command.first().filter(|_| counts).map(|first| (*first).to_owned());
    let program = match staged {
        Some(staged) => {
            // Not for others: it has its final mode with its final name.
            host.set_ownership(staged, Ownership::root(0o700))?;
            staged.to_owned()
        }
        None => standing.unwrap_or_else(|| format!("{}/dockerd", desired.bin_dir)),
    };
    let config = format!("--config-file={INPUT}");
    let mut argv = vec![program.as_str(), "--validate", &config];
    // It looks for docker-proxy by itself, which may not be there yet, or not where programs of the
    // system are. Any program will do for it here.
    let proxy = format!("--userland-proxy-path={program}");
    let names_proxy = text.contains("\"userland-proxy-path\"")
        || command.iter().any(|word| word.starts_with("--userland-proxy-path"));
    argv.extend((!names_proxy).then_some(proxy.as_str()));
    if counts && (facts.start_command.by_drop_in || !own_unit) {
        argv.extend(without_config_file(&command[1..]));
    }
    let verdict = match host.ask_about(&argv, &text, LIMIT) {
        Ok(output) => verdict(output.code, &output.stderr),
        Err(error) => Verdict::Unasked(error.to_string()),
    };
    match verdict {
        Verdict::Accepted => Ok(()),
        Verdict::Unasked(reason) => {
            output.event(&Event::Warning { text: texts::unasked(&reason) });
            Ok(())
        }
        Verdict::Refused(details) => {
            let failure = Failure::new(exit::REFUSED, texts::refused(plan.version.as_deref()));
            Err(Failure { details, ..failure.hint(texts::HINT) })
        }
    }
}

/// daemon.json as the plan leaves it, if it or what reads it changes.
fn text_after(plan: &Plan, facts: &Facts, new_daemon: bool) -> Option<String> {
    let written = plan.steps.iter().rev().find_map(|step| match step {
        Step::WriteFile(file) if file.path == DAEMON_JSON => Some(file.text.clone()),
        _ => None,
    });
    let standing = || facts.files.get(DAEMON_JSON)?.text.clone();
    written.or_else(|| standing().filter(|_| new_daemon))
}

fn without_config_file<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "--config-file" {
            words.next();
        } else if !word.starts_with("--config-file=") {
            kept.push(*word);
        }
    }
    kept
}

/// What dockerd says.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    /// Its words.
    Refused(Vec<String>),
    /// It could not look at the file; why.
    Unasked(String),
}

/// Only dockerd's own complaint about the file refuses it. The loader ends a program that it cannot
/// start with 127, fapolicyd and SELinux let it read nothing, and one that is older than its name
/// says does not know the flag.
fn verdict(code: Option<i32>, stderr: &str) -> Verdict {
    let lines: Vec<String> = stderr
        .lines()
        .map(|line| line.trim().replace(INPUT, DAEMON_JSON))
        .filter(|line| !line.is_empty() && !line.starts_with("time="))
        .collect();
    let says = |text: &str| stderr.contains(text);
    match code {
        Some(0) => Verdict::Accepted,
        Some(1) if !says("unknown flag") && !says("permission denied") && !lines.is_empty() => {
            Verdict::Refused(lines)
        }
        _ => Verdict::Unasked(lines.last().cloned().unwrap_or_else(|| texts::NO_WORD.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_complaint_refuses() {
        let complaint = "unable to configure the Docker daemon with file /dev/stdin: the following \
            directives are specified both as a flag and in the configuration file: mtu\n";
        let Verdict::Refused(lines) = verdict(Some(1), complaint) else { panic!("refused") };
        assert!(lines[0].contains("with file /etc/docker/daemon.json:"), "{lines:?}");
        assert_eq!(verdict(Some(0), "configuration OK\n"), Verdict::Accepted);
        for (code, stderr) in [
            (Some(127), "dockerd: error while loading shared libraries: libsystemd.so.9\n"),
            (Some(1), "open /dev/stdin: permission denied\n"),
            (Some(1), "Status: unknown flag: --validate\n"),
            (Some(1), ""),
            (None, ""),
        ] {
            assert!(matches!(verdict(code, stderr), Verdict::Unasked(_)), "{code:?} {stderr}");
        }
    }

    #[test]
    fn another_file_is_not_named_twice() {
        let words = ["-H", "fd://", "--config-file", "/x", "--config-file=/y", "--mtu=9"];
        assert_eq!(without_config_file(&words), ["-H", "fd://", "--mtu=9"]);
    }
}

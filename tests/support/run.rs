//! One program that was run, with its output.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a program did: exit code and output, with the command for messages.
#[derive(Debug)]
pub struct Run {
    /// The command line, as a person would read it.
    pub command: String,
    /// Exit code; 128 + number when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Runs a program to its end, with `input` as its standard input. Panics when it takes longer
    /// than `limit`: no test waits for ever.
    pub fn of(program: &Command, input: &[u8], limit: Duration) -> Self {
        let mut words = vec![program.get_program().to_string_lossy().into_owned()];
        words.extend(program.get_args().map(|word| word.to_string_lossy().into_owned()));
        let mut child = Command::new("timeout")
            .arg("--kill-after=5")
            .arg(limit.as_secs().to_string())
            .args(&words)
            .envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("coreutils' timeout can be started");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A program that ends without reading all of its input is judged by its exit code.
        let _ = stdin.write_all(input);
        drop(stdin);
        let output = child.wait_with_output().expect("the output can be read");
        let run = Self {
            command: words.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!matches!(run.code, 124 | 137), "took longer than {limit:?}: {run}");
        run
    }

    /// Panics, showing everything, unless the program ended with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit code {code}: {self}");
        self
    }

    /// Standard output of a program that must succeed, without the last line's end.
    #[track_caller]
    pub fn ok(self) -> String {
        let run = self.exits(0);
        run.stdout.trim_end().to_owned()
    }

    /// Both outputs, for "says so somewhere".
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Panics, showing everything, unless the output holds `text` (in any case of letters).
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let output = self.output().to_lowercase();
        assert!(output.contains(&text.to_lowercase()), "expected {text:?} in the output: {self}");
        self
    }

    /// The codes of preflight findings (`LF001`) that the output names, each once.
    pub fn findings(&self) -> Vec<String> {
        let output = self.output();
        let mut codes: Vec<String> = output
            .match_indices("LF")
            .filter_map(|(at, _)| output.get(at..at + 5))
            .filter(|code| code.bytes().skip(2).all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        codes.sort();
        codes.dedup();
        codes
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\nexit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

//! Running the host's programs: argument vectors, a clean environment, a time limit.

use std::fs::File;
use std::io::{Seek, Write as _};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::fault_point::{self, Effect};
use super::{Host, HostError, kill_point};
use crate::texts::phrases::host as phrases;

/// Where programs are looked for. `sudo`'s secure path and a bare login often lack the
/// `sbin` directories, so the caller's own PATH is not used.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much a program may print, in bytes (a firewall of 100,000 rules prints 10 MiB).
const OUTPUT_LIMIT: u64 = 16 << 20;

/// What a program finds in its environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Environment<'a> {
    /// What every program of the host needs, and these variables.
    Clean(&'a [(&'a str, &'a str)]),
    /// What Landfall itself was given.
    Callers,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Host {
    /// Runs a program and returns what it left, whatever its exit code.
    ///
    /// # Errors
    /// [`HostError::Spawn`] if it cannot be started, [`HostError::CommandTimeout`] if it
    /// had to be killed.
    pub fn run(&self, argv: &[&str], limit: Duration) -> Result<Output, HostError> {
        self.run_fed(argv, None, limit, Environment::Clean(&[]))
    }

    /// The same, with more in its environment.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn run_in(
        &self,
        environment: &[(&str, &str)],
        argv: &[&str],
        limit: Duration,
    ) -> Result<Output, HostError> {
        self.run_fed(argv, None, limit, Environment::Clean(environment))
    }

    /// The same with a program that changes the host.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn run_changing(
        &self,
        environment: &[(&str, &str)],
        argv: &[&str],
        limit: Duration,
    ) -> Result<Output, HostError> {
        may_run(argv)?;
        let output = self.run_fed(argv, None, limit, Environment::Clean(environment))?;
        kill_point::reached();
        Ok(output)
    }

    /// Runs a program of the caller's own, in the caller's environment and by the caller's `PATH`,
    /// with text on its standard input.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub fn run_for_caller(
        &self,
        argv: &[&str],
        input: &str,
        limit: Duration,
    ) -> Result<Output, HostError> {
        self.run_fed(argv, Some(input), limit, Environment::Callers)
    }

    /// Runs a program that reads a text from `/dev/stdin`, as from a file that lies in memory
    /// alone; returns what it left, whatever its exit code.
    ///
    /// # Errors
    /// As [`Host::run`], also where the kernel has no such files (before 3.17).
    pub fn ask_about(
        &self,
        argv: &[&str],
        text: &str,
        limit: Duration,
    ) -> Result<Output, HostError> {
        let spawn_error = |source| HostError::Spawn {
            program: argv.first().copied().unwrap_or_default().to_owned(),
            source,
        };
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let file = rustix::fs::memfd_create("daemon.json", flags);
        let mut file = File::from(file.map_err(|errno| spawn_error(errno.into()))?);
        file.write_all(text.as_bytes()).and_then(|()| file.rewind()).map_err(spawn_error)?;
        self.run_on(argv, (file.into(), None), limit, Environment::Clean(&[]))
    }

    fn run_fed(
        &self,
        argv: &[&str],
        input: Option<&str>,
        limit: Duration,
        environment: Environment<'_>,
    ) -> Result<Output, HostError> {
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        self.run_on(argv, (stdin, input), limit, environment)
    }

    #[allow(clippy::disallowed_methods)] // the one place where programs are started
    fn run_on(
        &self,
        argv: &[&str],
        (stdin, input): (Stdio, Option<&str>),
        limit: Duration,
        environment: Environment<'_>,
    ) -> Result<Output, HostError> {
        let (program, arguments) = argv.split_first().ok_or_else(|| HostError::Spawn {
            program: String::new(),
            source: std::io::ErrorKind::InvalidInput.into(),
        })?;
        self.block_on(async {
            let mut command = tokio::process::Command::new(program);
            if let Environment::Clean(more) = environment {
                command.env_clear().env("PATH", PATH).env("LC_ALL", "C").env("HOME", "/root");
                command.envs(more.iter().copied());
            }
            let mut child = command
                .args(arguments)
                .stdin(stdin)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                // In a group of its own: the terminal's Ctrl-C does not reach it half-way.
                .process_group(0)
                .kill_on_drop(true)
                .spawn()
                .map_err(|source| HostError::Spawn { program: (*program).to_owned(), source })?;
            let (stdin, stdout, stderr) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let feed = async {
                if let (Some(mut stdin), Some(input)) = (stdin, input) {
                    // A program that ends early closes its end; its exit code tells why.
                    let _ = stdin.write_all(input.as_bytes()).await;
                }
            };
            let spawn_error = |source| HostError::Spawn { program: (*program).to_owned(), source };
            let finished = tokio::time::timeout(limit, async {
                let (_, stdout, stderr) = tokio::join!(feed, read(stdout), read(stderr));
                Ok((child.wait().await?, stdout?, stderr?))
            })
            .await;
            let (status, stdout, stderr) = match finished {
                Ok(ended) => ended.map_err(spawn_error)?,
                Err(_) => {
                    return Err(HostError::CommandTimeout {
                        command: argv.join(" "),
                        seconds: limit.as_secs(),
                    });
                }
            };
            Ok(Output {
                code: status.code(),
                stdout: String::from_utf8_lossy(&stdout).into_owned(),
                stderr: String::from_utf8_lossy(&stderr).into_owned(),
            })
        })
    }

    /// Runs a program that has to succeed; returns its standard output.
    ///
    /// # Errors
    /// As [`Host::run`], and [`HostError::Command`] with the last lines of its stderr if it
    /// exits with another code than 0.
    pub fn run_ok(&self, argv: &[&str], limit: Duration) -> Result<String, HostError> {
        may_run(argv)?;
        let output = succeeded(argv, self.run(argv, limit)?)?;
        kill_point::reached();
        Ok(output)
    }

    /// Runs a program that has to succeed, with text on its standard input.
    ///
    /// # Errors
    /// As [`Host::run_ok`].
    pub fn run_with_input(
        &self,
        argv: &[&str],
        input: &str,
        limit: Duration,
    ) -> Result<String, HostError> {
        may_run(argv)?;
        succeeded(argv, self.run_fed(argv, Some(input), limit, Environment::Clean(&[]))?)
    }

    /// The path of a program of the host, or `None` if it has none of that name. In an
    /// image the same directories are looked through.
    pub fn find_program(&self, name: &str) -> Option<String> {
        if !self.is_live() {
            return PATH.split(':').map(|directory| format!("{directory}/{name}")).find(|path| {
                matches!(self.open_file(path), Ok(Some(file))
                    if file.metadata().is_ok_and(|metadata| metadata.mode() & 0o111 != 0))
            });
        }
        Self::find_own_program(name)
    }

    /// The path of a program of the running system, also for those who look at an image.
    pub fn find_own_program(name: &str) -> Option<String> {
        which::which_in(name, Some(PATH), "/").ok().map(|path| path.to_string_lossy().into_owned())
    }
}

/// A program that writes fails where Landfall would.
fn may_run(argv: &[&str]) -> Result<(), HostError> {
    fault_point::before(Effect::Grows).map_err(|errno| HostError::Spawn {
        program: argv.first().copied().unwrap_or_default().to_owned(),
        source: errno.into(),
    })
}

fn succeeded(argv: &[&str], output: Output) -> Result<String, HostError> {
    if output.code == Some(0) {
        return Ok(output.stdout);
    }
    Err(HostError::Command {
        command: argv.join(" "),
        status: output.code.map_or_else(|| phrases::ENDED_BY_SIGNAL.to_owned(), phrases::exit_code),
        stderr: last_lines(&output.stderr, 5),
    })
}

/// Reads to the end; a program that prints more than the limit is an error, since half of
/// an output must not be taken for the whole.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT_LIMIT + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > OUTPUT_LIMIT {
        return Err(std::io::Error::other(phrases::TOO_MUCH_OUTPUT));
    }
    Ok(bytes)
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("; ")
}

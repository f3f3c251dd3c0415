//! Asking the host's package manager, and having it install and remove.

use std::collections::BTreeMap;
use std::time::Duration;

use super::repository::ID;
use super::{Manager, Transaction, Versions, apt, dnf};
use crate::host::command::Output;
use crate::host::{Host, HostError};
use crate::net::proxy::Proxies;
use crate::texts::phrases::host as phrases;

/// How long a question may take, in which indexes may have to be fetched first.
const ASK: Duration = Duration::from_secs(10 * 60);
/// How long packages may take to be fetched, installed or removed.
const WORK: Duration = Duration::from_secs(60 * 60);

/// What was held is among what is asked for by name and version.
const HELD: &str = "--allow-change-held-packages";

/// A package manager that is asked on a host: as it is, or with options that have it look
/// elsewhere.
pub struct Query<'a> {
    /// The host.
    pub host: &'a Host,
    /// The manager.
    pub manager: Manager,
    /// For apt: what follows `-o`. For dnf: what follows `--setopt=`.
    pub options: Vec<String>,
    /// The proxies that it goes through, if the host's own settings name none. They may hold a
    /// password, and so no argument and no file has them.
    pub proxies: &'a Proxies,
}

impl<'a> Query<'a> {
    /// The manager with the host's own settings.
    pub fn new(host: &'a Host, manager: Manager, proxies: &'a Proxies) -> Self {
        Self { host, manager, options: Vec::new(), proxies }
    }

    /// Which of these packages are there, also in part, and in which versions.
    ///
    /// # Errors
    /// [`HostError`] if the database cannot be asked.
    pub fn installed(&self, names: &[&str]) -> Result<Versions, HostError> {
        if names.is_empty() {
            return Ok(Versions::new());
        }
        let mut argv = match self.manager {
            Manager::Apt => {
                let format = "${Package}\\t${Version}\\t${db:Status-Status}\\n";
                vec!["dpkg-query", "--show", "--showformat", format, "--"]
            }
            Manager::Dnf | Manager::Yum => vec!["rpm", "-q", "--queryformat", dnf::QUERY, "--"],
        };
        argv.extend(names);
        // The exit code only says whether all of them are there.
        let output = self.host.run(&argv, ASK)?;
        if output.code.is_none() {
            return Err(failed(&argv, &output));
        }
        Ok(match self.manager {
            Manager::Apt => apt::parse_installed(&output.stdout),
            Manager::Dnf | Manager::Yum => dnf::parse_installed(&output.stdout),
        })
    }

    /// Fetches the index of the repository in `source`, and of no other.
    ///
    /// # Errors
    /// [`HostError::Command`] if that failed, also where the manager says it did not.
    pub fn refresh(&self, source: &str) -> Result<(), HostError> {
        let (only, base) = (format!("Dir::Etc::sourcelist={source}"), self.base());
        let mut argv: Vec<&str> = base.iter().map(String::as_str).collect();
        let repository = format!("--disablerepo=* --enablerepo={ID}");
        match self.manager {
            Manager::Apt => argv.extend([
                "-o",
                &only,
                "-o",
                "Dir::Etc::sourceparts=/dev/null",
                // Otherwise the indexes of all other repositories go.
                "-o",
                "APT::Get::List-Cleanup=0",
                "-o",
                "APT::Update::Error-Mode=any",
                "update",
            ]),
            Manager::Dnf | Manager::Yum => {
                argv.extend(repository.split(' '));
                argv.extend(["makecache"]);
            }
        }
        let output = self.host.run_changing(&self.environment(), &argv, ASK)?;
        let complaints = match self.manager {
            // Without the key it says so, exits with 0, and keeps what it had.
            Manager::Apt => apt::complaints(&output.stderr),
            Manager::Dnf | Manager::Yum => Vec::new(),
        };
        if output.code == Some(0) && complaints.is_empty() {
            return Ok(());
        }
        Err(failed(&argv, &output))
    }

    /// The versions of packages in the repository in `source`.
    ///
    /// # Errors
    /// [`HostError::Command`] if it cannot be asked.
    pub fn offered(
        &self,
        source: &str,
        names: &[&str],
    ) -> Result<BTreeMap<String, Vec<String>>, HostError> {
        let only = format!("Dir::Etc::sourcelist={source}");
        let options = self.setopts();
        let repository = format!("--enablerepo={ID}");
        let mut argv: Vec<&str> = match self.manager {
            Manager::Apt => {
                let parts = ["-o", &only, "-o", "Dir::Etc::sourceparts=/dev/null", "madison"];
                let mut argv = vec!["apt-cache"];
                argv.extend(options.iter().map(String::as_str).chain(parts));
                argv
            }
            Manager::Dnf | Manager::Yum => {
                let mut argv = vec![self.manager.program(), "-q"];
                argv.extend(options.iter().map(String::as_str));
                argv.extend(["--disablerepo=*", &repository, "list", "--showduplicates"]);
                argv
            }
        };
        argv.extend(names);
        let output = self.host.run_in(&self.environment(), &argv, ASK)?;
        let offered = match self.manager {
            Manager::Apt => apt::parse_offered(&output.stdout),
            // Names that it does not know make it fail, with the others listed.
            Manager::Dnf | Manager::Yum => dnf::parse_offered(&output.stdout, ID),
        };
        if offered.is_empty() && output.code != Some(0) {
            return Err(failed(&argv, &output));
        }
        Ok(offered)
    }

    /// What the manager would do to install exactly these.
    ///
    /// # Errors
    /// [`HostError::Command`] with its reason, if it cannot be done.
    pub fn simulate(&self, packages: &Versions) -> Result<Transaction, HostError> {
        let options = ["--simulate", "--allow-downgrades", HELD];
        let argv = self.install_command(packages, &options, true);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let output = self.host.run_in(&self.environment(), &argv, ASK)?;
        match self.manager {
            Manager::Apt if output.code == Some(0) => Ok(apt::parse_simulated(&output.stdout)),
            Manager::Apt => Err(failed(&argv, &output)),
            Manager::Dnf | Manager::Yum => {
                // It says what it would do before it asks, and is answered with no.
                let known = Versions::new();
                let first = dnf::parse_simulated(&output.stdout, &known);
                let first = first.ok_or_else(|| failed(&argv, &output))?;
                let installed = self.installed(&first.names())?;
                let done = dnf::parse_simulated(&output.stdout, &installed);
                done.ok_or_else(|| failed(&argv, &output))
            }
        }
    }

    /// Installs exactly these; `replace` allows to remove what is in the way.
    ///
    /// # Errors
    /// [`HostError::Command`] with the manager's reason.
    pub fn install(&self, packages: &Versions, replace: bool) -> Result<(), HostError> {
        let keep: &[&str] = if replace { &[] } else { &["--no-remove"] };
        let options = [&["--allow-downgrades", HELD], keep].concat();
        let argv = self.install_command(packages, &options, replace);
        self.change(&argv)
    }

    fn install_command(&self, packages: &Versions, apt: &[&str], replace: bool) -> Vec<String> {
        let mut argv = self.base();
        match self.manager {
            Manager::Apt => {
                argv.extend(apt.iter().map(|word| (*word).to_owned()));
                argv.push("install".to_owned());
                argv.extend(packages.iter().map(|(name, version)| format!("{name}={version}")));
            }
            Manager::Dnf | Manager::Yum => {
                if apt.contains(&"--simulate") {
                    argv.retain(|word| word != "-y");
                    argv.push("--assumeno".to_owned());
                }
                if replace && self.manager == Manager::Dnf {
                    argv.push("--allowerasing".to_owned());
                }
                argv.push("install".to_owned());
                argv.extend(packages.iter().map(|(name, version)| dnf::spec(name, version)));
            }
        }
        argv
    }

    /// Removes packages; `purge` also their configuration, which dpkg keeps otherwise.
    ///
    /// # Errors
    /// [`HostError::Command`] with the manager's reason.
    pub fn remove(&self, names: &[&str], purge: bool) -> Result<(), HostError> {
        let mut argv = self.base();
        let verb = match self.manager {
            Manager::Apt if purge => "purge",
            Manager::Apt => "remove",
            Manager::Dnf | Manager::Yum => {
                argv.push("--setopt=clean_requirements_on_remove=0".to_owned());
                "remove"
            }
        };
        if self.manager == Manager::Apt {
            argv.push(HELD.to_owned());
        }
        argv.push(verb.to_owned());
        argv.extend(names.iter().map(|name| (*name).to_owned()));
        self.change(&argv)
    }

    /// Whether these can be removed and nothing that is not among them goes too.
    ///
    /// # Errors
    /// [`HostError`] if the manager cannot be asked.
    pub fn can_go(&self, names: &[&str]) -> Result<bool, HostError> {
        let (program, options) = match self.manager {
            Manager::Apt => ("apt-get", vec!["-q", "-y", "--simulate", HELD, "remove"]),
            Manager::Dnf | Manager::Yum => ("rpm", vec!["-e", "--test", "--"]),
        };
        let argv = [&[program], options.as_slice(), names].concat();
        let output = self.host.run_in(&self.environment(), &argv, ASK)?;
        let gone = apt::parse_simulated(&output.stdout).remove;
        Ok(output.code == Some(0) && gone.keys().all(|name| names.contains(&name.as_str())))
    }

    /// Completes what an interrupted dpkg has left; without it nothing can be installed or removed.
    ///
    /// # Errors
    /// [`HostError`] if dpkg cannot be run.
    pub fn settle(&self) -> Result<(), HostError> {
        if self.manager == Manager::Apt {
            // What cannot be configured is removed afterwards.
            let argv = ["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"];
            self.host.run_changing(&self.environment(), &argv, WORK)?;
        }
        Ok(())
    }

    /// The configuration files of packages that somebody has changed; rpm keeps those by itself.
    ///
    /// # Errors
    /// [`HostError`] if dpkg cannot be asked.
    pub fn changed_configuration(&self, name: &str) -> Result<Vec<String>, HostError> {
        if self.manager != Manager::Apt {
            return Ok(Vec::new());
        }
        let output = self.host.run(&["dpkg", "--verify", name], ASK)?;
        Ok(apt::parse_changed_configuration(&output.stdout))
    }

    fn change(&self, argv: &[String]) -> Result<(), HostError> {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let output = self.host.run_changing(&self.environment(), &argv, WORK)?;
        if output.code == Some(0) { Ok(()) } else { Err(failed(&argv, &output)) }
    }

    /// The program, and what every call of it says.
    fn base(&self) -> Vec<String> {
        let always: &[&str] = match self.manager {
            Manager::Apt => &apt::ALWAYS,
            Manager::Dnf | Manager::Yum => &["-y"],
        };
        let words = std::iter::once(self.manager.program()).chain(always.iter().copied());
        words.map(str::to_owned).chain(self.setopts()).collect()
    }

    fn setopts(&self) -> Vec<String> {
        let options = self.options.iter();
        match self.manager {
            Manager::Apt => options.flat_map(|option| ["-o".to_owned(), option.clone()]).collect(),
            Manager::Dnf | Manager::Yum => {
                // Distributions set it, and dnf succeeds without the repository then.
                let heard = format!("--setopt={ID}.skip_if_unavailable=0");
                std::iter::once(heard)
                    .chain(options.map(|option| format!("--setopt={option}")))
                    .collect()
            }
        }
    }

    fn environment(&self) -> Vec<(&'static str, &str)> {
        let mut variables = self.proxies.variables();
        if self.manager == Manager::Apt {
            variables.extend(apt::ENVIRONMENT);
        }
        variables
    }
}

/// Lines of an answer that are shown at most.
const LINES: usize = 6;

fn failed(argv: &[&str], output: &Output) -> HostError {
    let reason = dnf::reason(&output.stderr).or_else(|| dnf::reason(&output.stdout));
    let reason = reason.unwrap_or_else(|| {
        let lines: Vec<&str> = output.stderr.lines().filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(LINES)..].join("; ")
    });
    HostError::Command {
        command: argv.first().copied().unwrap_or_default().to_owned(),
        status: output.code.map_or_else(|| phrases::A_SIGNAL.to_owned(), phrases::exit_code),
        stderr: reason,
    }
}

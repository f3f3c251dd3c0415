//! `landfall apply --site`: this host's entry of a file that is the same on all.

use std::path::Path;
use std::time::{Duration, Instant};

use super::args::{Global, InstallArgs, SiteArgs};
use super::failure::{Failure, exit};
use super::install;
use super::output::{Output, failure_json};
use crate::facts::{self, identity};
use crate::fleet::result::{About, HostResult};
use crate::fleet::site::{Site, SiteError, Who};
use crate::host::{Host, clock, input, output};
use crate::texts::{errors, fleet as texts, progress};

/// Installs, or changes, what this host's entry says, and writes down what became of it.
pub fn apply(
    global: &Global,
    args: &SiteArgs,
    site: &Path,
    offline: Option<&Path>,
    confirm_within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let site = absolute(site)?;
    let read = read(&site)?;
    let (entry, config) = match &args.entry {
        Some(label) => read.named(label, &site)?,
        None => read.of(&who(host)?, &site)?,
    };
    let mut about = about(host, entry)?;
    output.line(&texts::this_is(&about.host.name, &about.entry));
    let global = Global { site: Some(config), ..global.clone() };
    let options = InstallArgs { offline: offline.map(Path::to_owned), ..InstallArgs::default() };
    let began = Instant::now();
    output.record();
    let result = install::install(&global, &options, confirm_within, host, output);
    let mut events = output.recorded();
    about.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let exit = match &result {
        Ok(exit) => *exit,
        Err(failure) => {
            events.push(failure_json(failure));
            failure.exit
        }
    };
    let written = write(&HostResult::new(about, exit, &events), &args.results);
    match (result, written) {
        (Ok(code), Ok(path)) => {
            output.line(&texts::result_written(&path));
            Ok(code)
        }
        (Ok(_), Err(failure)) => Err(failure),
        (Err(mut failure), written) => {
            let told = written.map_or_else(|why| why.message, |path| texts::result_written(&path));
            failure.details.push(told);
            Err(failure)
        }
    }
}

/// Reads a site file that is named on the command line.
pub fn read(path: &Path) -> Result<Site, Failure> {
    let shown = path.to_string_lossy();
    let usage = |message: String| Failure::new(exit::USAGE, message);
    let text = input::read_text(path).map_err(|error| usage(error.to_string()))?;
    let text = text.ok_or_else(|| usage(errors::no_config(&shown)))?;
    Ok(Site::parse(&text, path)?)
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, Failure> {
    output::absolute(path).map_err(|error| Failure::new(exit::USAGE, error.to_string()))
}

fn who(host: &Host) -> Result<Who, Failure> {
    let machine_id = host.read_text("/etc/machine-id")?.unwrap_or_default().trim().to_owned();
    // Those of an image are not known yet; neither are those that the kernel does not tell.
    let addresses = match host.is_live() {
        true => host.routes_and_addresses().map(|(_, addresses)| addresses).unwrap_or_default(),
        false => Vec::new(),
    };
    Ok(Who {
        name: identity::gather(host)?.name,
        machine_id,
        addresses: addresses.into_iter().map(|it| it.address.addr()).collect(),
    })
}

fn about(host: &Host, entry: String) -> Result<About, Failure> {
    Ok(About {
        entry,
        host: identity::gather(host)?,
        distribution: progress::distribution(&facts::distribution_of(host)?),
        kernel: host.uname().release,
        landfall: env!("CARGO_PKG_VERSION").to_owned(),
        began: clock::now(),
        milliseconds: 0,
    })
}

/// Writes the result; one of another machine of the same name is left alone.
fn write(result: &HostResult, directory: &Path) -> Result<String, Failure> {
    let of_another = |path: &Path| {
        let text = input::read_document(path).ok()?;
        let there = HostResult::from_text(&text).ok()?;
        Some(there.about.host.machine != result.about.host.machine)
    };
    let mut path = directory.join(result.file_name(false));
    if of_another(&path) == Some(true) {
        path = directory.join(result.file_name(true));
    }
    let text = result.to_text().map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
    output::write_private(&path, text.as_bytes())?;
    Ok(path.to_string_lossy().into_owned())
}

impl From<SiteError> for Failure {
    fn from(error: SiteError) -> Self {
        Self::new(exit::USAGE, error.to_string()).hint(error.hint())
    }
}

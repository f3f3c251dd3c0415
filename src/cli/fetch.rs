//! The archive of an engine from a mirror: what `--offline` names then.

use super::args::{Global, Method, NetworkArgs};
use super::failure::{Failure, exit};
use super::network::Network;
use super::output::Output;
use super::prepare::{Config, named_file};
use crate::config::{OnlineConfig, Options};
use crate::download::race::{Measured, race};
use crate::download::{EngineArchive, FetchError, Fetcher, Pace, Vouched};
use crate::facts::distribution::{self, Quirk};
use crate::facts::{OsRelease, distribution_of};
use crate::host::Host;
use crate::mirrors::{self, MirrorError, Site, Wanted};
use crate::report::{Event, Reporter};
use crate::texts::download as texts;

/// The same options, with the archive in the place of the mirrors that it was fetched from. As
/// they are if no archive of a mirror is asked for.
pub fn archive(
    options: Options,
    global: &Global,
    network: &NetworkArgs,
    host: &Host,
    output: &Output,
) -> Result<Options, Failure> {
    let file = named_file(global, Config::OfThisHost)?;
    let in_file = file.as_ref().and_then(|file| file.online());
    if options.archive.is_some() || (options.online != Some(true) && in_file.is_none()) {
        return match (options.online, options.method) {
            (Some(true), _) => Err(Failure::new(exit::USAGE, texts::TWO_SOURCES)),
            (_, Some(_)) => Err(Failure::new(exit::USAGE, texts::METHOD_ALONE)),
            _ => Ok(options),
        };
    }
    let in_file = in_file.unwrap_or_default();
    if !is_static(options.method.or(in_file.method), host, output)? {
        return Ok(options);
    }
    let network = Network::gather(global, network, host)?;
    from_mirrors(options, in_file, &network, host, output)
}

/// Whether an archive is meant, and no packages.
fn is_static(asked: Option<Method>, host: &Host, output: &Output) -> Result<bool, Failure> {
    match asked {
        Some(method) => Ok(method == Method::Static),
        None => {
            let os = distribution_of(host)?;
            let none = !has_packages(&os);
            if none {
                output.line(&texts::no_packages(&os.shown()));
            }
            Ok(none)
        }
    }
}

/// Whether Docker builds packages for a distribution.
fn has_packages(os: &OsRelease) -> bool {
    distribution::lookup(os).is_some_and(|known| {
        known.docker_ce.is_some() && !known.quirks.contains(&Quirk::NoNewDockerCe)
    })
}

fn from_mirrors(
    options: Options,
    in_file: OnlineConfig,
    network: &Network,
    host: &Host,
    output: &Output,
) -> Result<Options, Failure> {
    let version = options.version.clone().or(in_file.version);
    let machine = host.uname().machine;
    let archive = EngineArchive::choose(version.as_deref(), &machine).ok_or_else(|| {
        match &version {
            Some(version) => Failure::new(exit::USAGE, texts::no_version(version)),
            None => Failure::new(exit::USAGE, texts::no_archive(&machine)),
        }
        .hint(texts::VERSION_FORM)
    })?;
    if version.is_none() {
        output.line(&texts::newest(&archive.version));
    }
    let named = if options.mirrors.is_empty() { in_file.mirrors } else { options.mirrors.clone() };
    let sites = sites(&named, &archive.path(), network, host, output)?;
    let want = archive.want(&sites, options.sha256.or(in_file.sha256));
    let cache = network.cache(host)?;
    let fetcher = Fetcher {
        web: &network.web,
        cache: &cache,
        pace: Pace::default(),
        allow_unpinned: options.allow_unpinned.or(in_file.allow_unpinned) == Some(true),
        reporter: output,
    };
    let fetched = host.block_on_or_interrupt(fetcher.fetch(std::slice::from_ref(&want)));
    output.event(&Event::DownloadsEnd);
    let fetched = fetched?.pop().unwrap_or(Err(FetchError::none(&want.name)))?;
    let agreed = (fetched.by == Vouched::Mirrors).then_some(fetched.sha256);
    Ok(Options {
        archive: Some(fetched.path),
        agreed,
        online: None,
        method: None,
        mirrors: Vec::new(),
        version: None,
        ..options
    })
}

/// The mirrors that are meant, the fastest first if that is asked for.
pub fn sites(
    named: &[String],
    path: &str,
    network: &Network,
    host: &Host,
    output: &Output,
) -> Result<Vec<Site>, Failure> {
    match mirrors::wanted(named)? {
        Wanted::Sites(sites) => Ok(sites),
        Wanted::Auto => {
            let all = mirrors::everywhere();
            output.line(&texts::racing(all.len()));
            let measured = host.block_on_or_interrupt(race(&network.web, all, path, None))?;
            let serving = |one: Measured| one.result.is_ok().then_some(one.site);
            let sites: Vec<Site> = measured.into_iter().filter_map(serving).collect();
            match sites.first() {
                Some(first) => output.line(&texts::fastest(&first.to_string())),
                None => {
                    return Err(Failure::new(exit::FAILED, texts::NO_MIRROR_REACHED)
                        .hint(texts::PROBE_MIRRORS));
                }
            }
            Ok(sites)
        }
    }
}

impl From<MirrorError> for Failure {
    fn from(error: MirrorError) -> Self {
        Self::new(exit::USAGE, error.to_string()).hint(error.hint())
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let exit = if error.is_of_trust() { exit::UNTRUSTED } else { exit::FAILED };
        let details = error.details();
        Self { details, ..Self::new(exit, error.to_string()).hint(error.hint()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::os_release;

    #[test]
    fn where_docker_builds_packages() {
        let of = |id: &str, version: &str, pretty: &str| {
            let text = format!("ID={id}\nVERSION_ID={version}\nPRETTY_NAME=\"{pretty}\"\n");
            has_packages(&os_release::parse(&text))
        };
        assert!(of("debian", "12", "Debian GNU/Linux 12"));
        assert!(of("rocky", "9.4", "Rocky Linux 9.4"));
        assert!(!of("centos", "7", "CentOS Linux 7"), "not any more");
        assert!(!of("kylin", "V10", "Kylin V10 SP1"), "the desktop");
        assert!(!of("sles", "15.5", "SUSE Linux Enterprise Server 15 SP5"));
        assert!(!of("nobody-knows", "1", "Nobody Knows 1"));
    }
}

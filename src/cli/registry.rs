//! `landfall registry check`.

use serde_json::{Value, json};

use super::args::RegistryCheckArgs;
use super::failure::{Failure, exit};
use super::output::{HEADING, Output};
use crate::facts::doctor::certificates::DIRECTORY;
use crate::host::Host;
use crate::preflight::Severity;
use crate::registry::check::{Check, Depth, Outcome};
use crate::registry::docker_config::{CredentialsError, DockerConfig};
use crate::registry::{Credentials, Image, Registry, Site, Target, TargetError};
use crate::texts::registry as texts;

/// Looks at registries and mirrors, one after the other; changes nothing.
pub fn check(args: &RegistryCheckArgs, host: &Host, output: &Output) -> Result<u8, Failure> {
    if !host.is_live() {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    }
    let site = Site::gather(host)?;
    let targets = targets(args, &site, host)?;
    let image = args.image.as_deref().map(Image::parse).transpose()?;
    let config = DockerConfig::load(host);
    let mut failed = 0;
    for target in &targets {
        let outcome = look(&site, target, image.as_ref(), &config, host)?;
        failed += usize::from(tell(target, &outcome, output));
    }
    let text = match failed {
        0 => texts::usable(targets.len()),
        failed => texts::unusable(failed, targets.len()),
    };
    let object = json!({"event": "registries", "checked": targets.len(), "failed": failed});
    output.result(&text, &object);
    Ok(if failed == 0 { exit::DONE } else { exit::UNSOUND })
}

/// What is asked for, or else everything that is configured. A registry that is a mirror too is
/// looked at as both.
fn targets(args: &RegistryCheckArgs, site: &Site, host: &Host) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> =
        args.targets.iter().map(|text| Target::parse(text)).collect::<Result<_, _>>()?;
    if targets.is_empty() {
        let names = host.read_dir(DIRECTORY)?;
        let registries = names.iter().filter_map(|name| Registry::parse(name).ok());
        targets.extend(registries.map(|registry| Target::Registry(registry, None)));
        targets.extend(site.mirrors.iter().cloned().map(Target::Mirror));
    }
    if targets.is_empty() {
        return Err(Failure::new(exit::USAGE, texts::NO_TARGET).hint(texts::TARGET_FORM));
    }
    Ok(targets)
}

fn look(
    site: &Site,
    target: &Target,
    image: Option<&Image>,
    config: &Result<DockerConfig, CredentialsError>,
    host: &Host,
) -> Result<Outcome, Failure> {
    let (registry, own) = match target {
        Target::Registry(registry, image) => (registry, image.clone()),
        Target::Mirror(mirror) => (&mirror.registry, None),
    };
    let trust = site.trust(host, registry)?;
    let credentials = match target {
        Target::Registry(..) => credentials(config, registry, host)?,
        Target::Mirror(_) => None,
    };
    let image = own.or_else(|| image.cloned());
    let check = Check { site, target, image, trust: &trust, credentials, depth: Depth::Manifest };
    Ok(host.block_on_or_interrupt(check.run())?)
}

fn credentials(
    config: &Result<DockerConfig, CredentialsError>,
    registry: &Registry,
    host: &Host,
) -> Result<Option<Credentials>, Failure> {
    match config {
        Ok(config) => Ok(config.credentials(host, registry)?),
        // Without a home there are none.
        Err(CredentialsError::NoHome) => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

/// Prints what came out; whether the target cannot be used.
fn tell(target: &Target, outcome: &Outcome, output: &Output) -> bool {
    let (shown, is_mirror) = match target {
        Target::Registry(registry, Some(image)) => (format!("{registry}/{image}"), false),
        Target::Registry(registry, None) => (registry.to_string(), false),
        Target::Mirror(mirror) => (mirror.to_string(), true),
    };
    output.line(&format!("{HEADING}{}{HEADING:#}", texts::heading(&shown, is_mirror)));
    for stage in &outcome.passed {
        let (name, found) = texts::passed(stage);
        let mut object = json!({"event": "registry", "target": shown, "mirror": is_mirror});
        if let (Some(fields), Ok(Value::Object(more))) =
            (object.as_object_mut(), serde_json::to_value(stage))
        {
            fields.extend(more);
        }
        output.stage(&format!("  {name:<9} {found}"), &object);
    }
    output.diagnosis(&outcome.findings);
    outcome.findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn failure(error: &CredentialsError) -> Failure {
    Failure::new(exit::FAILED, error.to_string()).hint(error.hint())
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        failure(&error)
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::new(exit::USAGE, error.to_string()).hint(texts::TARGET_FORM)
    }
}

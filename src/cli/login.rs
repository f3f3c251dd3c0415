//! `landfall login`.

use serde_json::json;
use zeroize::Zeroizing;

use super::args::LoginArgs;
use super::failure::{Failure, exit};
use super::output::Output;
use crate::host::{Host, input};
use crate::preflight::Severity;
use crate::registry::check::{Check, Depth, Passed};
use crate::registry::docker_config::{DockerConfig, Keeper};
use crate::registry::{Credentials, Registry, Site, Target};
use crate::texts::registry as texts;

/// Tries name and password, and keeps them for the docker command.
pub fn login(args: &LoginArgs, host: &Host, output: &Output) -> Result<u8, Failure> {
    if !host.is_live() {
        return Err(Failure::new(exit::USAGE, texts::NEEDS_LIVE));
    }
    let registry = Registry::parse(&args.registry)?;
    let Some(user) = args.username.as_deref().filter(|user| !user.is_empty()) else {
        return Err(Failure::new(exit::USAGE, texts::NO_USER).hint(texts::USER_FORM));
    };
    // Before anything is typed or sent: whether it can be kept.
    let config = DockerConfig::load(host)?;
    let credentials = Credentials::new(user, password(args, host, output)?);
    let site = Site::gather(host)?;
    let trust = site.trust(host, &registry)?;
    let target = Target::Registry(registry.clone(), None);
    let check = Check {
        site: &site,
        target: &target,
        image: None,
        trust: &trust,
        credentials: Some(credentials.clone()),
        depth: Depth::Login,
    };
    let outcome = host.block_on_or_interrupt(check.run())?;
    output.findings(&outcome.findings);
    if outcome.findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Failure::new(exit::FAILED, texts::NOT_LOGGED_IN));
    }
    if !outcome.passed.iter().any(|stage| matches!(stage, Passed::Login { .. })) {
        output.result(texts::NOTHING_ASKED, &json!({"event": "done", "changed": false}));
        return Ok(exit::DONE);
    }
    let keeper = config.keep(host, &registry, &credentials)?;
    let by = match &keeper {
        Keeper::Helper(name) => format!("docker-credential-{name}"),
        Keeper::File => config.path.clone(),
    };
    output.result(
        &texts::kept(&registry, user, &keeper, &config.path),
        &json!({
            "event": "done", "changed": true, "registry": registry, "user": user, "kept_by": by,
        }),
    );
    Ok(exit::DONE)
}

/// Never an argument, which all users of a host can read.
fn password(args: &LoginArgs, host: &Host, output: &Output) -> Result<Zeroizing<String>, Failure> {
    let usage = |text: &str| Failure::new(exit::USAGE, text).hint(texts::PASSWORD_FORM);
    let password = if args.password_stdin {
        input::read_secret()?
    } else if let Some(path) = &args.password_file {
        input::read_secret_file(path)
            .map_err(|error| Failure::new(exit::USAGE, error.to_string()))?
    } else {
        let typed = output.ask_secret(host, texts::PASSWORD_QUESTION)?;
        typed.ok_or_else(|| usage(texts::NO_PASSWORD))?
    };
    if password.is_empty() { Err(usage(texts::EMPTY_PASSWORD)) } else { Ok(password) }
}

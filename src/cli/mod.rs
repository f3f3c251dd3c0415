//! The command line: one file per command, and the only place that prints.

mod adopt;
mod apply;
mod args;
mod bootstrap;
mod bundle;
mod configure;
mod confirm;
mod doctor;
mod failure;
mod fetch;
mod fleet;
mod give_back;
mod history;
mod install;
mod login;
mod manual;
mod migrate;
mod mirrors;
mod network;
mod online;
mod output;
mod plan;
mod prepare;
mod probe;
mod prune;
mod recover;
mod registry;
mod rollback;
mod run;
mod show_plan;
mod site;
mod source;
mod status;
mod support_bundle;
mod uninstall;
mod upgrade;
mod validate;
mod verify;

use clap::Parser;
use clap::error::ErrorKind;

use crate::apply::journal;
use crate::host::{Host, HostError};
use crate::report::{Event, Reporter};
use crate::run_state::Question;
use crate::texts::{errors, progress};
use args::{Cli, Command, FleetCommand, Global, PlanArgs, RegistryCommand};
use failure::{Failure, exit};
use output::{Output, utc};

/// Parses the arguments, runs the command and returns its exit code. An error is
/// reported once, here.
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are "errors" that print to stdout and succeed.
            let is_answer =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if !is_answer && std::env::args_os().any(|argument| argument == "--json") {
                output::usage_error(&error.render().to_string());
            } else {
                let _ = error.print();
            }
            return if is_answer { exit::DONE } else { exit::USAGE };
        }
    };
    let output = Output::new(&cli.global);
    match dispatch(&cli, &output) {
        Ok(code) => code,
        Err(failure) => {
            output.failure(&failure);
            failure.exit
        }
    }
}

fn dispatch(cli: &Cli, output: &Output) -> Result<u8, Failure> {
    let host = open_host(&cli.global)?;
    if looks_at_host(&cli.command) {
        warn_of_cut_run(&host, output);
    }
    match &cli.command {
        // No host is touched.
        Command::Bundle(command) => bundle::bundle(&cli.global, command, output),
        Command::Install { options, confirm, dry_run: false } => {
            install::install(&cli.global, options, confirm.within, &host, output)
        }
        Command::Install { options, dry_run: true, .. } => {
            plan::plan(&cli.global, options, &PlanArgs::default(), &host, output)
        }
        Command::Plan { options, args } => plan::plan(&cli.global, options, args, &host, output),
        Command::Apply { plan, site, offline, confirm } => {
            let (offline, within) = (offline.as_deref(), confirm.within);
            match (&site.file, plan) {
                (Some(file), _) => {
                    site::apply(&cli.global, site, file, offline, within, &host, output)
                }
                (None, Some(plan)) => {
                    apply::apply(&cli.global, plan, offline, within, &host, output)
                }
                // The command line's parser lets none through.
                (None, None) => Err(Failure::new(exit::USAGE, errors::NO_PLAN)),
            }
        }
        Command::Probe { options } => probe::probe(&cli.global, options, &host, output),
        Command::SupportBundle { out, hours } => {
            support_bundle::support_bundle(&cli.global, out.as_deref(), *hours, &host, output)
        }
        Command::Adopt { dry_run } => adopt::adopt(&cli.global, *dry_run, &host, output),
        Command::Uninstall(args) => uninstall::uninstall(&cli.global, args, &host, output),
        Command::Rollback { to, metadata, dry_run } => {
            let (to, metadata, dry_run) = (to.as_deref(), *metadata, *dry_run);
            let asked = rollback::Asked { to, metadata, dry_run };
            rollback::rollback(&cli.global, &asked, &host, output)
        }
        Command::Upgrade { options, watch, confirm } => {
            upgrade::upgrade(&cli.global, options, *watch, confirm.within, &host, output)
        }
        Command::MigrateDataRoot(args) => migrate::migrate(&cli.global, args, &host, output),
        Command::Configure { args, confirm } => {
            configure::configure(&cli.global, args, confirm.within, &host, output)
        }
        Command::BootstrapScript(args) => bootstrap::script(args, output),
        Command::CloudInit(args) => bootstrap::user_data(args, output),
        Command::Man { command } => manual::man(command.as_deref(), output),
        Command::Completions { shell } => manual::completions(*shell, output),
        Command::Fleet { command: FleetCommand::Report(args) } => fleet::report(args, output),
        Command::History => history::history(&host, output),
        Command::Prune { keep } => prune::prune(&cli.global, *keep, &host, output),
        Command::Recover { boot } => recover::recover(*boot, &host, output),
        Command::Confirm => confirm::confirm(&host, output),
        Command::Status => status::status(&host, output),
        Command::Verify(args) => verify::verify(&cli.global, args, &host, output),
        Command::Doctor(args) => doctor::doctor(&cli.global, args, &host, output),
        Command::Mirrors(args) => mirrors::mirrors(&cli.global, args, &host, output),
        Command::Registry(RegistryCommand::Check(args)) => registry::check(args, &host, output),
        Command::Login(args) => login::login(args, &host, output),
    }
}

/// Whether a command tells something of the host and changes nothing. One that changes it undoes
/// a run that was cut before anything else, and says so.
fn looks_at_host(command: &Command) -> bool {
    match command {
        Command::Install { dry_run, .. }
        | Command::Adopt { dry_run }
        | Command::Rollback { dry_run, .. } => *dry_run,
        Command::Configure { args, .. } => args.dry_run,
        // Another host may be meant.
        Command::Plan { args, .. } => args.facts.is_none(),
        Command::Doctor(args) => !args.fix && args.code.is_none() && args.explain.is_none(),
        Command::MigrateDataRoot(args) => args.dry_run,
        Command::Verify(args) => !args.repair,
        Command::Probe { .. }
        | Command::SupportBundle { .. }
        | Command::Status
        | Command::History => true,
        Command::Apply { .. }
        | Command::Bundle(_)
        | Command::Uninstall { .. }
        | Command::Upgrade { .. }
        | Command::Prune { .. }
        | Command::Recover { .. }
        | Command::BootstrapScript(_)
        | Command::CloudInit(_)
        | Command::Fleet { .. }
        | Command::Man { .. }
        | Command::Completions { .. }
        | Command::Confirm
        | Command::Mirrors(_)
        | Command::Registry(_)
        | Command::Login(_) => false,
    }
}

/// A run that goes on has no end in the journal either. What cannot be looked at is for the
/// command itself to tell.
fn warn_of_cut_run(host: &Host, output: &Output) {
    if let Ok(Some(cut)) = journal::cut_run(host)
        && matches!(host.ask_run(Question::State), Ok(None))
    {
        let text = progress::cut(&cut.command, &utc(cut.since));
        output.event(&Event::Warning { text });
    }
}

fn open_host(global: &Global) -> Result<Host, Failure> {
    match &global.root {
        None => Ok(Host::live()?),
        Some(dir) => Host::at(dir).map_err(|error| match error {
            HostError::Sandbox { .. } => error.into(),
            _ => Failure::new(exit::USAGE, error.to_string()),
        }),
    }
}

/// Only root changes the running host.
fn require_root(host: &Host) -> Result<(), Failure> {
    if host.is_live() && host.uid() != 0 {
        return Err(Failure::new(exit::REFUSED, errors::NOT_ROOT).hint(errors::USE_SUDO));
    }
    Ok(())
}

/// Asks before a change, on a terminal and without `--yes`.
fn confirm(global: &Global, host: &Host, output: &Output, question: &str) -> Result<(), Failure> {
    if global.yes || output.ask(host, question)? != Some(false) {
        return Ok(());
    }
    Err(Failure::new(exit::FAILED, progress::NOT_CONFIRMED))
}

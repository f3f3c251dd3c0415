//! The command line: one file per command, and the only place that prints.

mod adopt;
mod apply;
mod args;
mod confirm;
mod doctor;
mod failure;
mod give_back;
mod history;
mod install;
mod output;
mod plan;
mod prepare;
mod probe;
mod prune;
mod recover;
mod rollback;
mod run;
mod show_plan;
mod status;
mod support_bundle;
mod uninstall;
mod upgrade;

use clap::Parser;
use clap::error::ErrorKind;

use crate::host::{Host, HostError};
use args::{Cli, Command, Global, PlanArgs};
use failure::{Failure, exit};
use output::Output;

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
    match &cli.command {
        Command::Install { options, confirm, dry_run: false } => {
            install::install(&cli.global, options, confirm.within, &host, output)
        }
        Command::Install { options, dry_run: true, .. } => {
            plan::plan(&cli.global, options, &PlanArgs::default(), &host, output)
        }
        Command::Plan { options, args } => plan::plan(&cli.global, options, args, &host, output),
        Command::Apply { plan, offline, confirm } => {
            apply::apply(&cli.global, plan, offline.as_deref(), confirm.within, &host, output)
        }
        Command::Probe { options } => probe::probe(&cli.global, options, &host, output),
        Command::SupportBundle { out, hours } => {
            support_bundle::support_bundle(&cli.global, out.as_deref(), *hours, &host, output)
        }
        Command::Adopt { dry_run } => adopt::adopt(&cli.global, *dry_run, &host, output),
        Command::Uninstall(args) => uninstall::uninstall(&cli.global, args, &host, output),
        Command::Rollback { to, metadata } => {
            rollback::rollback(&cli.global, to.as_deref(), *metadata, &host, output)
        }
        Command::Upgrade { options, watch, confirm } => {
            upgrade::upgrade(&cli.global, options, *watch, confirm.within, &host, output)
        }
        Command::History => history::history(&host, output),
        Command::Prune { keep } => prune::prune(&cli.global, *keep, &host, output),
        Command::Recover { boot } => recover::recover(*boot, &host, output),
        Command::Confirm => confirm::confirm(&host, output),
        Command::Status => status::status(&host, output),
        Command::Doctor(args) => doctor::doctor(&cli.global, args, &host, output),
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

/// Asks before a change, on a terminal and without `--yes`.
fn confirm(global: &Global, host: &Host, output: &Output, question: &str) -> Result<(), Failure> {
    if global.yes || output.ask(host, question)? != Some(false) {
        return Ok(());
    }
    Err(Failure::new(exit::FAILED, crate::texts::progress::NOT_CONFIRMED))
}

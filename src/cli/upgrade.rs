//! `landfall upgrade`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::args::{Global, InstallArgs};
use super::failure::Failure;
use super::install::{carry_out_asked, changing, configured};
use super::online;
use super::output::Output;
use super::prepare::{Looked, desired, installed_engine, make_plan, prepare};
use crate::desired::{DAEMON_JSON, Desired};
use crate::facts::Facts;
use crate::host::Host;
use crate::installed::Installed;
use crate::plan::PlanError;
use crate::receipt::Receipt;
use crate::registry::files;
use crate::render::daemon_edit::{self, Edits, Standing};
use crate::render::json_document::Document;
use crate::texts::{configure as texts, errors};

/// Replaces the installed engine by another version; what was asked for is kept.
pub fn upgrade(
    global: &Global,
    args: &InstallArgs,
    watch: u64,
    confirm_within: Option<Duration>,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let asked = desired(global, args, host, output)?;
    if asked.source.online.is_some() {
        let receipt = installed_engine(host, errors::INSTALL_FIRST)?;
        let set = asked.daemon.clone();
        let desired = Desired { watch: Some(watch), ..over(asked, args, &receipt) };
        let command = online::Command::Upgrade { set };
        let asked = online::Asked { global, network: &args.network, command };
        return online::change(&asked, desired, confirm_within, host, output);
    }
    let confirm_within = confirm_within.or(configured(&asked, host));
    changing(host, output, "upgrade", confirm_within, |run, session, _| {
        let receipt = installed_engine(host, errors::INSTALL_FIRST)?;
        let set = asked.daemon.clone();
        let desired = Desired { watch: Some(watch), ..over(asked, args, &receipt) };
        let mut looked = Looked::at(host, output, desired)?;
        keep_theirs(&looked.facts, &mut looked.desired, &receipt, set, output)?;
        let mut prepared = prepare(looked, output, Some(session))?;
        let plan = make_plan(output, &mut prepared)?;
        carry_out_asked(global, run, prepared, plan, session, output)
    })
}

/// What was asked of daemon.json before, and a person has changed or taken away since, is that
/// person's, unless it is asked for again (`set`).
pub fn keep_theirs(
    facts: &Facts,
    desired: &mut Desired,
    receipt: &Receipt,
    set: Map<String, Value>,
    output: &Output,
) -> Result<(), Failure> {
    let text = facts.files.get(DAEMON_JSON).and_then(|file| file.text.as_deref());
    let document = match text.map(Document::parse).transpose() {
        Ok(document) => document,
        // It is told where the plan is made.
        Err(_) => return Ok(()),
    };
    let standing = Standing {
        now: document.as_ref().map(Document::value),
        owned: &receipt.daemon,
        asked: &desired.daemon,
    };
    let edits = Edits { set, ..Edits::default() };
    let edited = daemon_edit::edit(standing, &edits).map_err(PlanError::from)?;
    edited.kept.iter().for_each(|path| output.line(&texts::kept(path)));
    desired.daemon = edited.wanted;
    Ok(())
}

/// What is asked for now, over what was asked for when the engine was installed.
fn over(asked: Desired, args: &InstallArgs, receipt: &Receipt) -> Desired {
    let mut kept = receipt.desired.clone().unwrap_or_else(|| {
        // An older receipt tells it by its steps.
        let mut desired = asked.clone();
        desired.daemon.clone_from(&receipt.daemon);
        let source = desired.source.clone();
        if let Some(installed) = Installed::of(receipt) {
            installed.asked_by(&mut desired);
        }
        desired.source = source;
        desired
    });
    kept.daemon.extend(asked.daemon);
    if args.bin_dir.is_some() {
        kept.bin_dir = asked.bin_dir;
    }
    if args.group.is_some() {
        kept.group = asked.group;
    } else {
        for member in asked.group.members {
            if !kept.group.members.contains(&member) {
                kept.group.members.push(member);
            }
        }
    }
    let mut registries = asked.registries;
    files::keep(&mut registries, Some(&kept.registries));
    let mut source = asked.source;
    if let (Some(now), Some(before)) = (&mut source.online, &kept.source.online) {
        if now.mirrors.is_empty() {
            now.mirrors.clone_from(&before.mirrors);
        }
        now.fingerprint = now.fingerprint.or(before.fingerprint);
        now.hold = now.hold || before.hold;
    }
    Desired {
        source,
        unit_style: asked.unit_style,
        images: asked.images,
        smoke_test: asked.smoke_test,
        kernel: asked.kernel.or(kept.kernel),
        confirm_within: asked.confirm_within,
        ignore: asked.ignore,
        registries,
        proxy: asked.proxy.or(kept.proxy.clone()),
        ..kept
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::DaemonArgs;
    use super::*;
    use crate::config::{self, Options};
    use serde_json::json;

    fn asked(args: &InstallArgs) -> Desired {
        config::desired(&Options { archive: Some("new.tgz".into()), ..args.options() }, None)
            .unwrap()
    }

    #[test]
    fn what_was_asked_for_is_kept_unless_it_is_asked_for_otherwise() {
        let json = include_str!("../../tests/receipts/schema-1.json");
        let mut receipt: Receipt = serde_json::from_str(json).unwrap();
        let before = InstallArgs {
            bin_dir: Some("/opt/docker/bin".to_owned()),
            group: Some("ops".to_owned()),
            users: vec!["anna".to_owned()],
            daemon: DaemonArgs {
                set: vec!["debug=true".to_owned(), "live-restore=true".to_owned()],
                ..DaemonArgs::default()
            },
            ..InstallArgs::default()
        };
        receipt.desired = Some(asked(&before));
        let now = InstallArgs {
            users: vec!["ben".to_owned()],
            daemon: DaemonArgs { set: vec!["debug=false".to_owned()], ..DaemonArgs::default() },
            ..InstallArgs::default()
        };
        let desired = over(asked(&now), &now, &receipt);
        assert_eq!(desired.source.archive.to_string_lossy(), "new.tgz");
        assert_eq!(
            (desired.bin_dir.as_str(), desired.group.name.as_str()),
            ("/opt/docker/bin", "ops")
        );
        assert_eq!(desired.group.members, ["anna", "ben"]);
        assert_eq!(json!(desired.daemon), json!({"debug": false, "live-restore": true}));
    }

    #[test]
    fn an_older_receipt_tells_it_by_its_steps() {
        let json = include_str!("../../tests/receipts/schema-1.json");
        let receipt: Receipt = serde_json::from_str(json).unwrap();
        let none = InstallArgs::default();
        let desired = over(asked(&none), &none, &receipt);
        assert_eq!((desired.bin_dir.as_str(), desired.group.name.as_str()), ("/usr/bin", "docker"));
        assert_eq!(desired.daemon["live-restore"], true);
        assert_eq!(desired.source.archive.to_string_lossy(), "new.tgz");
    }
}

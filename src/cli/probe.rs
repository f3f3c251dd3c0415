//! `landfall probe`.

use std::path::PathBuf;

use super::args::{Global, InstallArgs};
use super::failure::{Failure, exit};
use super::output::{Output, utc};
use super::prepare::{Config, asked, keeping};
use crate::desired::Desired;
use crate::facts::{gather_visible, identity};
use crate::host::{Host, clock};
use crate::plan;
use crate::probe::Probe;
use crate::receipt::{Receipt, ReceiptError};
use crate::report::{Event, Reporter};
use crate::texts::probe as texts;

/// `landfall probe`.
pub fn probe(
    global: &Global,
    args: &InstallArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    let desired = wanted(global, args, host)?;
    let (probe, _) = look(host, &desired)?;
    let text = probe.to_text().map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
    if !probe.not_seen.is_empty() {
        output.event(&Event::Warning { text: texts::unseen(&probe.not_seen) });
    }
    output.document("probe", &text);
    Ok(exit::DONE)
}

/// What the options ask about. No archive is read, so that none has to be named.
pub fn wanted(global: &Global, args: &InstallArgs, host: &Host) -> Result<Desired, Failure> {
    let mut options = args.options();
    options.archive.get_or_insert_with(|| PathBuf::from(texts::NO_ARCHIVE));
    let receipt = Receipt::load(host).ok().flatten();
    let options = keeping(options, global, receipt.as_ref(), Config::OfThisHost)?;
    asked(global, &options, Config::OfThisHost)
}

/// Looks at the host as far as it can be seen; the receipt is given whole, too.
pub fn look(host: &Host, desired: &Desired) -> Result<(Probe, Option<Receipt>), Failure> {
    let (facts, denied) = gather_visible(host, &plan::wanted(desired))?;
    let mut not_seen: Vec<String> = denied.iter().map(ToString::to_string).collect();
    not_seen.extend(facts.network.unread.clone());
    let receipt = match Receipt::load(host) {
        Ok(receipt) => receipt,
        Err(error @ (ReceiptError::Damaged(_) | ReceiptError::TooNew { .. })) => {
            not_seen.push(error.to_string());
            None
        }
        Err(ReceiptError::Host(error)) => {
            not_seen.push(error.to_string());
            None
        }
    };
    let made = utc(clock::now());
    let host = identity::gather(host)?;
    Ok((Probe::new(host, desired, facts, receipt.as_ref(), not_seen, made), receipt))
}

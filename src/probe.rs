//! What a person carries out of a host in a file, so that a plan or a bundle for it can be
//! made elsewhere: the facts, without secrets and without people. Pure; the format is
//! described in `docs/file-formats.md`.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adoption::Flags;
use crate::approved::receipt_digest;
use crate::desired::Desired;
use crate::digest::Digest;
use crate::facts::identity::Identity;
use crate::facts::{Accounts, Facts, Wanted};
use crate::plan::wanted;
use crate::receipt::{RECEIPT, Receipt};
use crate::redact;
use crate::steps::{Before, Step};
use crate::texts::probe as texts;

/// The version of the format that this Landfall writes, and the only one that it reads.
pub const SCHEMA: u32 = 1;

/// What a host is, to be carried out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Version of the format.
    pub schema: u32,
    /// What is in this file and what is not, for the person who carries it out.
    pub about: Vec<String>,
    /// Version of the Landfall that wrote it.
    pub landfall: String,
    /// When, in UTC.
    pub made: String,
    /// Which host it is.
    pub host: Identity,
    /// What was looked at.
    pub asked: Asked,
    /// What could not be seen, and why.
    pub not_seen: Vec<String>,
    /// Files from whose text secrets were taken out.
    pub redacted: Vec<String>,
    /// What was seen.
    pub facts: Facts,
    /// What Landfall did on this host, as far as planning needs it.
    pub receipt: Option<Receipt>,
    /// Digest of the whole receipt, by which a plan can be tied to it.
    pub receipt_sha256: Option<Digest>,
}

/// What was looked at, which the options decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Paths, units and names.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// Id of the group, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
}

impl Asked {
    fn of(desired: &Desired) -> Self {
        Self { wanted: wanted(desired), gid: desired.group.gid }
    }
}

/// Why a file is not a probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It is not JSON, or not a probe.
    NotAProbe(serde_json::Error),
    /// It has no version of the format, or is a file of facts alone.
    NoSchema,
    /// Another Landfall wrote it in another format.
    Schema(u64),
}

impl Probe {
    /// What may be carried out of a host.
    pub fn new(
        host: Identity,
        desired: &Desired,
        facts: Facts,
        receipt: Option<&Receipt>,
        not_seen: Vec<String>,
        made: String,
    ) -> Self {
        let asked = Asked::of(desired);
        let mut redacted = Vec::new();
        let receipt_sha256 = receipt_digest(receipt);
        let facts = reduced(facts, &asked, &mut redacted);
        let receipt = receipt.map(|receipt| without_copies(receipt, &asked, &mut redacted));
        Self {
            schema: SCHEMA,
            about: texts::ABOUT.map(str::to_owned).to_vec(),
            landfall: env!("CARGO_PKG_VERSION").to_owned(),
            made,
            host,
            asked,
            not_seen,
            redacted,
            facts,
            receipt,
            receipt_sha256,
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// [`serde_json::Error`]; a probe has nothing that JSON cannot say.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        // Once more over everything: a fact that is added later passes through here too.
        redact::json(&mut value);
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ProbeError`]; the version of the format is looked at first.
    pub fn from_text(text: &str) -> Result<Self, ProbeError> {
        let value: Value = serde_json::from_str(text).map_err(ProbeError::NotAProbe)?;
        match value.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema == u64::from(SCHEMA) => {
                serde_json::from_value(value).map_err(ProbeError::NotAProbe)
            }
            Some(schema) => Err(ProbeError::Schema(schema)),
            None => Err(ProbeError::NoSchema),
        }
    }

    /// What a plan for `desired` needs to know and the probe did not look at.
    pub fn lacking(&self, desired: &Desired) -> Vec<String> {
        let (needed, seen) = (Asked::of(desired), &self.asked);
        let lists = [
            (&needed.wanted.texts, &seen.wanted.texts),
            (&needed.wanted.programs, &seen.wanted.programs),
            (&needed.wanted.paths, &seen.wanted.paths),
            (&needed.wanted.units, &seen.wanted.units),
            (&needed.wanted.groups, &seen.wanted.groups),
            (&needed.wanted.users, &seen.wanted.users),
            (&needed.wanted.file_systems, &seen.wanted.file_systems),
        ];
        let mut lacking: BTreeSet<String> = lists
            .iter()
            .flat_map(|(needed, seen)| needed.iter().filter(|name| !seen.contains(name)))
            .cloned()
            .collect();
        if let Some(gid) = needed.gid.filter(|_| needed.gid != seen.gid) {
            lacking.insert(texts::group_id(gid));
        }
        lacking.into_iter().collect()
    }
}

/// The facts without secrets, and without people that nobody asked about.
fn reduced(mut facts: Facts, asked: &Asked, redacted: &mut Vec<String>) -> Facts {
    facts.accounts = asked_about(facts.accounts, asked);
    coarse(&mut facts.network.peers);
    coarse(&mut facts.network.ssh_peers);
    for (path, file) in &mut facts.files {
        let Some(text) = &mut file.text else { continue };
        let clean = redact::text(text);
        if clean != *text {
            *text = clean;
            // The digest of a text that is known but for a password would give it away.
            file.sha256 = None;
            redacted.push(path.clone());
        }
    }
    facts
}

/// Far ends, as far as it takes to see that an engine's network would cut them off: private
/// addresses by their network (/24, /64), others not at all.
fn coarse(peers: &mut Vec<IpAddr>) {
    let networks: BTreeSet<IpAddr> = peers
        .iter()
        .filter_map(|peer| match peer {
            IpAddr::V4(peer) if peer.is_private() => {
                let [a, b, c, _] = peer.octets();
                Some(Ipv4Addr::new(a, b, c, 0).into())
            }
            IpAddr::V6(peer) if peer.is_unique_local() => {
                Some(Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
        .collect();
    *peers = networks.into_iter().collect();
}

fn asked_about(mut accounts: Accounts, asked: &Asked) -> Accounts {
    let users = &asked.wanted.users;
    accounts.users.retain(|name, _| users.contains(name));
    accounts
        .groups
        .retain(|name, group| asked.wanted.groups.contains(name) || Some(group.gid) == asked.gid);
    for group in accounts.groups.values_mut() {
        group.members.retain(|member| users.contains(member));
    }
    accounts
}

/// The receipt without what stood there before, texts and other people: planning asks which
/// steps were made, not what they replaced.
fn without_copies(receipt: &Receipt, asked: &Asked, redacted: &mut Vec<String>) -> Receipt {
    let mut receipt = receipt.clone();
    receipt.entries.retain(|entry| match &entry.step {
        Step::AddGroupMember(step) => asked.wanted.users.contains(&step.user),
        _ => true,
    });
    receipt.desired = None;
    receipt.runs.clear();
    for entry in &mut receipt.entries {
        entry.before = Before::Nothing;
        match &mut entry.step {
            Step::WriteFile(step) => step.text.clear(),
            Step::WaitApi(step) => step.settings.clear(),
            _ => {}
        }
    }
    let mut daemon = Value::Object(receipt.daemon.clone());
    redact::json(&mut daemon);
    if let Value::Object(clean) = daemon
        && clean != receipt.daemon
    {
        receipt.daemon = clean;
        redacted.push(RECEIPT.to_owned());
    }
    if let Some(adoption) = &mut receipt.adopted
        && let Some(clean) = without_secrets(&adoption.flags)
        && clean != adoption.flags
    {
        adoption.flags = clean;
        if !redacted.iter().any(|path| path == RECEIPT) {
            redacted.push(RECEIPT.to_owned());
        }
    }
    receipt
}

/// Flags of a unit, as they were typed, may name tokens and passwords.
fn without_secrets(flags: &Flags) -> Option<Flags> {
    let mut value = serde_json::to_value(flags).ok()?;
    redact::json(&mut value);
    serde_json::from_value(value).ok()
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;

//! Files, directories, links, groups and labels.

use super::{Comparison, Difference, Expected, ExpectedPath, Made, Note, Owner};
use crate::facts::{Facts, FileFact};
use crate::receipt::Receipt;
use crate::render::diff::diff;
use crate::render::trust;

pub(super) fn compare(
    expected: &Expected<'_>,
    receipt: &Receipt,
    facts: &Facts,
    comparison: &mut Comparison,
) {
    for at in &expected.paths {
        one(at, receipt, facts, &mut comparison.differences);
    }
    security(expected, facts, &mut comparison.differences);
    groups(expected, facts, comparison);
}

fn one(expected: &ExpectedPath<'_>, receipt: &Receipt, facts: &Facts, found: &mut Vec<Difference>) {
    let path = expected.path.to_owned();
    let kind = expected.made.kind();
    let Some(fact) = facts.files.get(&path) else {
        // Without keys of Landfall's in it, nobody needs daemon.json.
        if !matches!(expected.made, Made::DaemonJson(_)) || !receipt.daemon.is_empty() {
            found.push(Difference::Missing { path, expected: kind });
        }
        return;
    };
    if fact.state.kind != kind {
        let is = fact.state.kind;
        found.push(Difference::OtherKind { path, expected: kind, found: is });
        return;
    }
    found.extend(content(expected, fact));
    found.extend(ownership(expected, fact));
    let selinux = facts.security.selinux.as_ref();
    if let Some(label) = selinux.and_then(|selinux| selinux.wrong.get(&path)) {
        let (expected, has) = (label.wants.clone(), label.has.clone());
        found.push(Difference::Label { path, expected, found: has });
    }
}

fn content(expected: &ExpectedPath<'_>, fact: &FileFact) -> Option<Difference> {
    let path = expected.path.to_owned();
    match expected.made {
        Made::Directory | Made::DaemonJson(_) => None,
        Made::Program(step) if fact.sha256 == Some(step.sha256) => None,
        Made::Program(step) => {
            Some(Difference::Bytes { path, expected: step.sha256, found: fact.sha256 })
        }
        Made::Copy(step) if fact.sha256 == Some(step.sha256) => None,
        Made::Copy(step) => {
            Some(Difference::Bytes { path, expected: step.sha256, found: fact.sha256 })
        }
        Made::Text(step) => match &fact.text {
            Some(text) if *text == step.text => None,
            Some(text) => Some(Difference::Text { path, diff: diff(&step.text, text) }),
            None => {
                let expected = crate::digest::Digest::of(step.text.as_bytes());
                Some(Difference::Bytes { path, expected, found: fact.sha256 })
            }
        },
        Made::Link(step) if fact.state.target.as_ref() == Some(&step.target) => None,
        Made::Link(step) => {
            let found = fact.state.target.clone();
            Some(Difference::Target { path, expected: step.target.clone(), found })
        }
    }
}

fn ownership(expected: &ExpectedPath<'_>, fact: &FileFact) -> Vec<Difference> {
    let (Some(wanted), is) = (expected.ownership, fact.state.ownership()) else {
        return Vec::new();
    };
    let path = || expected.path.to_owned();
    let mut found = Vec::new();
    if is.mode != wanted.mode {
        found.push(Difference::Mode { path: path(), expected: wanted.mode, found: is.mode });
    }
    let (wanted, is) = (Owner::of(wanted), Owner::of(is));
    if is != wanted {
        found.push(Difference::Owner { path: path(), expected: wanted, found: is });
    }
    found
}

fn security(expected: &Expected<'_>, facts: &Facts, found: &mut Vec<Difference>) {
    if let Some(selinux) = &facts.security.selinux {
        let rules = expected.label_rules.iter();
        let gone = rules.filter(|rule| selinux.equivalences.get(&rule.path) != Some(&rule.like));
        found.extend(gone.map(|rule| Difference::LabelRule { path: rule.path.clone() }));
    }
    if let Some(step) = expected.trust {
        let text = facts.files.get(&step.path).and_then(|fact| fact.text.as_deref());
        if !trust::has(text.unwrap_or_default(), &step.programs) {
            found.push(Difference::Untrusted { path: step.path.clone() });
        }
    }
}

fn groups(expected: &Expected<'_>, facts: &Facts, comparison: &mut Comparison) {
    let groups = &facts.accounts.groups;
    let mut names: Vec<&String> = expected.groups.iter().map(|group| &group.name).collect();
    names.extend(expected.members.iter().map(|member| &member.group));
    names.sort();
    names.dedup();
    for name in names {
        let ours: Vec<&String> = expected
            .members
            .iter()
            .filter(|member| member.group == *name)
            .map(|member| &member.user)
            .collect();
        let Some(group) = groups.get(name) else {
            comparison.differences.push(Difference::Group { group: name.clone() });
            continue;
        };
        let gone = ours.iter().filter(|user| !group.members.contains(user));
        comparison.differences.extend(
            gone.map(|user| Difference::Member { group: name.clone(), user: (*user).clone() }),
        );
        let others = group.members.iter().filter(|user| !ours.contains(user));
        let users: Vec<String> = others.cloned().collect();
        if !users.is_empty() {
            comparison.notes.push(Note::Members { group: name.clone(), users });
        }
    }
}

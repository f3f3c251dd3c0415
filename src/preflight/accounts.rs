//! Users, the group, and the programs that change them.

use super::{Case, Finding, Seen, protection};
use crate::facts::distribution::Tool;
use crate::facts::protection::{ACCOUNT_FILES, USER_FILES};

/// What parts of an engine run, and what for: `docker top`; images packed with xz; builds
/// from a git repository.
const HELPERS: [(&str, Tool); 3] = [("ps", Tool::Ps), ("xz", Tool::Xz), ("git", Tool::Git)];

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = unknown_users(case);
    findings.extend(group(case));
    if makes_group(case) || adds_members(case) {
        findings.extend(protection::check(case.facts, ACCOUNT_FILES));
    }
    if case.facts.live {
        findings.extend(programs(case));
    } else if adds_members(case) {
        findings.extend(protection::check(case.facts, USER_FILES));
    }
    findings
}

fn makes_group(case: &Case<'_>) -> bool {
    !case.facts.accounts.groups.contains_key(&case.desired.group.name)
}

fn adds_members(case: &Case<'_>) -> bool {
    let wanted = &case.desired.group;
    let group = case.facts.accounts.groups.get(&wanted.name);
    let is_member = |user| group.is_some_and(|group| group.members.contains(user));
    !wanted.members.iter().all(is_member)
}

fn unknown_users(case: &Case<'_>) -> Vec<Finding> {
    let accounts = &case.facts.accounts;
    let members = case.desired.group.members.iter();
    let unknown = members.filter(|name| !accounts.users.contains_key(*name));
    unknown
        .map(|name| {
            let answered = !accounts.unanswered.contains(name);
            Finding::error(Seen::UserUnknown { name: name.clone(), answered })
        })
        .collect()
}

fn group(case: &Case<'_>) -> Vec<Finding> {
    let wanted = &case.desired.group;
    let groups = &case.facts.accounts.groups;
    let name = wanted.name.clone();
    let mut findings = Vec::new();
    if !groups.contains_key(&name) && case.facts.accounts.unanswered.contains(&name) {
        return vec![Finding::error(Seen::GroupUnanswered { name })];
    }
    match (groups.get(&name), wanted.gid) {
        (None, Some(gid)) => {
            let other = groups.iter().find(|(_, group)| group.gid == gid);
            if let Some((other, _)) = other {
                let (group, wanted_for) = (other.clone(), name.clone());
                findings.push(Finding::error(Seen::GidTaken { gid, group, wanted_for }));
            }
        }
        (Some(group), Some(gid)) if group.gid != gid => {
            let (name, gid, wanted) = (name.clone(), group.gid, gid);
            findings.push(Finding::note(Seen::GroupKept { name, gid, wanted }));
        }
        _ => {}
    }
    let group = groups.get(&name);
    let members = group.map_or(&[][..], |group| &group.members);
    if members.is_empty() && wanted.members.is_empty() {
        findings.push(Finding::note(Seen::NobodyInGroup { name: name.clone() }));
    }
    if let Some(group) = group.filter(|group| !group.local) {
        let gid = group.gid;
        findings.push(match adds_members(case) {
            true => Finding::error(Seen::GroupNotLocal { name }),
            false => Finding::note(Seen::GroupRemote { name, gid }),
        });
    }
    findings
}

fn programs(case: &Case<'_>) -> Vec<Finding> {
    let has = |name: &str| case.facts.programs.contains_key(name);
    let mut findings = Vec::new();
    for (program, needed) in [("groupadd", makes_group(case)), ("gpasswd", adds_members(case))] {
        if needed && !has(program) {
            let install = case.facts.install_command(&[Tool::GroupTools]);
            let program = program.to_owned();
            findings.push(Finding::error(Seen::GroupProgramMissing { program, install }));
        }
    }
    let (missing, tools): (Vec<&str>, Vec<Tool>) =
        HELPERS.into_iter().filter(|(name, _)| !has(name)).unzip();
    if !missing.is_empty() {
        let missing = missing.into_iter().map(str::to_owned).collect();
        let install = case.facts.install_command(&tools);
        findings.push(Finding::note(Seen::HelperPrograms { missing, install }));
    }
    findings
}

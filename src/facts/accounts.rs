//! Users and groups: from the local files, and from `getent` for names that are not there.
//!
//! Landfall is a static program: it must never enter glibc's name service, which would load
//! shared modules into it. The host's own `getent` does that for us.

use std::collections::btree_map::Entry;
use std::time::Duration;

use super::{Accounts, Group, User, Wanted};
use crate::host::{Host, HostError};

/// How long a directory service may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// A line of passwd(5). Comments and the `+`/`-` lines of NIS are none.
pub fn parse_user(line: &str, local: bool) -> Option<(String, User)> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, uid, gid, _, ..] = fields[..] else { return None };
    let user = User { uid: uid.parse().ok()?, gid: gid.parse().ok()?, local };
    is_name(name).then(|| (name.to_owned(), user))
}

/// A line of group(5).
pub fn parse_group(line: &str, local: bool) -> Option<(String, Group)> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, gid, members] = fields[..] else { return None };
    let members = members.split(',').map(str::trim).filter(|member| !member.is_empty());
    let group =
        Group { gid: gid.parse().ok()?, members: members.map(str::to_owned).collect(), local };
    is_name(name).then(|| (name.to_owned(), group))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['+', '-', '#'])
}

/// Reads `/etc/passwd` and `/etc/group`. Of two lines for one name the first counts, as in
/// glibc; but a group may go on in further lines with its name and id (`MAX_MEMBERS_PER_GROUP`
/// of login.defs(5)).
pub fn parse(passwd: &str, group: &str) -> Accounts {
    let mut accounts = Accounts::default();
    for (name, user) in passwd.lines().filter_map(|line| parse_user(line, true)) {
        accounts.users.entry(name).or_insert(user);
    }
    for (name, group) in group.lines().filter_map(|line| parse_group(line, true)) {
        match accounts.groups.entry(name) {
            Entry::Vacant(entry) => drop(entry.insert(group)),
            Entry::Occupied(mut first) if first.get().gid == group.gid => {
                first.get_mut().members.extend(group.members);
            }
            Entry::Occupied(_) => {}
        }
    }
    accounts
}

/// The local accounts, and on a live host those of `wanted` that only its directory service
/// knows.
///
/// # Errors
/// [`HostError`] if the local files cannot be read.
pub fn gather(host: &Host, wanted: &Wanted) -> Result<Accounts, HostError> {
    let passwd = host.read_text("/etc/passwd")?.unwrap_or_default();
    let group = host.read_text("/etc/group")?.unwrap_or_default();
    let mut accounts = parse(&passwd, &group);
    if !host.is_live() {
        return Ok(accounts);
    }
    for name in &wanted.users {
        if accounts.users.contains_key(name) {
            continue;
        }
        match ask(host, "passwd", name) {
            Answer::Line(line) => accounts
                .users
                .extend(parse_user(&line, false).map(|(_, user)| (name.clone(), user))),
            Answer::Unknown => {}
            Answer::None => drop(accounts.unanswered.insert(name.clone())),
        }
    }
    for name in &wanted.groups {
        if accounts.groups.contains_key(name) {
            continue;
        }
        match ask(host, "group", name) {
            Answer::Line(line) => accounts
                .groups
                .extend(parse_group(&line, false).map(|(_, group)| (name.clone(), group))),
            Answer::Unknown => {}
            Answer::None => drop(accounts.unanswered.insert(name.clone())),
        }
    }
    Ok(accounts)
}

enum Answer {
    Line(String),
    Unknown,
    None,
}

/// getent(1) ends with 2 if the key is not found, and takes a number for an id: an account
/// whose name is a number is not looked for.
fn ask(host: &Host, database: &str, name: &str) -> Answer {
    if !is_name(name) || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Answer::Unknown;
    }
    match host.run(&["getent", database, name], LIMIT) {
        Ok(output) if output.code == Some(0) => output
            .stdout
            .lines()
            .next()
            .map_or(Answer::Unknown, |line| Answer::Line(line.to_owned())),
        Ok(output) if output.code == Some(2) => Answer::Unknown,
        // A host without getent has no directory service either.
        Err(HostError::Spawn { .. }) => Answer::Unknown,
        Ok(_) | Err(_) => Answer::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_files() {
        let accounts = parse(
            "root:x:0:0:root:/root:/bin/bash\n# comment\n+::::::\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n\
             deploy:x:7:7::/:/bin/sh\nbroken:x:one:2::/:\nshort:x\n",
            "root:x:0:\ndocker:x:998:deploy, ann,\n+:::\nbroken\n",
        );
        assert_eq!(accounts.users.keys().collect::<Vec<_>>(), ["deploy", "root"]);
        assert_eq!(accounts.users["deploy"], User { uid: 1000, gid: 1000, local: true });
        assert_eq!(accounts.groups["docker"].gid, 998);
        assert_eq!(accounts.groups["docker"].members, ["deploy", "ann"]);
        assert!(accounts.groups["root"].members.is_empty());
        assert_eq!(accounts.groups.len(), 2);
    }

    #[test]
    fn a_group_in_several_lines() {
        let accounts =
            parse("", "docker:x:998:ann,bob\nweb:x:7:\ndocker:x:998:eve\ndocker:x:5:x\n");
        assert_eq!(accounts.groups["docker"].members, ["ann", "bob", "eve"]);
    }

    #[test]
    fn answer_of_getent() {
        let (name, group) = parse_group("docker:*:1300001111:ann\n", false).unwrap();
        assert_eq!((name.as_str(), group.gid, group.local), ("docker", 1_300_001_111, false));
    }

    #[test]
    fn an_image_has_its_local_accounts_alone() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::at(dir.path()).unwrap();
        let wanted = Wanted { users: vec!["root".to_owned()], ..Wanted::default() };
        assert_eq!(gather(&host, &wanted).unwrap(), Accounts::default());
    }
}

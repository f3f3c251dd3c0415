//! Who `--user` means, by the image's own /etc/passwd and /etc/group.
//!
//! Both are the image's, so nothing in them is believed: lines that make no sense are passed over,
//! and only the first [`LONGEST_FILE`] bytes are looked at.

use std::fmt;

/// How much of a file is looked at, in bytes.
pub const LONGEST_FILE: u64 = 4 << 20;

/// The largest ID: the one after it means “leave as it is” to chown(2).
const LARGEST_ID: u32 = u32::MAX - 1;

/// A user, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's ID.
    pub uid: u32,
    /// The ID of the main group.
    pub gid: u32,
    /// IDs of more groups.
    pub groups: Vec<u32>,
    /// The home directory.
    pub home: Option<String>,
}

/// A user or group that is not in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    what: &'static str,
    name: String,
    file: &'static str,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unable to find {} {}: no matching entries in {} file",
            self.what, self.name, self.file
        )
    }
}

/// Resolves `user[:group]`, names or numbers, and `more` groups.
pub fn resolve(asked: &str, more: &[String], passwd: &str, group: &str) -> Result<User, Unknown> {
    let (name, wanted_group) = match asked.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (asked, None),
    };
    let number = if name.is_empty() { Some(0) } else { id(name) };
    let accounts = || passwd.lines().filter_map(Account::parse);
    let account = accounts()
        .find(|account| account.name == name)
        .or_else(|| number.and_then(|uid| accounts().find(|account| account.uid == uid)));
    let uid = match (&account, number) {
        (Some(account), _) => account.uid,
        (None, Some(uid)) => uid,
        (None, None) => {
            return Err(Unknown { what: "user", name: name.into(), file: "passwd" });
        }
    };
    let gid = match wanted_group {
        Some(wanted) => group_id(wanted, group)?,
        None => account.as_ref().map_or(0, |account| account.gid),
    };
    // The main group among them: a process that changes its own would lose it (CVE-2022-2989).
    let mut groups = vec![gid];
    if let (Some(account), None) = (&account, wanted_group) {
        groups.extend(memberships(account.name, group));
    }
    for wanted in more {
        groups.push(group_id(wanted, group)?);
    }
    groups.sort_unstable();
    groups.dedup();
    Ok(User { uid, gid, groups, home: account.map(|account| account.home.to_owned()) })
}

struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

impl<'a> Account<'a> {
    /// A line of passwd(5).
    fn parse(line: &'a str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, ..] = fields[..] else { return None };
        Some(Self { name, uid: id(uid)?, gid: id(gid)?, home })
    }
}

/// A line of group(5): name, ID and members.
fn parse_group(line: &str) -> Option<(&str, u32, &str)> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, ref members @ ..] = fields[..] else { return None };
    Some((name, id(gid)?, members.first().copied().unwrap_or_default()))
}

fn group_id(wanted: &str, group: &str) -> Result<u32, Unknown> {
    let named = group.lines().filter_map(parse_group).find(|(name, ..)| *name == wanted);
    named.map(|(_, gid, _)| gid).or_else(|| id(wanted)).ok_or_else(|| Unknown {
        what: "group",
        name: wanted.into(),
        file: "group",
    })
}

fn memberships<'a>(name: &'a str, group: &'a str) -> impl Iterator<Item = u32> + 'a {
    group
        .lines()
        .filter_map(parse_group)
        .filter(move |(_, _, members)| members.split(',').any(|member| member.trim() == name))
        .map(|(_, gid, _)| gid)
}

fn id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id <= LARGEST_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nnegative:x:-1:5::/:\n\
                          huge:x:4294967295:0::/:\napp:x:1000:1001:An app:/home/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nwheel:x:10:root, app\napp:x:1001:\n::::\nvideo:x:44:app\n";

    fn user(asked: &str) -> Result<User, Unknown> {
        resolve(asked, &[], PASSWD, GROUP)
    }

    #[test]
    fn names_numbers_and_groups() {
        let app = user("app").unwrap();
        assert_eq!((app.uid, app.gid, app.groups), (1000, 1001, vec![10, 44, 1001]));
        assert_eq!(app.home.as_deref(), Some("/home/app"));
        assert_eq!(user("1000").unwrap().gid, 1001);
        assert_eq!(user("app:video").unwrap().groups, [44]);
        assert_eq!(user("app:7").unwrap().gid, 7);
        assert_eq!(user("4711").unwrap(), User { uid: 4711, gid: 0, groups: vec![0], home: None });
        assert_eq!(user("").unwrap().uid, 0);
    }

    #[test]
    fn lines_that_make_no_sense_name_nobody() {
        for name in ["broken", "negative", "huge", "nobody", "-1", "+5", "4294967295"] {
            assert!(user(name).is_err(), "{name}");
        }
        assert_eq!(
            user("nobody").unwrap_err().to_string(),
            "unable to find user nobody: no matching entries in passwd file"
        );
    }
}

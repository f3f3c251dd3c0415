//! Makes the group that owns the API socket.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Before, Context, KeptReason, StepError, Undone};
use crate::facts::{Group, Wanted, accounts};
use crate::host::{Host, HostError};
use crate::texts::phrases::host as phrases;

/// How long a program of the shadow suite may take.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A group by its name: from `/etc/group`, or from the host's directory service.
pub(super) fn lookup_group(host: &Host, name: &str) -> Result<Option<Group>, HostError> {
    let wanted = Wanted { groups: vec![name.to_owned()], ..Wanted::default() };
    Ok(accounts::gather(host, &wanted)?.groups.remove(name))
}

/// Makes a system group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// Its name.
    pub name: String,
    /// Its id; `None` lets the host choose one from its range for system groups.
    pub gid: Option<u32>,
}

impl Action for CreateGroup {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        let present = lookup_group(context.host, &self.name)?.is_some();
        Ok(if present { Before::Present } else { Before::Absent })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if lookup_group(context.host, &self.name)?.is_some() {
            return Ok(());
        }
        let gid = self.gid.map(|gid| gid.to_string());
        let prefix = context.host.root_dir().to_string_lossy();
        let mut argv = vec!["groupadd", "--system"];
        if let Some(gid) = &gid {
            argv.extend(["--gid", gid]);
        }
        if !context.host.is_live() {
            argv.extend(["--prefix", &prefix]);
        }
        argv.push(&self.name);
        context.host.run_ok(&argv, LIMIT)?;
        Ok(())
    }

    /// Semantic, never restored bytes of `/etc/group`: the group goes if this step made it
    /// and nobody is in it. Its primary members would make `groupdel` refuse.
    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        let found = lookup_group(context.host, &self.name)?;
        let Some(group) = found.filter(|_| *before == Before::Absent) else {
            return Ok(Undone::Unchanged);
        };
        let kept = Undone::Kept { what: format!("group {}", self.name), reason: KeptReason::InUse };
        if !group.members.is_empty() {
            return Ok(kept);
        }
        remove(context, &self.name).map(|removed| if removed { Undone::Restored } else { kept })
    }
}

/// Exit code of groupdel(8) for a group that is some user's primary group.
const PRIMARY_GROUP: i32 = 8;

fn remove(context: &Context<'_>, name: &str) -> Result<bool, StepError> {
    let prefix = context.host.root_dir().to_string_lossy();
    let mut argv = vec!["groupdel"];
    if !context.host.is_live() {
        argv.extend(["--prefix", &prefix]);
    }
    argv.push(name);
    let output = context.host.run(&argv, LIMIT)?;
    match output.code {
        Some(0) => Ok(true),
        Some(PRIMARY_GROUP) => Ok(false),
        code => Err(StepError::Host(HostError::Command {
            command: argv.join(" "),
            status: code.map_or_else(|| phrases::A_SIGNAL.to_owned(), phrases::exit_code),
            stderr: output.stderr.trim().to_owned(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn step(gid: Option<u32>) -> CreateGroup {
        CreateGroup { name: "docker".to_owned(), gid }
    }

    fn group(bed: &Bed) -> Option<Group> {
        lookup_group(&bed.host, "docker").unwrap()
    }

    #[test]
    fn makes_it_and_takes_it_away() {
        let bed = Bed::with_accounts("");
        let before = bed.apply(&step(None));
        assert_eq!(before, Before::Absent);
        let made = group(&bed).unwrap();
        assert!((101..1000).contains(&made.gid), "a system group: {made:?}");
        assert_eq!(made.members, [""; 0]);
        assert!(bed.read("/etc/gshadow").contains("docker:!::"));
        assert_eq!(bed.undo(&step(None), &before), Undone::Restored);
        assert_eq!(group(&bed), None);
        assert_eq!(bed.read("/etc/group"), Bed::GROUPS);
        assert_eq!(bed.undo(&step(None), &before), Undone::Unchanged, "it is gone already");
    }

    #[test]
    fn gives_it_the_id_that_is_wanted() {
        let bed = Bed::with_accounts("");
        bed.apply(&step(Some(990)));
        assert_eq!(group(&bed).unwrap().gid, 990);
    }

    #[test]
    fn an_id_that_is_taken_is_an_error_that_names_it() {
        let bed = Bed::with_accounts("");
        let error = step(Some(27)).apply(&bed.context()).unwrap_err();
        assert!(error.to_string().contains("27"), "{error}");
        assert_eq!(bed.read("/etc/group"), Bed::GROUPS);
    }

    #[test]
    fn finds_it_already_there_whatever_its_id() {
        let bed = Bed::with_accounts("docker:x:1001:\n");
        let before = bed.apply(&step(Some(990)));
        assert_eq!(before, Before::Present);
        assert_eq!(group(&bed).unwrap().gid, 1001);
        assert_eq!(bed.undo(&step(Some(990)), &before), Undone::Unchanged);
        assert_eq!(group(&bed).unwrap().gid, 1001);
    }

    #[test]
    fn keeps_it_while_somebody_is_in_it() {
        let bed = Bed::with_accounts("");
        let before = bed.apply(&step(None));
        // The group is the last line, and its members are the last field.
        let groups = bed.read("/etc/group");
        bed.write("/etc/group", &format!("{}deploy\n", groups.trim_end()));
        assert_kept(&bed, &before);
    }

    #[test]
    fn keeps_it_while_it_is_a_users_main_group() {
        let bed = Bed::with_accounts("");
        let before = bed.apply(&step(Some(990)));
        let passwd = bed.read("/etc/passwd");
        bed.write("/etc/passwd", &format!("{passwd}ann:x:1001:990::/home/ann:/bin/sh\n"));
        assert_kept(&bed, &before);
    }

    fn assert_kept(bed: &Bed, before: &Before) {
        let kept = bed.undo(&step(None), before);
        let reason = KeptReason::InUse;
        assert_eq!(kept, Undone::Kept { what: "group docker".to_owned(), reason });
        assert!(group(bed).is_some());
    }
}

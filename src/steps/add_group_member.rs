//! Makes a user a member of the group that owns the API socket.

use serde::{Deserialize, Serialize};

use super::create_group::LIMIT;
use super::create_group::lookup_group;
use super::{Action, Before, Context, StepError, Undone};
use crate::facts::{Wanted, accounts};

/// Makes a user a member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddGroupMember {
    /// The group.
    pub group: String,
    /// The user.
    pub user: String,
}

impl AddGroupMember {
    fn is_member(&self, context: &Context<'_>) -> Result<bool, StepError> {
        let group = lookup_group(context.host, &self.group)?;
        Ok(group.is_some_and(|group| group.members.contains(&self.user)))
    }

    /// The groups of an image's files that the user is a member of beside this one.
    fn other_groups(&self, context: &Context<'_>) -> Result<Vec<String>, StepError> {
        let groups = accounts::gather(context.host, &Wanted::default())?.groups;
        let others = groups
            .into_iter()
            .filter(|(name, group)| *name != self.group && group.members.contains(&self.user));
        Ok(others.map(|(name, _)| name).collect())
    }
}

impl Action for AddGroupMember {
    fn observe(&self, context: &Context<'_>) -> Result<Before, StepError> {
        Ok(if self.is_member(context)? { Before::Present } else { Before::Absent })
    }

    fn apply(&self, context: &Context<'_>) -> Result<(), StepError> {
        if self.is_member(context)? {
            return Ok(());
        }
        if lookup_group(context.host, &self.group)?.is_none() {
            return Err(StepError::NoGroup(self.group.clone()));
        }
        if context.host.is_live() {
            // gpasswd also takes users that live in LDAP; usermod does not.
            context.host.run_ok(&["gpasswd", "-a", &self.user, &self.group], LIMIT)?;
        } else {
            let prefix = context.host.root_dir().to_string_lossy();
            let argv = ["usermod", "--prefix", &prefix, "-a", "-G", &self.group, &self.user];
            context.host.run_ok(&argv, LIMIT)?;
        }
        Ok(())
    }

    fn undo(&self, context: &Context<'_>, before: &Before) -> Result<Undone, StepError> {
        if *before != Before::Absent || !self.is_member(context)? {
            return Ok(Undone::Unchanged);
        }
        if context.host.is_live() {
            context.host.run_ok(&["gpasswd", "-d", &self.user, &self.group], LIMIT)?;
        } else {
            let prefix = context.host.root_dir().to_string_lossy();
            let others = self.other_groups(context)?.join(",");
            // Its option -r, to name just the one, came with shadow 4.11: hosts have older ones.
            let argv = ["usermod", "--prefix", &prefix, "-G", &others, &self.user];
            context.host.run_ok(&argv, LIMIT)?;
        }
        Ok(Undone::Restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    fn step() -> AddGroupMember {
        AddGroupMember { group: "docker".to_owned(), user: "deploy".to_owned() }
    }

    fn members(bed: &Bed) -> Vec<String> {
        lookup_group(&bed.host, "docker").unwrap().unwrap().members
    }

    #[test]
    fn adds_and_takes_away() {
        let bed = Bed::with_accounts("docker:x:990:\n");
        let groups = bed.read("/etc/group");
        let before = bed.apply(&step());
        assert_eq!(before, Before::Absent);
        assert_eq!(members(&bed), ["deploy"]);
        assert!(bed.read("/etc/group").starts_with(Bed::GROUPS), "other groups are left alone");
        assert_eq!(bed.undo(&step(), &before), Undone::Restored);
        assert_eq!(bed.read("/etc/group"), groups);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged, "done already");
    }

    #[test]
    fn finds_a_member_and_leaves_it() {
        let bed = Bed::with_accounts("docker:x:990:deploy\n");
        let before = bed.apply(&step());
        assert_eq!(before, Before::Present);
        assert_eq!(bed.undo(&step(), &before), Undone::Unchanged);
        assert_eq!(members(&bed), ["deploy"]);
    }

    #[test]
    fn other_members_stay() {
        let bed = Bed::with_accounts("docker:x:990:ann\n");
        let before = bed.apply(&step());
        assert_eq!(members(&bed), ["ann", "deploy"]);
        bed.undo(&step(), &before);
        assert_eq!(members(&bed), ["ann"]);
    }

    /// `usermod -G` names all of a user's groups: it must not lose the others.
    #[test]
    fn other_groups_of_the_user_stay() {
        let bed = Bed::with_accounts("docker:x:990:\nweb:x:991:deploy\nops:x:992:ann,deploy\n");
        let groups = bed.read("/etc/group");
        let before = bed.apply(&step());
        bed.undo(&step(), &before);
        assert_eq!(bed.read("/etc/group"), groups);
    }

    #[test]
    fn without_the_group_it_fails_by_name() {
        let bed = Bed::with_accounts("");
        let error = step().apply(&bed.context()).unwrap_err();
        assert!(matches!(&error, StepError::NoGroup(name) if name == "docker"), "{error}");
    }

    #[test]
    fn without_the_user_it_fails_and_changes_nothing() {
        let bed = Bed::with_accounts("docker:x:990:\n");
        let step = AddGroupMember { user: "nobody-here".to_owned(), ..step() };
        let error = step.apply(&bed.context()).unwrap_err();
        assert!(error.to_string().contains("nobody-here"), "{error}");
        assert_eq!(members(&bed), [""; 0]);
    }
}

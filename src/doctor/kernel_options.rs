//! The build options that an engine looks for: `bundles/kernel-config.tsv`, compiled in.

const TABLE: &str = include_str!("../../bundles/kernel-config.tsv");

/// How much an option matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Without it no container runs, or the purpose is not there.
    Required,
    /// Required where iptables drives the kernel's older interface.
    Legacy,
    /// A feature is missing without it.
    Optional,
    /// For those who use that network or storage.
    Driver,
    /// Better not set.
    Unsafe,
}

/// Options that belong together.
pub(super) struct Group {
    pub options: Vec<&'static str>,
    pub need: Need,
    kernels: Option<(&'static str, (u32, u32))>,
    pub purpose: &'static str,
}

impl Group {
    /// Whether the line holds for a kernel.
    pub(super) fn applies_to(&self, (major, minor): (u32, u32)) -> bool {
        let kernel = (major, minor);
        match self.kernels {
            None => true,
            Some(("<", bound)) => kernel < bound,
            Some(("<=", bound)) => kernel <= bound,
            Some((">", bound)) => kernel > bound,
            Some((_, bound)) => kernel >= bound,
        }
    }
}

/// All lines of the table.
pub(super) fn groups() -> Vec<Group> {
    lines().filter_map(parse).collect()
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn parse(line: &'static str) -> Option<Group> {
    let mut fields = line.split('\t');
    let options = fields.next()?.split(' ').collect();
    let need = match fields.next()? {
        "required" => Need::Required,
        "legacy" => Need::Legacy,
        "optional" => Need::Optional,
        "driver" => Need::Driver,
        "unsafe" => Need::Unsafe,
        _ => return None,
    };
    let kernels = match fields.next()? {
        "-" => None,
        bound => Some(parse_bound(bound)?),
    };
    Some(Group { options, need, kernels, purpose: fields.next()? })
}

fn parse_bound(text: &'static str) -> Option<(&'static str, (u32, u32))> {
    let digits = text.find(|character: char| character.is_ascii_digit())?;
    let (sign, version) = text.split_at(digits);
    let (major, minor) = version.split_once('.')?;
    ["<", "<=", ">", ">="]
        .contains(&sign)
        .then_some((sign, (major.parse().ok()?, minor.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_can_be_read() {
        assert_eq!(groups().len(), lines().count());
        assert!(groups().iter().all(|group| !group.purpose.is_empty()));
    }

    #[test]
    fn ranges() {
        let applies = |option: &str, kernel| {
            let groups = groups();
            groups.iter().find(|group| group.options.contains(&option)).unwrap().applies_to(kernel)
        };
        assert!(applies("NF_NAT_IPV4", (5, 1)) && !applies("NF_NAT_IPV4", (5, 2)));
        assert!(applies("CGROUP_BPF", (4, 15)) && !applies("CGROUP_BPF", (4, 14)));
        assert!(applies("CGROUP_NET_PRIO", (3, 14)) && !applies("CGROUP_NET_PRIO", (3, 13)));
        assert!(applies("VETH", (6, 12)) && !applies("DEVPTS_MULTIPLE_INSTANCES", (4, 8)));
    }
}

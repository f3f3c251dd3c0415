//! Versions with known problems: `bundles/known-problems.tsv`, compiled in.

use super::{Case, Sight, warning};
use crate::facts::kernel::parse_version;
use crate::preflight::Finding;

const TABLE: &str = include_str!("../../bundles/known-problems.tsv");

type Version = (u32, u32, u32);

/// On which hosts a problem is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    /// Only with authorization plugins.
    Authorization,
    /// Only beside firewalld.
    Firewalld,
}

struct Problem {
    program: &'static str,
    from: Version,
    fixed: Version,
    when: When,
    record: &'static str,
    what: &'static str,
}

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let problems: Vec<Problem> = lines().filter_map(parse).collect();
    let installed = &case.doctor.versions;
    installed
        .iter()
        .filter_map(|(program, text)| {
            let version = parse_version(text)?;
            let hit: Vec<&Problem> = problems
                .iter()
                .filter(|problem| problem.program == program)
                .filter(|problem| (problem.from..problem.fixed).contains(&version))
                .filter(|problem| concerns(problem.when, case))
                .collect();
            let (major, minor, patch) = hit.iter().map(|problem| problem.fixed).max()?;
            Some(warning(Sight::KnownProblem {
                program: program.clone(),
                version: text.clone(),
                records: hit
                    .iter()
                    .map(|problem| format!("{} ({})", problem.record, problem.what))
                    .collect(),
                fixed: format!("{major}.{minor}.{patch}"),
            }))
        })
        .collect()
}

fn concerns(when: When, case: &Case<'_>) -> bool {
    match when {
        When::Always => true,
        When::Authorization => {
            case.daemon_json.contains_key("authorization-plugins")
                || !case.flag(&["--authorization-plugin"]).is_empty()
        }
        When::Firewalld => case.doctor.firewall.firewalld,
    }
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn parse(line: &'static str) -> Option<Problem> {
    let mut fields = line.split('\t');
    Some(Problem {
        program: fields.next()?,
        from: parse_version(fields.next()?)?,
        fixed: parse_version(fields.next()?)?,
        when: match fields.next()? {
            "always" => When::Always,
            "authz" => When::Authorization,
            "firewalld" => When::Firewalld,
            _ => return None,
        },
        record: fields.next()?,
        what: fields.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_can_be_read() {
        let problems: Vec<Problem> = lines().filter_map(parse).collect();
        assert_eq!(problems.len(), lines().count());
        for problem in problems {
            assert!(problem.from < problem.fixed, "{}", problem.record);
            assert!(problem.record.starts_with("CVE-") && !problem.what.is_empty());
            assert!(["containerd", "dockerd", "runc"].contains(&problem.program));
        }
    }
}

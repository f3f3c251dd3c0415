//! SELinux labels: what the policy says a path should have, by its own programs.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Host, HostError};

/// How long labelling some files may take: reading a large policy's rules takes seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// The same for a whole directory of images and containers.
const TREE_LIMIT: Duration = Duration::from_secs(1800);

/// The option for the whole label, not only the type in it; types that the policy calls
/// customizable are set too.
const WHOLE: &str = "-F";

/// The attribute that holds the label.
const ATTRIBUTE: &str = "security.selinux";

/// A label that is not the policy's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongLabel {
    /// The label; `None` if there is none.
    pub has: Option<String>,
    /// What the policy says.
    pub wants: String,
}

impl WrongLabel {
    /// Whether more than the user in the label differs, who is whoever made the file.
    pub fn differs_in_type(&self) -> bool {
        let rest = |label: &str| label.split_once(':').map(|(_, rest)| rest.to_owned());
        self.has.as_deref().and_then(rest) != rest(&self.wants)
    }
}

/// The program that sets labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labeller {
    /// Its path: `restorecon` of the running host, `setfiles` of this machine for an image.
    pub program: String,
    /// Of an image: its root directory and its policy's rules, as this machine sees them.
    image: Option<(String, String)>,
}

impl Labeller {
    /// The program that sets labels of this policy on this host; `None` if there is none, or
    /// if an image has no such policy.
    ///
    /// # Errors
    /// [`HostError`] if the image cannot be looked through.
    pub fn find(host: &Host, policy: &str) -> Result<Option<Self>, HostError> {
        if host.is_live() {
            return Ok(host
                .find_program("restorecon")
                .map(|program| Self { program, image: None }));
        }
        let rules = format!("/etc/selinux/{policy}/contexts/files/file_contexts");
        if host.stat(&rules)?.is_none() {
            return Ok(None);
        }
        let outside = |path: &str| host.outside_path(path).to_string_lossy().into_owned();
        let image = (outside("/").trim_end_matches('/').to_owned(), outside(&rules));
        let program = Host::find_own_program("setfiles");
        Ok(program.map(|program| Self { program, image: Some(image) }))
    }

    /// Those of `paths` whose label is not the policy's. Nothing is changed. Paths that do
    /// not exist are left out.
    ///
    /// # Errors
    /// [`HostError`] if the program fails.
    pub fn wrong(
        &self,
        host: &Host,
        paths: &[&str],
    ) -> Result<BTreeMap<String, WrongLabel>, HostError> {
        let printed = self.run(host, &[WHOLE, "-n", "-v"], paths, LIMIT)?;
        let root = self.image.as_ref().map_or("", |(root, _)| root);
        let all = parse_relabelled(&printed);
        Ok(all
            .into_iter()
            .filter_map(|(path, label)| Some((path.strip_prefix(root)?.to_owned(), label)))
            .filter(|(path, _)| paths.contains(&path.as_str()))
            .collect())
    }

    /// Gives each path, but nothing beneath it, the policy's whole label.
    ///
    /// # Errors
    /// [`HostError`] if the program fails.
    pub fn label(&self, host: &Host, paths: &[&str]) -> Result<(), HostError> {
        self.run(host, &[WHOLE], paths, LIMIT).map(drop)
    }

    /// Gives a directory of the running host, and all beneath it, the policy's labels. Types
    /// that are a person's or an engine's to choose (`customizable_types`; a container's own files
    /// with their categories) stay.
    ///
    /// # Errors
    /// [`HostError`] if the program fails.
    pub fn label_tree(&self, host: &Host, path: &str) -> Result<(), HostError> {
        self.run(host, &["-R"], &[path], TREE_LIMIT).map(drop)
    }

    fn run(
        &self,
        host: &Host,
        options: &[&str],
        paths: &[&str],
        limit: Duration,
    ) -> Result<String, HostError> {
        let mut present = Vec::new();
        for path in paths {
            if host.stat(path)?.is_some() {
                present.push(*path);
            }
        }
        if present.is_empty() {
            return Ok(String::new());
        }
        let mut argv = vec![self.program.as_str()];
        argv.extend(options);
        let outside: Vec<String>;
        match &self.image {
            None => argv.extend(present),
            Some((root, rules)) => {
                argv.extend(["-r", root, rules]);
                outside = present.iter().map(|path| format!("{root}{path}")).collect();
                argv.extend(outside.iter().map(String::as_str));
            }
        }
        host.run_ok(&argv, limit)
    }
}

/// Reads what `restorecon -v` and `setfiles -v` print of each file that they relabel, or with
/// `-n` would: `Would relabel PATH from OLD to NEW`; before libselinux 2.6
/// `restorecon reset PATH context OLD->NEW`.
pub fn parse_relabelled(text: &str) -> BTreeMap<String, WrongLabel> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<(String, WrongLabel)> {
    let newer = ["Would relabel ", "Relabeled "].iter().find_map(|start| line.strip_prefix(start));
    let (path, has, wants) = match newer {
        Some(rest) => {
            // Labels hold no spaces; paths may.
            let (rest, wants) = rest.rsplit_once(" to ")?;
            let (path, has) = rest.rsplit_once(" from ")?;
            (path, has, wants)
        }
        None => {
            let (_, rest) = line.split_once(" reset ")?;
            let (path, labels) = rest.rsplit_once(" context ")?;
            let (has, wants) = labels.split_once("->")?;
            (path, has, wants)
        }
    };
    let has = has.contains(':').then(|| has.to_owned());
    Some((path.to_owned(), WrongLabel { has, wants: wants.trim().to_owned() }))
}

impl Host {
    /// The label of what stands at a path (a final link is not followed); `None` if it has
    /// none, or nothing stands there.
    ///
    /// # Errors
    /// [`HostError::Io`] if it cannot be read.
    pub fn label(&self, path: &str) -> Result<Option<String>, HostError> {
        let (parent, name) = match self.parent(path) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let at = format!("/proc/self/fd/{}/{name}", parent.as_raw_fd());
        let mut buffer = vec![0u8; 4096];
        match rustix::fs::lgetxattr(at, ATTRIBUTE, buffer.as_mut_slice()) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                Ok(Some(text.trim_end_matches('\0').to_owned()))
            }
            Err(
                rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOENT,
            ) => Ok(None),
            Err(errno) => Err(HostError::errno("read the label of", path, errno)),
        }
    }

    /// Gives what stands at a path this label, or takes its label away.
    ///
    /// # Errors
    /// [`HostError::Io`] if the system refuses.
    pub fn set_label(&self, path: &str, label: Option<&str>) -> Result<(), HostError> {
        let (parent, name) = self.parent(path)?;
        let at = format!("/proc/self/fd/{}/{name}", parent.as_raw_fd());
        let set = match label {
            Some(label) => {
                // The kernel keeps the byte that ends the text.
                let mut bytes = label.as_bytes().to_vec();
                bytes.push(0);
                rustix::fs::lsetxattr(at, ATTRIBUTE, &bytes, rustix::fs::XattrFlags::empty())
            }
            None => rustix::fs::lremovexattr(at, ATTRIBUTE),
        };
        set.map_err(|errno| HostError::errno("set the label of", path, errno))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_programs_print() {
        let printed = "Would relabel /usr/bin/runc from unconfined_u:object_r:user_home_t:s0 to \
                       system_u:object_r:bin_t:s0\n\
                       Would relabel /etc/a b from (null) to system_u:object_r:etc_t:s0\n\
                       restorecon reset /usr/bin/ctr context unconfined_u:object_r:tmp_t:s0->\
                       system_u:object_r:bin_t:s0\n\
                       restorecon:  Warning no default label for /dev/null\n";
        let all = parse_relabelled(printed);
        assert_eq!(all.len(), 3);
        assert_eq!(all["/usr/bin/runc"].wants, "system_u:object_r:bin_t:s0");
        let has = all["/usr/bin/runc"].has.as_deref();
        assert_eq!(has, Some("unconfined_u:object_r:user_home_t:s0"));
        assert_eq!(all["/etc/a b"].has, None);
        assert_eq!(all["/usr/bin/ctr"].wants, "system_u:object_r:bin_t:s0");
    }

    #[test]
    fn who_made_a_file_makes_no_difference() {
        let label = |has: Option<&str>| WrongLabel {
            has: has.map(str::to_owned),
            wants: "system_u:object_r:bin_t:s0".to_owned(),
        };
        assert!(!label(Some("unconfined_u:object_r:bin_t:s0")).differs_in_type());
        assert!(label(Some("system_u:object_r:etc_t:s0")).differs_in_type());
        assert!(label(None).differs_in_type());
    }
}

//! kubelet: how it keeps control groups, and whether it talks to docker.

use super::gather::program_version;
use super::processes;
use crate::facts::kernel::parse_version;
use crate::host::{Host, HostError};

/// kubelet's configuration, where kubeadm writes it.
const CONFIG: &str = "/var/lib/kubelet/config.yaml";
/// Files of variables with arguments, which units of kubelet read: of kubeadm, of Debian and kin,
/// of RHEL and kin.
const ARGUMENTS: [&str; 3] =
    ["/var/lib/kubelet/kubeadm-flags.env", "/etc/default/kubelet", "/etc/sysconfig/kubelet"];

/// The first release without the code (dockershim) by which kubelet talks to docker itself.
const WITHOUT_DOCKERSHIM: (u32, u32, u32) = (1, 24, 0);

/// kubelet, as it runs or is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubelet {
    /// Its driver for control groups; `None` if it is not said.
    pub driver: Option<String>,
    /// The socket of its container runtime; `None` if it is not said.
    pub endpoint: Option<String>,
    /// `--container-runtime` of older releases: `docker` or `remote`.
    pub runtime: Option<String>,
    /// Its version, as it says itself.
    pub version: Option<String>,
}

impl Kubelet {
    /// Whether docker runs its containers: through cri-dockerd, or in older releases by
    /// kubelet's own dockershim, which is their default.
    pub fn uses_docker(&self) -> bool {
        let version = self.version.as_deref().and_then(parse_version);
        let has_shim = version.is_some_and(|version| version < WITHOUT_DOCKERSHIM);
        let by_shim = has_shim && self.runtime.as_deref().is_none_or(|name| name == "docker");
        by_shim || self.endpoint.as_ref().is_some_and(|socket| socket.contains("cri-docker"))
    }
}

/// Looks at kubelet. `unit` are the words that its unit starts.
///
/// # Errors
/// [`HostError`] if a file that is there cannot be read.
pub fn gather(host: &Host, unit: &[String]) -> Result<Kubelet, HostError> {
    let words = match processes::command_of(host, "kubelet")? {
        Some(words) => words,
        None => configured(host, unit)?,
    };
    let config = flag(&words, "--config").unwrap_or(CONFIG);
    let config = host.read_text(config)?.unwrap_or_default();
    Ok(parse(&words, &config, program_version(host, "kubelet")))
}

/// What the unit would start it with.
fn configured(host: &Host, unit: &[String]) -> Result<Vec<String>, HostError> {
    let mut words = unit.to_vec();
    for path in ARGUMENTS {
        words.extend(host.read_text(path)?.as_deref().map(arguments).unwrap_or_default());
    }
    Ok(words)
}

/// A flag counts more than the key of the configuration.
fn parse(words: &[String], config: &str, version: Option<String>) -> Kubelet {
    let given = |name: &str, by_key: Option<&str>| flag(words, name).or(by_key).map(str::to_owned);
    Kubelet {
        driver: given("--cgroup-driver", key(config, "cgroupDriver")),
        endpoint: given("--container-runtime-endpoint", key(config, "containerRuntimeEndpoint")),
        runtime: given("--container-runtime", None),
        version,
    }
}

/// The arguments in the variables of a file, such as `KUBELET_EXTRA_ARGS="--v=2 --x=y"`.
fn arguments(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let values = lines.filter_map(|line| line.split_once('=')).map(|(_, value)| value);
    values
        .flat_map(|value| value.trim().trim_matches(['"', '\'']).split_whitespace())
        .map(str::to_owned)
        .collect()
}

/// The last value of a flag, as `--flag=value` or `--flag value`.
fn flag<'w>(words: &'w [String], name: &str) -> Option<&'w str> {
    let mut values = words.iter().enumerate().filter_map(|(index, word)| {
        if word == name {
            return words.get(index + 1).map(String::as_str);
        }
        word.strip_prefix(name)?.strip_prefix('=')
    });
    values.next_back()
}

/// A plain key at the top of a YAML file.
fn key<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = values.next_back()?.split(" #").next().unwrap_or_default();
    Some(value.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const CONTAINERD: &str = "unix:///run/containerd/containerd.sock";
    const CRI_DOCKERD: &str = "unix:///var/run/cri-dockerd.sock";

    fn kubelet(words: &str, config: &str, version: &str) -> Kubelet {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        parse(&words, config, Some(version.to_owned()).filter(|version| !version.is_empty()))
    }

    #[test]
    fn flags_and_keys() {
        let config = format!(
            "apiVersion: v1\ncgroupDriver: systemd # as the runtime\n  cgroupDriver: no\n\
             containerRuntimeEndpoint: \"{CRI_DOCKERD}\"\n"
        );
        let found = kubelet("/usr/bin/kubelet", &config, "1.30.2");
        assert_eq!(found.driver.as_deref(), Some("systemd"));
        assert_eq!(found.endpoint.as_deref(), Some(CRI_DOCKERD));
        let words =
            format!("kubelet --cgroup-driver cgroupfs --container-runtime-endpoint={CONTAINERD}");
        let found = kubelet(&words, &config, "1.30.2");
        assert_eq!(found.driver.as_deref(), Some("cgroupfs"), "a flag counts more");
        assert_eq!(found.endpoint.as_deref(), Some(CONTAINERD));
        assert_eq!(kubelet("", "cgroupDriver:\n", ""), Kubelet::default());
    }

    #[test]
    fn arguments_of_a_unit() {
        let text = format!(
            "# KUBELET_EXTRA_ARGS=--no\nKUBELET_KUBEADM_ARGS=\"--container-runtime=remote \
             --container-runtime-endpoint={CONTAINERD}\"\nKUBELET_EXTRA_ARGS=\n"
        );
        let endpoint = format!("--container-runtime-endpoint={CONTAINERD}");
        assert_eq!(arguments(&text), ["--container-runtime=remote", endpoint.as_str()]);
    }

    #[test]
    fn the_files_of_kubeadm_are_read() {
        let bed = Bed::new(&["var/lib/kubelet"]);
        let unit = ["/usr/bin/kubelet".to_owned(), "$KUBELET_KUBEADM_ARGS".to_owned()];
        let arguments =
            format!("KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint={CRI_DOCKERD}\"\n");
        bed.write(ARGUMENTS[0], &arguments);
        bed.write(CONFIG, "cgroupDriver: systemd\n");
        let found = gather(&bed.host, &unit).unwrap();
        assert_eq!(found.driver.as_deref(), Some("systemd"));
        assert!(found.uses_docker(), "{found:?}");
    }

    #[test]
    fn who_uses_docker() {
        let uses = |words: &str, version: &str| kubelet(words, "", version).uses_docker();
        let endpoint = |socket: &str| format!("kubelet --container-runtime-endpoint={socket}");
        assert!(uses(&endpoint(CRI_DOCKERD), "1.30.2"));
        assert!(uses(&endpoint("unix:///run/cri-dockerd.sock"), ""));
        assert!(!uses(&endpoint(CONTAINERD), "1.30.2"));
        assert!(!uses(&endpoint("unix:///var/run/crio/crio.sock"), "1.28.0"));
        // Later releases ask containerd by default.
        assert!(!uses("kubelet", "1.24.0") && !uses("kubelet", ""));
        assert!(uses("kubelet", "1.23.17") && uses("kubelet --container-runtime=docker", "1.18.0"));
        let remote = format!("{} --container-runtime=remote", endpoint(CONTAINERD));
        assert!(!uses(&remote, "1.23.17"));
    }
}

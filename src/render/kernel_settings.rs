//! What the kernel shall do for an engine at each boot, before it starts: files of
//! modules-load.d(5) and sysctl.d(5).

use crate::facts::Kernel;

/// The modules that are loaded at boot.
pub const MODULES: &str = "/etc/modules-load.d/landfall-engine.conf";
/// Where forwarding is kept switched on over reboots.
pub const FORWARDING: &str = "/etc/sysctl.d/90-landfall-forwarding.conf";
/// Its text.
pub const FORWARDING_TEXT: &str =
    "# Written by landfall: containers need it.\nnet.ipv4.ip_forward = 1\n";

/// What containers' file systems, the bridge network and its rules are made of, by any of these
/// names (moby: `contrib/check-config.sh`). `br_netfilter` is not among them: whether bridges are
/// filtered the daemon decides, and host bridges would be too.
const NEEDED: [&[&str]; 7] = [
    &["overlay"],
    &["bridge"],
    &["veth"],
    &["nf_nat"],
    &["xt_addrtype"],
    &["xt_conntrack"],
    &["xt_MASQUERADE", "ipt_MASQUERADE"],
];

/// The text of [`MODULES`] for a kernel: the engine would load them itself, unless nothing may be
/// loaded any more by then (`kernel.modules_disabled`, which hardening guides set at the end of
/// the boot). Only those that the kernel is known to have, or systemd-modules-load would fail;
/// `None` if that is not known.
pub fn modules(kernel: &Kernel) -> Option<String> {
    let loadable = kernel.loadable.as_ref()?;
    let has = |name: &&&str| loadable.iter().any(|there| there == *name);
    let there: Vec<&str> =
        NEEDED.iter().filter_map(|names| names.iter().find(has).copied()).collect();
    let head = "# Written by landfall: what containers need, loaded before the engine starts.\n";
    (!there.is_empty()).then(|| format!("{head}{}\n", there.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_has_is_loaded() {
        let kernel = |loadable: Option<&[&str]>| Kernel {
            loadable: loadable.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            ..Kernel::default()
        };
        let text = modules(&kernel(Some(&["br_netfilter", "overlay", "ipt_MASQUERADE"]))).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["overlay", "ipt_MASQUERADE"]);
        assert_eq!((modules(&kernel(Some(&[]))), modules(&kernel(None))), (None, None));
    }
}

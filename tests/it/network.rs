//! Networks of the engine against those of the host, and what its firewall changes.

use crate::support::{Machine, Run, installed, with};

/// The value of `--bip` that a run proposes.
#[track_caller]
fn proposed(run: &Run) -> String {
    let output = run.output();
    let (_, rest) = output.split_once("--bip ").unwrap_or_else(|| panic!("no proposal: {run}"));
    rest.split_whitespace().next().unwrap_or_default().to_owned()
}

/// A call from a shell that an ssh session from `peer` began, through a program that drops the
/// environment as sudo does.
fn from_ssh(host: &Machine, peer: &str, words: &[&str]) -> Run {
    let mut call = vec!["env", "SSH_CONNECTION", "sh", "-c", r#"env -i "$@"; exit $?"#, "sh"];
    let connection = format!("SSH_CONNECTION={peer} 50022 10.77.0.1 22");
    call[1] = &connection;
    call.push("/mnt/share/landfall");
    call.extend(words);
    host.exec(&call)
}

#[test]
fn a_network_that_somebody_needs_is_refused_before_any_change_and_the_proposal_works() {
    let host = Machine::boot();
    // Routes of the VPN kind: not of the main table.
    host.sh("ip route add 172.31.7.0/24 dev host0 table 220");
    host.put("/etc/resolv.conf", "nameserver 172.31.8.53\n");
    let before = host.snapshot();

    let bip = with("install", &["--yes", "--bip", "172.31.9.1/24"]);
    let refused = from_ssh(&host, "172.31.9.77", &bip).exits(3);
    let refused = refused.says("LF085").says("172.31.9.77, where your ssh session comes from");
    for (bip, named) in [
        ("172.31.7.1/24", "172.31.7.0/24, a route through host0 in table 220"),
        ("172.31.8.1/24", "172.31.8.53, a name server of /etc/resolv.conf"),
        ("10.77.0.200/16", "a route through host0"),
    ] {
        host.landfall(&with("install", &["--bip", bip])).exits(3).says("LF085").says(named);
    }
    host.landfall(&with("install", &["--set=bip6=\"10.1.1.1/24\""])).exits(2).says("LF089");
    before.assert_same(&host.snapshot(), &[]);

    let free = proposed(&refused);
    let install = with("install", &["--yes", "--bip", &free]);
    from_ssh(&host, "172.31.9.77", &install).exits(0);
    let address = host.sh("ip -4 -o addr show docker0");
    assert!(address.contains(&free), "{free}: {address}");
    // What docker0 has is its own: the next run has nothing to say of it.
    let again = from_ssh(&host, "172.31.9.77", &install).exits(0);
    assert!(!again.findings().contains(&"LF085".to_owned()), "{again}");
}

#[test]
fn docker0_moves_and_forwarding_changes_as_it_was_told() {
    let host = Machine::boot();
    host.sh("ip route add 172.17.0.0/16 dev host0
             ip link add vmbr0 type bridge
             ip link add tap0 type veth peer name tap1
             ip link set tap0 master vmbr0; ip link set vmbr0 up
             echo 0 >/proc/sys/net/ipv4/ip_forward
             systemd-run --unit firewalld.service sleep infinity");
    let plan = host.landfall(&with("plan", &["--verbose"])).exits(0);
    let plan = plan.says("LF087").says("docker0 gets 172.18.0.0/16");
    let plan = plan.says("LF090").says("here is vmbr0").says("LF092");
    // Where the machine's kernel has br_netfilter already, nothing changes.
    let filtered = host.exists("/proc/sys/net/bridge/bridge-nf-call-iptables");
    assert_eq!(plan.findings().contains(&"LF091".to_owned()), !filtered, "{plan}");

    let policy = "iptables -S FORWARD | head -n 1; cat /proc/sys/net/ipv4/ip_forward";
    installed(&host, &[]);
    let address = host.sh("ip -4 -o addr show docker0");
    assert!(address.contains("172.18.0.1/16"), "{address}");
    assert_eq!(host.sh(policy), "-P FORWARD DROP\n1");

    // What the finding says keeps the policy does.
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh(policy), "-P FORWARD ACCEPT\n0");
    let keep = with("install", &["--verbose", "--keep-forwarding"]);
    let run = host.landfall(&keep).exits(0);
    assert!(!run.findings().contains(&"LF090".to_owned()), "{run}");
    assert_eq!(host.sh(policy), "-P FORWARD ACCEPT\n1");
    host.sh("grep -qx 'net.ipv4.ip_forward = 1' /etc/sysctl.d/90-landfall-forwarding.conf");
    host.landfall(&["uninstall", "--yes"]).exits(0);
    assert_eq!(host.sh(policy), "-P FORWARD ACCEPT\n0");
    assert!(!host.exists("/etc/sysctl.d/90-landfall-forwarding.conf"));
}

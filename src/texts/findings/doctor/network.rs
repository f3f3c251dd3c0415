//! Firewall, forwarding, names.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn page(code: Code) -> Option<Page> {
    Some(match code {
        Code::IptablesBoth => Page {
            title: "firewall rules stand in both of the kernel's packet filters",
            why: "a packet has to pass both; rules that one program shows are not all there are",
            check: "iptables-legacy-save; iptables-nft-save",
            fix: "choose one (update-alternatives --config iptables), reboot, and see that only \
                  that one has rules",
        },
        Code::ForeignRules => Page {
            title: "others write firewall rules too",
            why: "published ports pass by ufw; what empties the firewall takes docker's rules along",
            check: "iptables-save | grep '^:'",
            fix: "nothing; put rules for containers into a chain of docker's: iptables -I \
                  DOCKER-USER …",
        },
        Code::RulesetFlushed => Page {
            title: "nftables.service empties the whole firewall when it starts",
            why: "docker's rules go with it: containers lose their network until docker restarts",
            check: "grep -n 'flush ruleset' /etc/nftables.conf /etc/sysconfig/nftables.conf",
            fix: "in /etc/nftables.conf (RHEL and kin: /etc/sysconfig/nftables.conf) write two \
                  lines for each table of your own in place of “flush ruleset”: “table inet \
                  NAME” and “delete table inet NAME”; whenever docker's rules are gone: \
                  systemctl restart docker",
        },
        Code::ForwardDrops => Page {
            title: "packets that are passed on are dropped by default",
            why: "docker sets this when it switches forwarding on; other networks that this host \
                  routes (libvirt, VPNs) need rules of their own",
            check: "iptables -S FORWARD | head -1",
            fix: "nothing, unless this host routes for others: iptables -I DOCKER-USER -i IN -o OUT \
                  -j ACCEPT",
        },
        Code::ForwardingOff => Page {
            title: "the kernel passes no packets on",
            why: "containers reach nothing outside of the host; something switched it off after \
                  docker had switched it on, often sysctl --system",
            check: "sysctl net.ipv4.ip_forward; grep -rn ip_forward /etc/sysctl.conf /etc/sysctl.d",
            fix: "landfall doctor --fix, or: sysctl -w net.ipv4.ip_forward=1; echo \
                  net.ipv4.ip_forward=1 >/etc/sysctl.d/50-forward.conf",
        },
        Code::BridgeCallsOff => Page {
            title: "traffic on bridges passes the firewall by",
            why: "containers of one network cannot be kept apart, and reach each other by published \
                  ports only in part",
            check: "sysctl net.bridge.bridge-nf-call-iptables",
            fix: "sysctl -w net.bridge.bridge-nf-call-iptables=1; echo \
                  net.bridge.bridge-nf-call-iptables=1 >/etc/sysctl.d/50-bridge.conf (IPv6: \
                  bridge-nf-call-ip6tables)",
        },
        Code::DockerChainsGone => Page {
            title: "docker's firewall rules are gone",
            why: "published ports do not answer, and containers reach nothing outside",
            check: "iptables -t nat -S DOCKER",
            fix: "systemctl restart docker (containers stop, unless live-restore is on)",
        },
        Code::DnsStub => Page {
            title: "names are asked through systemd-resolved's stub",
            why: "containers cannot reach it, so docker gives them the servers behind it; names \
                  that only the stub knows are not found in containers",
            check: "cat /etc/resolv.conf /run/systemd/resolve/resolv.conf",
            fix: "nothing, unless names are not found; then in /etc/docker/daemon.json: \"dns\": \
                  [\"10.0.0.2\"], your network's server, and systemctl restart docker",
        },
        Code::DnsLoopback => Page {
            title: "containers will be given public name servers",
            why: "all of the host's are on the host itself, where containers cannot reach them; \
                  docker then takes 8.8.8.8, which a closed network does not have",
            check: "cat /etc/resolv.conf; docker run --rm IMAGE cat /etc/resolv.conf",
            fix: "in /etc/docker/daemon.json: \"dns\": [\"10.0.0.2\"], your network's server; \
                  then systemctl restart docker",
        },
        Code::DnsEmpty => Page {
            title: "no name server is configured",
            why: "registries are not found by name; containers are given 8.8.8.8, which a closed \
                  network does not have",
            check: "cat /etc/resolv.conf",
            fix: "with your network's server: echo nameserver 10.0.0.2 >>/etc/resolv.conf; \
                  without one, names go into /etc/hosts: echo 10.0.0.5 registry.example \
                  >>/etc/hosts",
        },
        _ => return None,
    })
}

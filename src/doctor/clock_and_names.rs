//! Clock and name servers.

use super::{Case, Sight, note, warning};
use crate::facts::resolver::is_loopback;
use crate::preflight::Finding;

/// A clock that is behind by less may only have been set back a little.
const CLOCK_TOLERANCE: u64 = 3600;

pub(super) fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = clock(case).into_iter().collect();
    if case.facts.live {
        findings.extend(names(case));
    }
    findings
}

fn clock(case: &Case<'_>) -> Option<Finding> {
    let now = case.facts.now;
    if let Some((newest, what)) = &case.doctor.newest
        && *newest > now.saturating_add(CLOCK_TOLERANCE)
    {
        let (newest, what) = (*newest, what.clone());
        return Some(warning(Sight::ClockPast { now, newest, what }));
    }
    (case.doctor.synchronised == Some(false)).then(|| note(Sight::ClockUnsynchronised {}))
}

/// What dockerd gives to containers: resolv.conf without name servers that are the host
/// itself; nothing left, it takes public ones. Where resolv.conf names only the stub of
/// systemd-resolved, it reads what that asks.
fn names(case: &Case<'_>) -> Option<Finding> {
    let resolver = &case.doctor.resolver;
    if case.daemon_json.contains_key("dns") || !case.flag(&["--dns"]).is_empty() {
        return None;
    }
    if resolver.servers.is_empty() {
        return Some(warning(Sight::DnsEmpty { exists: resolver.exists }));
    }
    if !resolver.servers.iter().all(|server| is_loopback(server)) {
        return None;
    }
    let servers = resolver.servers.clone();
    let is_stub = resolver.servers.iter().any(|server| server == "127.0.0.53");
    let upstream: Vec<String> =
        resolver.upstream.iter().filter(|server| !is_loopback(server)).cloned().collect();
    Some(if is_stub && !upstream.is_empty() {
        note(Sight::DnsStub { servers, upstream })
    } else {
        warning(Sight::DnsLoopback { servers })
    })
}

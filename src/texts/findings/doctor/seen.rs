//! What was seen.

use super::super::seen::{bytes, duration};
use crate::doctor::Sight;

pub(in crate::texts::findings) fn seen(sight: &Sight) -> String {
    match sight {
        Sight::KernelOptions { missing } | Sight::KernelOptionsOptional { missing } => {
            missing.join("; ")
        }
        Sight::ModulesAbsent { modules, .. } => modules.join(", "),
        Sight::ModulesOfAnotherKernel { release, installed } => {
            format!("{release} runs; /lib/modules has {}", installed.join(", "))
        }
        Sight::CgroupDriverKubelet { engine, kubelet } => {
            format!("docker: {engine}, kubelet: {kubelet}")
        }
        Sight::CgroupDriverPlain { driver } => driver.clone(),
        Sight::ClockUnsynchronised {} => "timedatectl says that it is not synchronised".to_owned(),
        Sight::ClockPast { now, newest, what } => {
            let behind = duration(newest.saturating_sub(*now));
            format!("{what} is {behind} younger than the clock")
        }
        Sight::KnownProblem { program, version, records, .. } => {
            format!("{program} {version}: {}", records.join("; "))
        }
        Sight::Drift { changed, missing } => {
            let list = |word: &str, paths: &[String]| {
                (!paths.is_empty()).then(|| format!("{word}: {}", paths.join(", ")))
            };
            let parts = [list("changed", changed), list("missing", missing)];
            parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
        Sight::RunLeft { command, files } => {
            let run = (!command.is_empty()).then(|| format!("landfall {command} has no end"));
            let files = (!files.is_empty()).then(|| files.join(", "));
            run.into_iter().chain(files).collect::<Vec<_>>().join("; ")
        }
        Sight::NotSeen { what, .. } => what.join(", "),
        _ => seen_of_network(sight),
    }
}

fn seen_of_network(sight: &Sight) -> String {
    match sight {
        Sight::IptablesBoth { legacy, nft } => {
            format!("{legacy} in the older one (iptables-legacy), {nft} in nf_tables")
        }
        Sight::ForeignRules { owners } => owners.join(", "),
        Sight::RulesetFlushed { path, unit } => format!("{unit} is active, and flushes in {path}"),
        Sight::ForwardDrops { policy } => format!("the policy of FORWARD is {policy}"),
        Sight::ForwardingOff { setting } => format!("{setting} is 0, and docker runs"),
        Sight::BridgeCallsOff { settings } => format!("0 in {}", settings.join(", ")),
        Sight::DockerChainsGone { firewalld } => {
            let by = if *firewalld { "; firewalld runs" } else { "" };
            format!("docker runs, and the table nat has no chain DOCKER{by}")
        }
        Sight::DnsStub { servers, upstream } => {
            format!("{}; containers get {}", servers.join(", "), upstream.join(", "))
        }
        Sight::DnsLoopback { servers } => servers.join(", "),
        Sight::DnsEmpty { exists: true } => "/etc/resolv.conf names none".to_owned(),
        Sight::DnsEmpty { exists: false } => "there is no /etc/resolv.conf".to_owned(),
        _ => seen_of_daemon(sight),
    }
}

fn seen_of_daemon(sight: &Sight) -> String {
    match sight {
        Sight::OpenFilesLow { program, limit } => format!("{program}: {limit}"),
        Sight::OpenFilesHuge { program, limit: u64::MAX } => format!("{program}: unlimited"),
        Sight::OpenFilesHuge { program, limit } => format!("{program}: {limit}"),
        Sight::SocketMode { path, mode, uid } => {
            format!("{path} has mode {mode:o} and owner {uid}; usual are 660 and 0")
        }
        Sight::SocketOpen { path, mode } => format!("{path} has mode {mode:o}"),
        Sight::SocketGroup { path, group, wanted } => {
            format!("{path} belongs to {group}, not to {wanted}")
        }
        Sight::GroupMembers { group, members } => format!("{group}: {}", members.join(", ")),
        Sight::TcpOpen { listeners, loopback } => {
            let reach = if *loopback { " (this host only)" } else { "" };
            format!("{}{reach}", listeners.join(", "))
        }
        Sight::ApiSilent { error } => error.clone(),
        Sight::ProxyOfDaemon { variables } => variables.join(", "),
        Sight::NotInForce { keys } => keys.join(", "),
        Sight::DropInDangling { paths } | Sight::LinkDangling { paths } => paths.join(", "),
        Sight::UnitProgramMissing { unit, program } => format!("{unit} starts {program}"),
        Sight::NeedsReload { units } => units.join(", "),
        Sight::TwoDaemons { program, processes } => {
            let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
            format!("{program}: processes {}", ids.join(", "))
        }
        Sight::StartLimit { unit } => unit.clone(),
        Sight::UnitFailed { unit, result } => format!("{unit}, result “{result}”"),
        Sight::SocketUnitMissing { unit } => format!("{unit} with -H fd://, and no docker.socket"),
        Sight::NotEnabled { unit, socket: true } => {
            format!("{unit} is disabled; docker.socket starts it at the first docker command")
        }
        Sight::NotEnabled { unit, socket: false } => format!("{unit} is disabled"),
        _ => seen_of_files(sight),
    }
}

fn seen_of_files(sight: &Sight) -> String {
    match sight {
        Sight::DataSpace { path, available } => format!("{path}: {} left", bytes(*available)),
        Sight::DataInodes { path, available } => format!("{path}: {available} left"),
        Sight::LogsUnrotated { containers, bytes: size } => {
            format!("{containers} without max-size, {} by now", bytes(*size))
        }
        Sight::LogLarge { path, bytes: size } => format!("{path}: {}", bytes(*size)),
        Sight::CertificateExpired { path, subject, since } => {
            format!("{path} ({subject}), {} ago", duration(*since))
        }
        Sight::CertificateExpiring { path, subject, seconds }
        | Sight::CertificateEarly { path, subject, seconds } => {
            format!("{path} ({subject}), in {}", duration(*seconds))
        }
        Sight::CertificateUnreadable { path } => path.clone(),
        Sight::CertificatePair { path, missing } => format!("{path} without {missing}"),
        Sight::KeyMode { path, mode } => format!("{path} has mode {mode:o}"),
        Sight::DaemonJsonBroken { reason } => reason.clone(),
        Sight::DaemonKeyUnknown { key, .. } => key.clone(),
        Sight::DaemonKeyForeign { key, engine, first, last } => {
            format!("{key} is known from {first} to {last}; this is {engine}")
        }
        Sight::DaemonKeyTwice { key, flag, place: Some((path, line)) } => {
            format!("{key} and {flag} ({path}, line {line})")
        }
        Sight::DaemonKeyTwice { key, flag, place: None } => format!("{key} and {flag}"),
        _ => String::new(),
    }
}

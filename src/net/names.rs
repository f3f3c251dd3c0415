//! Names become addresses: `/etc/hosts` first, then the name servers of `/etc/resolv.conf`, as
//! glibc and the resolver of Go (in dockerd) do it. Where none is named, both ask this host itself
//! (resolv.conf(5)); nobody else is ever asked.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::Name;

/// How long all name servers together may take.
const LIMIT: Duration = Duration::from_secs(15);
/// How long this host itself may take: what is not there does not say so.
const LOCAL_LIMIT: Duration = Duration::from_secs(3);

/// What a host knows of names.
pub struct Names {
    hosts: Vec<(IpAddr, Vec<String>)>,
    servers: Vec<IpAddr>,
    /// Whether resolv.conf names any.
    configured: bool,
    resolver: Option<TokioResolver>,
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order in which they are tried.
    pub addresses: Vec<IpAddr>,
    /// Who knows them.
    pub by: KnownBy,
}

/// Who knows the addresses of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// It is an address.
    Itself,
    /// `/etc/hosts`.
    Hosts,
    /// A name server.
    Server,
}

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The name servers say that there is none.
    Unknown {
        /// Who was asked.
        servers: Vec<IpAddr>,
    },
    /// No name server said anything of use.
    NoAnswer {
        /// Who was asked.
        servers: Vec<IpAddr>,
        /// Whether resolv.conf names them; else this host itself was asked.
        configured: bool,
        /// What came instead.
        error: String,
    },
}

impl Names {
    /// Reads the texts of `/etc/hosts` and `/etc/resolv.conf`.
    pub fn new(hosts: &str, resolv_conf: &str) -> Self {
        let (config, _) = resolv_conf::Config::parse_with_errors(resolv_conf.as_bytes());
        let mut servers: Vec<IpAddr> = config.nameservers.iter().map(IpAddr::from).collect();
        let configured = !servers.is_empty();
        if !configured {
            servers.push(Ipv4Addr::LOCALHOST.into());
        }
        let search = config
            .get_last_search_or_domain()
            .filter_map(|domain| Name::from_str_relaxed(domain).ok())
            .collect();
        let asked = servers.iter().copied().map(NameServerConfig::udp_and_tcp).collect();
        let mut options = ResolverOpts::default();
        options.ndots = usize::try_from(config.ndots).unwrap_or(1);
        options.timeout = Duration::from_secs(u64::from(config.timeout).clamp(1, 5));
        options.attempts = usize::try_from(config.attempts).unwrap_or(2).clamp(1, 3);
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = TokioResolver::builder_with_config(
            ResolverConfig::from_parts(None, search, asked),
            TokioRuntimeProvider::default(),
        );
        Self {
            hosts: parse_hosts(hosts),
            servers,
            configured,
            resolver: resolver.with_options(options).build().ok(),
        }
    }

    /// The addresses of a name.
    ///
    /// # Errors
    /// [`NameError`].
    pub async fn find(&self, name: &str) -> Result<Found, NameError> {
        if let Ok(address) = name.parse() {
            return Ok(Found { addresses: vec![address], by: KnownBy::Itself });
        }
        let wanted = name.trim_end_matches('.').to_lowercase();
        let known = self.hosts.iter().filter(|(_, names)| names.contains(&wanted));
        let addresses: Vec<IpAddr> = known.map(|(address, _)| *address).collect();
        if !addresses.is_empty() {
            return Ok(Found { addresses, by: KnownBy::Hosts });
        }
        // RFC 6761, section 6.3: this name is never asked of anybody.
        if wanted == "localhost" || wanted.ends_with(".localhost") {
            let addresses = vec![Ipv4Addr::LOCALHOST.into()];
            return Ok(Found { addresses, by: KnownBy::Itself });
        }
        let addresses = self.ask(&wanted).await?;
        Ok(Found { addresses, by: KnownBy::Server })
    }

    /// What the name servers say, whatever stands in `/etc/hosts`.
    ///
    /// # Errors
    /// [`NameError`].
    pub async fn ask(&self, name: &str) -> Result<Vec<IpAddr>, NameError> {
        let no_answer = |error: String| NameError::NoAnswer {
            servers: self.servers.clone(),
            configured: self.configured,
            error,
        };
        let Some(resolver) = &self.resolver else { return Err(no_answer(String::new())) };
        let unknown = || NameError::Unknown { servers: self.servers.clone() };
        let local = self.servers.iter().all(IpAddr::is_loopback);
        let limit = if local { LOCAL_LIMIT } else { LIMIT };
        match tokio::time::timeout(limit, resolver.lookup_ip(name)).await {
            Err(_) => Err(no_answer(crate::texts::net::no_answer_within(limit.as_secs()))),
            Ok(Ok(found)) => {
                let mut addresses: Vec<IpAddr> = found.iter().collect();
                // Many hosts have addresses of version 6 that lead nowhere.
                addresses.sort_by_key(IpAddr::is_ipv6);
                if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
            }
            Ok(Err(error)) if says_unknown(&error) => Err(unknown()),
            Ok(Err(error)) => Err(no_answer(error.to_string())),
        }
    }

    /// Whether name servers know a name of `/etc/hosts` too, as far as a short question tells.
    pub async fn servers_know(&self, name: &str) -> bool {
        let asked = tokio::time::timeout(LOCAL_LIMIT, self.ask(name));
        self.configured && asked.await.is_ok_and(|answer| answer.is_ok())
    }

    /// Who is asked.
    pub fn servers(&self) -> &[IpAddr] {
        &self.servers
    }
}

/// `NXDOMAIN`, or no address of that name; another code, such as `SERVFAIL`, says nothing of it.
fn says_unknown(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError)
        }
        _ => false,
    }
}

/// hosts(5): an address, then its names.
fn parse_hosts(text: &str) -> Vec<(IpAddr, Vec<String>)> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let address = words.next()?.split('%').next()?.parse().ok()?;
            Some((address, words.map(str::to_lowercase).collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &Names, name: &str) -> Result<Found, NameError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(names.find(name))
    }

    #[test]
    fn hosts_come_first_and_ask_nobody() {
        let hosts = "127.0.0.1 localhost\n10.0.0.5\tHarbor.internal harbor # ours\n\
            fd00::5 harbor.internal\nnonsense x\n";
        let names = Names::new(hosts, "nameserver 192.0.2.1\n");
        let found = find(&names, "harbor.INTERNAL.").unwrap();
        assert_eq!(
            found.addresses,
            ["10.0.0.5", "fd00::5"].map(|ip| ip.parse::<IpAddr>().unwrap())
        );
        assert_eq!(found.by, KnownBy::Hosts);
        assert_eq!(find(&names, "10.9.9.9").unwrap().by, KnownBy::Itself);
        assert_eq!(find(&Names::new("", ""), "localhost").unwrap().by, KnownBy::Itself);
    }

    #[test]
    fn nobody_is_asked_who_is_not_named() {
        for text in ["", "# none\n", "options ndots:2\n", "nameserver nonsense\n"] {
            let names = Names::new("", text);
            assert_eq!(names.servers(), [IpAddr::from(Ipv4Addr::LOCALHOST)], "{text:?}");
            assert!(!names.configured);
        }
        let names = Names::new("", "nameserver 10.0.0.2\nnameserver 127.0.0.53\n");
        assert_eq!(names.servers().len(), 2);
        assert!(names.configured);
    }
}

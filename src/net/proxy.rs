//! Which proxy dockerd goes through, by the rules of Go's `net/http` (golang.org/x/net/http/httpproxy).

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

/// The proxies that a daemon is told of.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    no: Vec<String>,
    /// The same as it was given, for others.
    no_text: String,
    /// Where they are set.
    pub set_in: String,
}

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, base64 of `USER:PASSWORD`.
    pub authorization: Option<String>,
    /// Whether it speaks plain HTTP; others are not spoken to.
    pub plain: bool,
}

impl fmt::Display for Proxy {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Proxies {
    /// From values as in variables of the environment: empty ones count as not set.
    pub fn new(http: &str, https: &str, no: &str, set_in: &str) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let parts = no.split(',').map(|part| part.trim().to_lowercase());
        Self {
            http: given(http),
            https: given(https),
            no: parts.filter(|part| !part.is_empty()).collect(),
            no_text: no.to_owned(),
            set_in: set_in.to_owned(),
        }
    }

    /// From an environment, `NAME=VALUE`; upper case wins, as in Go.
    pub fn of_environment(variables: &[String], set_in: &str) -> Self {
        let value = |name: &str| {
            [name.to_uppercase(), name.to_owned()].iter().find_map(|name| {
                let mut all = variables.iter().filter_map(|one| one.split_once('='));
                all.find(|(key, value)| key == name && !value.is_empty())
                    .map(|(_, value)| value.to_owned())
            })
        };
        let value = |name| value(name).unwrap_or_default();
        Self::new(&value("http_proxy"), &value("https_proxy"), &value("no_proxy"), set_in)
    }

    /// Variables by which programs that use libcurl, and apt, are told of them.
    pub fn variables(&self) -> Vec<(&'static str, &str)> {
        let no = (!self.no_text.is_empty()).then_some(self.no_text.as_str());
        let all = [
            ("http_proxy", self.http.as_deref()),
            ("https_proxy", self.https.as_deref()),
            ("no_proxy", no),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy for a host; `None` if it is reached directly.
    pub fn proxy_for(&self, tls: bool, host: &str, port: u16) -> Option<Proxy> {
        let url = (if tls { &self.https } else { &self.http }).as_deref()?;
        if self.is_exempt(host, port) { None } else { parse(url) }
    }

    fn is_exempt(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.no.iter().any(|rule| {
            if rule == "*" {
                return true;
            }
            if let Ok(network) = rule.parse::<IpNet>() {
                return address.is_some_and(|address| network.contains(&address));
            }
            let (rule, rule_port) = match rule.rsplit_once(':') {
                Some((rule, digits)) if !rule.contains(':') => (rule, digits.parse::<u16>().ok()),
                _ => (rule.as_str(), None),
            };
            if rule_port.is_some_and(|wanted| wanted != port) {
                return false;
            }
            if let Ok(wanted) = rule.parse::<IpAddr>() {
                return address == Some(wanted);
            }
            if address.is_some() {
                return false;
            }
            let suffix = rule.trim_start_matches('*');
            match suffix.strip_prefix('.') {
                Some(_) => host.ends_with(suffix),
                None => host == suffix || host.ends_with(&format!(".{suffix}")),
            }
        })
    }
}

/// `http://[USER:PASSWORD@]HOST[:PORT]`, in which the scheme may be left out.
fn parse(text: &str) -> Option<Proxy> {
    use base64::Engine;
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).ok()?;
    let decoded = |text: &str| percent_decoded(text);
    let authorization = (!url.username().is_empty()).then(|| {
        let pair =
            format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
        base64::engine::general_purpose::STANDARD.encode(pair)
    });
    Some(Proxy {
        host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
        port: url.port_or_known_default().unwrap_or(1080),
        authorization,
        plain: url.scheme() == "http",
    })
}

fn percent_decoded(text: &str) -> String {
    let mut query = String::from("x=");
    query.push_str(&text.replace('+', "%2B"));
    let pairs = url::form_urlencoded::parse(query.as_bytes()).next();
    pairs.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_reached_directly() {
        let no = "internal, .corp.example,10.0.0.0/8,192.168.1.5,*.lab.example,m.example:5000";
        let proxies = Proxies::new("http://p:3128", "p:3129", no, "daemon.json");
        let by = |host: &str, port| {
            proxies.proxy_for(true, host, port).map(|proxy| proxy.to_string()).unwrap_or_default()
        };
        for direct in ["internal", "harbor.internal", "a.corp.example", "10.1.2.3", "192.168.1.5"] {
            assert_eq!(by(direct, 443), "", "{direct}");
        }
        for direct in ["x.lab.example", "localhost", "127.0.0.1", "::1"] {
            assert_eq!(by(direct, 443), "", "{direct}");
        }
        for through in ["corp.example", "notinternal", "192.168.1.6", "m.example", "11.0.0.1"] {
            assert_eq!(by(through, 443), "p:3129", "{through}");
        }
        assert_eq!(by("m.example", 5000), "");
        let plain = proxies.proxy_for(false, "m.example", 80).unwrap();
        assert_eq!((plain.to_string().as_str(), plain.plain), ("p:3128", true));
        assert!(Proxies::new("", "", "", "").proxy_for(true, "x", 443).is_none());
        assert!(Proxies::new("", "http://p", "*", "").proxy_for(true, "x", 443).is_none());
    }

    #[test]
    fn a_password_is_sent_and_not_shown() {
        let variables = ["HTTPS_PROXY=http://me:s%40cret@p:8080", "https_proxy=http://other"];
        let proxies = Proxies::of_environment(&variables.map(str::to_owned), "the unit");
        let proxy = proxies.proxy_for(true, "x", 443).unwrap();
        assert_eq!(proxy.to_string(), "p:8080");
        assert_eq!(proxy.authorization.as_deref(), Some("bWU6c0BjcmV0"));
    }
}

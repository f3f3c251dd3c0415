//! Whether a registry can be used, stage by stage, as dockerd would use it.

use std::net::IpAddr;

use hyper::StatusCode;
use serde::Serialize;

use super::client::{Answer, Client, ClientError, Scope, TokenProblem};
use super::connect::{AddressProblem, ConnectError, Endpoint, Route};
use super::names::{Found, KnownBy, NameError};
use super::trust::{CertificateProblem, Trust};
use super::{Challenge, Credentials, Image, MirrorUrl, Registry, RegistrySight, Site, Target};
use crate::digest::Digest;
use crate::preflight::{Finding, Seen};
use crate::texts::{net as net_texts, registry as texts};

/// What dockerd accepts of manifests.
pub const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What is checked.
pub struct Check<'a> {
    /// What the host says about registries.
    pub site: &'a Site,
    /// The registry, or a mirror.
    pub target: &'a Target,
    /// An image of it; of a mirror, one of Docker Hub's.
    pub image: Option<Image>,
    /// What its certificate is compared with.
    pub trust: &'a Trust,
    /// Who asks. A mirror is never told: dockerd has nobody's credentials for it.
    pub credentials: Option<Credentials>,
    /// How far to go.
    pub depth: Depth,
}

/// How far a check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Until name and password are known to be right.
    Login,
    /// Until the manifest of an image is read.
    Manifest,
}

/// A stage that is passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[allow(missing_docs)] // the fields say it
pub enum Passed {
    Name { name: String, addresses: Vec<IpAddr>, by: &'static str },
    Proxy { proxy: String, set_in: String },
    Tls { verified: bool },
    Plain {},
    Api {},
    Token { realm: String },
    Login { user: String },
    Anonymous {},
    Manifest { image: String, digest: String },
    NoImage {},
}

/// What came out.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The stages that are passed, in order.
    pub passed: Vec<Passed>,
    /// What is to be said; an error ends the check.
    pub findings: Vec<Finding>,
}

impl Outcome {
    fn fail(&mut self, sight: RegistrySight) {
        self.findings.push(Finding::error(Seen::Registry(sight)));
    }
}

impl Check<'_> {
    /// Looks at it all.
    pub async fn run(&self) -> Outcome {
        let mut outcome = Outcome::default();
        if let Err(sight) = self.stages(&mut outcome).await {
            outcome.fail(sight);
        }
        outcome
    }

    async fn stages(&self, outcome: &mut Outcome) -> Result<(), RegistrySight> {
        let found = self.name(outcome).await?;
        let (mut client, answer) = self.reach(outcome, &found).await?;
        self.api(&client, &answer)?;
        outcome.passed.push(Passed::Api {});
        if let Some(mirror) = self.mirror().filter(|mirror| !mirror.path.is_empty()) {
            return Err(refused_path(mirror, is_harbor(&client)));
        }
        self.login(outcome, &mut client).await?;
        if self.depth == Depth::Login {
            return Ok(());
        }
        self.manifest(outcome, &mut client).await
    }

    fn registry(&self) -> &Registry {
        match self.target {
            Target::Registry(registry, _) => registry,
            Target::Mirror(mirror) => &mirror.registry,
        }
    }

    fn mirror(&self) -> Option<&MirrorUrl> {
        match self.target {
            Target::Registry(..) => None,
            Target::Mirror(mirror) => Some(mirror),
        }
    }

    fn shown(&self) -> String {
        self.registry().to_string()
    }

    /// The addresses; none if a proxy looks for them.
    async fn name(&self, outcome: &mut Outcome) -> Result<Vec<IpAddr>, RegistrySight> {
        let host = self.registry().host();
        let tls = self.mirror().is_none_or(|mirror| mirror.tls);
        let port = self.registry().port(tls);
        if let Some(proxy) = self.site.proxies.proxy_for(tls, host, port) {
            let set_in = self.site.proxies.set_in.clone();
            outcome.passed.push(Passed::Proxy { proxy: proxy.to_string(), set_in });
            return Ok(Vec::new());
        }
        let found = self.site.names.find(host).await;
        let Found { addresses, by } = found.map_err(|error| name_sight(host, &error))?;
        if by == KnownBy::Hosts && !self.site.names.servers_know(host).await {
            let sight = RegistrySight::NameInHosts {
                name: host.to_owned(),
                addresses: addresses.iter().map(ToString::to_string).collect(),
            };
            outcome.findings.push(Finding::note(Seen::Registry(sight)));
        }
        let by = match by {
            KnownBy::Itself => "itself",
            KnownBy::Hosts => "hosts",
            KnownBy::Server => "server",
        };
        let name = host.to_owned();
        outcome.passed.push(Passed::Name { name, addresses: addresses.clone(), by });
        Ok(addresses)
    }

    fn route(&self) -> Route<'_> {
        Route { names: &self.site.names, proxies: &self.site.proxies, trust: self.trust }
    }

    fn client(&self, tls: bool, verify: bool) -> Client<'_> {
        let registry = self.registry();
        let (host, port) = (registry.host().to_owned(), registry.port(tls));
        let credentials = self.credentials.clone().filter(|_| self.mirror().is_none());
        Client::new(self.route(), Endpoint { host, port, tls, verify }, credentials)
    }

    /// The way to it: TLS with a look at its certificate, unless it is listed as insecure.
    async fn reach(
        &self,
        outcome: &mut Outcome,
        addresses: &[IpAddr],
    ) -> Result<(Client<'_>, Answer), RegistrySight> {
        let insecure = self.site.is_insecure(self.registry(), addresses);
        if self.mirror().is_some_and(|mirror| !mirror.tls) {
            return self.reach_plain(outcome).await.map_err(|error| self.sight(&error));
        }
        let mut client = self.client(true, !insecure);
        match client.ping().await {
            Ok(answer) => {
                outcome.passed.push(Passed::Tls { verified: !insecure });
                Ok((client, answer))
            }
            Err(_) if insecure => {
                self.reach_plain(outcome).await.map_err(|error| self.sight(&error))
            }
            Err(error) => Err(self.maybe_plain(error).await),
        }
    }

    async fn reach_plain(
        &self,
        outcome: &mut Outcome,
    ) -> Result<(Client<'_>, Answer), ClientError> {
        let mut client = self.client(false, false);
        let answer = client.ping().await?;
        outcome.passed.push(Passed::Plain {});
        Ok((client, answer))
    }

    /// Some servers of plain HTTP say nothing at all to TLS.
    async fn maybe_plain(&self, error: ClientError) -> RegistrySight {
        let is_vague =
            matches!(&error, ClientError::Connect(ConnectError::Tls(_)) | ClientError::Broken(_));
        if is_vague {
            let registry = self.registry();
            let (host, port) = (registry.host().to_owned(), registry.port(true));
            let endpoint = Endpoint { host, port, tls: false, verify: false };
            let mut plain = Client::new(self.route(), endpoint, None);
            if plain.ping().await.is_ok_and(|answer| looks_like_registry(&answer)) {
                return RegistrySight::RegistryPlain { registry: self.shown() };
            }
        }
        self.sight(&error)
    }

    /// What an error before the first answer says.
    fn sight(&self, error: &ClientError) -> RegistrySight {
        let registry = self.shown();
        match error {
            ClientError::Connect(error) => self.connect_sight(error),
            ClientError::Broken(error) | ClientError::Challenge(error) => {
                RegistrySight::RegistryFails { registry, answer: error.clone() }
            }
            ClientError::Token(realm, problem) => self.token_sight(realm, problem, false),
        }
    }

    fn connect_sight(&self, error: &ConnectError) -> RegistrySight {
        let registry = self.shown();
        match error {
            ConnectError::Name(error) => name_sight(self.registry().host(), error),
            ConnectError::Address(at, AddressProblem::Refused) => {
                RegistrySight::RegistryRefuses { registry, address: at.to_string() }
            }
            ConnectError::Address(at, problem) => RegistrySight::RegistrySilent {
                registry,
                address: at.to_string(),
                error: net_texts::address_problem(problem),
            },
            ConnectError::Proxy(proxy, error) => RegistrySight::RegistryProxy {
                registry,
                proxy: proxy.clone(),
                set_in: self.site.proxies.set_in.clone(),
                error: error.clone(),
            },
            ConnectError::PlainHttp => RegistrySight::RegistryPlain { registry },
            ConnectError::Certificate(problem) => self.certificate_sight(problem.clone()),
            ConnectError::ClientCertificate => RegistrySight::ClientCertificateWanted {
                registry,
                directory: self.registry().directory(),
            },
            ConnectError::Tls(error) => {
                RegistrySight::RegistryTls { registry, error: error.clone() }
            }
        }
    }

    fn certificate_sight(&self, problem: CertificateProblem) -> RegistrySight {
        let registry = self.shown();
        match problem {
            CertificateProblem::Expired { subject, since } => {
                RegistrySight::RegistryExpired { registry, subject, since }
            }
            CertificateProblem::Early { subject, seconds } => {
                RegistrySight::RegistryEarly { registry, subject, seconds }
            }
            CertificateProblem::OtherName { names } => {
                RegistrySight::RegistryOtherName { registry, names }
            }
            CertificateProblem::CommonName { name } => {
                RegistrySight::RegistryCommonName { registry, name }
            }
            CertificateProblem::Untrusted { issuer, self_signed, same_name } => {
                let directory = self.registry().directory();
                RegistrySight::AuthorityUnknown {
                    registry,
                    directory,
                    issuer,
                    self_signed,
                    same_name,
                }
            }
            CertificateProblem::Chain { issuer } => {
                RegistrySight::ChainIncomplete { registry, issuer }
            }
            CertificateProblem::Other { error } => RegistrySight::RegistryTls { registry, error },
        }
    }

    fn token_sight(&self, realm: &str, problem: &TokenProblem, harbor: bool) -> RegistrySight {
        let (registry, realm) = (self.shown(), realm.to_owned());
        match problem {
            TokenProblem::NoUrl => {
                RegistrySight::RealmAnswer { registry, realm, error: texts::NO_URL.to_owned() }
            }
            TokenProblem::Answer(error) => {
                RegistrySight::RealmAnswer { registry, realm, error: error.clone() }
            }
            TokenProblem::Refused(answer) => self.refused(answer),
            TokenProblem::Connect(error) => match &**error {
                ClientError::Connect(ConnectError::Name(_)) => {
                    let url = url::Url::parse(&realm).ok();
                    let name = url.and_then(|url| url.host_str().map(str::to_owned));
                    let name = name.unwrap_or_default();
                    RegistrySight::RealmUnknown { registry, realm, name, harbor }
                }
                ClientError::Connect(ConnectError::Certificate(problem)) => {
                    let directory = self.registry().directory();
                    let problem = problem.clone();
                    RegistrySight::RealmCertificate { registry, realm, directory, problem }
                }
                ClientError::Connect(error) => {
                    let error = net_texts::connect_error(error);
                    RegistrySight::RealmUnreachable { registry, realm, error, harbor }
                }
                ClientError::Broken(error) | ClientError::Challenge(error) => {
                    RegistrySight::RealmAnswer { registry, realm, error: error.clone() }
                }
                ClientError::Token(..) => {
                    RegistrySight::RealmAnswer { registry, realm, error: String::new() }
                }
            },
        }
    }

    fn refused(&self, answer: &str) -> RegistrySight {
        match (&self.credentials, self.mirror()) {
            (_, Some(mirror)) => RegistrySight::MirrorLogin { mirror: mirror.to_string() },
            (None, None) => RegistrySight::LoginMissing { registry: self.shown() },
            (Some(credentials), None) => RegistrySight::LoginRefused {
                registry: self.shown(),
                user: credentials.user.clone(),
                answer: answer.to_owned(),
            },
        }
    }

    /// Whether the answer to `/v2/` is one of a registry.
    fn api(&self, client: &Client<'_>, answer: &Answer) -> Result<(), RegistrySight> {
        let registry = self.shown();
        let status = answer.status;
        let shown = texts::answer(status.as_u16(), answer.header("content-type"));
        if looks_like_registry(answer) {
            return Ok(());
        }
        let to_tls = |location: &str| location.starts_with("https://");
        let is_redirect = answer.header("location").is_some_and(to_tls);
        let text = String::from_utf8_lossy(&answer.bytes).to_lowercase();
        let says_https = status == StatusCode::BAD_REQUEST && text.contains("https");
        if !client.endpoint().tls && (is_redirect || says_https) {
            return Err(RegistrySight::RegistryNotPlain {
                registry,
                mirror: self.mirror().is_some(),
            });
        }
        // nginx answers so to who shows no certificate (ssl_verify_client).
        if status == StatusCode::BAD_REQUEST && text.contains("certificate") {
            let directory = self.registry().directory();
            return Err(RegistrySight::ClientCertificateWanted { registry, directory });
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(RegistrySight::RegistryFails { registry, answer: shown });
        }
        Err(RegistrySight::NoRegistry { registry, answer: shown })
    }

    /// Gets a token, and tries name and password.
    async fn login(
        &self,
        outcome: &mut Outcome,
        client: &mut Client<'_>,
    ) -> Result<(), RegistrySight> {
        let Some(challenge) = client.challenge().cloned() else {
            outcome.passed.push(Passed::Anonymous {});
            return Ok(());
        };
        let harbor = is_harbor(client);
        let failed = |error: ClientError| match error {
            ClientError::Token(realm, problem) => self.token_sight(&realm, &problem, harbor),
            error => self.sight(&error),
        };
        let is_token = matches!(challenge, Challenge::Bearer { .. });
        client.authorise(&Scope::Registry).await.map_err(failed)?;
        if let Challenge::Bearer { realm, .. } = challenge {
            outcome.passed.push(Passed::Token { realm });
        }
        let known = self.credentials.as_ref().filter(|_| self.mirror().is_none());
        let Some(credentials) = known else {
            return if is_token {
                outcome.passed.push(Passed::Anonymous {});
                Ok(())
            } else {
                Err(self.refused(""))
            };
        };
        let answer = client.get("/v2/", &[], &Scope::Registry).await;
        let answer = answer.map_err(failed)?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&said(&answer)));
        }
        outcome.passed.push(Passed::Login { user: credentials.user.clone() });
        Ok(())
    }

    /// Reads the manifest of an image: what a pull begins with.
    async fn manifest(
        &self,
        outcome: &mut Outcome,
        client: &mut Client<'_>,
    ) -> Result<(), RegistrySight> {
        let harbor = is_harbor(client);
        let image = match &self.image {
            Some(image) if self.mirror().is_some() => Some(image.clone().of_hub()),
            Some(image) => Some(image.clone()),
            None => some_image(client).await,
        };
        let Some(image) = image else {
            outcome.passed.push(Passed::NoImage {});
            return Ok(());
        };
        let path = format!("/v2/{}/manifests/{}", image.repository, image.reference);
        let scope = Scope::Pull(image.repository.clone());
        let answer = client.get(&path, &MANIFESTS, &scope).await.map_err(|error| match error {
            ClientError::Token(realm, problem) => self.token_sight(&realm, &problem, harbor),
            error => self.sight(&error),
        })?;
        match self.judge(&image, &answer) {
            Ok(digest) => {
                outcome.passed.push(Passed::Manifest { image: image.to_string(), digest });
                Ok(())
            }
            Err(_) if harbor && self.mirror().is_some() => Err(RegistrySight::MirrorHarbor {
                mirror: self.mirror().map(ToString::to_string).unwrap_or_default(),
                registry: self.shown(),
                path: String::new(),
            }),
            Err(sight) => Err(sight),
        }
    }

    fn judge(&self, image: &Image, answer: &Answer) -> Result<String, RegistrySight> {
        let registry = self.shown();
        let shown = image.to_string();
        match answer.status {
            StatusCode::OK => {
                let computed = format!("sha256:{}", Digest::of(&answer.bytes));
                let told = answer.header("docker-content-digest");
                let asked = image.reference.starts_with("sha256:").then_some(&*image.reference);
                let other = told.into_iter().chain(asked).find(|digest| *digest != computed);
                let error = match (answer.json(), other) {
                    (None, _) => Some(texts::NO_MANIFEST.to_owned()),
                    (_, Some(other)) => Some(texts::other_digest(other, &computed)),
                    _ => None,
                };
                match error {
                    None => Ok(computed),
                    Some(error) => {
                        Err(RegistrySight::ManifestDamaged { registry, image: shown, error })
                    }
                }
            }
            StatusCode::NOT_FOUND => {
                let repository_known =
                    answer.errors().iter().any(|(code, _)| code == "MANIFEST_UNKNOWN");
                Err(RegistrySight::ImageUnknown { registry, image: shown, repository_known })
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                match (&self.credentials, self.mirror()) {
                    (_, Some(mirror)) => {
                        Err(RegistrySight::MirrorLogin { mirror: mirror.to_string() })
                    }
                    (who, None) => {
                        let user = who.as_ref().map(|credentials| credentials.user.clone());
                        Err(RegistrySight::ImageDenied { registry, image: shown, user })
                    }
                }
            }
            _ => Err(RegistrySight::RegistryFails { registry, answer: said(answer) }),
        }
    }
}

/// The first image of the catalogue, where that may be read.
async fn some_image(client: &mut Client<'_>) -> Option<Image> {
    let first = |answer: Answer, list: &str| {
        let json = answer.json()?;
        Some(json.get(list)?.as_array()?.first()?.as_str()?.to_owned())
    };
    let catalogue = client.get("/v2/_catalog?n=1", &[], &Scope::Registry).await.ok()?;
    let repository = first(catalogue, "repositories")?;
    let scope = Scope::Pull(repository.clone());
    let tags = client.get(&format!("/v2/{repository}/tags/list?n=1"), &[], &scope).await.ok()?;
    let tag = first(tags, "tags")?;
    Image::parse(&format!("{repository}:{tag}")).ok()
}

fn looks_like_registry(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::OK => {
            let is_page = |kind: &str| kind.starts_with("text/html");
            answer.header("docker-distribution-api-version").is_some()
                || !answer.header("content-type").is_some_and(is_page)
        }
        StatusCode::UNAUTHORIZED => answer.challenge().is_some(),
        _ => false,
    }
}

fn is_harbor(client: &Client<'_>) -> bool {
    matches!(client.challenge(), Some(Challenge::Bearer { service, .. }) if service == "harbor-registry")
}

fn refused_path(mirror: &MirrorUrl, harbor: bool) -> RegistrySight {
    let (shown, registry) = (mirror.to_string(), mirror.registry.to_string());
    let path = mirror.path.clone();
    if harbor {
        RegistrySight::MirrorHarbor { mirror: shown, registry, path }
    } else {
        RegistrySight::MirrorPath { mirror: shown, registry, path }
    }
}

fn name_sight(name: &str, error: &NameError) -> RegistrySight {
    let name = name.to_owned();
    let shown = |servers: &[IpAddr]| servers.iter().map(ToString::to_string).collect();
    match error {
        NameError::Unknown { servers } => {
            RegistrySight::NameUnknown { name, servers: shown(servers) }
        }
        NameError::NoAnswer { servers, configured, error } => RegistrySight::NameServersSilent {
            name,
            servers: shown(servers),
            configured: *configured,
            error: error.clone(),
        },
    }
}

fn said(answer: &Answer) -> String {
    let errors = answer.errors();
    let first = errors.first().map(|(code, message)| format!("{code}: {message}"));
    first.unwrap_or_else(|| answer.status.to_string())
}

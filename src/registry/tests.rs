//! Servers that are wrong in one way each, on this machine's loopback; and the words for it all.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::check::{Check, Depth, Outcome};
use super::names::Names;
use super::proxy::Proxies;
use super::trust::{CertificateProblem, Trust};
use super::*;
use crate::preflight::{Code, Finding, Seen};
use crate::texts::findings::text;
use crate::texts::findings::typed::can_be_typed;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// An authority that signs anything.
fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = named(name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A server's certificate and key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn signed(by: &Issuer, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Identity {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = named("registry.internal");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    Identity { chain: vec![certificate.der().clone()], key }
}

/// Speaks TLS on loopback and answers each request with `answer`; its port.
async fn serve(identity: Identity, answer: &'static str, client_roots: Option<&Issuer>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client_roots {
        None => builder.with_no_client_auth(),
        Some(issuer) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(issuer.der().clone()).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            );
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let config = builder.with_single_cert(identity.chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            reply(&mut stream, answer).await;
        }
    });
    port
}

/// The same without TLS.
async fn serve_plain(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            reply(&mut stream, answer).await;
        }
    });
    port
}

async fn reply(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), answer: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";

const HOSTS: &str = "127.0.0.1 registry.internal other.internal";

/// What comes of asking `registry.internal` at this port.
async fn connects(port: u16, trust: &Trust) -> Result<(), ClientError> {
    let (names, proxies) = (Names::new(HOSTS, ""), Proxies::default());
    let route = Route { names: &names, proxies: &proxies, trust };
    let host = "registry.internal".to_owned();
    let endpoint = Endpoint { host, port, tls: true, verify: true };
    Client::new(route, endpoint, None).ping().await.map(|_| ())
}

async fn certificate_problem(port: u16, trust: &Trust) -> CertificateProblem {
    match connects(port, trust).await {
        Err(ClientError::Connect(ConnectError::Certificate(problem))) => problem,
        other => panic!("{other:?}"),
    }
}

fn trusting(issuers: &[&Issuer]) -> Trust {
    let roots: Vec<_> = issuers.iter().map(|issuer| issuer.der().clone()).collect();
    Trust { own: roots.len(), roots, client: None }
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

#[test]
fn certificates_are_told_apart() {
    run(async {
        let (ours, theirs) = (authority("Our CA"), authority("Their CA"));
        let trust = trusting(&[&ours]);
        let good = serve(signed(&ours, &["registry.internal"], |_| {}), OK, None).await;
        assert_eq!(connects(good, &trust).await, Ok(()));

        let foreign = serve(signed(&theirs, &["registry.internal"], |_| {}), OK, None).await;
        let problem = certificate_problem(foreign, &Trust::default()).await;
        let issuer = "CN=Their CA".to_owned();
        let untrusted = CertificateProblem::Untrusted {
            issuer: issuer.clone(),
            self_signed: false,
            same_name: false,
        };
        assert_eq!(problem, untrusted);
        // With an authority that was given for it, something between them is missing.
        let problem = certificate_problem(foreign, &trust).await;
        assert_eq!(problem, CertificateProblem::Chain { issuer });
        // An authority of the same name, with another key.
        let problem = certificate_problem(foreign, &trusting(&[&authority("Their CA")])).await;
        assert!(
            matches!(problem, CertificateProblem::Untrusted { same_name: true, .. }),
            "{problem:?}"
        );

        let old = signed(&ours, &["registry.internal"], |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        // As Go: the time is looked at before anything else.
        let port = serve(old, OK, None).await;
        for trust in [&trust, &Trust::default()] {
            let problem = certificate_problem(port, trust).await;
            assert!(matches!(problem, CertificateProblem::Expired { .. }), "{problem:?}");
        }
        let early = signed(&ours, &["registry.internal"], |params| {
            params.not_before = rcgen::date_time_ymd(2999, 1, 1);
            params.not_after = rcgen::date_time_ymd(3000, 1, 1);
        });
        let problem = certificate_problem(serve(early, OK, None).await, &trust).await;
        assert!(matches!(problem, CertificateProblem::Early { .. }), "{problem:?}");

        let other = signed(&ours, &["other.internal", "10.0.0.5"], |_| {});
        let problem = certificate_problem(serve(other, OK, None).await, &trust).await;
        let names = ["other.internal", "10.0.0.5"].map(str::to_owned).to_vec();
        assert_eq!(problem, CertificateProblem::OtherName { names });
        let common = signed(&ours, &[], |_| {});
        let problem = certificate_problem(serve(common, OK, None).await, &trust).await;
        let name = "registry.internal".to_owned();
        assert_eq!(problem, CertificateProblem::CommonName { name });
    });
}

#[test]
fn a_certificate_that_is_trusted_itself_needs_no_authority() {
    run(async {
        let mut params = CertificateParams::new(vec!["registry.internal".to_owned()]).unwrap();
        // As `openssl req -x509` makes it.
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        let port = serve(Identity { chain: vec![der.clone()], key }, OK, None).await;
        let problem = certificate_problem(port, &Trust::default()).await;
        assert!(
            matches!(problem, CertificateProblem::Untrusted { self_signed: true, .. }),
            "{problem:?}"
        );
        let trust = Trust { roots: vec![der], own: 1, client: None };
        assert_eq!(connects(port, &trust).await, Ok(()));
    });
}

#[test]
fn a_client_is_asked_for_a_certificate() {
    run(async {
        let ours = authority("Our CA");
        let identity = signed(&ours, &["registry.internal"], |_| {});
        let port = serve(identity, OK, Some(&ours)).await;
        let mut trust = trusting(&[&ours]);
        let wants = Err(ClientError::Connect(ConnectError::ClientCertificate));
        assert_eq!(connects(port, &trust).await, wants);
        let client = signed(&ours, &["client"], |_| {});
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(client.key.serialize_der()));
        trust.client = Some((client.chain, key));
        assert_eq!(connects(port, &trust).await, Ok(()));
    });
}

#[test]
fn plain_http_and_a_proxy_that_refuses() {
    run(async {
        let port = serve_plain(OK).await;
        let plain = Err(ClientError::Connect(ConnectError::PlainHttp));
        assert_eq!(connects(port, &Trust::default()).await, plain);

        let port = serve_plain("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        let proxies = Proxies::new("", &format!("http://me:pw@127.0.0.1:{port}"), "", "here");
        let (names, trust) = (Names::new("", ""), Trust::default());
        let route = Route { names: &names, proxies: &proxies, trust: &trust };
        let host = "registry.internal".to_owned();
        let endpoint = Endpoint { host, port: 443, tls: true, verify: true };
        let error = Client::new(route, endpoint, None).ping().await.unwrap_err();
        let expected =
            ConnectError::Proxy(format!("127.0.0.1:{port}"), "HTTP/1.1 403 Forbidden".to_owned());
        assert_eq!(error, ClientError::Connect(expected));
    });
}

/// A check of a registry on loopback, which dockerd takes for insecure: TLS is not looked at.
async fn checked(answer: &'static str, target: &str) -> Outcome {
    let port = serve_plain(answer).await;
    let target = target.replace("PORT", &port.to_string());
    let site = Site::for_tests(Names::new(HOSTS, ""), Proxies::default());
    let target = Target::parse(&target).unwrap();
    let trust = Trust::default();
    let depth = Depth::Manifest;
    let check =
        Check { site: &site, target: &target, image: None, trust: &trust, credentials: None, depth };
    check.run().await
}

#[test]
fn answers_that_are_none_of_a_registry() {
    run(async {
        for (answer, target, expected) in [
            (OK, "registry.internal:PORT", None),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::NoRegistry)),
            ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::NoRegistry)),
            ("HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::RegistryFails)),
            ("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::LoginMissing)),
            ("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n", "http://registry.internal:PORT", Some(Code::MirrorLogin)),
            ("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://registry.internal:1/t\"\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::RealmUnreachable)),
            ("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"nonsense\"\r\nContent-Length: 0\r\n\r\n", "registry.internal:PORT", Some(Code::RealmAnswer)),
            (OK, "http://registry.internal:PORT/proxy", Some(Code::MirrorPath)),
            ("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://x/t\",service=\"harbor-registry\"\r\nContent-Length: 0\r\n\r\n", "http://registry.internal:PORT/proxy", Some(Code::MirrorHarbor)),
            ("HTTP/1.1 400 Bad\r\nContent-Length: 48\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "http://registry.internal:PORT", Some(Code::RegistryNotPlain)),
        ] {
            let outcome = checked(answer, target).await;
            let errors: Vec<Code> = outcome
                .findings
                .iter()
                .filter(|finding| finding.code != Code::NameInHosts)
                .map(|finding| finding.code)
                .collect();
            assert_eq!(errors, expected.into_iter().collect::<Vec<_>>(), "{answer} {target}");
        }
    });
}

#[test]
fn insecure_registries_are_those_of_dockerd() {
    let mut site = Site::for_tests(Names::new("", ""), Proxies::default());
    site.list_insecure(&["10.0.0.0/8", "Harbor.internal:5000"]);
    let is = |name, address: &str| {
        let addresses: Vec<IpAddr> = address.parse().into_iter().collect();
        site.is_insecure(&Registry::parse(name).unwrap(), &addresses)
    };
    assert!(is("harbor.internal:5000", "192.168.0.1"));
    assert!(!is("harbor.internal", "192.168.0.1"), "another port is another registry");
    assert!(is("other.internal", "10.1.2.3") && !is("other.internal", "11.1.2.3"));
    assert!(is("localhost:5000", "127.0.0.1") && !is("other.internal", ""));
}

#[test]
fn every_sight_has_words_and_a_fix() {
    let mut seen = std::collections::BTreeSet::new();
    for sight in all() {
        let finding = Finding::error(Seen::Registry(sight));
        let words = text(&finding);
        let whole = [words.title, words.seen.as_str(), words.why, words.fix.as_str()];
        assert!(whole.iter().all(|text| !text.is_empty()), "{words:?}");
        assert!(can_be_typed(&words.fix), "{words:?}");
        let json = serde_json::to_value(&finding).unwrap();
        assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), finding);
        seen.insert(finding.code);
    }
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| code.is_of_registries() && !seen.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// One of each kind.
fn all() -> Vec<RegistrySight> {
    let at: SocketAddr = "10.0.0.5:443".parse().unwrap();
    let (r, s) = (|| "harbor.internal".to_owned(), |text: &str| text.to_owned());
    let directory = || Registry::parse(&r()).unwrap().directory();
    let untrusted = || CertificateProblem::Untrusted {
        issuer: s("CN=Our CA"),
        self_signed: false,
        same_name: true,
    };
    let common = || CertificateProblem::CommonName { name: r() };
    let realm = || s("https://auth.internal/token");
    vec![
        RegistrySight::NameUnknown { name: r(), servers: vec![s("10.0.0.2")] },
        RegistrySight::NameServersSilent { name: r(), servers: vec![s("127.0.0.1")], configured: false, error: s("refused") },
        RegistrySight::NameInHosts { name: r(), addresses: vec![s("10.0.0.5")] },
        RegistrySight::RegistryRefuses { registry: r(), address: at.to_string() },
        RegistrySight::RegistrySilent { registry: r(), address: at.to_string(), error: s("no route") },
        RegistrySight::RegistryProxy { registry: r(), proxy: s("p:3128"), set_in: s("daemon.json"), error: s("403") },
        RegistrySight::RegistryPlain { registry: r() },
        RegistrySight::RegistryNotPlain { registry: r(), mirror: false },
        RegistrySight::RegistryNotPlain { registry: r(), mirror: true },
        RegistrySight::AuthorityUnknown { registry: r(), directory: directory(), issuer: s("CN=Our CA"), self_signed: false, same_name: true },
        RegistrySight::AuthorityUnknown { registry: r(), directory: directory(), issuer: r(), self_signed: true, same_name: false },
        RegistrySight::RegistryExpired { registry: r(), subject: r(), since: 90 },
        RegistrySight::RegistryEarly { registry: r(), subject: r(), seconds: 90 },
        RegistrySight::RegistryOtherName { registry: r(), names: vec![s("other")] },
        RegistrySight::RegistryOtherName { registry: r(), names: Vec::new() },
        RegistrySight::RegistryCommonName { registry: r(), name: r() },
        RegistrySight::ChainIncomplete { registry: r(), issuer: s("CN=Middle") },
        RegistrySight::RegistryTls { registry: r(), error: s("handshake failure") },
        RegistrySight::ClientCertificateWanted { registry: r(), directory: directory() },
        RegistrySight::NoRegistry { registry: r(), answer: s("404") },
        RegistrySight::RegistryFails { registry: r(), answer: s("503") },
        RegistrySight::RealmUnknown { registry: r(), realm: realm(), name: s("auth.internal"), harbor: true },
        RegistrySight::RealmUnknown { registry: r(), realm: realm(), name: s("auth.internal"), harbor: false },
        RegistrySight::RealmUnreachable { registry: r(), realm: realm(), error: s("refused"), harbor: true },
        RegistrySight::RealmCertificate { registry: r(), realm: realm(), directory: directory(), problem: untrusted() },
        RegistrySight::RealmCertificate { registry: r(), realm: realm(), directory: directory(), problem: common() },
        RegistrySight::RealmAnswer { registry: r(), realm: realm(), error: s("500") },
        RegistrySight::LoginRefused { registry: r(), user: s("me"), answer: s("401") },
        RegistrySight::LoginMissing { registry: r() },
        RegistrySight::ImageUnknown { registry: r(), image: s("team/app:2"), repository_known: true },
        RegistrySight::ImageUnknown { registry: r(), image: s("team/app:2"), repository_known: false },
        RegistrySight::ImageDenied { registry: r(), image: s("team/app:2"), user: Some(s("me")) },
        RegistrySight::ImageDenied { registry: r(), image: s("team/app:2"), user: None },
        RegistrySight::ManifestDamaged { registry: r(), image: s("team/app:2"), error: s("digest") },
        RegistrySight::MirrorPath { mirror: s("https://m/x"), registry: s("m"), path: s("x") },
        RegistrySight::MirrorHarbor { mirror: s("https://m/x"), registry: s("m"), path: s("x") },
        RegistrySight::MirrorLogin { mirror: s("https://m") },
        RegistrySight::CertificateFile { path: s("ca.pem"), problem: CertificateFileProblem::Der },
        RegistrySight::CertificateNoAuthority { path: s("ca.pem"), registry: r(), subject: r() },
        RegistrySight::CertificateFileName { path: s("ca.pem"), registry: r(), problem: common() },
        RegistrySight::CertificateFileTime { path: s("ca.pem"), problem: CertificateProblem::Expired { subject: r(), since: 90 } },
        RegistrySight::CertificateKey { certificate: s("c.pem"), key: s("k.pem") },
        RegistrySight::CertificateFileChain { path: s("ca.pem"), subject: r() },
        RegistrySight::TrustStoreMissing {},
    ]
}

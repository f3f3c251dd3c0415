//! Pulling from a registry on the network that the installation names.

use crate::support::registry::{
    Authority, NameServer, Registry, RegistryOptions, TokenServer, expired,
};
use crate::support::{Machine, Run, SHADOW_BACKUPS, bundle, installed, with};

#[test]
fn images_come_from_an_insecure_registry_and_through_a_mirror() {
    let registry = Registry::start();
    let host = Machine::boot();
    installed(&host, &["--image", bundle::image()]);
    let reference = format!("{}/library/{}", registry.address, bundle::IMAGE_NAME);
    host.sh(&format!("docker tag {} {reference}", bundle::IMAGE_NAME));
    host.exec(&["docker", "push", &reference]).exits(1).says("HTTPS");

    let mirror = format!("http://{}", registry.address);
    let options = ["--insecure-registry", &registry.address, "--registry-mirror", &mirror];
    host.landfall(&with("install", &options)).exits(0);
    host.sh(&format!("docker push -q {reference}; docker rmi {reference} {}", bundle::IMAGE_NAME));
    assert_eq!(host.sh("docker images -q"), "");

    assert_eq!(host.sh(&format!("docker run --rm {reference} echo direct")), "direct");
    host.sh(&format!("docker rmi {reference}"));
    // A name of Docker Hub, which this host cannot reach: only the mirror can have it.
    assert_eq!(
        host.sh(&format!("docker run --rm {} echo mirrored", bundle::IMAGE_NAME)),
        "mirrored"
    );
}

/// `deploy`, whose password is `secret word`, as docker-registry wants it (bcrypt).
const PASSWORDS: &str = "deploy:$2y$05$abcdefghijklmnopqrstuu1C7yeI3ZG3Jm.nHdnKkGJg1xTYKP9Oy\n";
const PASSWORD: &[u8] = b"secret word\n";

/// Names that only this host's own /etc/hosts knows.
const NAMES: &str = "registry.internal other.internal";

fn configure(host: &Machine, options: &[&str]) -> Run {
    host.landfall(&[&["configure", "--yes"], options].concat()).exits(0)
}

fn make_insecure(host: &Machine, name: &str) {
    configure(host, &["--add", &format!("insecure-registries={name}")]);
}

/// What a check says of a registry or an image: its codes, but for the note that a name stands in
/// /etc/hosts alone.
#[track_caller]
fn check(host: &Machine, target: &str) -> Vec<String> {
    let run = host.landfall(&["registry", "check", target]);
    let mut codes = run.findings();
    codes.retain(|code| code != "LF152");
    assert_eq!(run.code, if codes.is_empty() { 0 } else { 7 }, "{run}");
    codes
}

/// An image that dockerd does not have, and cannot get.
#[track_caller]
fn cannot_pull(host: &Machine, image: &str) {
    assert_ne!(host.exec(&["docker", "pull", "--quiet", image]).code, 0, "{image}");
}

/// The check finds nothing, and dockerd pulls.
#[track_caller]
fn can_pull(host: &Machine, image: &str) {
    assert_eq!(check(host, image), [""; 0]);
    host.sh(&format!("docker pull --quiet {image} && docker rmi {image}"));
}

/// A host whose engine has the test image, and a registry that has it too, in plain HTTP.
fn a_host_and_a_registry() -> (Machine, Registry) {
    let host = Machine::boot();
    let plain = Registry::start();
    // Go looks at the file again after five seconds only.
    host.sh(&format!("echo '{} {NAMES}' >>/etc/hosts", plain.host()));
    installed(&host, &["--image", bundle::image()]);
    (host, plain)
}

fn image_of(registry: &Registry, name: &str) -> String {
    format!("{}/team/{}", registry.named(name), bundle::IMAGE_NAME)
}

#[test]
fn certificates_that_fail_are_told_apart_and_mended() {
    let (host, plain) = a_host_and_a_registry();
    let image = image_of(&plain, "registry.internal");
    assert_eq!(check(&host, &image), ["LF156"], "plain HTTP");
    cannot_pull(&host, &image);
    make_insecure(&host, &plain.named("registry.internal"));
    host.sh(&format!("docker tag {} {image}; docker push -q {image}", bundle::IMAGE_NAME));
    can_pull(&host, &image);

    // A private authority: dockerd reads certs.d at each pull, and is not touched.
    let ours = Authority::new("Our CA");
    let options =
        |tls| RegistryOptions { tls: Some(tls), images_of: Some(&plain), ..Default::default() };
    let registry = Registry::with(options(ours.signs(&["registry.internal"], |_| {})));
    let image = image_of(&registry, "registry.internal");
    let name = registry.named("registry.internal");
    assert_eq!(check(&host, &image), ["LF158"], "private authority");
    cannot_pull(&host, &image);
    let daemon = host.unit("docker.service", "MainPID");
    host.put("/root/ca.pem", ours.pem());
    configure(&host, &["--registry-ca", &format!("{name}=/root/ca.pem")]).says("was not touched");
    can_pull(&host, &image);
    host.landfall(&["verify"]).exits(0);

    registry.renew(&ours.signs(&["registry.internal"], expired));
    assert_eq!(check(&host, &image), ["LF159"], "expired");
    cannot_pull(&host, &image);
    registry.renew(&ours.signs(&["other.internal"], |_| {}));
    assert_eq!(check(&host, &image), ["LF161"], "another name");
    cannot_pull(&host, &image);
    registry.renew(&ours.signs(&[], |_| {}));
    assert_eq!(check(&host, &image), ["LF162"], "a name in the subject alone");
    cannot_pull(&host, &image);
    let middle = ours.signs_authority("Middle CA");
    let mut identity = middle.signs(&["registry.internal"], |_| {});
    registry.renew(&identity);
    assert_eq!(check(&host, &image), ["LF163"], "no chain");
    cannot_pull(&host, &image);
    identity.certificate.push_str(&middle.pem());
    registry.renew(&identity);
    can_pull(&host, &image);
    assert_eq!(host.unit("docker.service", "MainPID"), daemon);

    // It goes as it came.
    configure(&host, &["--registry-ca", &format!("{name}=")]);
    assert_eq!(check(&host, &image), ["LF158"]);
    for _ in 0..3 {
        host.landfall(&["rollback", "--yes"]).exits(0);
    }
    assert!(!host.exists("/etc/docker/certs.d"));
}

#[test]
fn logins_tokens_and_mirrors_are_told_apart_and_mended() {
    let (host, plain) = a_host_and_a_registry();
    let insecure = |registry: &Registry, name: &str| make_insecure(&host, &registry.named(name));
    insecure(&plain, "registry.internal");
    let image = image_of(&plain, "registry.internal");
    host.sh(&format!("docker tag {} {image}; docker push -q {image}", bundle::IMAGE_NAME));

    // A password.
    let file = plain.put("passwords", PASSWORDS);
    let more = format!("auth: {{htpasswd: {{realm: tests, path: {file}}}}}\n");
    let options = RegistryOptions { more, images_of: Some(&plain), ..Default::default() };
    let closed = Registry::with(options);
    insecure(&closed, "registry.internal");
    let (image, name) = (image_of(&closed, "registry.internal"), closed.named("registry.internal"));
    assert_eq!(check(&host, &image), ["LF173"], "no login");
    cannot_pull(&host, &image);
    let login = |password: &[u8]| {
        let words = ["/mnt/share/landfall", "login", &name, "-u", "deploy", "--password-stdin"];
        host.exec_with_input(&words, password)
    };
    login(b"wrong").exits(1).says("LF172");
    assert!(!host.exists("/root/.docker/config.json"));
    let said = login(PASSWORD).exits(0).output();
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(host.sh("stat -c '%a %U' /root/.docker/config.json"), "600 root");
    can_pull(&host, &image);
    host.sh("! grep -rl 'secret word' /var/lib/landfall /root/.docker");

    // A helper that keeps it.
    host.put("/usr/local/bin/docker-credential-tests", HELPER);
    host.sh("chmod 755 /usr/local/bin/docker-credential-tests
         echo '{\"credsStore\": \"tests\"}' >/root/.docker/config.json");
    assert_eq!(check(&host, &image), ["LF173"]);
    login(PASSWORD).exits(0).says("docker-credential-tests");
    host.sh("! grep -q auth\\\" /root/.docker/config.json");
    can_pull(&host, &image);
    host.sh("rm -r /root/.docker");

    // Tokens, from a server whose name nobody knows: as Harbor with a wrong external_url.
    let tokens = TokenServer::start("secret word");
    let more = tokens.configuration("harbor.example", "harbor-registry");
    let options = RegistryOptions { more, images_of: Some(&plain), ..Default::default() };
    let harbor = Registry::with(options);
    insecure(&harbor, "registry.internal");
    let (image, name) = (image_of(&harbor, "registry.internal"), harbor.named("registry.internal"));
    assert_eq!(check(&host, &image), ["LF168"], "the realm's name");
    host.landfall(&["registry", "check", &image]).exits(7).says("external_url");
    cannot_pull(&host, &image);
    host.sh(&format!("echo '{} harbor.example' >>/etc/hosts", plain.host()));
    assert_eq!(check(&host, &image), ["LF173"]);
    let words = ["/mnt/share/landfall", "login", &name, "-u", "deploy", "--password-stdin"];
    host.exec_with_input(&words, PASSWORD).exits(0);
    // Until dockerd has looked at /etc/hosts again.
    host.sh(&format!("timeout 60 sh -c 'until docker pull -q {image}; do sleep 1; done'"));
    can_pull(&host, &image);
    assert_eq!(check(&host, &format!("{name}/team/none:1")), ["LF174"], "no such image");

    // Mirrors: at the root, and without a login.
    let mirror = |registry: &Registry| format!("http://{}", registry.named("registry.internal"));
    assert_eq!(check(&host, &format!("{}/proxy", mirror(&plain))), ["LF177"]);
    assert_eq!(check(&host, &format!("{}/proxy", mirror(&harbor))), ["LF178"]);
    assert_eq!(check(&host, &mirror(&closed)), ["LF179"]);
    assert_eq!(check(&host, &mirror(&plain)), [""; 0]);
}

/// A credential helper, by the protocol of docker-credential-helpers, with one place.
const HELPER: &str = r#"#!/bin/sh
case $1 in
  store) cat >/root/kept ;;
  get) [ -e /root/kept ] && cat /root/kept || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
"#;

#[test]
fn names_ways_and_proxies_are_told_apart_and_mended() {
    let (host, plain) = a_host_and_a_registry();
    // Only /etc/hosts, and no name server at all: nobody else is asked.
    let name = plain.named("registry.internal");
    host.landfall(&["registry", "check", &name]).exits(7).says("LF152");
    assert_eq!(check(&host, "nowhere.example"), ["LF151"]);
    assert_eq!(check(&host, "registry.internal:1"), ["LF153"], "nothing listens");
    make_insecure(&host, &name);
    assert_eq!(check(&host, &name), [""; 0]);

    // A name server on the host's own loopback, as systemd-resolved has it.
    host.sh("echo 'nameserver 127.0.0.53' >/etc/resolv.conf");
    assert_eq!(check(&host, "nowhere.example"), ["LF151"], "it does not run");
    let record = format!("stub.example={}", plain.host());
    let server = NameServer::start(&host, "127.0.0.53", &[&record]);
    assert_eq!(check(&host, "nowhere.example"), ["LF150"]);
    let stub = plain.named("stub.example");
    make_insecure(&host, &stub);
    assert_eq!(check(&host, &stub), [""; 0]);
    drop(server);

    // A proxy that is not there, in a drop-in: this engine does not know it in daemon.json.
    let drop_in = "/etc/systemd/system/docker.service.d/landfall-proxy.conf";
    let proxy = format!("http://{}:1", plain.host());
    let secret = ["configure", "--https-proxy", "http://me:pw@p:1"];
    let run = host.landfall(&secret).exits(2).says("EnvironmentFile");
    assert!(!run.output().contains("me:pw"), "{run}");
    configure(&host, &["--http-proxy", &proxy, "--https-proxy", &proxy]).says("restarted");
    assert_eq!(host.sh("docker info --format '{{.HTTPSProxy}}'"), proxy);
    assert_eq!(check(&host, &name), ["LF155"]);
    configure(&host, &["--no-proxy", ".internal"]);
    assert_eq!(check(&host, &name), [""; 0]);
    assert!(host.read(drop_in).contains("NO_PROXY=.internal"));
    host.landfall(&["verify"]).exits(0);
    configure(&host, &["--http-proxy", "", "--https-proxy", "", "--no-proxy", ""]);
    assert!(!host.exists(drop_in));
    assert_eq!(host.sh("docker info --format '{{.HTTPSProxy}}'"), "");
}

#[test]
fn an_installation_brings_certificates_and_takes_them_back() {
    let host = Machine::boot();
    // As Debian's own does: it puts together what lies in this directory.
    host.put("/usr/local/sbin/update-ca-certificates", TRUST_STORE);
    host.sh("chmod 755 /usr/local/sbin/update-ca-certificates; update-ca-certificates");
    let fresh = host.snapshot();
    let ours = Authority::new("Our CA");
    let client = ours.signs(&["client"], |_| {});
    host.put("/etc/landfall/ca.pem", ours.pem());
    host.put("/etc/landfall/client.pem", &client.certificate);
    host.put("/etc/landfall/client.key", &client.key);
    host.put(
        "/etc/landfall/landfall.yaml",
        "version: 1\nregistries:\n  \"registry.internal:5000\": {ca: ca.pem, cert: client.pem, key: client.key, system-store: true}\n",
    );
    installed(&host, &[]);
    let directory = "/etc/docker/certs.d/registry.internal:5000";
    let listed = host.sh(&format!("cd {directory}; stat -c '%n %a' *"));
    assert_eq!(listed, "landfall-ca.crt 644\nlandfall-client.cert 644\nlandfall-client.key 600");
    assert_eq!(host.read("/run/trusted"), ours.pem());
    let line = client.key.lines().nth(1).expect("a key").to_owned();
    host.sh(&format!("! grep -rlF '{line}' /var/lib/landfall"));
    host.landfall(&with("install", &[])).exits(0).says("Nothing to do");
    host.landfall(&["verify"]).exits(0);

    // What is not wanted any more is taken away, and comes back with a rollback.
    let less = "version: 1\nregistries: {\"registry.internal:5000\": {ca: ca.pem}}\n";
    host.put("/etc/landfall/landfall.yaml", less);
    host.landfall(&with("install", &[])).exits(0);
    assert_eq!(host.sh(&format!("ls {directory}")), "landfall-ca.crt");
    assert_eq!(host.read("/run/trusted"), "");
    host.landfall(&["rollback", "--yes"]).exits(0);
    assert_eq!(host.sh(&format!("cd {directory}; stat -c '%n %a' *")), listed);
    assert_eq!(host.read("/run/trusted"), ours.pem());
    // Where the files came from does not matter to other changes.
    host.sh(&format!("rm /etc/landfall/client.key; echo x >>{directory}/landfall-client.cert"));
    host.landfall(&["configure", "--set", "debug=true", "--yes"]).exits(0);
    assert_eq!(host.sh(&format!("tail -n 1 {directory}/landfall-client.cert")), "x");
    host.landfall(&["rollback", "--yes"]).exits(0);
    host.sh(&format!("sed -i '$d' {directory}/landfall-client.cert"));

    // What is wrong with a file is told before anything is written.
    host.put("/root/other.pem", ours.signs(&["elsewhere.example"], |_| {}).certificate);
    let argument = "registry.internal=/root/other.pem";
    host.landfall(&["configure", "--registry-ca", argument]).exits(2).says("LF182");
    host.landfall(&["uninstall", "--yes", "--purge", "data"]).exits(0);
    assert_eq!(host.read("/run/trusted"), "");
    host.sh("rm -r /etc/landfall /root/other.pem");
    fresh.assert_same(&host.snapshot(), SHADOW_BACKUPS);
}

/// A program that puts a trust store together.
const TRUST_STORE: &str = "#!/bin/sh
cat /dev/null /usr/local/share/ca-certificates/*.crt >/run/trusted 2>/dev/null || :
";

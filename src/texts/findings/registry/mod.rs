//! Findings of registries in words.

mod files;
mod seen;
mod server;

use super::Page;
use crate::net::trust::CertificateProblem;
use crate::preflight::Code;
use crate::registry::RegistrySight;

pub(super) use seen::seen;

/// What is said about a code of registries; `None` for all others.
pub(super) fn page(code: Code) -> Option<Page> {
    server::names(code)
        .or_else(|| server::certificates(code))
        .or_else(|| server::tokens(code))
        .or_else(|| server::images(code))
        .or_else(|| files::page(code))
}

/// What mends it on this host.
pub(super) fn fix(sight: &RegistrySight) -> String {
    let general = || page(sight.code()).map_or("", |page| page.fix).to_owned();
    match sight {
        RegistrySight::NameUnknown { name, .. } | RegistrySight::NameServersSilent { name, .. } => {
            format!(
                "ask for a record of {name}, or on this host: echo 'ADDRESS {name}' >>/etc/hosts"
            )
        }
        RegistrySight::RegistryPlain { registry } => format!(
            "better: give {registry} a certificate. Else: landfall configure --add \
             insecure-registries={registry}"
        ),
        RegistrySight::RegistryNotPlain { registry, mirror: true } => format!(
            "landfall configure --remove registry-mirrors=http://{registry} --add \
             registry-mirrors=https://{registry}"
        ),
        RegistrySight::RegistryNotPlain { registry, .. } => {
            format!("landfall configure --remove insecure-registries={registry}")
        }
        RegistrySight::AuthorityUnknown { registry, self_signed: true, .. } => format!(
            "get the certificate from who runs it, then: landfall configure --registry-ca \
             {registry}=FILE.pem"
        ),
        RegistrySight::AuthorityUnknown { registry, issuer, .. } => format!(
            "get the certificate of “{issuer}” from who runs the registry, then: landfall \
             configure --registry-ca {registry}=FILE.pem"
        ),
        RegistrySight::RegistryEarly { .. } => {
            "set the clock if it is wrong: date --set 'YYYY-MM-DD HH:MM:SS'; see landfall doctor"
                .to_owned()
        }
        RegistrySight::RegistryOtherName { registry, names } if is_word(names.first()) => format!(
            "use a name that it is for (landfall registry check {}), or ask for a certificate for \
             {registry}",
            names[0]
        ),
        RegistrySight::ClientCertificateWanted { registry, directory } => format!(
            "get a certificate and its key, and in landfall.yaml: registries: {{\"{registry}\": \
             {{cert: FILE, key: FILE}}}}; by hand: cp FILE {directory}/client.cert, and its key to \
             client.key"
        ),
        RegistrySight::RealmUnknown { name, harbor, .. } if is_word(Some(name)) => {
            let server = if *harbor {
                "on the Harbor host set external_url (or hostname) in harbor.yml to a name that \
                 clients know, and run its ./prepare; "
            } else {
                "on the registry set auth.token.realm to a name that clients know; "
            };
            format!("{server}or here: echo 'ADDRESS {name}' >>/etc/hosts")
        }
        RegistrySight::RealmUnreachable { registry, realm, harbor, .. } if is_word(Some(realm)) => {
            let key = if *harbor { "external_url in harbor.yml" } else { "auth.token.realm" };
            format!(
                "curl -v '{realm}' shows the same; if the address is wrong, mend {key} there; then \
                 landfall registry check {registry}"
            )
        }
        RegistrySight::RealmCertificate {
            registry,
            problem: CertificateProblem::Untrusted { issuer, .. },
            ..
        } => format!(
            "dockerd verifies it with the registry's own files: add the certificate of “{issuer}”: \
             landfall configure --registry-ca {registry}=FILE.pem (FILE holds both authorities)"
        ),
        RegistrySight::LoginRefused { registry, user, .. } => {
            format!("landfall login {registry} --username {user}, or with another user")
        }
        RegistrySight::LoginMissing { registry } => {
            format!("landfall login {registry} --username NAME")
        }
        RegistrySight::ImageUnknown { registry, image, repository_known: true } => {
            let repository = image.split([':', '@']).next().unwrap_or_default();
            format!(
                "see what it has: curl https://{registry}/v2/{repository}/tags/list; or push it: docker push {registry}/{image}"
            )
        }
        RegistrySight::ImageUnknown { registry, image, .. } => {
            format!("push it there first: docker push {registry}/{image}")
        }
        RegistrySight::ImageDenied { registry, user: None, .. } => {
            format!("landfall login {registry} --username NAME; or let everybody read its project")
        }
        RegistrySight::MirrorPath { mirror, registry, path } => format!(
            "landfall configure --remove registry-mirrors={mirror}; then name images with the \
             path: docker pull {registry}/{path}/library/alpine; or run a registry whose root is \
             the mirror (distribution with proxy.remoteurl)"
        ),
        RegistrySight::MirrorHarbor { mirror, registry, path } => {
            let project = path.trim_start_matches("v2/");
            let project = if project.is_empty() { "PROJECT" } else { project };
            format!(
                "landfall configure --remove registry-mirrors={mirror}; then name images through \
                 the project: docker pull {registry}/{project}/library/alpine; as a mirror use a \
                 registry of its own (distribution with proxy.remoteurl), at the root of its host"
            )
        }
        RegistrySight::CertificateNoAuthority { registry, .. } => format!(
            "ask who runs {registry} for the certificate that signed it: openssl s_client \
             -showcerts -connect {registry} </dev/null shows the chain; then landfall configure \
             --registry-ca {registry}=FILE"
        ),
        _ => general(),
    }
}

/// Whether what a server sent may stand in a command that people copy.
fn is_word(text: Option<impl AsRef<str>>) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/=%+,@".contains(c);
    text.is_some_and(|text| text.as_ref().chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::{Finding, Seen};
    use crate::texts::findings::text;

    #[test]
    fn what_a_server_sends_is_no_command() {
        let unknown = |name: &str| RegistrySight::RealmUnknown {
            registry: "r.example".to_owned(),
            realm: format!("https://{name}/\u{1b}[2J"),
            name: name.to_owned(),
            harbor: false,
        };
        assert!(fix(&unknown("auth.example")).contains("'ADDRESS auth.example' >>/etc/hosts"));
        assert!(!fix(&unknown("a' >x; reboot; '")).contains("reboot"));
        let sight = unknown("auth.example");
        let finding = Finding::warning(Seen::Registry(sight));
        assert!(!text(&finding).seen.contains('\u{1b}'), "{}", text(&finding).seen);
    }
}

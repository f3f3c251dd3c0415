//! What was seen.

use super::super::seen::duration;
use crate::net::trust::CertificateProblem;
use crate::registry::RegistrySight;
use crate::texts::net::certificate_problem;
use crate::texts::registry::file_problem;

pub(in crate::texts::findings) fn seen(sight: &RegistrySight) -> String {
    match sight {
        RegistrySight::NameUnknown { name, servers } => {
            format!("{name}; asked: /etc/hosts, {}", servers.join(", "))
        }
        RegistrySight::NameServersSilent { name, servers, configured, error } => {
            let servers = servers.join(", ");
            let who = match configured {
                true => format!("{servers} (of /etc/resolv.conf)"),
                false => format!("/etc/resolv.conf names none, so that {servers} was asked"),
            };
            format!("{name}; {who}: {error}")
        }
        RegistrySight::NameInHosts { name, addresses } => {
            format!("{name} is {}", addresses.join(", "))
        }
        RegistrySight::RegistryRefuses { registry, address } => {
            format!("{registry}: {address} refuses the connection")
        }
        RegistrySight::RegistrySilent { registry, address, error } => {
            format!("{registry}: {address}: {error}")
        }
        RegistrySight::RegistryProxy { registry, proxy, set_in, error } => {
            format!("{registry} through {proxy} (set in {set_in}): {error}")
        }
        RegistrySight::RegistryPlain { registry }
        | RegistrySight::RegistryNotPlain { registry, .. } => registry.clone(),
        RegistrySight::NoRegistry { registry, answer }
        | RegistrySight::RegistryFails { registry, answer } => {
            format!("{registry}/v2/: {answer}")
        }
        RegistrySight::LoginMissing { registry } => registry.clone(),
        RegistrySight::LoginRefused { registry, user, answer } => {
            format!("{registry}, as {user}: {answer}")
        }
        _ => of_certificates(sight),
    }
}

fn of_certificates(sight: &RegistrySight) -> String {
    match sight {
        RegistrySight::AuthorityUnknown { registry, directory, issuer, self_signed, same_name } => {
            if *self_signed {
                return format!(
                    "{registry} has signed its certificate itself, and it is not in {directory}"
                );
            }
            let renewed =
                if *same_name { "; one of this name is trusted, with another key" } else { "" };
            format!(
                "{registry}: signed by “{issuer}”, which is neither in {directory} nor in the system's store{renewed}"
            )
        }
        RegistrySight::RegistryExpired { registry, subject, since } => {
            format!("{registry}: “{subject}” ended {} ago", duration(*since))
        }
        RegistrySight::RegistryEarly { registry, subject, seconds } => {
            format!("{registry}: “{subject}” begins in {}", duration(*seconds))
        }
        RegistrySight::RegistryOtherName { registry, names } if names.is_empty() => {
            format!("{registry}: it names nobody")
        }
        RegistrySight::RegistryOtherName { registry, names } => {
            format!("{registry}: it is for {}", names.join(", "))
        }
        RegistrySight::RegistryCommonName { registry, name } => {
            format!("{registry}: CN={name}, and no subject alternative name")
        }
        RegistrySight::ChainIncomplete { registry, issuer } => {
            format!("{registry} sends its own alone, which “{issuer}” has signed")
        }
        RegistrySight::RegistryTls { registry, error } => format!("{registry}: {error}"),
        RegistrySight::ClientCertificateWanted { registry, directory } => {
            format!("{registry}; {directory} has none that it takes")
        }
        RegistrySight::CertificateFile { path, problem } => {
            format!("{path}: {}", file_problem(*problem))
        }
        RegistrySight::CertificateNoAuthority { path, registry, subject } => {
            format!("{path}, for {registry}: “{subject}”")
        }
        RegistrySight::CertificateFileName { path, registry, problem } => {
            format!("{path}, for {registry}: {}", certificate_problem(problem))
        }
        RegistrySight::CertificateFileTime { path, problem } => {
            format!("{path}: {}", certificate_problem(problem))
        }
        RegistrySight::CertificateKey { certificate, key } => format!("{key} and {certificate}"),
        RegistrySight::CertificateFileChain { path, subject } => format!("{path}: “{subject}”"),
        RegistrySight::TrustStoreMissing {} => {
            "neither update-ca-certificates nor update-ca-trust was found".to_owned()
        }
        _ => of_tokens(sight),
    }
}

fn of_tokens(sight: &RegistrySight) -> String {
    match sight {
        RegistrySight::RealmUnknown { registry, realm, name, .. } => {
            format!("{registry} sends to {realm}, and {name} has no address")
        }
        RegistrySight::RealmUnreachable { registry, realm, error, .. }
        | RegistrySight::RealmAnswer { registry, realm, error } => {
            format!("{registry} sends to {realm}: {error}")
        }
        RegistrySight::RealmCertificate { registry, realm, directory, problem } => {
            let what = certificate_problem(problem);
            let looked = match problem {
                CertificateProblem::Untrusted { .. } | CertificateProblem::Chain { .. } => {
                    format!(", which is not in {directory}")
                }
                _ => String::new(),
            };
            format!("{registry} sends to {realm}: {what}{looked}")
        }
        RegistrySight::ImageUnknown { registry, image, repository_known } => {
            let what =
                if *repository_known { "the tag is not there" } else { "no such repository" };
            format!("{registry}/{image}: {what}")
        }
        RegistrySight::ImageDenied { registry, image, user } => {
            let who =
                user.as_deref().map_or_else(|| "nobody in particular".to_owned(), str::to_owned);
            format!("{registry}/{image}, as {who}")
        }
        RegistrySight::ManifestDamaged { registry, image, error } => {
            format!("{registry}/{image}: {error}")
        }
        RegistrySight::MirrorPath { mirror, .. }
        | RegistrySight::MirrorHarbor { mirror, .. }
        | RegistrySight::MirrorLogin { mirror } => mirror.clone(),
        _ => String::new(),
    }
}

//! Certificates of registries, as flags and file name them. The caller reads the files.

use std::path::PathBuf;

use super::error::{ConfigError, Origin};
use super::file::FileConfig;
use super::options::Options;
use crate::registry::Registry;
use crate::texts::phrases::config as phrases;

/// The flag.
const FLAG: &str = "--registry-ca";

/// The files of one registry; with none of them, what is there of Landfall's shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAsked {
    /// Which.
    pub registry: Registry,
    /// Its authority's certificate.
    pub ca: Option<PathBuf>,
    /// A client's certificate, and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Whether all programs shall trust the authority.
    pub system_store: bool,
}

/// What flags and file name, a flag over the file.
///
/// # Errors
/// [`ConfigError::Invalid`], with where it was said.
pub fn registries(
    options: &Options,
    file: Option<&FileConfig>,
) -> Result<Vec<RegistryAsked>, ConfigError> {
    let mut asked = Vec::new();
    for (name, keys) in file.iter().flat_map(|file| &file.keys.registries) {
        let Some(file) = file else { continue };
        let refuse = |reason: &str, hint| ConfigError::Invalid {
            origin: file.origin(keys),
            value: name.clone(),
            reason: reason.to_owned(),
            hint,
        };
        let parsed = Registry::parse(name);
        let registry = parsed.map_err(|_| refuse(phrases::NO_REGISTRY, phrases::REGISTRY_HINT))?;
        let place = |path: &PathBuf| file.resolve(path);
        let client = match (&keys.value.cert, &keys.value.key) {
            (Some(cert), Some(key)) => Some((place(cert), place(key))),
            (None, None) => None,
            _ => return Err(refuse(phrases::CERT_WITHOUT_KEY, phrases::REGISTRY_KEYS_HINT)),
        };
        let ca = keys.value.ca.as_ref().map(place);
        if ca.is_none() && client.is_none() {
            return Err(refuse(phrases::REGISTRY_EMPTY, phrases::REGISTRY_KEYS_HINT));
        }
        let system_store = keys.value.system_store;
        asked.push(RegistryAsked { registry, ca, client, system_store });
    }
    for argument in &options.registry_cas {
        let (registry, ca) = by_flag(argument)?;
        match asked.iter_mut().find(|asked| asked.registry == registry) {
            Some(there) if ca.is_some() => there.ca = ca,
            Some(there) => *there = removal(registry),
            None => asked.push(RegistryAsked { ca, ..removal(registry) }),
        }
    }
    Ok(asked)
}

fn removal(registry: Registry) -> RegistryAsked {
    RegistryAsked { registry, ca: None, client: None, system_store: false }
}

/// `HOST=FILE`; without a file it is taken out.
fn by_flag(argument: &str) -> Result<(Registry, Option<PathBuf>), ConfigError> {
    let refuse = |reason: &str| ConfigError::Invalid {
        origin: Origin::Flag(FLAG),
        value: argument.to_owned(),
        reason: reason.to_owned(),
        hint: phrases::REGISTRY_CA_HINT,
    };
    let (name, file) = argument.split_once('=').ok_or_else(|| refuse(phrases::REGISTRY_CA_FORM))?;
    let registry = Registry::parse(name).map_err(|_| refuse(phrases::NO_REGISTRY_IN_FRONT))?;
    Ok((registry, (!file.is_empty()).then(|| PathBuf::from(file))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn asked(flags: &[&str], yaml: &str) -> Result<Vec<RegistryAsked>, ConfigError> {
        let registry_cas = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let options = Options { registry_cas, ..Options::default() };
        let file = FileConfig::parse(yaml, Path::new("/etc/landfall/landfall.yaml")).unwrap();
        registries(&options, Some(&file))
    }

    #[test]
    fn flags_win_over_the_file() {
        let yaml = "version: 1\nregistries:\n  \"a.b:5000\": {ca: ca.pem, system-store: true}\n  \
            c.d: {cert: c.pem, key: /k.pem}\n";
        let found = asked(&["a.b:5000=/x.pem", "e.f=y.pem", "c.d="], yaml).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|one| (one.registry.to_string(), one.ca.clone(), one.system_store))
            .collect();
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            shown,
            [
                ("a.b:5000".to_owned(), path("/x.pem"), true),
                ("c.d".to_owned(), None, false),
                ("e.f".to_owned(), path("y.pem"), false),
            ]
        );
        let from_file = asked(&[], yaml).unwrap();
        assert_eq!(from_file[0].ca, path("/etc/landfall/ca.pem"));
        let client = ("/etc/landfall/c.pem".into(), "/k.pem".into());
        assert_eq!(from_file[1].client, Some(client));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let none = "version: 1\n";
        for (flags, yaml, part) in [
            (&["a.b"][..], none, "--registry-ca"),
            (&["a b=x"], none, "--registry-ca"),
            (&[], "version: 1\nregistries: {\"a/b\": {ca: x}}\n", "line 2"),
            (&[], "version: 1\nregistries: {a.b: {cert: x}}\n", "line 2"),
            (&[], "version: 1\nregistries: {a.b: {}}\n", "line 2"),
        ] {
            let error = asked(flags, yaml).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert!(!error.hint().is_empty());
        }
    }
}

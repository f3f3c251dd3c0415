//! Where the docker command keeps names and passwords: `config.json` of a person, and programs
//! that keep them in its place (docker-credential-helpers).

use std::time::Duration;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::credentials::Credentials;
use super::reference::Registry;
use crate::file_state::{Ownership, parent_of};
use crate::host::{Host, HostError};
use crate::render::json_document::{Document, JsonError};

/// How long a credential helper may take; it may ask the person.
const LIMIT: Duration = Duration::from_secs(120);

/// Somebody's `config.json`.
pub struct DockerConfig {
    /// Where it is.
    pub path: String,
    text: Option<String>,
    value: Map<String, Value>,
}

/// Where credentials lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// A program, by the end of its name: `docker-credential-NAME`.
    Helper(String),
    /// The file itself, readable by its owner alone.
    File,
}

/// Why credentials can be neither read nor kept.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Nothing says where the home directory is.
    NoHome,
    /// The file cannot be read or written.
    Host(#[from] HostError),
    /// The file is no JSON.
    Broken {
        /// Where.
        path: String,
        /// What is wrong with it.
        source: JsonError,
    },
    /// What is kept cannot be understood.
    Unreadable {
        /// Where.
        path: String,
        /// Whose.
        registry: String,
    },
    /// A helper failed.
    Helper {
        /// Its name.
        program: String,
        /// What it said.
        said: String,
    },
}

impl DockerConfig {
    /// The caller's: in `$DOCKER_CONFIG`, or in `.docker` of the home directory.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn load(host: &Host) -> Result<Self, CredentialsError> {
        let variable = |name| std::env::var(name).ok().filter(|value| value.starts_with('/'));
        let home = || variable("HOME").or_else(|| (host.uid() == 0).then(|| "/root".to_owned()));
        let directory = variable("DOCKER_CONFIG")
            .or_else(|| home().map(|home| format!("{}/.docker", home.trim_end_matches('/'))))
            .ok_or(CredentialsError::NoHome)?;
        Self::at(host, &format!("{}/config.json", directory.trim_end_matches('/')))
    }

    /// The one at a path.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn at(host: &Host, path: &str) -> Result<Self, CredentialsError> {
        let text = host.read_text(path)?;
        let document = Document::parse(text.as_deref().unwrap_or_default());
        let value = match document {
            Ok(document) => document.value().clone(),
            Err(source) => return Err(CredentialsError::Broken { path: path.to_owned(), source }),
        };
        Ok(Self { path: path.to_owned(), text, value })
    }

    /// Where credentials for a registry are kept.
    pub fn keeper(&self, registry: &Registry) -> Keeper {
        let text =
            |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let own = self.value.get("credHelpers").and_then(|all| all.get(registry.credentials_key()));
        let own = own.and_then(text);
        let general = || self.value.get("credsStore").and_then(text);
        own.or_else(general).map_or(Keeper::File, Keeper::Helper)
    }

    /// The credentials for a registry, if there are any.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn credentials(
        &self,
        host: &Host,
        registry: &Registry,
    ) -> Result<Option<Credentials>, CredentialsError> {
        match self.keeper(registry) {
            Keeper::Helper(name) => ask_helper(host, &name, &registry.credentials_key()),
            Keeper::File => self.in_file(registry),
        }
    }

    fn in_file(&self, registry: &Registry) -> Result<Option<Credentials>, CredentialsError> {
        let wanted = registry.credentials_key();
        let Some(all) = self.value.get("auths").and_then(Value::as_object) else { return Ok(None) };
        // Older versions kept it under a URL.
        let by_host = || all.iter().find(|(key, _)| host_of(key) == wanted).map(|(_, entry)| entry);
        let Some(entry) = all.get(&wanted).or_else(by_host) else { return Ok(None) };
        let text = |key: &str| entry.get(key)?.as_str().filter(|text| !text.is_empty());
        if let Some(token) = text("identitytoken") {
            return Ok(Some(Credentials::token(Zeroizing::new(token.to_owned()))));
        }
        let Some(auth) = text("auth") else {
            let pair = text("username").zip(text("password"));
            return Ok(pair.map(|(user, password)| {
                Credentials::new(user, Zeroizing::new(password.to_owned()))
            }));
        };
        Credentials::decode(auth).map(Some).ok_or_else(|| CredentialsError::Unreadable {
            path: self.path.clone(),
            registry: registry.to_string(),
        })
    }

    /// Keeps credentials, in place of others for the same registry.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn keep(
        &self,
        host: &Host,
        registry: &Registry,
        credentials: &Credentials,
    ) -> Result<Keeper, CredentialsError> {
        let keeper = self.keeper(registry);
        let entry = match &keeper {
            Keeper::Helper(name) => {
                tell_helper(host, name, &registry.credentials_key(), credentials)?;
                // As the docker command does it: an empty entry says that there is one.
                json!({})
            }
            Keeper::File => json!({ "auth": *credentials.encode() }),
        };
        self.write(host, &registry.credentials_key(), entry)?;
        Ok(keeper)
    }

    /// Writes one entry of `auths`; everything else stays as it is, character by character.
    fn write(&self, host: &Host, key: &str, entry: Value) -> Result<(), CredentialsError> {
        let mut value = self.value.clone();
        let all = value.entry("auths").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            all.insert(key.to_owned(), entry);
        } else {
            *all = json!({ key: entry });
        }
        // Behind a link it is the file itself that is written.
        let path = real_path(host, &self.path)?;
        let text = self.text.as_deref().unwrap_or_default();
        let document = Document::parse(text)
            .map_err(|source| CredentialsError::Broken { path: path.clone(), source })?;
        let text = Zeroizing::new(document.rewrite(&value));
        let there = host.stat(&path)?;
        let own = there.map_or_else(|| own(host, 0o600), |state| state.ownership());
        if let Some(directory) = parent_of(&path)
            && host.stat(directory)?.is_none()
        {
            host.create_dir(directory, self::own(host, 0o700))?;
        }
        host.write_file(&path, text.as_bytes(), Ownership { mode: own.mode & 0o600, ..own })?;
        host.sync_directories()?;
        Ok(())
    }
}

fn own(host: &Host, mode: u32) -> Ownership {
    Ownership { mode, uid: host.uid(), gid: host.gid() }
}

fn real_path(host: &Host, path: &str) -> Result<String, CredentialsError> {
    let real = host.real_path(path)?.filter(|_| host.is_live());
    Ok(real.unwrap_or_else(|| path.to_owned()))
}

/// `https://HOST/v1/` and `HOST/v2/` → `HOST`.
fn host_of(key: &str) -> &str {
    let rest = key.trim_start_matches("https://").trim_start_matches("http://");
    rest.split('/').next().unwrap_or_default()
}

fn program(name: &str) -> String {
    format!("docker-credential-{name}")
}

/// `get` of the protocol of credential helpers.
fn ask_helper(host: &Host, name: &str, key: &str) -> Result<Option<Credentials>, CredentialsError> {
    let program = program(name);
    let output = host.run_for_caller(&[&program, "get"], key, LIMIT)?;
    let stdout = Zeroizing::new(output.stdout);
    if output.code != Some(0) {
        // These words are part of the protocol (credentials/error.go).
        if stdout.contains("credentials not found") {
            return Ok(None);
        }
        return Err(CredentialsError::Helper { program, said: last_line(&stdout, &output.stderr) });
    }
    let answer: Value = serde_json::from_str(&stdout).unwrap_or_default();
    let text = |key: &str| answer.get(key)?.as_str().map(str::to_owned);
    let pair = text("Username").zip(text("Secret"));
    let credentials = pair.map(|(user, secret)| Credentials::new(&user, Zeroizing::new(secret)));
    credentials
        .map(Some)
        .ok_or_else(|| CredentialsError::Unreadable { path: program, registry: key.to_owned() })
}

/// `store` of that protocol.
fn tell_helper(
    host: &Host,
    name: &str,
    key: &str,
    credentials: &Credentials,
) -> Result<(), CredentialsError> {
    let program = program(name);
    let told = json!({
        "ServerURL": key, "Username": credentials.user, "Secret": credentials.secret(),
    });
    let told = Zeroizing::new(told.to_string());
    let output = host.run_for_caller(&[&program, "store"], &told, LIMIT)?;
    if output.code == Some(0) {
        return Ok(());
    }
    let said = last_line(&output.stdout, &output.stderr);
    // It may repeat what it was told.
    let said = said.replace(credentials.secret(), "…");
    Err(CredentialsError::Helper { program, said })
}

fn last_line(stdout: &str, stderr: &str) -> String {
    let mut lines = stdout.lines().chain(stderr.lines()).filter(|line| !line.trim().is_empty());
    lines.next_back().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::testing::Bed;

    const PATH: &str = "/home/.docker/config.json";

    fn registry(name: &str) -> Registry {
        Registry::parse(name).unwrap()
    }

    fn me() -> Credentials {
        Credentials::new("me", Zeroizing::new("s:cret".to_owned()))
    }

    #[test]
    fn what_docker_wrote_is_found() {
        let bed = Bed::new(&["home/.docker"]);
        bed.write(
            PATH,
            r#"{"auths": {"a.b:5000": {"auth": "bWU6czpjcmV0"}, "https://old.b/v1/": {"auth":
            "bWU6czpjcmV0"}, "t.b": {"auth": "bWU6", "identitytoken": "tok"}, "x.b": {"auth": "?"},
            "https://index.docker.io/v1/": {"username": "hub", "password": "p"}},
            "credHelpers": {"h.b": "pass"}}"#,
        );
        let config = DockerConfig::at(&bed.host, PATH).unwrap();
        let found = |name| config.credentials(&bed.host, &registry(name));
        for name in ["a.b:5000", "old.b"] {
            let found = found(name).unwrap().unwrap();
            assert_eq!(
                (found.user.as_str(), found.secret(), found.is_token),
                ("me", "s:cret", false)
            );
        }
        let token = found("t.b").unwrap().unwrap();
        assert_eq!((token.secret(), token.is_token), ("tok", true));
        assert_eq!(found("docker.io").unwrap().unwrap().user, "hub");
        assert!(found("a.b").unwrap().is_none(), "another port is another registry");
        assert!(matches!(found("x.b"), Err(CredentialsError::Unreadable { .. })));
        assert_eq!(config.keeper(&registry("h.b")), Keeper::Helper("pass".to_owned()));
        assert_eq!(config.keeper(&registry("a.b:5000")), Keeper::File);
    }

    #[test]
    fn one_entry_is_written_and_the_rest_stays() {
        let bed = Bed::new(&["home"]);
        let load = || DockerConfig::at(&bed.host, PATH).unwrap();
        assert_eq!(load().keep(&bed.host, &registry("a.b"), &me()).unwrap(), Keeper::File);
        let mode = |path| bed.host.stat(path).unwrap().unwrap().mode;
        assert_eq!((mode(PATH), mode("/home/.docker")), (0o600, 0o700));
        assert!(load().credentials(&bed.host, &registry("a.b")).unwrap().is_some());

        let theirs = "{\n\t\"psFormat\": \"x\",\n\t\"auths\": {\n\t\t\"c.d\": {\"auth\": \"eDp5\"}\n\t}\n}\n";
        bed.write(PATH, theirs);
        load().keep(&bed.host, &registry("a.b"), &me()).unwrap();
        let text = bed.read(PATH);
        assert!(
            text.starts_with("{\n\t\"psFormat\": \"x\",\n\t\"auths\": {\n\t\t\"c.d\""),
            "{text}"
        );
        assert_eq!(mode(PATH), 0o600, "others could read it before");
        assert_eq!(load().credentials(&bed.host, &registry("c.d")).unwrap().unwrap().user, "x");
        assert_eq!(load().credentials(&bed.host, &registry("a.b")).unwrap().unwrap().user, "me");
    }

    #[test]
    fn a_broken_file_is_not_touched() {
        let bed = Bed::new(&["home/.docker"]);
        bed.write(PATH, "{");
        assert!(matches!(DockerConfig::at(&bed.host, PATH), Err(CredentialsError::Broken { .. })));
        assert_eq!(bed.read(PATH), "{");
    }
}

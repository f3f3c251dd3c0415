//! `landfall bundle keygen` and `landfall bundle sign`. A password is typed at the terminal or
//! stands in a file; it is never an argument, which everybody on the machine can read.

use std::io::IsTerminal;
use std::path::Path;

use serde_json::json;

use super::super::failure::{Failure, exit};
use super::super::output::Output;
use super::{about, not_written, text_of, usage};
use crate::bundle::format::{self, read_head};
use crate::bundle::signature::{KeyError, SigningKey, generate};
use crate::host::input;
use crate::host::output::{Draft, write_private};
use crate::stage::Source;
use crate::texts::bundle as texts;

/// `landfall bundle keygen`.
pub fn keygen(
    key: &Path,
    no_password: bool,
    password_file: Option<&Path>,
    output: &Output,
) -> Result<u8, Failure> {
    let public = key.with_extension("pub");
    if public == key {
        return Err(about(key, texts::KEY_ENDS_IN_PUB));
    }
    for path in [key, &public] {
        if input::is_there(path).map_err(|error| usage(&error))? {
            return Err(about(path, texts::KEY_EXISTS));
        }
    }
    let password = match password_file {
        _ if no_password => None,
        Some(file) => Some(first_line(file)?),
        None => Some(new_password()?),
    };
    let keys = generate(password).map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
    write_private(key, keys.secret.as_bytes()).map_err(|error| usage(&error))?;
    let mut draft = Draft::new(&public, 0o644).map_err(|error| usage(&error))?;
    std::io::Write::write_all(&mut draft.file, keys.public.as_bytes())
        .map_err(|error| about(&public, error))?;
    draft.commit()?;
    let (secret, public) = (key.to_string_lossy(), public.to_string_lossy());
    output.result(
        &texts::keys_made(&secret, &public, &keys.id),
        &json!({"event": "keys_made", "key": secret, "public": public, "id": keys.id}),
    );
    Ok(exit::DONE)
}

/// `landfall bundle sign`.
pub fn sign(
    path: &Path,
    key: &Path,
    password_file: Option<&Path>,
    output: &Output,
) -> Result<u8, Failure> {
    let source = Source::open(path)?;
    if source.in_volumes() {
        return Err(about(path, texts::IN_VOLUMES));
    }
    let bytes = source.bytes();
    let head = read_head(bytes.clone(), Some(source.size()))
        .map_err(|error| Failure::from(source.blame(error)))?;
    let key = signing_key(key, password_file)?;
    let signature = key
        .sign(&head.text, &texts::comment(&head.text))
        .map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
    let mut draft = Draft::new(path, 0o666).map_err(|error| usage(&error))?;
    let written = format::resign(&mut draft.file, &head, &bytes, Some(&signature))
        .map_err(|error| not_written(path, &error))?;
    draft.commit()?;
    let (id, path) = (key.id(), path.to_string_lossy());
    output.result(
        &texts::signed(&path, &id, &written.sha256),
        &json!({"event": "bundle_signed", "path": path, "key": id, "sha256": written.sha256}),
    );
    Ok(exit::DONE)
}

/// A secret key, with its password if it has one.
pub fn signing_key(path: &Path, password_file: Option<&Path>) -> Result<SigningKey, Failure> {
    let text = text_of(path)?;
    let password = password_file.map(first_line).transpose()?;
    let key = match SigningKey::parse(&text, password) {
        Err(KeyError::NeedsPassword) => SigningKey::parse(&text, Some(typed(texts::PASSWORD)?)),
        other => other,
    };
    key.map_err(|error| about(path, error))
}

fn first_line(path: &Path) -> Result<String, Failure> {
    Ok(text_of(path)?.lines().next().unwrap_or_default().to_owned())
}

fn new_password() -> Result<String, Failure> {
    let password = typed(texts::NEW_PASSWORD)?;
    if password.is_empty() {
        return Err(Failure::new(exit::USAGE, texts::EMPTY_PASSWORD));
    }
    match typed(texts::PASSWORD_AGAIN)? == password {
        true => Ok(password),
        false => Err(Failure::new(exit::USAGE, texts::PASSWORDS_DIFFER)),
    }
}

fn typed(prompt: &str) -> Result<String, Failure> {
    let nobody = || Failure::new(exit::USAGE, texts::NO_TERMINAL).hint(texts::USE_PASSWORD_FILE);
    if !std::io::stdin().is_terminal() {
        return Err(nobody());
    }
    rpassword::prompt_password(prompt).map_err(|_| nobody())
}

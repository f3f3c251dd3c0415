//! Who made a bundle: signatures of its manifest, in minisign's format, both ways.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use super::format::{FormatError, Head};
use crate::texts::phrases::bundle as phrases;

/// Length of a secret key: algorithms, parameters, and the key with its id and checksum.
const SECRET_KEY: usize = 158;

/// Keys whose bundles are accepted.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The keys.
    pub keys: Vec<TrustedKey>,
    /// Whether a bundle without a signature by one of them is refused.
    pub required: bool,
}

/// A public key that is trusted.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    key: PublicKey,
}

/// What a bundle's signature says of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// It is by this key, which is trusted.
    Trusted {
        /// The key's id.
        key: String,
    },
    /// It claims to be by this key, which nobody here knows; no key is trusted here at all.
    Unknown {
        /// The key's id.
        key: String,
    },
    /// There is none.
    None,
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no minisign key.
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
    /// It is protected by a password, and none was given.
    NeedsPassword,
    /// The password is not the key's.
    WrongPassword,
    /// The system gave no random numbers or no memory.
    Failed {
        /// What went wrong.
        detail: String,
    },
}

impl TrustedKey {
    /// Reads a public key as minisign writes it: a comment and the key, or the key alone.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let key = if text.lines().count() > 1 {
            PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key)
        } else {
            PublicKey::from_base64(text)
        };
        Ok(Self { key: key.map_err(unreadable)? })
    }

    /// Its id, as minisign shows it.
    pub fn id(&self) -> String {
        id(self.key.keynum())
    }
}

/// Judges the signature of a bundle.
///
/// # Errors
/// [`FormatError::Unsigned`], [`FormatError::UntrustedKey`], [`FormatError::SignatureWrong`] or
/// [`FormatError::SignatureUnreadable`]: the bundle is refused.
pub fn judge(head: &Head, trust: &Trust) -> Result<Signature, FormatError> {
    let Some(text) = &head.signature else {
        return if trust.required { Err(FormatError::Unsigned) } else { Ok(Signature::None) };
    };
    let signature = parse(text)?;
    let key = id(signature.keynum());
    let is_by = |trusted: &&TrustedKey| trusted.key.keynum() == signature.keynum();
    let mut candidates = trust.keys.iter().filter(is_by).peekable();
    if candidates.peek().is_none() {
        return match trust.required || !trust.keys.is_empty() {
            true => Err(FormatError::UntrustedKey { key }),
            false => Ok(Signature::Unknown { key }),
        };
    }
    let is_right = candidates.any(|trusted| {
        let (quiet, to_stdout, legacy) = (true, false, false);
        let text = Cursor::new(&head.text);
        minisign::verify(&trusted.key, &signature, text, quiet, to_stdout, legacy).is_ok()
    });
    if is_right { Ok(Signature::Trusted { key }) } else { Err(FormatError::SignatureWrong { key }) }
}

/// Reads a signature. The crate takes the last line on trust; its length is checked here.
fn parse(text: &str) -> Result<SignatureBox, FormatError> {
    /// 64 bytes in base64.
    const SIGNATURE: usize = 88;
    let fail = |detail: String| FormatError::SignatureUnreadable { detail };
    let signature = SignatureBox::from_string(text).map_err(|error| fail(error.to_string()))?;
    match text.lines().nth(3) {
        Some(line) if line.trim().len() == SIGNATURE => Ok(signature),
        _ => Err(fail(phrases::SHORT_SIGNATURE.to_owned())),
    }
}

/// A new pair of keys.
#[derive(Debug)]
pub struct NewKeys {
    /// The secret key's file.
    pub secret: String,
    /// The public key's file.
    pub public: String,
    /// Their id.
    pub id: String,
}

/// Makes a pair of keys; without a password the secret one is not protected.
///
/// # Errors
/// [`KeyError::Failed`].
pub fn generate(password: Option<String>) -> Result<NewKeys, KeyError> {
    let fail = |error: minisign::PError| KeyError::Failed { detail: error.to_string() };
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = pair.map_err(fail)?;
    Ok(NewKeys {
        secret: sk.to_box(None).map_err(fail)?.into_string(),
        public: pk.to_box().map_err(fail)?.into_string(),
        id: id(pk.keynum()),
    })
}

/// A secret key, ready to sign.
#[derive(Debug)]
pub struct SigningKey(SecretKey);

impl SigningKey {
    /// Reads a secret key's file.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::NeedsPassword`] if it is protected and `password` is `None`.
    pub fn parse(text: &str, password: Option<String>) -> Result<Self, KeyError> {
        let bytes = text.lines().nth(1).and_then(|line| BASE64_STANDARD.decode(line).ok());
        let bytes = bytes.filter(|bytes| bytes.len() == SECRET_KEY && bytes.starts_with(b"Ed"));
        let bytes = bytes.ok_or(KeyError::Unreadable { detail: phrases::NO_KEY.to_owned() })?;
        if bytes[2..4] == [0, 0] {
            // minisign writes no checksum into a key that has no password.
            return SecretKey::from_bytes(&bytes).map(Self).map_err(unreadable);
        }
        let key = SecretKeyBox::from_string(text).map_err(unreadable)?;
        let password = password.ok_or(KeyError::NeedsPassword)?;
        key.into_secret_key(Some(password)).map(Self).map_err(|error| match error.kind() {
            minisign::ErrorKind::Verify => KeyError::WrongPassword,
            _ => unreadable(error),
        })
    }

    /// Its id.
    pub fn id(&self) -> String {
        id(self.0.keynum())
    }

    /// The key that its signatures are verified with.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`].
    pub fn public(&self) -> Result<TrustedKey, KeyError> {
        Ok(TrustedKey { key: PublicKey::from_secret_key(&self.0).map_err(unreadable)? })
    }

    /// Signs the text of a manifest; `comment` is signed too.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn sign(&self, text: &[u8], comment: &str) -> Result<String, KeyError> {
        // With the public key, a damaged secret one is noticed.
        let public = PublicKey::from_secret_key(&self.0).map_err(unreadable)?;
        minisign::sign(Some(&public), &self.0, text, Some(comment), None)
            .map(|signature| signature.to_string())
            .map_err(|error| KeyError::Failed { detail: error.to_string() })
    }
}

fn unreadable(error: minisign::PError) -> KeyError {
    KeyError::Unreadable { detail: error.to_string() }
}

/// A key's id as minisign shows it: its eight bytes as a little-endian number.
fn id(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // minisign itself is the reference
mod tests {
    use std::process::Command;

    use super::super::format::{read_head, testing};
    use super::*;

    fn head() -> Head {
        read_head(&testing::bundle_of(testing::items())[..], None).unwrap()
    }

    fn trust(public: &str) -> Trust {
        Trust { keys: vec![TrustedKey::parse(public).unwrap()], required: true }
    }

    fn minisign(arguments: &[&str]) -> bool {
        let status = Command::new("minisign").args(arguments).status();
        status.expect("minisign is installed (make deps)").success()
    }

    #[test]
    fn minisign_accepts_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let keys = generate(None).unwrap();
        let mut head = head();
        let signature = SigningKey::parse(&keys.secret, None).unwrap();
        let signature = signature.sign(&head.text, "made by a test").unwrap();
        std::fs::write(path("landfall.json"), &head.text).unwrap();
        std::fs::write(path("landfall.json.minisig"), &signature).unwrap();
        std::fs::write(path("key.pub"), &keys.public).unwrap();
        assert!(minisign(&["-V", "-p", &path("key.pub"), "-m", &path("landfall.json")]));
        head.signature = Some(signature);
        let key = keys.id;
        assert_eq!(judge(&head, &trust(&keys.public)).unwrap(), Signature::Trusted { key });
    }

    #[test]
    fn we_accept_minisigns() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let (public, secret) = (path("key.pub"), path("key"));
        assert!(minisign(&["-G", "-W", "-p", &public, "-s", &secret]));
        let mut head = head();
        std::fs::write(path("landfall.json"), &head.text).unwrap();
        assert!(minisign(&["-S", "-s", &secret, "-m", &path("landfall.json")]));
        head.signature = Some(std::fs::read_to_string(path("landfall.json.minisig")).unwrap());
        let public = std::fs::read_to_string(public).unwrap();
        assert!(matches!(judge(&head, &trust(&public)), Ok(Signature::Trusted { .. })));
        // The key alone, as it is passed around.
        let alone = public.lines().nth(1).unwrap();
        assert!(matches!(judge(&head, &trust(alone)), Ok(Signature::Trusted { .. })));
        let secret = std::fs::read_to_string(secret).unwrap();
        assert!(SigningKey::parse(&secret, None).is_ok());
    }

    #[test]
    fn a_password_protects_the_secret_key() {
        let keys = generate(Some("correct horse".to_owned())).unwrap();
        let parse = |password: Option<&str>| {
            SigningKey::parse(&keys.secret, password.map(str::to_owned)).map(|key| key.id())
        };
        assert!(matches!(parse(None), Err(KeyError::NeedsPassword)));
        assert!(matches!(parse(Some("wrong")), Err(KeyError::WrongPassword)));
        assert_eq!(parse(Some("correct horse")).unwrap(), keys.id);
        assert!(matches!(SigningKey::parse("no key", None), Err(KeyError::Unreadable { .. })));
    }

    #[test]
    fn without_keys_a_signature_proves_nothing() {
        let keys = generate(None).unwrap();
        let mut head = head();
        let none = Trust::default();
        assert_eq!(judge(&head, &none).unwrap(), Signature::None);
        let required = Trust { required: true, ..Trust::default() };
        assert!(matches!(judge(&head, &required), Err(FormatError::Unsigned)));
        let key = SigningKey::parse(&keys.secret, None).unwrap();
        head.signature = Some(key.sign(&head.text, "x").unwrap());
        assert_eq!(judge(&head, &none).unwrap(), Signature::Unknown { key: keys.id });
        assert!(matches!(judge(&head, &required), Err(FormatError::UntrustedKey { .. })));
    }
}

//! Name and password of a person, or what stands for them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Who asks. Neither shown nor kept anywhere but where the docker command keeps it.
#[derive(Clone)]
pub struct Credentials {
    /// The user; empty if an identity token stands for everything.
    pub user: String,
    secret: Zeroizing<String>,
    /// Whether the secret is a token that the registry gave (`identitytoken`), not a password.
    pub is_token: bool,
}

/// What the docker command calls the user of an identity token, where a program keeps it.
const TOKEN_USER: &str = "<token>";

impl Credentials {
    /// Name and password.
    pub fn new(user: &str, password: Zeroizing<String>) -> Self {
        Self { is_token: user == TOKEN_USER, user: user.to_owned(), secret: password }
    }

    /// A token that the registry gave for a password.
    pub fn token(token: Zeroizing<String>) -> Self {
        Self { is_token: true, user: TOKEN_USER.to_owned(), secret: token }
    }

    /// From the form that config.json has: base64 of `USER:PASSWORD`.
    pub fn decode(auth: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(auth.trim()).ok()?);
        let text = std::str::from_utf8(&bytes).ok()?;
        let (user, password) = text.split_once(':')?;
        // Docker's own files end in zero bytes at times.
        let password = password.trim_end_matches('\0');
        Some(Self::new(user, Zeroizing::new(password.to_owned())))
    }

    /// That form.
    pub fn encode(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", self.user, *self.secret));
        Zeroizing::new(STANDARD.encode(pair.as_bytes()))
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_config_json_has() {
        let read = Credentials::decode("bWU6czpjcmV0").unwrap();
        assert_eq!((read.user.as_str(), read.secret()), ("me", "s:cret"));
        assert_eq!(*read.encode(), "bWU6czpjcmV0");
        assert!(Credentials::decode("bWU=").is_none() && Credentials::decode("!").is_none());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", Credentials::new("me", Zeroizing::new("hidden".to_owned())));
        assert!(shown.contains("me") && !shown.contains("hidden"), "{shown}");
    }
}

//! What a registry wants before it answers (`WWW-Authenticate`, RFC 9110 and the distribution
//! specification's token authentication).

use http_auth::ChallengeRef;

/// How to prove who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token, from somebody else.
    Bearer {
        /// The URL where tokens are to be had.
        realm: String,
        /// For whom.
        service: String,
    },
}

impl Challenge {
    /// The first challenge that can be met; a token is the better one. Headers that cannot be
    /// understood count as none.
    pub fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let parsed = headers.filter_map(|header| http_auth::parse_challenges(header).ok());
        let all: Vec<ChallengeRef<'a>> = parsed.flatten().collect();
        let has = |scheme: &str| all.iter().find(|one| one.scheme.eq_ignore_ascii_case(scheme));
        if let Some(bearer) = has("bearer") {
            let parameter = |name: &str| {
                let found = bearer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped()).unwrap_or_default()
            };
            let realm = parameter("realm");
            return Some(Self::Bearer { realm, service: parameter("service") });
        }
        has("basic").map(|_| Self::Basic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_send() {
        let parse = |headers: &[&str]| Challenge::parse(headers.iter().copied());
        let harbor =
            r#"Bearer realm="https://harbor.internal/service/token",service="harbor-registry""#;
        let expected = Challenge::Bearer {
            realm: "https://harbor.internal/service/token".to_owned(),
            service: "harbor-registry".to_owned(),
        };
        assert_eq!(parse(&[harbor]), Some(expected.clone()));
        assert_eq!(parse(&[r#"Basic realm="x""#, harbor]), Some(expected));
        assert_eq!(parse(&["basic realm=basic-realm"]), Some(Challenge::Basic));
        assert_eq!(parse(&["Negotiate"]), None);
        assert_eq!(parse(&[r#"Bearer realm="https"#]), None);
        assert_eq!(parse(&[]), None);
    }
}

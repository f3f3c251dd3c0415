//! Names of images as people write them, and what they stand for.
//!
//! The grammar is that of the distribution project's `reference` package; the short forms of
//! Docker Hub (`busybox` for `docker.io/library/busybox:latest`) are dockerd's.

use std::{fmt, str::FromStr};

use super::{Digest, digest::BadDigest};

/// The registry that names without a registry mean.
pub const DEFAULT_REGISTRY: &str = "docker.io";

/// An older name of the same.
const OLD_DEFAULT_REGISTRY: &str = "index.docker.io";

/// Where Docker Hub keeps repositories without an owner.
const OFFICIAL: &str = "library/";

const LATEST: &str = "latest";

/// Longest name of a registry and repository together.
const MAX_NAME: usize = 255;

/// Longest tag.
const MAX_TAG: usize = 128;

/// The full name of an image: registry and repository, and a tag, a digest, both or neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names no image. The texts are dockerd's, which programs look for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// Against the grammar.
    #[error("invalid reference format")]
    Format,
    /// Upper-case letters in the name of a repository.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    NotLowerCase(String),
    /// More than 255 characters of name.
    #[error("repository name must not be more than {MAX_NAME} characters")]
    TooLong,
    /// What can only be the ID of an image.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    IsId(String),
    /// The digest is none.
    #[error(transparent)]
    Digest(#[from] BadDigest),
}

impl Reference {
    /// The tag, without the default.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Registry and repository.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Registry and repository as a person writes them: without what is understood.
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return self.name();
        }
        match self.repository.strip_prefix(OFFICIAL) {
            // A repository "library/a/b" must keep its prefix: "a/b" is another one.
            Some(official) if !official.contains('/') => official.to_owned(),
            _ => self.repository.clone(),
        }
    }

    /// The reference as a person writes it.
    pub fn familiar(&self) -> String {
        let mut text = self.familiar_name();
        self.push_suffix(&mut text);
        text
    }

    /// The same, with the tag `latest` if it has neither tag nor digest.
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(LATEST.to_owned());
        }
        self
    }

    /// The same name with this tag alone.
    pub fn with_tag(&self, tag: &str) -> Result<Self, BadReference> {
        if !is_tag(tag) {
            return Err(BadReference::Format);
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The same name with this digest alone.
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    fn push_suffix(&self, text: &mut String) {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    /// Reads a reference as a person writes it.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        if Digest::from_hex(text).is_some() {
            return Err(BadReference::IsId(text.to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest);
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadReference::NotLowerCase(repository.to_owned()));
        }
        let registry = match registry {
            None | Some(OLD_DEFAULT_REGISTRY) => DEFAULT_REGISTRY,
            Some(registry) => registry,
        };
        if !is_registry(registry)
            || !repository.split('/').all(is_component)
            || !tag.is_none_or(is_tag)
        {
            return Err(BadReference::Format);
        }
        let official = registry == DEFAULT_REGISTRY && !repository.contains('/');
        let repository = format!("{}{repository}", if official { OFFICIAL } else { "" });
        if registry.len() + 1 + repository.len() > MAX_NAME {
            return Err(BadReference::TooLong);
        }
        let digest = digest.map(str::parse).transpose()?;
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.map(str::to_owned), digest })
    }
}

/// The full form, which names the registry always.
impl fmt::Display for Reference {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.name();
        self.push_suffix(&mut text);
        to.write_str(&text)
    }
}

/// The first part of a name is a registry if it could not be an owner on Docker Hub.
fn split_registry(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let host_is_good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        }
        None => host.split('.').all(is_host_label),
    };
    host_is_good
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Runs of letters and digits, separated by one dot, one or two underscores, or any dashes.
fn is_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    is_word(*first)
        && is_word(*last)
        && bytes.split(|byte| is_word(*byte)).all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Reference {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn short_names_mean_docker_hub() {
        for (text, full, familiar) in [
            ("busybox", "docker.io/library/busybox", "busybox"),
            ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
            ("owner/app", "docker.io/owner/app", "owner/app"),
            ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
            ("index.docker.io/a/b:c", "docker.io/a/b:c", "a/b:c"),
            ("docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("localhost/a", "localhost/a", "localhost/a"),
            ("localhost:5000/a:b", "localhost:5000/a:b", "localhost:5000/a:b"),
            ("10.0.0.5:5000/a/b/c", "10.0.0.5:5000/a/b/c", "10.0.0.5:5000/a/b/c"),
            ("[fd00::1]:5000/a", "[fd00::1]:5000/a", "[fd00::1]:5000/a"),
            ("[::1]/a", "[::1]/a", "[::1]/a"),
            ("Registry/a", "Registry/a", "Registry/a"),
            ("a.b/c", "a.b/c", "a.b/c"),
            ("a:5000", "docker.io/library/a:5000", "a:5000"),
        ] {
            let reference = parse(text);
            assert_eq!((reference.to_string().as_str(), &*reference.familiar()), (full, familiar));
        }
    }

    #[test]
    fn latest_is_understood_where_nothing_else_is_said() {
        let digest = Digest::of(b"");
        assert_eq!(parse("a").or_latest().familiar(), "a:latest");
        assert_eq!(parse("a:b").or_latest().familiar(), "a:b");
        let both = format!("a:b@{digest}");
        assert_eq!(parse(&both).or_latest().familiar(), both);
        assert_eq!(parse(&both).with_digest(digest).familiar(), format!("a@{digest}"));
        assert_eq!(parse(&both).with_tag("c").unwrap().familiar(), "a:c");
        assert!(parse("a").with_tag("-").is_err());
    }

    #[test]
    fn what_names_no_image_is_refused_as_dockerd_does() {
        for text in [
            "",
            "/",
            "a//b",
            "a/",
            "/a",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a:",
            "a:-b",
            "a b",
            "a@",
            "a/b:c:d",
            "é",
            "a:b@c",
            "[::1]x/a",
            "-x.y/a",
            "a.b:/c",
            "a\0",
            "http://a/b",
            &format!("a:{}", "b".repeat(129)),
            "a/../b",
            "a.b:99x/c",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        assert_eq!("Foo".parse::<Reference>(), Err(BadReference::NotLowerCase("Foo".into())));
        assert_eq!(
            "docker.io/Foo".parse::<Reference>().unwrap_err().to_string(),
            "invalid reference format: repository name (Foo) must be lowercase"
        );
        assert!(matches!("0".repeat(64).parse::<Reference>(), Err(BadReference::IsId(_))));
        assert_eq!("a".repeat(256).parse::<Reference>(), Err(BadReference::TooLong));
        assert!(parse(&"a".repeat(200)).tag().is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = text.parse::<Reference>();
        }

        #[test]
        fn both_forms_of_a_reference_mean_the_same(
            // The owner has no dot: with one it would be a registry.
            text in "([a-z]{1,3}(\\.[a-z]{1,3}|:[0-9]{1,4})/)?[a-z0-9]{1,4}((_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z]{1,3}(\\.[a-z]{1,3}){0,2}){0,2}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8})?(@sha256:[0-9a-f]{64})?"
        ) {
            let reference: Reference = text.parse().unwrap();
            prop_assert_eq!(&reference.to_string().parse::<Reference>().unwrap(), &reference);
            prop_assert_eq!(&reference.familiar().parse::<Reference>().unwrap(), &reference);
        }
    }
}

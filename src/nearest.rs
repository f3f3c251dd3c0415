//! The known word that a mistyped one was most likely meant to be.

/// The word of `known` that is nearest to `word` by edit distance, if one is near enough to
/// be a mistyped form of it (a third of its letters at most, two at least).
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = word.to_lowercase().replace('_', "-");
    let limit = (plain.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&plain, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `, did you mean …?` or nothing: the end of a message about an unknown word.
pub(crate) fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mistyped_word_and_nothing_far_off() {
        let known = ["registry-mirrors", "insecure-registries", "data-root", "bip", "ip", "mtu"];
        for (word, found) in [
            ("registry-mirror", Some("registry-mirrors")),
            ("registry_mirrors", Some("registry-mirrors")),
            ("Registry-Mirrors", Some("registry-mirrors")),
            ("insecure-registry", Some("insecure-registries")),
            ("dataroot", Some("data-root")),
            ("bpi", Some("bip")),
            ("colour", None),
            ("xy", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), found, "{word}");
        }
    }
}

//! `landfall doctor` in words.

use super::findings::{Page, page as page_of};
use crate::preflight::Code;

/// Where all codes are listed.
pub const ALL_CODES: &str = "landfall doctor shows the codes; docs/findings.md lists them all";

/// The last line: how many findings of each kind there are.
pub fn summary(errors: usize, warnings: usize, notes: usize) -> String {
    if errors + warnings + notes == 0 {
        return "Nothing found: this host is sound.".to_owned();
    }
    format!(
        "{}, {}, {}. More about one: landfall doctor CODE",
        counted(errors, "error"),
        counted(warnings, "warning"),
        counted(notes, "note")
    )
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Another run goes on.
pub fn going_on(run: &str) -> String {
    format!("{run}. Some of this may be the run's work: look again when it has ended")
}

/// Nothing can be repaired.
pub const NOTHING_TO_REPAIR: &str = "Nothing of this can be repaired by landfall doctor --fix.";
/// Something can.
pub const CAN_REPAIR: &str = "Some of this landfall doctor --fix can repair.";
/// The question before repairs.
pub const QUESTION: &str = "Make these repairs? [y/N] ";
/// Above what is found after repairs.
pub const WHAT_IS_LEFT: &str = "\nAfter the repairs:\n";
/// Repairs were made.
pub const REPAIRED: &str = "Repaired; landfall uninstall undoes it.";
/// `--fix` on an image.
pub const FIX_NEEDS_LIVE: &str = "--fix repairs the running system, not an image (--root)";

/// Something could not be read.
pub fn unreadable(path: &str, error: &str) -> String {
    if error.contains(path) { error.to_owned() } else { format!("{path} ({error})") }
}

/// The page about a code.
pub fn page(code: Code, page: &Page) -> String {
    let Page { title, why, check, fix } = page;
    format!(
        "{code}: {title}\n\nWhy it matters\n  {why}\n\nHow to check by hand\n  {check}\n\nHow to \
         mend it\n  {fix}"
    )
}

/// The table of all codes, as `docs/findings.md` has it.
pub fn table() -> String {
    let mut text = HEAD.to_owned();
    for code in Code::ALL {
        let Page { title, why, check, fix } = page_of(*code);
        // A bar would end the cell.
        let cell = |text: &str| text.replace('|', "\\|");
        let by = if code.is_doctors() {
            "doctor"
        } else if code.is_of_registries() {
            "registry check"
        } else if (Code::CertificateFile..=Code::TrustStoreMissing).contains(code) {
            "preflight"
        } else if code.is_of_packages() {
            "install --online"
        } else {
            "preflight, doctor"
        };
        text.push_str(&format!(
            "| {code} | {} | {} | {} | {} | {by} |\n",
            cell(title),
            cell(why),
            cell(check),
            cell(fix)
        ));
    }
    text
}

const HEAD: &str = "\
# Findings

Everything that `landfall install` (its preflight) and `landfall doctor` can find. A code keeps
its meaning for ever. The same is said by `landfall doctor CODE`; what was seen on a host, and
what to type there, by `landfall doctor`.

This table is written by a test from the program's own texts (`UPDATE_GOLDEN=1 cargo test --lib
doctor`).

| code | what | why it matters | to check by hand | to mend it | found by |
|---|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        assert!(summary(0, 0, 0).starts_with("Nothing found"));
        assert!(summary(1, 2, 0).starts_with("1 error, 2 warnings, 0 notes."));
    }
}

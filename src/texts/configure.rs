//! Changing keys of daemon.json.

use serde_json::Value;

use crate::render::daemon_edit::Conflict;

/// Nothing but certificates changed.
pub const CERTIFICATES_IN_FORCE: &str =
    "The certificates are in force: dockerd reads them at each pull, and was not touched";
/// Nothing was asked for.
pub const NOTHING_ASKED: &str = "nothing is asked for";
/// What could be.
pub const ASK: &str = "name what shall change: --set KEY=JSON, --unset KEY, --add KEY=VALUE, --remove KEY=VALUE, \
     --registry-ca HOST=FILE, --http-proxy URL";
/// What to do then.
pub const ADOPT_FIRST: &str = "to take over the one that is there: landfall adopt; to install one: landfall install --offline FILE";
/// Before somebody else's values are replaced.
pub const CONFLICT_QUESTION: &str = "Replace what somebody else set? [y/N] ";
/// What stands there is somebody else's.
pub const CONFLICT: &str = "daemon.json has other values, which landfall did not set";
/// What to do then.
pub const CONFLICT_HINT: &str = "to replace them: the same command with --force";
/// What can be mended.
pub const REPAIR_HINT: &str =
    "landfall configure --repair mends it, and shows what it changes first";
/// `--add` and `--remove` take this form.
pub const ELEMENT_FORM: &str = "write KEY=VALUE, such as insecure-registries=harbor.example:8443";

/// An argument of `--add` or `--remove` that is not of that form.
pub fn no_element(flag: &str, argument: &str) -> String {
    format!("{flag} {argument}: this is not KEY=VALUE")
}

/// Both sides of a conflict.
pub fn conflict(conflict: &Conflict) -> Vec<String> {
    let Conflict { path, there, applied, asked } = conflict;
    let asked = asked.as_ref().map_or("to be removed".to_owned(), Value::to_string);
    let mut lines =
        vec![format!("{path}"), format!("  there:  {there}"), format!("  asked:  {asked}")];
    let applied = applied.as_ref().map(|value| format!("  landfall had set:  {value}"));
    lines.extend(applied);
    lines
}

/// A person changed what was asked for before.
pub fn kept(path: &str) -> String {
    format!("{path} was changed since landfall set it, and stays as it is")
}

//! Support bundles: what they say of themselves, and what is not in one.

/// What a bundle is.
pub const ABOUT: &str = "What somebody needs to find out from afar what is wrong with the engine on this host. \
     Look through it before you send it: known kinds of secrets are taken out (<removed> stands \
     in their place), but addresses, host names, names of images and containers, and log lines \
     are in it.";
/// The time is over.
pub const NO_TIME: &str = "collecting took too long; this was not begun";
/// Where the facts come from.
pub const PROBE: &str = "landfall probe";
/// Where the findings come from.
pub const FINDINGS: &str = "landfall doctor";
/// What was not done.
pub const PACK: &str = "pack the bundle";
/// Nothing runs in an image.
pub const IMAGE: &str = "this is an image (--root); only its files are looked at";

/// A file that is not there.
pub fn no_file(path: &str) -> String {
    format!("there is no {path}")
}

/// A program that is not there.
pub fn no_program(name: &str) -> String {
    format!("there is no program {name}")
}

/// A program failed and printed nothing.
pub fn failed(command: &str, code: Option<i32>, stderr: &str) -> String {
    let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
    format!("{command} failed ({code}): {}", stderr.trim())
}

/// The bundle was written.
pub fn written(path: &str, size: &str, files: usize, left_out: usize) -> String {
    let not = match left_out {
        0 => String::new(),
        count => format!(" {count} could not be had; manifest.json in it says why."),
    };
    format!(
        "{path}: {files} files, {size}.{not}\nKnown kinds of secrets were taken out. Look through \
         it before you send it: tar xzf {path}"
    )
}

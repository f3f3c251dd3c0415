//! Processes of engines, from `/proc` (proc(5)).

use super::Process;
use crate::host::{Host, HostError};

/// The programs that are looked for, by the name that the kernel keeps (`comm`).
const PROGRAMS: [&str; 2] = ["containerd", "dockerd"];

/// Variables that set a proxy, in lower case.
pub const PROXY: [&str; 3] = ["all_proxy", "http_proxy", "https_proxy"];

/// Processes of engines of this host; those of engines in containers, which have their own
/// process namespace, are left out.
///
/// # Errors
/// [`HostError`] if `/proc` cannot be listed.
pub fn gather(host: &Host) -> Result<Vec<Process>, HostError> {
    let mut found = Vec::new();
    for name in host.read_dir("/proc")? {
        let Ok(pid) = name.parse::<u32>() else { continue };
        // Processes end while this looks, and others may hide theirs (hidepid).
        let read = |file: &str| host.read_text(&format!("/proc/{pid}/{file}")).ok().flatten();
        let Some(comm) = read("comm") else { continue };
        if !PROGRAMS.contains(&comm.trim()) {
            continue;
        }
        let Some((parent, uid)) = read("status").as_deref().and_then(parse_status) else {
            continue;
        };
        found.push(Process {
            pid,
            parent,
            uid,
            name: comm.trim().to_owned(),
            command: words(&read("cmdline").unwrap_or_default()),
            open_files: read("limits").as_deref().and_then(parse_open_files),
            proxies: read("environ").map(|text| proxies(&words(&text))),
        });
    }
    Ok(found)
}

/// The command line of the first process of this host with this name.
///
/// # Errors
/// [`HostError`] if `/proc` cannot be listed.
pub fn command_of(host: &Host, name: &str) -> Result<Option<Vec<String>>, HostError> {
    Ok(texts_of(host, name, "cmdline")?.into_iter().next())
}

/// The command lines of all processes of this host with this name.
///
/// # Errors
/// [`HostError`] if `/proc` cannot be listed.
pub fn commands_of(host: &Host, name: &str) -> Result<Vec<Vec<String>>, HostError> {
    texts_of(host, name, "cmdline")
}

/// Its environment, `NAME=VALUE`; `None` also if that cannot be read.
///
/// # Errors
/// [`HostError`] if `/proc` cannot be listed.
pub fn environment_of(host: &Host, name: &str) -> Result<Option<Vec<String>>, HostError> {
    Ok(texts_of(host, name, "environ")?.into_iter().next())
}

fn texts_of(host: &Host, name: &str, file: &str) -> Result<Vec<Vec<String>>, HostError> {
    // The kernel keeps 15 bytes of a name (proc_pid_comm(5)).
    let name = name.get(..15).unwrap_or(name);
    let mut found = Vec::new();
    for entry in host.read_dir("/proc")? {
        let read = |file: &str| host.read_text(&format!("/proc/{entry}/{file}")).ok().flatten();
        let is_number = entry.bytes().all(|byte| byte.is_ascii_digit());
        if is_number
            && read("comm").is_some_and(|comm| comm.trim() == name)
            && read("status").as_deref().and_then(parse_status).is_some()
        {
            found.extend(read(file).map(|text| words(&text)));
        }
    }
    Ok(found)
}

/// Parent and effective user of a process, from its `status`; `None` for one in another
/// process namespace than the reader, which has more than one id (`NSpid`).
pub fn parse_status(text: &str) -> Option<(u32, u32)> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().collect::<Vec<_>>())
    };
    if field("NSpid").is_some_and(|ids| ids.len() > 1) {
        return None;
    }
    let parent = field("PPid")?.first()?.parse().ok()?;
    Some((parent, field("Uid")?.get(1)?.parse().ok()?))
}

/// The hard limit of open files, from `limits`.
pub fn parse_open_files(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// What `cmdline` and `environ` hold: texts that end with a zero byte.
fn words(text: &str) -> Vec<String> {
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn proxies(environment: &[String]) -> Vec<String> {
    let names = environment.iter().filter_map(|variable| {
        let (name, value) = variable.split_once('=')?;
        (!value.is_empty() && PROXY.contains(&name.to_lowercase().as_str())).then_some(name)
    });
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_limits() {
        let status = "Name:\tdockerd\nPid:\t214\nPPid:\t1\nUid:\t0\t0\t0\t0\nNSpid:\t214\n";
        assert_eq!(parse_status(status), Some((1, 0)));
        let inside = status.replace("NSpid:\t214", "NSpid:\t214\t17");
        assert_eq!(parse_status(&inside), None, "of an engine in a container");
        assert_eq!(parse_status(&status.replace("NSpid:\t214\n", "")), Some((1, 0)));
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             63432                63432                processes \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(parse_open_files(limits), Some(524_288));
        assert_eq!(parse_open_files(""), None);
    }

    #[test]
    fn proxy_variables() {
        let environment = words("PATH=/bin\0HTTPS_PROXY=http://p:3128\0http_proxy=\0");
        assert_eq!(proxies(&environment), ["HTTPS_PROXY"]);
        assert_eq!(words("dockerd\0-H\0fd://\0"), ["dockerd", "-H", "fd://"]);
    }
}

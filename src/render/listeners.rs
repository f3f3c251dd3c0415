//! The drop-in that has dockerd listen on more than the socket that systemd gives it.

/// The drop-in's text: what the unit starts, and a flag for each listener.
pub fn drop_in(command: &str, hosts: &[String]) -> String {
    let flags: String =
        hosts.iter().map(|host| format!(" -H {}", host.replace('%', "%%"))).collect();
    format!("{HEAD}[Service]\nExecStart=\nExecStart={command}{flags}\n")
}

/// Why the file is there.
const HEAD: &str = "# Written by landfall: what `hosts` in daemon.json said. dockerd does not start with\n\
    # `hosts` there and -H fd:// on its command line.\n";

/// The listeners of such a drop-in, without the socket of systemd's.
pub fn of_drop_in(text: &str) -> Vec<String> {
    let command = text.lines().rev().find_map(|line| line.strip_prefix("ExecStart="));
    of_command(command.unwrap_or_default())
}

/// The listeners of a command as it stands in a unit, without the socket of systemd's.
pub fn of_command(command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let values = words.windows(2).filter(|pair| pair[0] == "-H").map(|pair| pair[1]);
    values.filter(|host| *host != "fd://").map(|host| host.replace("%%", "%")).collect()
}

/// Whether a listener is the socket that docker.socket makes.
pub fn is_of_the_socket(host: &str) -> bool {
    let sockets = ["fd://", "unix://", "unix:///var/run/docker.sock", "unix:///run/docker.sock"];
    sockets.contains(&host)
}

/// Whether a listener can stand in a unit as it is.
pub fn is_plain(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/._-[]@%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock";

    #[test]
    fn a_drop_in_tells_its_listeners_again() {
        let hosts = ["tcp://0.0.0.0:2376".to_owned(), "unix:///srv/docker.sock".to_owned()];
        let text = drop_in(COMMAND, &hosts);
        assert!(text.ends_with(
            "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// \
             --containerd=/run/containerd/containerd.sock -H tcp://0.0.0.0:2376 \
             -H unix:///srv/docker.sock\n"
        ));
        assert_eq!(of_drop_in(&text), hosts);
        assert_eq!(
            of_command("/usr/bin/dockerd -H fd:// -H tcp://10.0.0.5:2376"),
            ["tcp://10.0.0.5:2376"]
        );
        let zone = ["tcp://[fe80::1%eth0]:2376".to_owned()];
        assert_eq!(of_drop_in(&drop_in(COMMAND, &zone)), zone);
    }

    #[test]
    fn what_systemd_listens_on_and_what_cannot_stand_in_a_unit() {
        assert!(is_of_the_socket("unix:///var/run/docker.sock") && !is_of_the_socket("tcp://:1"));
        assert!(is_plain("tcp://10.0.0.5:2376") && !is_plain("tcp://a b") && !is_plain("$(x)"));
    }
}

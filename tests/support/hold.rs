//! Stopping a run in the middle, for as long as a test needs: one of the host's programs that the
//! run starts waits until the test lets it go on.

use super::bench::SHARE;
use super::machine::Machine;

/// A program of the host that waits before it does its work.
pub struct Hold<'a> {
    host: &'a Machine,
    program: &'static str,
}

impl<'a> Hold<'a> {
    /// From now on this program waits, once, when it is started. It stands before the real one on
    /// the path that Landfall looks along.
    pub fn on(host: &'a Machine, program: &'static str) -> Self {
        let real = host.sh(&format!("PATH=/usr/sbin:/usr/bin command -v {program}"));
        let wrapper = format!(
            "#!/bin/sh\nif [ -p /run/hold/{program} ]; then\n  \
             echo >/run/hold/{program}; read -r go </run/hold/{program}.go\n  \
             rm -f /run/hold/{program} /run/hold/{program}.go\nfi\nexec {real} \"$@\"\n"
        );
        host.put(&format!("/usr/local/sbin/{program}"), wrapper);
        let hold = Self { host, program };
        hold.host.sh(&format!("chmod 755 /usr/local/sbin/{program}"));
        hold.again();
        hold
    }

    /// A unit that waits, once, when it is started (`ExecStartPre`) or has stopped
    /// (`ExecStopPost`).
    pub fn in_unit(host: &'a Machine, unit: &str, when: &'static str) -> Self {
        let (at, go) = (format!("/run/hold/{when}"), format!("/run/hold/{when}.go"));
        let script =
            format!("if [ -p {at} ]; then echo >{at}; read -r go <{go}; rm -f {at} {go}; fi");
        host.put(
            &format!("/etc/systemd/system/{unit}.d/hold.conf"),
            format!("[Service]\n{when}=/bin/sh -c '{script}'\n"),
        );
        host.sh("systemctl daemon-reload");
        let hold = Self { host, program: when };
        hold.again();
        hold
    }

    /// It waits once more.
    pub fn again(&self) {
        let at = format!("/run/hold/{}", self.program);
        self.host.sh(&format!("mkdir -p /run/hold; rm -f {at} {at}.go; mkfifo {at} {at}.go"));
    }

    /// Returns once the program was started and waits.
    #[track_caller]
    pub fn reached(&self) {
        let script = format!("timeout 600 head -n1 /run/hold/{}", self.program);
        self.host.sh(&script);
    }

    /// Lets it go on.
    #[track_caller]
    pub fn release(&self) {
        self.host.sh(&format!("echo go >/run/hold/{}.go", self.program));
    }
}

/// A run that a test started and did not wait for.
pub struct Background<'a> {
    host: &'a Machine,
}

/// Everything that the run printed.
const OUTPUT: &str = "/run/output";

impl<'a> Background<'a> {
    /// Without a terminal.
    pub fn start(host: &'a Machine, arguments: &[&str]) -> Self {
        let command = format!("{SHARE}/landfall {}", quoted(arguments));
        Self::spawn(host, "", &format!("{command} >{OUTPUT} 2>&1 </dev/null"))
    }

    /// On a terminal of its own, in a session that systemd can end: `session-9.scope`.
    pub fn on_terminal(host: &'a Machine, arguments: &[&str]) -> Self {
        let command = format!("{SHARE}/landfall {}", quoted(arguments)).replace('\'', "'\\''");
        let terminal = format!("script -qefc '{command}' {OUTPUT} <>/run/keys >/dev/null 2>&1");
        host.sh("rm -f /run/keys; mkfifo /run/keys");
        let login = "systemd-run -q --scope --unit=session-9.scope";
        Self::spawn(host, login, &terminal)
    }

    fn spawn(host: &'a Machine, before: &str, command: &str) -> Self {
        host.put("/run/start", format!("{command}\necho $? >/run/code\n"));
        host.sh(&format!(
            "rm -f {OUTPUT} /run/code; : >{OUTPUT}; mkfifo /run/code
             setsid {before} sh /run/start </dev/null >/dev/null 2>&1 &"
        ));
        Self { host }
    }

    /// Types on its terminal.
    pub fn types(&self, keys: &str) {
        self.host.sh(&format!("printf '{keys}' >/run/keys"));
    }

    /// Returns once the run has printed this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        // A question has no end of line, which programs that follow a file would wait for.
        let script = r#"until grep -qs -- "$1" "$2"; do sleep 0.05; done"#;
        let said = self.host.exec(&["timeout", "600", "sh", "-c", script, "says", text, OUTPUT]);
        assert_eq!(said.code, 0, "it does not say {text:?}: {}", self.host.read(OUTPUT));
    }

    /// Its exit code, once it has ended, and all that it printed.
    #[track_caller]
    pub fn ends(self) -> (String, String) {
        let code = self.host.sh("timeout 600 head -n1 /run/code");
        (code, self.host.read(OUTPUT))
    }

    /// Its process.
    #[track_caller]
    pub fn pid(&self) -> String {
        self.state()["pid"].to_string()
    }

    /// What `landfall status` says of it, from another session.
    #[track_caller]
    pub fn state(&self) -> serde_json::Value {
        let status = self.host.landfall(&["status", "--json"]).exits(0);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("JSON");
        status["run"].clone()
    }
}

fn quoted(arguments: &[&str]) -> String {
    let words: Vec<String> = arguments.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(" ")
}

//! Data, logs, certificates, daemon.json.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn page(code: Code) -> Option<Page> {
    data(code).or_else(|| certificates(code)).or_else(|| daemon_json(code))
}

fn data(code: Code) -> Option<Page> {
    Some(match code {
        Code::DataSpace => Page {
            title: "the engine's data directory is nearly full",
            why: "images do not fit any more; containers that write fail with “no space left”",
            check: "df -h /var/lib/docker; docker system df",
            fix: "docker system df shows what takes the space; docker image prune removes images \
                  without a name; or use a larger file system",
        },
        Code::DataInodes => Page {
            title: "the engine's data directory has few inodes left",
            why: "images consist of many small files; “no space left” comes with space left",
            check: "df -i /var/lib/docker",
            fix: "docker system df shows what takes the space; docker image prune removes images \
                  without a name; or use a file system with more inodes (xfs makes them as \
                  needed)",
        },
        Code::LogsUnrotated => Page {
            title: "logs of containers grow without a limit",
            why: "one that writes much fills the disk, and with it stops all others",
            check: "docker inspect --format '{{.HostConfig.LogConfig}}' NAME",
            fix: "in /etc/docker/daemon.json: \"log-opts\": {\"max-size\": \"50m\", \
                  \"max-file\": \"3\"}; systemctl restart docker, and make the containers anew: \
                  the limit holds for new ones only",
        },
        Code::LogLarge => Page {
            title: "the log of a container is very large",
            why: "it is kept as long as the container, and docker logs reads all of it",
            check: "du -h /var/lib/docker/containers/*/*-json.log | sort -h | tail",
            fix: "truncate --size 0 FILE, and limit the log of new containers (LF131)",
        },
        _ => return None,
    })
}

fn certificates(code: Code) -> Option<Page> {
    Some(match code {
        Code::CertificateExpired => Page {
            title: "a certificate has expired",
            why: "the registry, or the API, can no longer be reached with it",
            check: "openssl x509 -in FILE -noout -dates -subject",
            fix: "get a new one, and cp NEW FILE; certs.d is read at each call, for files of \
                  tlscert and the like: systemctl restart docker",
        },
        Code::CertificateExpiring => Page {
            title: "a certificate is about to expire",
            why: "from then on the registry, or the API, cannot be reached with it",
            check: "openssl x509 -in FILE -noout -dates -subject",
            fix: "get a new one, and cp NEW FILE; certs.d is read at each call, for files of \
                  tlscert and the like: systemctl restart docker",
        },
        Code::CertificateEarly => Page {
            title: "a certificate is not valid yet",
            why: "it is refused until then; mostly it is the host's clock that is behind",
            check: "date; openssl x509 -in FILE -noout -dates -subject",
            fix: "if the clock is wrong: timedatectl set-time 'YYYY-MM-DD HH:MM:SS'; if not, \
                  wait, or get another one",
        },
        Code::CertificateUnreadable => Page {
            title: "a file that should hold a certificate holds none",
            why: "docker refuses every call to that registry, or does not start",
            check: "openssl x509 -in FILE -noout -text",
            fix: "it has to be PEM; DER is converted by: openssl x509 -inform der -in FILE -out \
                  NEW; mv NEW FILE",
        },
        Code::CertificatePair => Page {
            title: "a client certificate lacks its key, or a key its certificate",
            why: "docker refuses every call to that registry: “missing key” or “missing client \
                  certificate”",
            check: "ls /etc/docker/certs.d/*",
            fix: "put the missing one beside it: cp NEW FILE; or, if it is an authority's and \
                  not a client's: mv NAME.cert NAME.crt",
        },
        Code::KeyMode => Page {
            title: "a private key can be read by others than root",
            why: "who has it can pass for this host",
            check: "stat -c '%a %U' FILE",
            fix: "chmod 600 FILE",
        },
        _ => return None,
    })
}

fn daemon_json(code: Code) -> Option<Page> {
    Some(match code {
        Code::DaemonJsonBroken => Page {
            title: "daemon.json cannot be read",
            why: "the daemon does not start with it",
            check: "dockerd --validate (23.0 and later), or python3 -m json.tool \
                    /etc/docker/daemon.json",
            fix: "mend it, or move it away: mv /etc/docker/daemon.json /root; then systemctl \
                  restart docker",
        },
        Code::DaemonKeyUnknown => Page {
            title: "daemon.json has a key that no release knows",
            why: "the daemon does not start with it",
            check: "dockerd --validate (23.0 and later)",
            fix: "take the key out of /etc/docker/daemon.json, or mend its name",
        },
        Code::DaemonKeyForeign => Page {
            title: "daemon.json has a key that this engine does not know",
            why: "the daemon does not start with it",
            check: "dockerd --validate (23.0 and later); dockerd --version",
            fix: "take the key out of /etc/docker/daemon.json, or install an engine that knows \
                  it: landfall install --offline docker-VERSION.tgz",
        },
        Code::DaemonKeyTwice => Page {
            title: "a key stands in daemon.json and on the daemon's command line",
            why: "the daemon does not start with both",
            check: "systemctl cat docker | grep ExecStart; cat /etc/docker/daemon.json",
            fix: "take one of them out: of /etc/docker/daemon.json, or of ExecStart (systemctl \
                  edit --full docker)",
        },
        _ => return None,
    })
}

//! The daemon, its socket, its units.

use super::{Case, FileKind, Group, SOCKET, process, state, unit};

pub(super) const CASES: &[Case] = &[
    ("few files", |w| w.dockerd().open_files = Some(4096), &["warning LF113"]),
    ("unlimited files", |w| w.dockerd().open_files = Some(u64::MAX), &["warning LF114"]),
    (
        "infinity of systemd 240 and later",
        |w| w.dockerd().open_files = Some(1_073_741_816),
        &["warning LF114"],
    ),
    (
        "a socket for root alone",
        |w| w.doctor.socket = Some(state(FileKind::Other, 0o600)),
        &["note LF115"],
    ),
    (
        "a socket that all may look at",
        |w| w.doctor.socket = Some(state(FileKind::Other, 0o664)),
        &["warning LF115"],
    ),
    (
        "a socket for everybody",
        |w| w.doctor.socket = Some(state(FileKind::Other, 0o666)),
        &["error LF116"],
    ),
    (
        "a socket of root's group, and members of docker's",
        |w| {
            w.doctor.socket.as_mut().unwrap().gid = 0;
            member(w);
        },
        &["warning LF117", "note LF118"],
    ),
    (
        "a socket of root's group, and nobody who would use it",
        |w| w.doctor.socket.as_mut().unwrap().gid = 0,
        &[],
    ),
    ("members", member, &["note LF118"]),
    ("no engine", |w| w.without_engine(), &["note LF053"]),
    ("a listener on the network", |w| w.started_with("-H tcp://0.0.0.0:2375"), &["error LF119"]),
    (
        "a listener on this host",
        |w| w.daemon_json(r#"{"hosts": ["unix:///run/docker.sock", "tcp://127.0.0.1:2375"]}"#),
        // And the unit has -H fd://.
        &["error LF142", "warning LF119"],
    ),
    (
        "a listener that asks for certificates",
        |w| w.started_with("--tlsverify --host=tcp://0.0.0.0:2376"),
        &[],
    ),
    (
        "a drop-in for nothing",
        |w| w.doctor.dangling.drop_ins = vec!["/etc/systemd/system/docker.service.d".into()],
        &["warning LF120"],
    ),
    (
        "a unit without its program",
        |w| w.unit("docker.service").program_exists = Some(false),
        &["error LF121"],
    ),
    (
        "a link to nothing",
        |w| {
            let link = "/etc/systemd/system/multi-user.target.wants/docker.service";
            w.doctor.dangling.links = vec![(link.into(), "/nowhere/docker.service".into())];
        },
        &["warning LF122"],
    ),
    ("a changed unit", |w| w.unit("docker.service").needs_reload = true, &["warning LF123"]),
    ("two dockerd", |w| w.doctor.processes.push(process(900, 880, "dockerd")), &["error LF124"]),
    (
        "two containerd",
        |w| w.doctor.processes.push(process(900, 1, "containerd")),
        &["warning LF124"],
    ),
    (
        "a containerd of dockerd's own",
        |w| w.doctor.processes.push(process(900, 214, "containerd")),
        &[],
    ),
    (
        "a start limit",
        |w| {
            w.unit("docker.service").active = "failed".into();
            w.unit("docker.service").result = "start-limit-hit".into();
        },
        &["error LF125"],
    ),
    (
        "a start limit after restarts",
        |w| {
            w.unit("docker.service").active = "failed".into();
            w.unit("docker.service").result = "exit-code".into();
            w.unit("docker.service").restarts = 2;
        },
        &["error LF125"],
    ),
    (
        "a failed unit",
        |w| {
            w.unit("containerd.service").active = "failed".into();
            w.unit("containerd.service").result = "exit-code".into();
        },
        &["error LF126"],
    ),
    (
        "no socket unit",
        |w| {
            w.doctor.units.remove("docker.socket");
        },
        &["error LF127"],
    ),
    (
        "no socket unit, and none expected",
        |w| {
            w.doctor.units.remove("docker.socket");
            let own = unit("/usr/bin/dockerd -H unix:///run/docker.sock");
            w.doctor.units.insert("docker.service".into(), own);
        },
        &[],
    ),
    (
        "neither enabled",
        |w| {
            w.unit("docker.service").file_state = "disabled".into();
            w.unit("docker.socket").file_state = "disabled".into();
        },
        &["warning LF128"],
    ),
    (
        "started by its socket",
        |w| w.unit("docker.service").file_state = "disabled".into(),
        &["note LF128"],
    ),
    (
        "a silent API",
        |w| w.doctor.answer = Some(Err("no answer within 10 s".into())),
        &["error LF149"],
    ),
    (
        "a proxy of the daemon's",
        |w| w.dockerd().proxies = Some(vec!["HTTPS_PROXY".into()]),
        &["note LF144"],
    ),
    (
        "a proxy of both",
        |w| {
            w.dockerd().proxies = Some(vec!["HTTPS_PROXY".into()]);
            w.doctor.own_proxy = true;
        },
        &[],
    ),
];

fn member(world: &mut super::World) {
    let group = Group { gid: 998, members: vec!["www-data".into()], local: true };
    world.facts.accounts.groups.insert("docker".into(), group);
}

#[test]
fn the_socket_is_named() {
    let mut world = super::world();
    world.doctor.socket = Some(state(FileKind::Other, 0o666));
    let text = super::text(&world.findings()[0]);
    assert_eq!(text.seen, format!("{SOCKET} has mode 666"));
}

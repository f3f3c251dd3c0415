//! Against a daemon of given answers.

use landfall_engine::{Answer, FakeDaemon};
use rustix::fs::Mode;
use serde_json::json;

use super::*;
use crate::steps::testing::Bed;

const VERSION: &str = r#"{"Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24",
    "Os":"linux","Arch":"amd64"}"#;
const INFO: &str = r#"{"RegistryConfig":{"Mirrors":["https://mirror.example/"]},
    "LiveRestoreEnabled":false,"LoggingDriver":"json-file"}"#;

/// A host on which a daemon answers.
struct World {
    bed: Bed,
    step: WaitApi,
    _daemon: FakeDaemon,
}

/// The daemon's socket is `/run/docker.sock` beneath the root, and has the same path outside of
/// it: a link in the root leads from there to here.
fn world() -> World {
    world_of(|| Answer::ok(INFO))
}

/// The same, with a daemon whose settings may change.
fn world_of(info: impl Fn() -> Answer + Send + Sync + 'static) -> World {
    let bed = Bed::with_accounts("docker:x:990:\n");
    let root = bed.host.root_dir().to_string_lossy().into_owned();
    let (above, name) = root.rsplit_once('/').unwrap();
    let mut at = String::new();
    for part in above.split('/').skip(1) {
        at = format!("{at}/{part}");
        bed.host.create_dir(&at, crate::file_state::Ownership::root(0o755)).unwrap();
    }
    bed.host.create_link(&format!("{above}/{name}"), "/").unwrap();
    bed.host.create_dir("/run", crate::file_state::Ownership::root(0o755)).unwrap();
    let socket = format!("{root}/run/docker.sock");
    let daemon = bed
        .host
        .block_on(async {
            FakeDaemon::start(Path::new(&socket), move |request| match request.target.as_str() {
                path if path.ends_with("/version") => Answer::ok(VERSION),
                path if path.ends_with("/info") => info(),
                _ => Answer::refusal(404, "page not found"),
            })
        })
        .unwrap();
    let step = WaitApi {
        socket,
        group: "docker".to_owned(),
        version: Some("28.5.2".to_owned()),
        settings: Map::new(),
        limit: None,
    };
    let world = World { bed, step, _daemon: daemon };
    world.permit(0o660, 0, 990);
    world
}

impl World {
    fn permit(&self, mode: u32, uid: u32, gid: u32) {
        let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
        rustix::fs::chown(&self.step.socket, Some(uid), Some(gid)).unwrap();
        rustix::fs::chmod(&self.step.socket, Mode::from_raw_mode(mode)).unwrap();
    }

    fn set(&mut self, key: &str, value: Value) {
        self.step.settings.insert(key.to_owned(), value);
    }

    fn apply(&self) -> Result<(), StepError> {
        self.step.apply(&self.bed.context())
    }
}

#[test]
fn a_daemon_as_it_shall_be_passes() {
    let mut world = world();
    world.set("registry-mirrors", json!(["https://mirror.example"]));
    world.apply().unwrap();
    world.step.version = None;
    world.apply().unwrap();
}

#[test]
fn waiting_changes_nothing() {
    let world = world();
    let before = world.bed.tree();
    let observed = world.bed.apply(&world.step);
    assert_eq!(observed, Before::Nothing);
    assert_eq!(world.bed.undo(&world.step, &observed), Undone::Unchanged);
    assert_eq!(world.bed.tree(), before);
}

#[test]
fn a_daemon_of_another_version_is_not_ours() {
    let mut world = world();
    world.step.version = Some("28.5.1".to_owned());
    let error = world.apply().unwrap_err();
    let StepError::WrongVersion { found, wanted } = &error else { panic!("{error}") };
    assert_eq!((found.as_str(), wanted.as_str()), ("28.5.2", "28.5.1"));
}

/// systemd has sent the signal; the daemon reads its file in its own time.
#[test]
fn a_reload_that_goes_on_is_waited_for() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let mut world = world_of(move || {
        let before = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 3;
        Answer::ok(if before { r#"{"RegistryConfig":{"Mirrors":[]}}"# } else { INFO })
    });
    world.set("registry-mirrors", json!(["https://mirror.example"]));
    world.apply().unwrap();
}

#[test]
fn settings_that_are_not_in_force_are_named() {
    let mut world = world();
    world.set("live-restore", json!(true));
    world.set("registry-mirrors", json!(["https://mirror.example", "https://other.example"]));
    world.set("log-driver", json!("json-file"));
    let error = world.apply().unwrap_err();
    let StepError::NotInForce(keys) = &error else { panic!("{error}") };
    assert_eq!(keys, &["live-restore", "registry-mirrors"]);
}

#[test]
fn a_socket_that_others_may_use_or_the_group_may_not_is_refused() {
    let world = world();
    for (mode, uid, gid) in [(0o666, 0, 990), (0o600, 0, 990), (0o660, 0, 27), (0o660, 1000, 990)] {
        world.permit(mode, uid, gid);
        let error = world.apply().unwrap_err();
        assert!(
            matches!(&error, StepError::SocketPermissions { wanted_gid: 990, .. }),
            "{mode:o} {uid}:{gid}: {error}"
        );
        assert!(error.to_string().contains(&world.step.socket), "{error}");
    }
    world.permit(0o660, 0, 990);
    world.apply().unwrap();
}

#[test]
fn a_group_that_is_gone_is_named() {
    let mut world = world();
    world.step.group = "engine".to_owned();
    let error = world.apply().unwrap_err();
    assert!(matches!(&error, StepError::NoGroup(name) if name == "engine"), "{error}");
}

#[test]
fn suffixes_of_a_version_do_not_count() {
    assert_eq!(release("20.10.24+dfsg1"), "20.10.24");
    assert_eq!(release("18.06.3-ce"), "18.06.3");
    assert_eq!(release("28.5.2"), "28.5.2");
}

#[test]
fn asked_to_end_it_does_not_wait() {
    let bed = Bed::new(&[]);
    bed.host.interrupt().set();
    let step = WaitApi {
        socket: "/no/such/docker.sock".to_owned(),
        group: "docker".to_owned(),
        version: None,
        settings: Map::new(),
        limit: None,
    };
    let error = step.apply(&bed.context()).unwrap_err();
    assert!(matches!(error, StepError::Host(crate::host::HostError::Interrupted)), "{error}");
}

//! What a plan needs to know of a host.

use crate::bundle::format::plugin_names;
use crate::bundle::program_names;
use crate::desired::{
    DAEMON_JSON, DEFAULT_CONTAINERD_ROOT, Desired, HOSTS_DROP_IN, OTHER_BIN_DIRS, PROFILE,
    PROFILE_DIR, PROXY_DROP_IN, UNIT_DIR,
};
use crate::facts::Wanted;
use crate::render::kernel_settings;
use crate::render::trust;
use crate::render::trust_store;
use crate::render::units::wants_dir;
use crate::store::STATE_DIR;
use crate::topology::ALL_UNITS;

/// The paths, units and names that planning this `desired` looks at.
pub fn wanted(desired: &Desired) -> Wanted {
    let mut wanted = Wanted {
        texts: [
            DAEMON_JSON,
            HOSTS_DROP_IN,
            PROFILE,
            PROXY_DROP_IN,
            kernel_settings::MODULES,
            kernel_settings::FORWARDING,
            trust::OWN_FILE,
            trust::SHARED_FILE,
        ]
        .map(str::to_owned)
        .to_vec(),
        units: ALL_UNITS.map(str::to_owned).to_vec(),
        groups: vec![desired.group.name.clone()],
        users: desired.group.members.clone(),
        ..Wanted::default()
    };
    wanted.programs = program_names().map(|name| format!("{}/{name}", desired.bin_dir)).collect();
    let plugin_dir = desired.plugin_dir();
    wanted.programs.extend(plugin_names().map(|name| format!("{plugin_dir}/{name}")));
    let mut directories = [
        "/etc/docker",
        "/etc/modules-load.d",
        "/etc/sysctl.d",
        PROFILE_DIR,
        STATE_DIR,
        DEFAULT_CONTAINERD_ROOT,
    ]
    .map(str::to_owned)
    .to_vec();
    directories.push(format!("{UNIT_DIR}/docker.service.d"));
    directories.extend([desired.bin_dir.clone(), plugin_dir, desired.data_root().to_owned()]);
    for unit in ALL_UNITS {
        wanted.texts.push(format!("{UNIT_DIR}/{unit}"));
        let Some(wants) = wants_dir(unit) else { continue };
        let wants = format!("{UNIT_DIR}/{wants}");
        wanted.paths.push(format!("{wants}/{unit}"));
        directories.push(wants);
    }
    for files in &desired.registries {
        directories.push(files.registry.directory());
        wanted.texts.extend([files.ca_path(), files.certificate_path()]);
        wanted.programs.push(files.key_path());
        for store in trust_store::ALL {
            wanted.texts.push(trust_store::path(store, &files.registry.to_string()));
            directories.push(store.directory.to_owned());
        }
    }
    for directory in &directories {
        wanted.paths.extend(with_parents(directory));
    }
    wanted.paths.sort();
    wanted.paths.dedup();
    wanted.file_systems = vec![
        desired.bin_dir.clone(),
        "/etc/docker".to_owned(),
        UNIT_DIR.to_owned(),
        STATE_DIR.to_owned(),
        desired.data_root().to_owned(),
        DEFAULT_CONTAINERD_ROOT.to_owned(),
    ];
    wanted.file_systems.extend(OTHER_BIN_DIRS.map(str::to_owned));
    wanted
}

/// A path and all directories above it, but for the root.
pub(super) fn with_parents(path: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut at = path;
    while !at.is_empty() {
        paths.push(at.to_owned());
        at = at.rfind('/').map_or("", |slash| &at[..slash]);
    }
    paths
}

use super::*;

#[tokio::test]
async fn reads_the_daemons_settings() {
    let (client, _daemon, _directory) = connected(|_| Answer::ok(INFO_20_10)).await;
    let info = client.info().await.unwrap();
    assert_eq!(info.storage_driver, "overlay2");
    assert_eq!(info.storage_status[0], ("Backing Filesystem".into(), "extfs".into()));
    assert_eq!(info.data_root, Path::new("/var/lib/docker"));
    assert_eq!((info.cgroup_driver.as_str(), info.cgroup_version), ("systemd", Some(2)));
    assert_eq!(info.registry_mirrors, ["https://mirror.example.internal/"]);
    assert_eq!(info.insecure_registries, ["10.0.0.5:5000", "127.0.0.0/8"]);
    assert!(info.live_restore);
    assert_eq!((info.containers.total, info.containers.running, info.images), (3, 1, 7));
    assert_eq!(info.runtimes, ["io.containerd.runc.v2", "runc"]);
    assert_eq!(info.warnings, ["WARNING: No swap limit support"]);
}

#[tokio::test]
async fn reads_the_settings_of_a_daemon_that_says_less() {
    let (client, _daemon, _directory) = connected(|_| Answer::ok(INFO_17_03)).await;
    let info = client.info().await.unwrap();
    assert_eq!((info.cgroup_driver.as_str(), info.cgroup_version), ("cgroupfs", None));
    assert_eq!(info.server_version, "17.03.2-ce");
    assert!(info.registry_mirrors.is_empty() && info.warnings.is_empty());
}

const INFO_20_10: &str = r#"{"ID":"K4SO:XXXX","Containers":3,"ContainersRunning":1,
    "ContainersPaused":0,"ContainersStopped":2,"Images":7,"Driver":"overlay2",
    "DriverStatus":[["Backing Filesystem","extfs"],["Supports d_type","true"]],
    "Plugins":{"Volume":["local"],"Network":["bridge","host"],"Authorization":null,
    "Log":["json-file"]},"MemoryLimit":true,"SwapLimit":false,"KernelMemory":true,
    "NFd":24,"NGoroutines":36,"LoggingDriver":"json-file","CgroupDriver":"systemd",
    "CgroupVersion":"2","KernelVersion":"6.1.0-9-amd64","OperatingSystem":"Debian GNU/Linux 12",
    "OSVersion":"12","OSType":"linux","Architecture":"x86_64",
    "IndexServerAddress":"https://index.docker.io/v1/",
    "RegistryConfig":{"AllowNondistributableArtifactsCIDRs":[],
    "InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{
    "10.0.0.5:5000":{"Name":"10.0.0.5:5000","Mirrors":[],"Secure":false,"Official":false},
    "docker.io":{"Name":"docker.io","Mirrors":["https://mirror.example.internal/"],"Secure":true,
    "Official":true}},"Mirrors":["https://mirror.example.internal/"]},"NCPU":2,
    "MemTotal":8335888384,"GenericResources":null,"DockerRootDir":"/var/lib/docker",
    "HttpProxy":"","HttpsProxy":"","NoProxy":"","Name":"m1","Labels":[],
    "ExperimentalBuild":false,"ServerVersion":"20.10.24+dfsg1",
    "Runtimes":{"runc":{"path":"runc"},"io.containerd.runc.v2":{"path":"runc"}},
    "DefaultRuntime":"runc","Swarm":{"NodeID":"","NodeAddr":"","LocalNodeState":"inactive",
    "ControlAvailable":false,"Error":"","RemoteManagers":null},"LiveRestoreEnabled":true,
    "Isolation":"","InitBinary":"docker-init","ContainerdCommit":{"ID":"x","Expected":"x"},
    "RuncCommit":{"ID":"x","Expected":"x"},"InitCommit":{"ID":"","Expected":""},
    "SecurityOptions":["name=seccomp,profile=default","name=cgroupns"],
    "Warnings":["WARNING: No swap limit support"]}"#;

pub(super) const INFO_17_03: &str = r#"{"ID":"7TRN:XXXX","Containers":0,"ContainersRunning":0,
    "ContainersPaused":0,"ContainersStopped":0,"Images":0,"Driver":"overlay",
    "DriverStatus":[["Backing Filesystem","xfs"]],"SystemStatus":null,
    "Plugins":{"Volume":["local"],"Network":["bridge","host","null"],"Authorization":null},
    "CgroupDriver":"cgroupfs","NEventsListener":0,"KernelVersion":"3.10.0-514.el7.x86_64",
    "RegistryConfig":{"InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{"docker.io":
    {"Name":"docker.io","Mirrors":null,"Secure":true,"Official":true}},"Mirrors":[]},
    "NCPU":2,"MemTotal":1040572416,"DockerRootDir":"/var/lib/docker","Name":"m1","Labels":null,
    "ServerVersion":"17.03.2-ce","ClusterStore":"","ClusterAdvertise":"",
    "Runtimes":{"runc":{"path":"docker-runc"}},"DefaultRuntime":"runc",
    "Swarm":{"NodeID":"","NodeAddr":"","LocalNodeState":"inactive","ControlAvailable":false,
    "Error":"","RemoteManagers":null,"Nodes":0,"Managers":0,"Cluster":{"ID":"",
    "Version":{},"CreatedAt":"0001-01-01T00:00:00Z","UpdatedAt":"0001-01-01T00:00:00Z",
    "Spec":{"Orchestration":{},"Raft":{"ElectionTick":0,"HeartbeatTick":0},"Dispatcher":{},
    "CAConfig":{},"TaskDefaults":{},"EncryptionConfig":{"AutoLockManagers":false}}}},
    "LiveRestoreEnabled":false,"Isolation":"","InitBinary":"docker-init",
    "ContainerdCommit":{"ID":"x","Expected":"x"},"SecurityOptions":["name=seccomp,profile=default"]}"#;

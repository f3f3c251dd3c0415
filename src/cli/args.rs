//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bootstrap::MachineDigest;
use super::bundle::BundleCommand;
use crate::config::{FileConfig, Options, duration};
use crate::desired::KernelWanted;
use crate::digest::Digest;
use crate::online::Fingerprint;
use crate::texts::help;
use crate::topology::Topology;

pub use crate::config::Method;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "landfall",
    version,
    about = help::ABOUT,
    after_help = help::EXAMPLES,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub struct Global {
    #[arg(long, global = true, value_name = "DIR", help = help::ROOT)]
    pub root: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", env = "LANDFALL_CONFIG", hide_env = true, help = help::CONFIG)]
    pub config: Option<PathBuf>,
    #[arg(long, global = true, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, global = true, conflicts_with = "verbose", help = help::QUIET)]
    pub quiet: bool,
    #[arg(short, long, global = true, help = help::VERBOSE)]
    pub verbose: bool,
    #[arg(long, global = true, help = help::NO_PROGRESS)]
    pub no_progress: bool,
    #[arg(
        long, global = true, value_enum, value_name = "WHEN", default_value = "auto",
        hide_default_value = true, hide_possible_values = true, help = help::COLOR
    )]
    pub color: ColorChoice,
    #[arg(short, long, global = true, help = help::YES)]
    pub yes: bool,
    /// What a file of many hosts says of this one, in place of a configuration file.
    #[arg(skip)]
    pub site: Option<FileConfig>,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(about = help::INSTALL, after_help = help::INSTALL_EXAMPLES)]
    Install {
        #[command(flatten)]
        options: Box<InstallArgs>,
        #[command(flatten)]
        confirm: ConfirmArgs,
        #[arg(long, help = help::DRY_RUN)]
        dry_run: bool,
    },
    #[command(about = help::PLAN, after_help = help::PLAN_EXAMPLES)]
    Plan {
        #[command(flatten)]
        options: Box<InstallArgs>,
        #[command(flatten)]
        args: PlanArgs,
    },
    #[command(about = help::APPLY, after_help = help::APPLY_EXAMPLES)]
    Apply {
        #[arg(value_name = "PLAN", required_unless_present = "site", help = help::PLAN_FILE)]
        plan: Option<PathBuf>,
        #[command(flatten)]
        site: SiteArgs,
        #[arg(long, value_name = "FILE", help = help::MOVED_ARCHIVE)]
        offline: Option<PathBuf>,
        #[command(flatten)]
        confirm: ConfirmArgs,
    },
    #[command(subcommand, about = help::bundle::ABOUT, after_help = help::bundle::EXAMPLES)]
    Bundle(BundleCommand),
    #[command(about = help::PROBE, after_help = help::PROBE_EXAMPLES)]
    Probe {
        #[command(flatten)]
        options: Box<InstallArgs>,
    },
    #[command(name = "support-bundle", about = help::SUPPORT_BUNDLE, after_help = help::SUPPORT_BUNDLE_EXAMPLES)]
    SupportBundle {
        #[arg(short, long = "output", value_name = "FILE", help = help::BUNDLE_OUT)]
        out: Option<PathBuf>,
        #[arg(long, value_name = "N", default_value_t = 48, help = help::HOURS)]
        hours: u32,
    },
    #[command(about = help::UNINSTALL, after_help = help::UNINSTALL_EXAMPLES)]
    Uninstall(UninstallArgs),
    #[command(about = help::ADOPT, after_help = help::ADOPT_NOTES)]
    Adopt {
        #[arg(long, help = help::ADOPT_DRY_RUN)]
        dry_run: bool,
    },
    #[command(about = help::ROLLBACK, after_help = help::ROLLBACK_EXAMPLES)]
    Rollback {
        #[arg(long, value_name = "VERSION", help = help::ROLLBACK_TO)]
        to: Option<String>,
        #[arg(long, help = help::METADATA)]
        metadata: bool,
        #[arg(long, help = help::ROLLBACK_DRY_RUN)]
        dry_run: bool,
    },
    #[command(about = help::UPGRADE, after_help = help::UPGRADE_EXAMPLES)]
    Upgrade {
        #[command(flatten)]
        options: Box<InstallArgs>,
        #[arg(long, value_name = "SECONDS", default_value_t = 10, help = help::WATCH)]
        watch: u64,
        #[command(flatten)]
        confirm: ConfirmArgs,
    },
    #[command(name = "migrate-data-root", about = help::MIGRATE, after_help = help::MIGRATE_NOTES)]
    MigrateDataRoot(MigrateArgs),
    #[command(about = help::CONFIGURE, after_help = help::CONFIGURE_EXAMPLES)]
    Configure {
        #[command(flatten)]
        args: Box<ConfigureArgs>,
        #[command(flatten)]
        confirm: ConfirmArgs,
    },
    #[command(name = "bootstrap-script", about = help::BOOTSTRAP_SCRIPT, after_help = help::BOOTSTRAP_SCRIPT_NOTES)]
    BootstrapScript(BootstrapArgs),
    #[command(name = "cloud-init", about = help::CLOUD_INIT, after_help = help::CLOUD_INIT_NOTES)]
    CloudInit(BootstrapArgs),
    #[command(about = help::FLEET)]
    Fleet {
        #[command(subcommand)]
        command: FleetCommand,
    },
    #[command(about = help::HISTORY)]
    History,
    #[command(about = help::PRUNE, after_help = help::PRUNE_NOTES)]
    Prune {
        #[arg(long, value_name = "N", default_value_t = 1, help = help::KEEP)]
        keep: usize,
    },
    #[command(about = help::RECOVER, after_help = help::RECOVER_NOTES)]
    Recover {
        #[arg(long, hide = true)]
        boot: bool,
    },
    #[command(about = help::CONFIRM, after_help = help::CONFIRM_NOTES)]
    Confirm,
    #[command(about = help::STATUS)]
    Status,
    #[command(about = help::VERIFY, after_help = help::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    #[command(about = help::COMPLETIONS, after_help = help::COMPLETIONS_NOTES)]
    Completions {
        #[arg(value_enum, value_name = "SHELL", help = help::SHELL)]
        shell: clap_complete::Shell,
    },
    #[command(about = help::MAN, after_help = help::MAN_NOTES)]
    Man {
        #[arg(value_name = "COMMAND", help = help::MAN_COMMAND)]
        command: Option<String>,
    },
    #[command(about = help::DOCTOR, after_help = help::DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    #[command(about = help::MIRRORS, after_help = help::MIRRORS_EXAMPLES)]
    Mirrors(MirrorsArgs),
    #[command(subcommand, about = help::REGISTRY)]
    Registry(RegistryCommand),
    #[command(about = help::LOGIN, after_help = help::LOGIN_NOTES)]
    Login(LoginArgs),
}

/// What `verify` takes.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    #[arg(long, help = help::REPAIR)]
    pub repair: bool,
    #[arg(long, value_name = "FILE", requires = "repair", help = help::REPAIR_FROM)]
    pub offline: Option<PathBuf>,
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// What `migrate-data-root` takes.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    #[arg(value_name = "DIR", required_unless_present = "finish", help = help::MIGRATE_TO)]
    pub directory: Option<String>,
    #[arg(long, conflicts_with_all = ["directory", "dry_run"], help = help::FINISH)]
    pub finish: bool,
    #[arg(long, help = help::DRY_RUN)]
    pub dry_run: bool,
    #[arg(long = "ignore", value_name = "CODE", help = help::IGNORE)]
    pub ignore: Vec<String>,
    #[command(flatten)]
    pub confirm: ConfirmArgs,
}

/// What `apply` takes for a site.
#[derive(Clone, Debug, Args)]
pub struct SiteArgs {
    #[arg(id = "site", long = "site", value_name = "FILE", conflicts_with = "plan", help = help::SITE)]
    pub file: Option<PathBuf>,
    #[arg(long = "as", value_name = "ENTRY", requires = "site", help = help::SITE_AS)]
    pub entry: Option<String>,
    #[arg(
        long, value_name = "DIR", requires = "site", default_value = ".",
        hide_default_value = true, help = help::SITE_RESULTS
    )]
    pub results: PathBuf,
}

/// The commands of `fleet`.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    #[command(about = help::FLEET_REPORT, after_help = help::FLEET_REPORT_NOTES)]
    Report(ReportArgs),
}

/// What `fleet report` takes.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    #[arg(value_name = "DIR", help = help::FLEET_RESULTS)]
    pub directory: PathBuf,
    #[arg(long, value_name = "FILE", help = help::FLEET_SITE)]
    pub site: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = help::FLEET_HTML)]
    pub html: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = help::FLEET_JUNIT)]
    pub junit: Option<PathBuf>,
}

/// What `bootstrap-script` and `cloud-init` take.
#[derive(Clone, Debug, Args)]
pub struct BootstrapArgs {
    #[arg(long, value_name = "URL", help = help::BOOTSTRAP_URL)]
    pub url: String,
    #[arg(long, value_name = "[ARCH=]HEX", help = help::BOOTSTRAP_SHA256)]
    pub sha256: Vec<MachineDigest>,
    #[arg(long, value_name = "URL", help = help::BOOTSTRAP_ARCHIVE)]
    pub archive: Option<String>,
    #[arg(long, value_name = "FILE", help = help::BOOTSTRAP_CA)]
    pub ca: Option<PathBuf>,
    #[arg(long, value_name = "PATH", default_value = "/usr/local/bin/landfall", help = help::BOOTSTRAP_TO)]
    pub to: String,
    #[arg(last = true, value_name = "ARGUMENTS", help = help::BOOTSTRAP_ARGUMENTS)]
    pub arguments: Vec<String>,
}

/// What `doctor` takes.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    #[arg(value_name = "CODE", help = help::DOCTOR_CODE)]
    pub code: Option<String>,
    #[arg(long, value_name = "CODE", conflicts_with = "code", help = help::EXPLAIN)]
    pub explain: Option<String>,
    #[arg(long, conflicts_with_all = ["code", "explain"], help = help::FIX)]
    pub fix: bool,
}

/// What `mirrors` takes.
#[derive(Clone, Debug, Args)]
pub struct MirrorsArgs {
    #[arg(long, help = help::PROBE_MIRRORS)]
    pub probe: bool,
    #[arg(value_name = "MIRROR", requires = "probe", help = help::MIRRORS_NAMED)]
    pub mirrors: Vec<String>,
    #[arg(long, value_name = "NUMBER", requires = "probe", help = help::MIRRORS_VERSION)]
    pub version: Option<String>,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// How mirrors are reached, and where what comes from them is kept.
#[derive(Clone, Debug, Default, Args)]
pub struct NetworkArgs {
    #[arg(long = "ca", value_name = "FILE", env = "LANDFALL_CA", hide_env = true, value_delimiter = ',', help = help::CA)]
    pub ca: Vec<PathBuf>,
    #[arg(long, value_name = "DIR", env = "LANDFALL_CACHE_DIR", hide_env = true, help = help::CACHE_DIR)]
    pub cache_dir: Option<PathBuf>,
}

/// What can be done with registries.
#[derive(Clone, Debug, Subcommand)]
pub enum RegistryCommand {
    #[command(about = help::REGISTRY_CHECK, after_help = help::REGISTRY_CHECK_EXAMPLES)]
    Check(RegistryCheckArgs),
}

/// What `registry check` takes.
#[derive(Clone, Debug, Args)]
pub struct RegistryCheckArgs {
    #[arg(value_name = "REGISTRY", help = help::REGISTRY_TARGET)]
    pub targets: Vec<String>,
    #[arg(long, value_name = "NAME[:TAG]", help = help::REGISTRY_IMAGE)]
    pub image: Option<String>,
}

/// What `login` takes.
#[derive(Clone, Debug, Args)]
pub struct LoginArgs {
    #[arg(value_name = "REGISTRY", help = help::LOGIN_REGISTRY)]
    pub registry: String,
    #[arg(short = 'u', long, value_name = "NAME", help = help::LOGIN_USER)]
    pub username: Option<String>,
    #[arg(long, conflicts_with = "password_file", help = help::PASSWORD_STDIN)]
    pub password_stdin: bool,
    #[arg(long, value_name = "FILE", help = help::PASSWORD_FILE)]
    pub password_file: Option<PathBuf>,
}

/// What `plan` takes beside the options of `install`.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanArgs {
    #[arg(short, long = "output", value_name = "FILE", help = help::PLAN_OUT)]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with = "root", help = help::FACTS)]
    pub facts: Option<PathBuf>,
    #[arg(long, help = help::DETAILED_EXITCODE)]
    pub detailed_exitcode: bool,
}

/// What commands take that may cut their caller off.
#[derive(Clone, Copy, Debug, Args)]
pub struct ConfirmArgs {
    #[arg(
        long = "confirm-within", value_name = "TIME", env = "LANDFALL_CONFIRM_WITHIN",
        hide_env = true, value_parser = time, help = help::CONFIRM_WITHIN
    )]
    pub within: Option<Duration>,
}

/// The parser says which option and value it is; what is left to say is what would be right.
fn time(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).map_err(|(_, hint)| hint)
}

/// What `uninstall` takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct UninstallArgs {
    #[arg(long, value_enum, value_name = "WHAT", help = help::PURGE)]
    pub purge: Option<PurgeArg>,
    #[arg(long, help = help::INCLUDE_ADOPTED)]
    pub include_adopted: bool,
}

/// What `uninstall --purge` deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PurgeArg {
    /// Configuration that Landfall wrote, also where it was changed since.
    Config,
    /// Images, containers and volumes.
    Data,
    /// Both.
    All,
}

impl InstallArgs {
    /// The options, as configuration takes them.
    pub fn options(&self) -> Options {
        Options {
            archive: self.offline.clone(),
            online: self.online.then_some(true),
            method: self.method,
            mirrors: self.mirrors.clone(),
            version: self.version.clone(),
            fingerprint: self.gpg_fingerprint,
            hold: self.hold.then_some(true),
            replace: self.replace.then_some(true),
            sha256: self.sha256,
            allow_unpinned: self.allow_unpinned.then_some(true),
            trusted_keys: self.trusted_keys.clone(),
            bin_dir: self.bin_dir.clone(),
            group: self.group.clone(),
            gid: self.gid,
            users: self.users.clone(),
            unit_style: self.unit_style,
            data_root: self.data_root.clone(),
            images: self.images.clone(),
            smoke_test: self.no_smoke_test.then_some(false),
            kernel: KernelWanted {
                modules: self.no_kernel_modules.then_some(false),
                forwarding: self.keep_forwarding.then_some(true),
            },
            ignore: self.ignore.clone(),
            ..self.daemon.options()
        }
    }
}

impl DaemonArgs {
    /// The options, as configuration takes them.
    pub fn options(&self) -> Options {
        Options {
            registry_mirrors: self.registry_mirrors.clone(),
            insecure_registries: self.insecure_registries.clone(),
            log_max_size: self.log_max_size.clone(),
            log_max_file: self.log_max_file,
            live_restore: self.live_restore.then_some(true),
            bip: self.bip.clone(),
            set: self.set.clone(),
            registry_cas: self.registry_cas.clone(),
            http_proxy: self.http_proxy.clone(),
            https_proxy: self.https_proxy.clone(),
            no_proxy: self.no_proxy.clone(),
            ..Options::default()
        }
    }
}

/// What `configure` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigureArgs {
    #[command(flatten)]
    pub daemon: DaemonArgs,
    #[arg(long, value_name = "KEY", help = help::UNSET)]
    pub unset: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE", help = help::ADD)]
    pub add: Vec<String>,
    #[arg(long, value_name = "KEY=VALUE", help = help::REMOVE)]
    pub remove: Vec<String>,
    #[arg(long, help = help::FORCE)]
    pub force: bool,
    #[arg(long, help = help::REPAIR_JSON)]
    pub repair: bool,
    #[arg(long, help = help::CONFIGURE_DRY_RUN)]
    pub dry_run: bool,
    #[arg(long = "ignore", value_name = "CODE", help = help::IGNORE)]
    pub ignore: Vec<String>,
}

/// Keys of daemon.json.
#[derive(Clone, Debug, Default, Args)]
pub struct DaemonArgs {
    #[arg(long = "registry-mirror", value_name = "URL", env = "LANDFALL_REGISTRY_MIRROR", hide_env = true, value_delimiter = ',', help = help::REGISTRY_MIRROR)]
    pub registry_mirrors: Vec<String>,
    #[arg(long = "insecure-registry", value_name = "HOST[:PORT]", env = "LANDFALL_INSECURE_REGISTRY", hide_env = true, value_delimiter = ',', help = help::INSECURE_REGISTRY)]
    pub insecure_registries: Vec<String>,
    #[arg(long, value_name = "SIZE", env = "LANDFALL_LOG_MAX_SIZE", hide_env = true, help = help::LOG_MAX_SIZE)]
    pub log_max_size: Option<String>,
    #[arg(long, value_name = "N", env = "LANDFALL_LOG_MAX_FILE", hide_env = true, help = help::LOG_MAX_FILE)]
    pub log_max_file: Option<u32>,
    #[arg(long, help = help::LIVE_RESTORE)]
    pub live_restore: bool,
    #[arg(long, value_name = "CIDR", env = "LANDFALL_BIP", hide_env = true, help = help::BIP)]
    pub bip: Option<String>,
    #[arg(long = "set", value_name = "KEY=JSON", help = help::SET)]
    pub set: Vec<String>,
    #[arg(long, value_name = "URL", env = "LANDFALL_HTTP_PROXY", hide_env = true, help = help::HTTP_PROXY)]
    pub http_proxy: Option<String>,
    #[arg(long, value_name = "URL", env = "LANDFALL_HTTPS_PROXY", hide_env = true, help = help::HTTPS_PROXY)]
    pub https_proxy: Option<String>,
    #[arg(long, value_name = "LIST", env = "LANDFALL_NO_PROXY", hide_env = true, help = help::NO_PROXY)]
    pub no_proxy: Option<String>,
    #[arg(long = "registry-ca", value_name = "HOST=FILE", env = "LANDFALL_REGISTRY_CA", hide_env = true, value_delimiter = ',', help = help::REGISTRY_CA)]
    pub registry_cas: Vec<String>,
}

/// What `install`, `plan` and `probe` take.
#[derive(Clone, Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools)] // flags of a command line
pub struct InstallArgs {
    #[arg(long, value_name = "FILE", env = "LANDFALL_OFFLINE", hide_env = true, help = help::OFFLINE)]
    pub offline: Option<PathBuf>,
    #[arg(long, conflicts_with = "offline", help = help::ONLINE)]
    pub online: bool,
    #[arg(long, value_enum, value_name = "METHOD", env = "LANDFALL_METHOD", hide_env = true, hide_possible_values = true, help = help::METHOD)]
    pub method: Option<Method>,
    #[arg(long = "mirror", value_name = "NAME|URL", env = "LANDFALL_MIRROR", hide_env = true, value_delimiter = ',', help = help::MIRROR)]
    pub mirrors: Vec<String>,
    #[arg(long, value_name = "NUMBER", env = "LANDFALL_VERSION", hide_env = true, help = help::VERSION)]
    pub version: Option<String>,
    #[command(flatten)]
    pub network: NetworkArgs,
    #[arg(long, value_name = "HEX", env = "LANDFALL_GPG_FINGERPRINT", hide_env = true, help = help::GPG_FINGERPRINT)]
    pub gpg_fingerprint: Option<Fingerprint>,
    #[arg(long, help = help::HOLD)]
    pub hold: bool,
    #[arg(long, help = help::REPLACE)]
    pub replace: bool,
    #[arg(long, value_name = "HEX", env = "LANDFALL_SHA256", hide_env = true, help = help::SHA256)]
    pub sha256: Option<Digest>,
    #[arg(long, help = help::ALLOW_UNPINNED)]
    pub allow_unpinned: bool,
    #[arg(long = "trusted-key", value_name = "FILE", help = help::TRUSTED_KEY)]
    pub trusted_keys: Vec<PathBuf>,
    #[arg(long = "user", value_name = "NAME", env = "LANDFALL_USER", hide_env = true, value_delimiter = ',', help = help::USER)]
    pub users: Vec<String>,
    #[arg(long, value_name = "NAME", env = "LANDFALL_GROUP", hide_env = true, help = help::GROUP)]
    pub group: Option<String>,
    #[arg(long, value_name = "N", env = "LANDFALL_GID", hide_env = true, help = help::GID)]
    pub gid: Option<u32>,
    #[arg(long, value_enum, value_name = "STYLE", env = "LANDFALL_UNIT_STYLE", hide_env = true, hide_possible_values = true, help = help::UNIT_STYLE)]
    pub unit_style: Option<Topology>,
    #[command(flatten)]
    pub daemon: DaemonArgs,
    #[arg(long, value_name = "DIR", env = "LANDFALL_DATA_ROOT", hide_env = true, help = help::DATA_ROOT)]
    pub data_root: Option<String>,
    #[arg(long = "image", value_name = "FILE", help = help::IMAGE)]
    pub images: Vec<PathBuf>,
    #[arg(long, help = help::NO_SMOKE_TEST)]
    pub no_smoke_test: bool,
    #[arg(long, help = help::NO_KERNEL_MODULES)]
    pub no_kernel_modules: bool,
    #[arg(long, help = help::KEEP_FORWARDING)]
    pub keep_forwarding: bool,
    #[arg(long = "ignore", value_name = "CODE", help = help::IGNORE)]
    pub ignore: Vec<String>,
    #[arg(long, value_name = "DIR", env = "LANDFALL_BIN_DIR", hide_env = true, help = help::BIN_DIR)]
    pub bin_dir: Option<String>,
}

//! Texts of the command line's help.

pub mod bundle;

/// One line on what the program is.
pub const ABOUT: &str = "Turns a Linux host without internet into a container host, and back";

/// Shown below the list of commands.
pub const EXAMPLES: &str = "\
Examples:
  landfall plan --offline docker-28.5.2.tgz
      show what would be done, change nothing
  landfall install --offline docker-28.5.2.tgz --user deploy \\
      --registry-mirror https://mirror.example.internal
      install Docker from upstream's archive; let deploy use it
  landfall plan --offline docker-28.5.2.tgz -o plan.json
  landfall apply plan.json
      do exactly what was read and approved before
  landfall status
      what is installed, and whether it runs
  landfall install --offline docker-28.5.2.tgz --bip 172.30.0.1/24 --confirm-within 2m
      roll back unless `landfall confirm` is typed in time, in a new session
  landfall verify
      whether everything is as landfall left it; --repair puts it back
  landfall doctor
      what is wrong with this host
  landfall uninstall
      undo exactly what install did

Exit codes:
  0  done                          4  the archive is not trusted
  1  failed, interrupted, or not   5  failed, and not rolled back (the message
     confirmed; rolled back           says how to go on)
  2  usage or configuration
  3  refused: this host is not     6  another run of landfall is in progress
     fit; nothing was changed      7  doctor found errors, or verify drift
                                   8  a part of a fleet failed";

/// `install`.
pub const INSTALL: &str = "Install Docker from an archive: verify, unpack, configure, start, prove";
/// Shown below the options of `install` and `plan`.
pub const INSTALL_EXAMPLES: &str = "\
Examples:
  landfall install --offline docker-28.5.2.tgz
  landfall install --offline docker-28.5.2.tgz --sha256 6f1a… --user deploy
  landfall install --offline docker-28.5.2.tgz \\
      --registry-mirror https://mirror.example.internal \\
      --insecure-registry 10.0.0.5:5000 --data-root /data/docker \\
      --log-max-size 50m --log-max-file 3
  landfall install --offline docker-28.5.2.tgz --image app.tar --image db.tar
  landfall install --root /mnt/image --offline docker-28.5.2.tgz

Options that take a value can be given in the environment (LANDFALL_REGISTRY_MIRROR=…,
lists with commas) or in a configuration file; a flag wins over both.

FILE is upstream's docker-<version>.tgz, exactly as published. Running the same
command again changes nothing; with other options it changes just what differs, and what
is no longer said is taken out again. Mirrors and insecure registries are added to those
that daemon.json has already; any other key is set.";
/// `plan`.
pub const PLAN: &str = "Show what install would do with these options, and change nothing";
/// Shown below the options of `plan`.
pub const PLAN_EXAMPLES: &str = "\
Examples:
  landfall plan --offline docker-28.5.2.tgz --user deploy
  landfall plan --offline docker-28.5.2.tgz -o plan.json
      write the plan to a file; once approved: landfall apply plan.json
  landfall plan --facts host.json --offline docker-28.5.2.tgz
      plan for the host that landfall probe >host.json looked at

Options, environment and configuration file are those of landfall install.";
/// `apply`.
pub const APPLY: &str = "Carry out a plan that `landfall plan -o` wrote: exactly that, or nothing";
/// Shown below the options of `apply`.
pub const APPLY_EXAMPLES: &str = "\
Examples:
  landfall plan --offline docker-28.5.2.tgz -o plan.json
  landfall apply plan.json
  landfall apply plan.json --offline /mnt/usb/docker-28.5.2.tgz
  landfall apply --site site.yaml --offline docker-28.5.2.tgz
      install what site.yaml says of this host; see landfall fleet report

Refused are: another host, and one that has changed since (exit code 3, with what is
different and the command that makes a new plan), another archive (4), a plan that was
edited or that another build of landfall made (3).";
/// PLAN.
pub const PLAN_FILE: &str = "The file that `landfall plan -o` wrote";
/// `--offline` of `apply`.
pub const MOVED_ARCHIVE: &str = "Where the archive is now, if it is not where the plan says";
/// `probe`.
pub const PROBE: &str =
    "Print what planning needs to know of this host, to carry it out (JSON, no secrets)";
/// Shown below the options of `probe`.
pub const PROBE_EXAMPLES: &str = "\
Examples:
  landfall probe >host.json
  landfall probe --user deploy --data-root /data/docker >host.json
      options of install decide what is looked at: give those that you will plan with

Run it as root; without, it sees less and says so. Nothing is changed, no archive is needed.";
/// `support-bundle`.
pub const SUPPORT_BUNDLE: &str =
    "Pack what somebody far away needs to find out what is wrong here (no secrets)";
/// Shown below the options of `support-bundle`.
pub const SUPPORT_BUNDLE_EXAMPLES: &str = "\
Examples:
  landfall support-bundle
  landfall support-bundle -o site-north.tgz --hours 6

Facts, findings, units, logs, configuration, network, and what landfall did; known kinds
of secrets are taken out. manifest.json in it lists what is there, and what is not and why.
Run it as root; without, less can be read.";
/// `uninstall`.
pub const UNINSTALL: &str = "Undo exactly what install did; keep what people changed since";
/// Shown below the options of `uninstall`.
pub const UNINSTALL_EXAMPLES: &str = "\
Examples:
  landfall uninstall                   keep images, containers and volumes
  landfall uninstall --purge data      delete them too
  landfall uninstall --purge config    also configuration of landfall's that was changed since
  landfall uninstall --purge all       both";
/// `adopt`.
pub const ADOPT: &str = "Take over a Docker that somebody else installed; touch nothing of it";
/// Shown below the options of `adopt`.
pub const ADOPT_NOTES: &str = "\
Finds out which Docker is there, however it was installed, and writes a receipt of it; nothing
else is written, nothing is restarted. From then on install (with the archive of that version, or
of another one), upgrade, rollback, doctor and status work on it. What packages own is looked
after and not changed: the package manager's commands are named. uninstall puts back what
landfall changed since, and leaves Docker; uninstall --include-adopted removes it too.

Examples:
  landfall adopt --dry-run     what is there, and whether it can be taken over
  landfall adopt";
/// `--dry-run` of `adopt`.
pub const ADOPT_DRY_RUN: &str = "Say what is there, and write nothing";
/// `--include-adopted`.
pub const INCLUDE_ADOPTED: &str = "Also remove a Docker that landfall adopt took over";
/// `rollback`.
pub const ROLLBACK: &str = "Go back to what was before the last run, or to an earlier engine";
/// Shown below the options of `rollback`.
pub const ROLLBACK_EXAMPLES: &str = "\
A run that was cut is taken back first; without --to, nothing else is.

Examples:
  landfall rollback --dry-run       what that is, and which containers stop
  landfall rollback                 take back the last run
  landfall rollback --to 26.1.5     take back all runs since docker 26.1.5 was installed";
/// `rollback --dry-run`.
pub const ROLLBACK_DRY_RUN: &str = "Show what would be taken back, and which containers stop";
/// `rollback --metadata`.
pub const METADATA: &str = "Also put back what the engine knew of containers, images and networks";
/// `upgrade`.
pub const UPGRADE: &str = "Replace the installed engine by another version";
/// Shown below the options of `upgrade`.
pub const UPGRADE_EXAMPLES: &str = "\
What was asked for when the engine was installed is kept; options add to it or replace it. The
engine is down while its programs are swapped; containers that ran before run again. If the new
engine does not start, does not run them, or does not stay up, everything goes back.

Examples:
  landfall upgrade --offline docker-28.5.2.tgz
  landfall upgrade --offline docker-28.5.2.tgz --watch 60";
/// `upgrade --watch`.
pub const WATCH: &str = "Watch the units so long; one that restarts takes the upgrade back";
/// `migrate-data-root`.
pub const MIGRATE: &str =
    "Move images, containers and volumes to another directory, with a way back";
/// Shown below the options of `migrate-data-root`.
pub const MIGRATE_NOTES: &str = "\
Copies docker's data (and containerd's, to DIR/containerd) while containers run; then stops
docker, copies what has changed since, compares, and starts docker with the copy. Containers
are down for that last part alone. The old data stay, and landfall rollback goes back to them
as they were then; --finish deletes them.

Examples:
  landfall migrate-data-root /data/docker --dry-run
  landfall migrate-data-root /data/docker
  landfall migrate-data-root --finish";
/// DIR of `migrate-data-root`.
pub const MIGRATE_TO: &str = "The new place: an empty directory, or one that does not exist";
/// `--finish`.
pub const FINISH: &str =
    "Delete the data that are not in use since a move, once docker answers with the others";
/// `configure`.
pub const CONFIGURE: &str = "Change keys of daemon.json, and bring the engine in line";
/// Shown below the options of `configure`.
pub const CONFIGURE_EXAMPLES: &str = "\
Keys that are not named stay as they are, whoever set them, and so does the look of the file.
What somebody else set is shown beside what is asked for, and needs --force or a choice. The
engine is reloaded where that is enough, and restarted where it is not; the plan says which
containers that stops. Keys under `daemon:` in the file that --config names count as --set.

Examples:
  landfall configure --registry-mirror https://mirror.example
  landfall configure --add insecure-registries=harbor.example:8443
  landfall configure --set 'log-opts={\"max-size\": \"50m\"}' --unset bip
  landfall configure --repair            mend what needs no guess: comments, spare commas";
/// `configure --unset`.
pub const UNSET: &str = "Take a key out of daemon.json (repeatable)";
/// `configure --add`.
pub const ADD: &str = "Add an element to a list (repeatable)";
/// `configure --remove`.
pub const REMOVE: &str = "Take an element out of a list (repeatable)";
/// `configure --force`.
pub const FORCE: &str = "Replace what somebody else set, too";
/// `configure --repair`.
pub const REPAIR_JSON: &str =
    "Mend a daemon.json that is no JSON: byte order mark, comments, spare commas";
/// `configure --dry-run`.
pub const CONFIGURE_DRY_RUN: &str = "Show the plan and stop";
/// `bootstrap-script`.
pub const BOOTSTRAP_SCRIPT: &str =
    "Print a script that fetches landfall on a new host and installs";
/// Shown below the options of `bootstrap-script`.
pub const BOOTSTRAP_SCRIPT_NOTES: &str = "\
Example, for the %post of a kickstart file:
  landfall bootstrap-script --url http://depot.internal/landfall \\
      --archive http://depot.internal/docker-28.5.2.tgz -- --user deploy

The script is plain POSIX sh and needs curl or wget. It refuses a program whose sha256 differs;
the archive is checked by landfall install, as ever. A password in an address or an argument
stands in the script for everybody who may read it.";
/// `cloud-init`.
pub const CLOUD_INIT: &str = "Print the same as user-data for cloud-init";
/// Shown below the options of `cloud-init`.
pub const CLOUD_INIT_NOTES: &str = "\
Example:
  landfall cloud-init --url http://depot.internal/landfall \\
      --archive http://depot.internal/docker-28.5.2.tgz -- --user deploy > user-data

What it did stands in /var/log/cloud-init-output.log. User-data can be read by every program on
most clouds: no passwords in addresses and arguments.";
/// `bootstrap-script --url`.
pub const BOOTSTRAP_URL: &str =
    "Where hosts fetch landfall; {arch} in it stands for what uname -m says there";
/// `bootstrap-script --sha256`.
pub const BOOTSTRAP_SHA256: &str =
    "Its digest, per architecture if there are several; default: this program's own";
/// `bootstrap-script --archive`.
pub const BOOTSTRAP_ARCHIVE: &str = "Where hosts fetch the archive; adds --offline to install";
/// `bootstrap-script --ca`.
pub const BOOTSTRAP_CA: &str = "PEM certificates that vouch for the servers, instead of the host's";
/// `bootstrap-script --to`.
pub const BOOTSTRAP_TO: &str = "Where landfall stays on the host";
/// The arguments after `--`.
pub const BOOTSTRAP_ARGUMENTS: &str = "Arguments of landfall install, after --";
/// `completions`.
pub const COMPLETIONS: &str = "Print what a shell needs to complete landfall's words";
/// Shown below the options of `completions`.
pub const COMPLETIONS_NOTES: &str = "\
  landfall completions bash > /etc/bash_completion.d/landfall
  landfall completions zsh > /usr/share/zsh/site-functions/_landfall
  landfall completions fish > /etc/fish/completions/landfall.fish";
/// Which shell.
pub const SHELL: &str = "Whose";
/// `man`.
pub const MAN: &str = "Print a manual page: landfall's own, or that of a command";
/// Shown below the options of `man`.
pub const MAN_NOTES: &str = "\
  landfall man install | man -l -
  landfall man > /usr/local/share/man/man1/landfall.1";
/// Which page.
pub const MAN_COMMAND: &str = "The command, such as install";
/// Where the commands are listed.
pub const SEE_HELP: &str = "landfall --help lists all commands";
/// `apply --site`.
pub const SITE: &str = "Apply this host's entry of a file that is the same on every host";
/// `apply --as`.
pub const SITE_AS: &str = "Which entry, where the host's name, address or machine-id does not tell";
/// `apply --results`.
pub const SITE_RESULTS: &str = "Where result-<host>.json is written [default: this directory]";
/// `fleet`.
pub const FLEET: &str = "Look at many hosts at once";
/// `fleet report`.
pub const FLEET_REPORT: &str = "Put together what became of the hosts of a site";
/// Shown below the options of `fleet report`.
pub const FLEET_REPORT_NOTES: &str = "\
Example:
  landfall fleet report /mnt/usb/results --site site.yaml --html report.html

Exits with 8 if a host failed or left no result, with 0 otherwise.";
/// The results of `fleet report`.
pub const FLEET_RESULTS: &str = "A directory of result-<host>.json files";
/// `fleet report --site`.
pub const FLEET_SITE: &str = "The site file: names hosts that left no result";
/// `fleet report --html`.
pub const FLEET_HTML: &str = "Write one page that can be opened anywhere";
/// `fleet report --junit`.
pub const FLEET_JUNIT: &str = "Write JUnit XML, for CI systems";
/// `history`.
pub const HISTORY: &str = "List the runs on this host, and what can be gone back to";
/// `prune`.
pub const PRUNE: &str = "Delete copies that are needed only to go back behind older runs";
/// Shown below the options of `prune`.
pub const PRUNE_NOTES: &str = "\
What uninstall needs to put back what stood there before the first run is always kept.";
/// `prune --keep`.
pub const KEEP: &str = "How many of the last runs can still be taken back";
/// `rollback --to`.
pub const ROLLBACK_TO: &str = "The version of the engine to go back to";
/// `recover`.
pub const RECOVER: &str = "Complete a run that was cut off, or take it back, and nothing else";
/// Shown below the options of `recover`.
pub const RECOVER_NOTES: &str = "\
A run that was killed, or whose host lost its power, is taken back; one that had made all its
changes is completed. Every command that changes the host does so first, and the next boot
does it by itself, before docker is started. Type this if that boot could not
(journalctl -t landfall says why), once the cause is mended.";
/// `confirm`.
pub const CONFIRM: &str = "Keep the change of a run that waits for it (--confirm-within)";
/// Shown below the options of `confirm`.
pub const CONFIRM_NOTES: &str = "\
A run with --confirm-within makes its change, verifies it, and waits. Type this in a new
session: that you could open one shows that the change has not cut you off. If it does not
come in time, the run rolls everything back. If the power is cut while it waits, the next
boot does.";
/// `status`.
pub const STATUS: &str = "Show what is installed, whether it runs, and a run that goes on";

/// `verify`.
pub const VERIFY: &str = "Compare this host with what landfall left, and put it back if asked to";
/// Shown below the options of `verify`.
pub const VERIFY_EXAMPLES: &str = "\
Examples:
  landfall verify
      what differs: programs, units, keys of daemon.json, the group, the engine, images
  landfall verify --repair
      put it back: files that landfall wrote, modes, owners, links, members, keys of daemon.json
  landfall verify --repair --offline docker-28.5.2.tgz
      the same, with programs whose bytes are damaged or gone

Exits with 7 if something differs, with 0 if nothing does. What others may rightly do, such as
keys of their own in daemon.json, more members or drop-ins, is a note and no difference.";
/// `verify --repair`.
pub const REPAIR: &str = "Put back what differs; shown and asked before, undone by rollback";
/// `verify --offline`.
pub const REPAIR_FROM: &str = "The archive that was installed, for programs that are damaged";

/// `doctor`.
pub const DOCTOR: &str = "Find out what is wrong with this host, before or after an installation";
/// Shown below the options of `doctor`.
pub const DOCTOR_EXAMPLES: &str = "\
Examples:
  landfall doctor          look at everything, change nothing
  landfall doctor LF104    what this code means, how to check it by hand, how to mend it
  landfall doctor --fix    repair what is safe: enable units, remove links that lead nowhere,
                           reload units, forwarding, permissions of the socket

Works with any Docker, or none; one that landfall installed is judged where it was put, and for
the group it was given. Without root it says what it could not see. Exits with 7 if there are
errors, with 0 if there are only warnings and notes; --fix looks again, and what is left counts.";
/// The code to explain.
pub const DOCTOR_CODE: &str = "Explain this code, such as LF104, instead of looking";
/// `--explain`.
pub const EXPLAIN: &str = "The same";
/// `--fix`.
pub const FIX: &str = "Repair what can be repaired safely; shown and asked before, undoable";

/// `--offline`.
pub const OFFLINE: &str =
    "The engine: a bundle (or its list of volumes), or upstream's docker-<version>.tgz";
/// `--online`.
pub const ONLINE: &str = "The engine comes from a mirror";
/// `--method`.
pub const METHOD: &str = "What comes from there: static (upstream's archive) or packages \
     (Docker's, by the package manager); static where there are none";
/// `--mirror`.
pub const MIRROR: &str = "From where, the first that works: a name (see landfall mirrors), a URL, \
     or auto for the fastest; repeatable";
/// `--version`.
pub const VERSION: &str = "Which version, such as 28.5.2";
/// `--ca`.
pub const CA: &str = "An authority (PEM) that mirrors' certificates may be signed by, beside the \
     system's";
/// `--cache-dir`.
pub const CACHE_DIR: &str =
    "Where what was fetched is kept [/var/cache/landfall, or ~/.cache/landfall]";
/// `mirrors`.
pub const MIRRORS: &str = "List the mirrors that are known, or measure them from here";
/// Notes of `mirrors`.
pub const MIRRORS_EXAMPLES: &str = "\
Examples:
  landfall mirrors
  landfall mirrors --probe
      which of them this host reaches, and how fast they are
  landfall mirrors --probe tuna https://mirror.internal/docker-ce --ca internal-ca.pem

They are asked for half a MiB of upstream's archive for this machine, and whether they have
Docker's packages for this distribution. Proxies come from http_proxy, https_proxy and no_proxy,
or from download.proxy in landfall.yaml.";
/// `--probe`.
pub const PROBE_MIRRORS: &str = "Ask them, and show the fastest first";
/// MIRROR of `mirrors`.
pub const MIRRORS_NAMED: &str = "Only these: names or URLs";
/// `--version` of `mirrors`.
pub const MIRRORS_VERSION: &str = "The version whose archive is asked for";
/// `--gpg-fingerprint`.
pub const GPG_FINGERPRINT: &str = "Whose key a mirror's has to be, if not upstream's";
/// `--hold`.
pub const HOLD: &str = "Keep the packages at their versions, whatever is upgraded";
/// `--replace`.
pub const REPLACE: &str = "Let the package manager remove what conflicts";
/// `--sha256`.
pub const SHA256: &str = "Digest that the archive must have (64 hexadecimal digits)";
/// `--allow-unpinned`.
pub const ALLOW_UNPINNED: &str = "Accept an archive whose digest nobody vouches for";
/// `--trusted-key`.
pub const TRUSTED_KEY: &str =
    "Accept only a bundle that is signed with this key, or one in /etc/landfall/trusted-keys.d";
/// `--user`.
pub const USER: &str =
    "Let this user run docker (repeatable). Nobody by default: it is as good as root";
/// `--group`.
pub const GROUP: &str =
    "Group that may use docker; it is made if it is not there [default: docker]";
/// `--gid`.
pub const GID: &str = "Id of that group, if it has to be made; one that is there keeps its own";
/// `--unit-style`.
pub const UNIT_STYLE: &str =
    "Units: modern, or classic (docker.service alone, as always before 18.09)";
/// `--registry-mirror`.
pub const REGISTRY_MIRROR: &str =
    "Mirror of Docker Hub, such as https://mirror.example (repeatable)";
/// `--insecure-registry`.
pub const INSECURE_REGISTRY: &str =
    "Registry without TLS, or with a certificate that is not checked (repeatable)";
/// `--data-root`.
pub const DATA_ROOT: &str = "Where images, containers and volumes go [default: /var/lib/docker]";
/// `--log-max-size`.
pub const LOG_MAX_SIZE: &str = "Rotate a container's log at this size, such as 50m";
/// `--log-max-file`.
pub const LOG_MAX_FILE: &str = "Keep so many rotated logs for a container";
/// `--live-restore`.
pub const LIVE_RESTORE: &str = "Let containers run on while the daemon restarts";
/// `--bip`.
pub const BIP: &str = "Address and prefix of the default bridge, such as 172.30.0.1/24";
/// `--set`.
pub const SET: &str =
    "Any other key of daemon.json, such as --set 'dns=[\"10.0.0.2\"]' (repeatable)";
/// `--image`.
pub const IMAGE: &str = "Archive of images (docker save) to load (repeatable)";
/// `--no-smoke-test`.
pub const NO_SMOKE_TEST: &str = "Do not run a container at the end to prove that the engine works";
/// `--no-kernel-modules`.
pub const NO_KERNEL_MODULES: &str =
    "Do not have the modules that containers need loaded at each boot (/etc/modules-load.d)";
/// `--keep-forwarding`.
pub const KEEP_FORWARDING: &str = "Keep IPv4 forwarding on from the boot on (/etc/sysctl.d): the \
     engine then leaves the policy of what is forwarded alone";
/// `--ignore`.
pub const IGNORE: &str = "Go on in spite of this finding, such as LF012 (repeatable)";
/// `--bin-dir`.
pub const BIN_DIR: &str = "Where programs go [default: /usr/bin]";
/// `--confirm-within`.
pub const CONFIRM_WITHIN: &str =
    "Roll back unless `landfall confirm` comes within this time, such as 120s or 2m";
/// `--dry-run`.
pub const DRY_RUN: &str = "Show the plan and stop, as `landfall plan` does";
/// `--detailed-exitcode`.
pub const DETAILED_EXITCODE: &str = "Exit with 10 instead of 0 if there is something to do";
/// `-o` of `plan`.
pub const PLAN_OUT: &str = "Write the plan to this file too, for `landfall apply`";
/// `--facts`.
pub const FACTS: &str =
    "Plan for the host that this file of `landfall probe` describes, not for this one";
/// `-o` of `support-bundle`.
pub const BUNDLE_OUT: &str = "Where the bundle goes [default: landfall-support-HOST-TIME.tgz here]";
/// `--hours`.
pub const HOURS: &str = "Logs of the last N hours";
/// `--purge`.
pub const PURGE: &str = "What else is deleted: config, data, or all";
/// `--root`.
pub const ROOT: &str = "Work on the image or chroot in this directory; start nothing";
/// `--config`.
pub const CONFIG: &str = "Configuration file [default: /etc/landfall/landfall.yaml, if there]";
/// `--json`.
pub const JSON: &str = "Print JSON lines (see docs/json-events.md)";
/// `--quiet`.
pub const QUIET: &str = "Print errors, warnings and results alone";
/// `--verbose`.
pub const VERBOSE: &str = "Print more: every step with its time, all findings";
/// `--no-progress`.
pub const NO_PROGRESS: &str = "Draw no progress bars";
/// `--color`.
pub const COLOR: &str = "Colour the output: auto, always, never";
/// `--yes`.
pub const YES: &str = "Do not ask before changing anything (without a terminal nothing is asked)";

/// `--http-proxy`.
pub const HTTP_PROXY: &str = "The daemon's proxy for plain HTTP; an empty one takes it out";
/// `--https-proxy`.
pub const HTTPS_PROXY: &str = "The daemon's proxy for HTTPS, and so for most registries";
/// `--no-proxy`.
pub const NO_PROXY: &str = "What the daemon reaches without it: 10.0.0.0/8,.internal,HOST:PORT";
/// `--registry-ca`.
pub const REGISTRY_CA: &str =
    "Trust this authority's certificate for a registry; HOST= takes it out again";
/// `registry`.
pub const REGISTRY: &str = "Look at registries of images as the engine of this host would";
/// `registry check`.
pub const REGISTRY_CHECK: &str =
    "Whether registries and mirrors can be used: name, TLS, token, login, manifest";
/// Shown below the options of `registry check`.
pub const REGISTRY_CHECK_EXAMPLES: &str = "\
Examples:
  landfall registry check harbor.internal
  landfall registry check harbor.internal:5000/team/app:2.1
      and whether this image can be pulled
  landfall registry check https://mirror.internal --image alpine:3.20
      as dockerd uses a mirror: at the root, without a login
  landfall registry check
      all mirrors of daemon.json, and all registries of /etc/docker/certs.d

It goes by what dockerd goes by: /etc/hosts and /etc/resolv.conf, certs.d and the system's
authorities, insecure-registries, its proxy; and by the credentials of docker login of who
calls it. Each stage that fails has a code of its own, and what mends it. Nothing is changed.";
/// REGISTRY of `registry check`.
pub const REGISTRY_TARGET: &str =
    "HOST[:PORT][/NAME[:TAG]], or the URL of a mirror; without any: all that are configured";
/// `--image`.
pub const REGISTRY_IMAGE: &str = "The image whose manifest is read";
/// `login`.
pub const LOGIN: &str = "Try name and password on a registry, and keep them for docker";
/// Shown below the options of `login`.
pub const LOGIN_NOTES: &str = "\
Examples:
  landfall login harbor.internal --username deploy
      asks for the password on the terminal
  landfall login harbor.internal --username 'robot$ci' --password-stdin <token

They are tried first, as landfall registry check does. Then they are kept where docker looks
for them: by the credential helper that config.json of the caller names (credHelpers,
credsStore), or in config.json itself, which its owner alone may read then (0600).";
/// REGISTRY of `login`.
pub const LOGIN_REGISTRY: &str = "HOST[:PORT], as names of images have it";
/// `--username`.
pub const LOGIN_USER: &str = "Who";
/// `--password-stdin`.
pub const PASSWORD_STDIN: &str = "Take the password from standard input";
/// `--password-file`.
pub const PASSWORD_FILE: &str = "Take the password from this file";

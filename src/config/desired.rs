//! Options and file become [`Desired`].

use std::path::PathBuf;

use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::duration;
use super::error::{ConfigError, Origin};
use super::file::FileConfig;
use super::names::{self, Refusal};
use super::options::Options;
use crate::desired::{Desired, GroupWanted, ProxyWanted, Source};
use crate::mirrors::{self, Site, Wanted};
use crate::online::Online;
use crate::render::daemon_json;
use crate::texts::phrases::config as phrases;
use crate::topology::Topology;

/// What the host shall be, by flags first, then by the file, then by default.
///
/// # Errors
/// A [`ConfigError`] for the first value that cannot be used, with where it was given.
pub fn desired(options: &Options, file: Option<&FileConfig>) -> Result<Desired, ConfigError> {
    let keys = file.map(|file| &file.keys);
    let source = keys.map(|keys| &keys.engine.source);
    let unit_style = options.unit_style.or(keys.and_then(|keys| keys.service.unit_style));
    let online = online(options, file)?;
    Ok(Desired {
        source: Source {
            archive: match &online {
                Some(online) => named_archive(online.version.as_deref()),
                None => archive(options, file)?,
            },
            online,
            sha256: options.sha256.or(source.and_then(|source| source.sha256)),
            agreed: options.agreed,
            allow_unpinned: options
                .allow_unpinned
                .or(source.and_then(|source| source.allow_unpinned))
                .unwrap_or(false),
            trusted_keys: options.trusted_keys.clone(),
            require_signature: !options.trusted_keys.is_empty()
                || keys.and_then(|keys| keys.require_signature).unwrap_or(false),
        },
        bin_dir: bin_dir(options, file)?,
        group: group(options, file)?,
        unit_style,
        daemon: daemon(options, file, unit_style)?,
        images: images(options, file),
        smoke_test: options.smoke_test.or(keys.and_then(|keys| keys.smoke_test)).unwrap_or(true),
        kernel: options.kernel.or(file.map(FileConfig::kernel).unwrap_or_default()),
        confirm_within: confirm_within(file)?,
        watch: None,
        proxy: proxy(options, file)?,
        // Whoever calls reads the files that are named.
        registries: Vec::new(),
        ignore: strings(
            &options.ignore,
            "--ignore",
            file,
            |file| &file.keys.ignore,
            names::finding,
        )?,
    })
}

/// What is asked for of a repository, if the engine is to come from one. An archive that is named
/// by a flag wins over a repository in the file.
fn online(options: &Options, file: Option<&FileConfig>) -> Result<Option<Online>, ConfigError> {
    let keys = file.and_then(|file| file.keys.engine.source.online.as_ref());
    let by_flag = options.online == Some(true);
    if options.archive.is_some() || (keys.is_none() && !by_flag) {
        return match online_flag(options) {
            Some(flag) if !by_flag => Err(ConfigError::NeedsOnline { flag }),
            _ => Ok(None),
        };
    }
    let from_file = keys.map(|keys| keys.mirrors.clone()).unwrap_or_default();
    let mirrors = if options.mirrors.is_empty() { from_file } else { options.mirrors.clone() };
    let (mirrors, logins) = named_mirrors(&mirrors)?;
    let online = Online {
        mirrors,
        logins,
        version: options.version.clone().or_else(|| keys?.version.clone()),
        fingerprint: options.fingerprint.or_else(|| keys?.gpg_fingerprint),
        hold: options.hold.or_else(|| keys?.hold).unwrap_or(false),
        replace: options.replace.or_else(|| keys?.replace).unwrap_or(false),
    };
    if let Some(version) = online.version.as_deref().filter(|version| !is_version(version)) {
        let refusal = (phrases::VERSION_FORM, phrases::VERSION_HINT);
        return Err(invalid(Origin::Flag("--version"), version, refusal));
    }
    Ok(Some(online))
}

/// The mirrors as they may be written down, and those that were named with a login.
fn named_mirrors(mirrors: &[String]) -> Result<(Vec<String>, Vec<Site>), ConfigError> {
    let Wanted::Sites(sites) = mirrors::wanted(mirrors).map_err(ConfigError::Mirror)? else {
        return Ok((mirrors.to_vec(), Vec::new()));
    };
    let logins: Vec<Site> = sites.into_iter().filter(|site| site.login().is_some()).collect();
    for site in &logins {
        // Words of a file that has blanks between its words (apt_auth.conf(5)).
        let is_word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        if site.login().is_some_and(|it| !is_word(&it.user) || !is_word(&it.password)) {
            return Err(ConfigError::MirrorLogin { root: site.root() });
        }
    }
    let shown = |text: &String| mirrors::site(text).map(|it| (it.login().is_some(), it.root()));
    let named = mirrors.iter().map(|text| match shown(text) {
        Ok((true, root)) => root,
        _ => text.clone(),
    });
    Ok((named.collect(), logins))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte))
}

/// An option that means nothing without `--online`.
fn online_flag(options: &Options) -> Option<&'static str> {
    if !options.mirrors.is_empty() {
        Some("--mirror")
    } else if options.version.is_some() {
        Some("--version")
    } else if options.fingerprint.is_some() {
        Some("--gpg-fingerprint")
    } else if options.hold == Some(true) {
        Some("--hold")
    } else {
        (options.replace == Some(true)).then_some("--replace")
    }
}

/// The name that upstream's archive of a version has.
fn named_archive(version: Option<&str>) -> PathBuf {
    version.map(|version| PathBuf::from(format!("docker-{version}.tgz"))).unwrap_or_default()
}

fn archive(options: &Options, file: Option<&FileConfig>) -> Result<PathBuf, ConfigError> {
    let from_file =
        || file.and_then(|file| Some(file.resolve(file.keys.engine.source.offline.as_deref()?)));
    options.archive.clone().or_else(from_file).ok_or(ConfigError::NoSource)
}

fn images(options: &Options, file: Option<&FileConfig>) -> Vec<PathBuf> {
    match file {
        Some(file) if options.images.is_empty() => {
            file.keys.images.load.iter().map(|image| file.resolve(image)).collect()
        }
        _ => options.images.clone(),
    }
}

/// In seconds, as the file says; the flag belongs to the command that runs.
fn confirm_within(file: Option<&FileConfig>) -> Result<Option<u64>, ConfigError> {
    let Some(file) = file else { return Ok(None) };
    let Some(text) = &file.keys.confirm_within else { return Ok(None) };
    let time = duration::parse(&text.value)
        .map_err(|refusal| invalid(file.origin(text), &text.value, refusal))?;
    Ok(Some(time.as_secs()))
}

/// Each value by itself, from a flag or from the file; an empty one takes it out.
fn proxy(options: &Options, file: Option<&FileConfig>) -> Result<Option<ProxyWanted>, ConfigError> {
    let url = |given: Option<(Origin, String)>| {
        let Some((origin, text)) = given else { return Ok(None) };
        names::proxy(&text).map_err(|refusal| match names::without_password(&text) {
            Some(shown) => invalid(origin, shown, refusal),
            None => invalid(origin, &text, refusal),
        })?;
        Ok(Some(text))
    };
    let http = one(&options.http_proxy, "--http-proxy", file, |file| {
        file.keys.service.proxy.http.as_ref()
    });
    let https = one(&options.https_proxy, "--https-proxy", file, |file| {
        file.keys.service.proxy.https.as_ref()
    });
    let no = one(&options.no_proxy, "--no-proxy", file, |file| file.keys.service.proxy.no.as_ref());
    if http.is_none() && https.is_none() && no.is_none() {
        return Ok(None);
    }
    if let Some((origin, text)) = &no {
        names::no_proxy(text).map_err(|refusal| invalid(origin.clone(), text, refusal))?;
    }
    Ok(Some(ProxyWanted { http: url(http)?, https: url(https)?, no: no.map(|(_, text)| text) }))
}

fn bin_dir(options: &Options, file: Option<&FileConfig>) -> Result<String, ConfigError> {
    let given = one(&options.bin_dir, "--bin-dir", file, |file| file.keys.engine.bin_dir.as_ref());
    let Some((origin, path)) = given else { return Ok("/usr/bin".to_string()) };
    let normal =
        names::directory(&path).map_err(|refusal| invalid(origin.clone(), &path, refusal))?;
    match crate::render::units::is_program_directory(&normal) {
        true => Ok(normal),
        false => Err(invalid(
            origin,
            &path,
            (phrases::DIRECTORY_CHARACTERS, phrases::DIRECTORY_CHARACTERS_HINT),
        )),
    }
}

fn group(options: &Options, file: Option<&FileConfig>) -> Result<GroupWanted, ConfigError> {
    let name = match one(&options.group, "--group", file, |file| file.keys.group.name.as_ref()) {
        Some((origin, name)) => {
            names::group(&name).map_err(|refusal| invalid(origin, &name, refusal))?;
            name
        }
        None => "docker".to_string(),
    };
    let gid = one(&options.gid, "--gid", file, |file| file.keys.group.gid.as_ref());
    if let Some((origin, gid)) = &gid {
        names::gid(*gid).map_err(|refusal| invalid(origin.clone(), gid, refusal))?;
    }
    let members =
        strings(&options.users, "--user", file, |file| &file.keys.group.members, names::user)?;
    Ok(GroupWanted { name, gid: gid.map(|(_, gid)| gid), members })
}

/// The keys of daemon.json: those of the file, then those of flags over them.
fn daemon(
    options: &Options,
    file: Option<&FileConfig>,
    style: Option<Topology>,
) -> Result<Map<String, Value>, ConfigError> {
    let mut daemon = Map::new();
    for (file, (key, value)) in
        file.iter().flat_map(|file| file.keys.daemon.0.iter().map(move |e| (file, e)))
    {
        daemon_json::validate_key(&key.value, value, style)
            .map_err(|problem| ConfigError::Daemon { origin: file.origin(key), problem })?;
        daemon.insert(key.value.clone(), value.clone());
    }
    let mut by_flag: Vec<(String, &'static str)> = Vec::new();
    for (key, flag, value) in flags(options) {
        daemon_json::validate_key(key, &value, style)
            .map_err(|problem| ConfigError::Daemon { origin: Origin::Flag(flag), problem })?;
        match (daemon.get_mut(key), value) {
            // The two log options are two flags, and leave other log options alone.
            (Some(Value::Object(there)), Value::Object(new)) => there.extend(new),
            (_, value) => {
                daemon.insert(key.to_string(), value);
            }
        }
        by_flag.push((key.to_string(), flag));
    }
    for argument in &options.set {
        let (key, value) = parse_set(argument)?;
        if let Some((key, by)) = by_flag.iter().find(|(flagged, _)| *flagged == key) {
            return Err(ConfigError::Conflict { key: key.clone(), by });
        }
        daemon_json::validate_key(&key, &value, style)
            .map_err(|problem| ConfigError::Daemon { origin: Origin::Flag("--set"), problem })?;
        daemon.insert(key.clone(), value);
        by_flag.push((key, phrases::ANOTHER_SET));
    }
    Ok(daemon)
}

/// Keys of daemon.json that have a flag of their own: key, flag, value.
fn flags(options: &Options) -> Vec<(&'static str, &'static str, Value)> {
    let list = |list: &[String]| (!list.is_empty()).then(|| Value::from(list.to_vec()));
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let log_option = |key: &str, value: Option<String>| {
        value.map(|value| Value::Object(Map::from_iter([(key.to_string(), Value::from(value))])))
    };
    let max_file = options.log_max_file.map(|count| count.to_string());
    [
        ("registry-mirrors", "--registry-mirror", list(&options.registry_mirrors)),
        ("insecure-registries", "--insecure-registry", list(&options.insecure_registries)),
        ("data-root", "--data-root", text(&options.data_root)),
        ("log-opts", "--log-max-size", log_option("max-size", options.log_max_size.clone())),
        ("log-opts", "--log-max-file", log_option("max-file", max_file)),
        ("live-restore", "--live-restore", options.live_restore.map(Value::from)),
        ("bip", "--bip", text(&options.bip)),
    ]
    .into_iter()
    .filter_map(|(key, flag, value)| Some((key, flag, value?)))
    .collect()
}

/// `KEY=JSON`.
fn parse_set(argument: &str) -> Result<(String, Value), ConfigError> {
    let refuse = |reason: String, hint| ConfigError::Invalid {
        origin: Origin::Flag("--set"),
        value: argument.to_string(),
        reason,
        hint,
    };
    let Some((key, json)) = argument.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err(refuse(phrases::SET_FORM.to_string(), phrases::SET_HINT));
    };
    let value = serde_json::from_str(json).map_err(|error| {
        let text = error.to_string();
        let problem = text.split(" at line ").next().unwrap_or_default();
        let column = error.column();
        let hint = if json.starts_with(|c: char| c.is_alphabetic() || c == '/') {
            phrases::SET_QUOTES_HINT
        } else {
            phrases::SET_HINT
        };
        refuse(phrases::set_no_json(key, problem, column), hint)
    })?;
    Ok((key.to_string(), value))
}

/// A value from a flag or from the file, with where it was given.
fn one<T: Clone>(
    flag: &Option<T>,
    name: &'static str,
    file: Option<&FileConfig>,
    key: impl Fn(&FileConfig) -> Option<&Spanned<T>>,
) -> Option<(Origin, T)> {
    match (flag, file) {
        (Some(value), _) => Some((Origin::Flag(name), value.clone())),
        (None, Some(file)) => key(file).map(|value| (file.origin(value), value.value.clone())),
        (None, None) => None,
    }
}

/// A list from flags or from the file, without repetitions, each element checked.
fn strings(
    flags: &[String],
    name: &'static str,
    file: Option<&FileConfig>,
    key: impl Fn(&FileConfig) -> &Vec<Spanned<String>>,
    check: impl Fn(&str) -> Result<(), Refusal>,
) -> Result<Vec<String>, ConfigError> {
    let given: Vec<(Origin, &String)> = match file {
        Some(file) if flags.is_empty() => {
            key(file).iter().map(|value| (file.origin(value), &value.value)).collect()
        }
        _ => flags.iter().map(|value| (Origin::Flag(name), value)).collect(),
    };
    let mut values: Vec<String> = Vec::new();
    for (origin, value) in given {
        check(value).map_err(|refusal| invalid(origin, value, refusal))?;
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    Ok(values)
}

fn invalid(origin: Origin, value: impl ToString, (reason, hint): Refusal) -> ConfigError {
    ConfigError::Invalid { origin, value: value.to_string(), reason: reason.to_string(), hint }
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;

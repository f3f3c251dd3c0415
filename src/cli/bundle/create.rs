//! `landfall bundle create`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::super::args::Global;
use super::super::failure::{Failure, exit};
use super::super::output::{Output, utc};
use super::super::prepare::{bundled_config, file_name};
use super::super::show_plan::megabytes;
use super::super::source::verdict;
use super::{CreateArgs, about, keys, not_written, text_of, usage};
use crate::bundle::create::{Builder, Measured, read_images};
use crate::bundle::format::{
    self, BundledPackage, BundledPlugin, PLUGINS, Provenance, Reader, Signer, WholeFile,
};
use crate::bundle::trust::{PinSource, Verdict};
use crate::bundle::{self, Archive, Limits, Machine, Sink, image_layout};
use crate::config::recipe::{PackageFile, PluginFile, Recipe};
use crate::host::output::{Draft, spool};
use crate::host::{clock, input};
use crate::report::{Event, Phase, Reporter};
use crate::stage::StageError;
use crate::texts::{bundle as texts, trust as trust_texts};

/// `landfall bundle create`.
pub fn create(global: &Global, args: &CreateArgs, output: &Output) -> Result<u8, Failure> {
    let recipe = recipe(global, args)?;
    let Some(engine) = &recipe.engine else {
        return Err(Failure::new(exit::USAGE, texts::NO_ENGINE_ARCHIVE));
    };
    // What is asked for a password is asked first, and not after minutes.
    let key = args.key.as_deref().map(|key| keys::signing_key(key, args.password_file.as_deref()));
    let key = key.transpose()?;
    let engine = Engine::unpack(engine, &recipe, &args.output, output)?;
    let machine = engine.archive.machine().map(|machine| machine.to_string()).unwrap_or_default();
    let arch = recipe.arch.clone().unwrap_or_else(|| machine.clone());
    if arch != machine {
        let text = texts::other_architecture(&shown(&engine.path), &machine, &arch);
        return Err(Failure::new(exit::USAGE, text));
    }
    let mut builder = Builder::new(&arch, created()?);
    engine.add_to(&mut builder);
    for plugin in &recipe.plugins {
        add_plugin(&mut builder, plugin, &arch)?;
    }
    for images in &recipe.images {
        add_images(&mut builder, images, &arch, &args.output, output)?;
    }
    for package in &recipe.packages {
        add_package(&mut builder, package)?;
    }
    if let Some(config) = &recipe.config {
        let text = text_of(config)?;
        bundled_config(&text, config)?;
        builder.configuration(text);
    }
    add_landfall(&mut builder, recipe.landfall_binary.as_deref(), &arch, output)?;
    let (manifest, items) = builder.finish();
    let images = manifest.images.len();
    let sign: Option<Signer<'_>> = None;
    let signer = key
        .as_ref()
        .map(|key| move |text: &[u8]| key.sign(text, &texts::comment(text)).map_err(Into::into));
    let signer = match &signer {
        Some(signer) => Some(signer as Signer<'_>),
        None => sign,
    };
    let total = items.iter().map(|item| item.entry.size).sum();
    output.event(&Event::Phase { phase: Phase::Pack, bytes: Some(total) });
    let mut draft = Draft::new(&args.output, 0o666).map_err(|error| usage(&error))?;
    let progress = |bytes| output.event(&Event::Bytes(bytes));
    let written = format::write(&mut draft.file, manifest, signer, items, &progress)
        .map_err(|error| not_written(&args.output, &error))?;
    draft.commit()?;
    let path = shown(&args.output);
    output.result(
        &texts::created(&path, &megabytes(written.size), &written.sha256, key.map(|it| it.id())),
        &json!({
            "event": "bundle_created", "path": path, "bytes": written.size,
            "sha256": written.sha256, "images": images,
        }),
    );
    Ok(exit::DONE)
}

fn recipe(global: &Global, args: &CreateArgs) -> Result<Recipe, Failure> {
    let file = match &args.recipe {
        Some(path) => {
            Recipe::parse(&text_of(path)?, path).map_err(|problem| about(path, problem))?
        }
        None => Recipe::default(),
    };
    Ok(file.with(Recipe {
        arch: args.arch.clone(),
        engine: args.engine_archive.clone(),
        sha256: args.sha256,
        allow_unpinned: args.allow_unpinned,
        plugins: args.plugins.clone(),
        images: args.images.clone(),
        packages: args.packages.clone(),
        config: global.config.clone(),
        landfall_binary: args.landfall_binary.clone(),
    }))
}

/// Now, or the time that a reproducible build is given (SOURCE_DATE_EPOCH).
fn created() -> Result<String, Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(_) => Ok(utc(clock::now())),
        Ok(text) => match text.parse() {
            Ok(seconds) => Ok(utc(seconds)),
            Err(_) => Err(Failure::new(exit::USAGE, texts::source_date(&text))),
        },
    }
}

/// An engine's archive, unpacked beside the bundle.
struct Engine {
    path: std::path::PathBuf,
    archive: Archive,
    version: String,
    provenance: Provenance,
    unpacked: Reader,
}

impl Engine {
    /// Reads the archive, checks it as an installation would, and keeps its programs.
    fn unpack(
        path: &Path,
        recipe: &Recipe,
        beside: &Path,
        output: &Output,
    ) -> Result<Self, Failure> {
        let name = file_name(path);
        let version =
            bundle::version_from_name(&name).ok_or_else(|| about(path, texts::NO_VERSION))?;
        let file = input::open(path).map_err(|error| usage(&error))?;
        let bytes = file.metadata().ok().map(|data| data.len());
        output.event(&Event::Phase { phase: Phase::Stage, bytes });
        let mut kept = Spool(spool(beside)?);
        let progress = |read| output.event(&Event::Bytes(read));
        let archive = bundle::read(file, &Limits::default(), &mut kept, &progress)
            .map_err(|source| StageError::Archive { path: shown(path), source })?;
        let vouched_by = vouched(path, &name, &version, &archive, recipe)?;
        let provenance = Provenance { source: name, sha256: archive.sha256, vouched_by };
        Ok(Self { path: path.to_owned(), archive, version, provenance, unpacked: kept.read()? })
    }

    fn add_to(self, builder: &mut Builder) {
        builder.engine(&self.archive, &self.version, self.provenance, &self.unpacked);
    }
}

/// Who says what the archive's digest should be; as for an installation, somebody has to.
fn vouched(
    path: &Path,
    name: &str,
    version: &str,
    archive: &Archive,
    recipe: &Recipe,
) -> Result<Vec<String>, Failure> {
    let verdict = verdict(path, name, Some(version), [recipe.sha256, None], archive)?;
    match verdict {
        Verdict::Pinned { by, .. } => Ok(by.iter().map(PinSource::to_string).collect()),
        Verdict::Unpinned { .. } if recipe.allow_unpinned => Ok(Vec::new()),
        Verdict::Unpinned { digest } => {
            Err(Failure::new(exit::UNTRUSTED, trust_texts::unpinned(name, digest))
                .hint(trust_texts::pin_it(digest)))
        }
    }
}

/// Keeps programs one behind the other in a file without a name.
struct Spool(File);

impl Spool {
    fn read(self) -> Result<Reader, Failure> {
        let whole = WholeFile::new(self.0);
        let whole = whole.map_err(|error| Failure::new(exit::FAILED, error.to_string()))?;
        Ok(Reader { source: Arc::new(whole), at: 0 })
    }
}

impl Sink for Spool {
    fn begin(&mut self, _entry_name: &str, _size: u64) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn add_plugin(builder: &mut Builder, plugin: &PluginFile, arch: &str) -> Result<(), Failure> {
    let PluginFile { name, version, file } = plugin;
    if !PLUGINS.contains(&name.as_str()) {
        return Err(Failure::new(exit::USAGE, texts::unknown_plugin(name, &PLUGINS)));
    }
    let bytes = reader(file)?;
    let entry = bundle::read_plugin(&format!("docker-{name}"), bytes.clone())
        .map_err(|error| about(file, error))?;
    right_machine(file, entry.elf.machine, arch)?;
    let sha256 = entry.sha256;
    let provenance = Provenance { source: file_name(file), sha256, vouched_by: Vec::new() };
    let plugin = BundledPlugin { name: name.clone(), version: version.clone() };
    builder.plugin(plugin, &entry, bytes, provenance);
    Ok(())
}

fn right_machine(file: &Path, machine: Machine, arch: &str) -> Result<(), Failure> {
    let machine = machine.to_string();
    match machine == arch {
        true => Ok(()),
        false => Err(about(file, texts::program_for(&machine, arch))),
    }
}

fn add_images(
    builder: &mut Builder,
    path: &Path,
    arch: &str,
    beside: &Path,
    output: &Output,
) -> Result<(), Failure> {
    output.line(&texts::reading_images(&shown(path)));
    let mut bytes = reader(path)?;
    let sha256 = Measured::of(bytes.clone()).map_err(|error| about(path, error))?.sha256;
    let mut start = [0; 2];
    bytes.source.read_at(&mut start, 0).map_err(|error| about(path, error))?;
    if start == [0x1f, 0x8b] {
        bytes = unpacked(bytes, beside).map_err(|error| about(path, error))?;
    }
    let machine = Machine::from_uname(arch).and_then(image_layout::image_architecture);
    let provenance = Provenance { source: file_name(path), sha256, vouched_by: Vec::new() };
    let images = read_images(&bytes, machine.unwrap_or(arch), &provenance)
        .map_err(|error| about(path, &error).hint(error.hint()))?;
    for (image, blobs) in images {
        let name = image.reference.clone();
        if !builder.image(image, blobs) {
            return Err(about(path, texts::two_images(&name)));
        }
    }
    Ok(())
}

/// What a gzip file unpacks to, in a file without a name: parts of it are needed at once.
fn unpacked(packed: Reader, beside: &Path) -> io::Result<Reader> {
    let mut file = spool(beside).map_err(io::Error::other)?;
    io::copy(&mut flate2::read::MultiGzDecoder::new(io::BufReader::new(packed)), &mut file)?;
    Ok(Reader { source: Arc::new(WholeFile::new(file)?), at: 0 })
}

fn add_package(builder: &mut Builder, package: &PackageFile) -> Result<(), Failure> {
    let PackageFile { distribution, file } = package;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+~-".contains(c);
    if distribution.is_empty() || distribution.starts_with('.') || !distribution.chars().all(plain)
    {
        return Err(Failure::new(exit::USAGE, texts::no_distribution(distribution)));
    }
    let bytes = Measured::of(reader(file)?).map_err(|error| about(file, error))?;
    let distribution = distribution.clone();
    builder.package(BundledPackage { distribution, file: file_name(file) }, bytes);
    Ok(())
}

/// Adds the Landfall for the hosts: the one that was named, or this one if it runs there.
fn add_landfall(
    builder: &mut Builder,
    named: Option<&Path>,
    arch: &str,
    output: &Output,
) -> Result<(), Failure> {
    let own = Path::new("/proc/self/exe");
    let path = match named {
        Some(path) => path,
        None if arch == std::env::consts::ARCH => own,
        None => {
            let text = texts::without_landfall(arch);
            output.event(&Event::Warning { text });
            return Ok(());
        }
    };
    let bytes = reader(path)?;
    let entry = bundle::read_plugin("landfall", bytes.clone()).map_err(|e| about(path, e))?;
    right_machine(path, entry.elf.machine, arch)?;
    builder.landfall(Measured { bytes, size: entry.size, sha256: entry.sha256 });
    Ok(())
}

fn reader(path: &Path) -> Result<Reader, Failure> {
    let file = input::open(path).map_err(|error| usage(&error))?;
    let whole = WholeFile::new(file).map_err(|error| about(path, error))?;
    Ok(Reader { source: Arc::new(whole), at: 0 })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

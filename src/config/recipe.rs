//! What a bundle shall be made of: `bundle.yaml`, and the options of `landfall bundle create`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::digest::Digest;

/// What a bundle shall be made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The architecture, as `uname -m` names it; `None`: that of the engine.
    pub arch: Option<String>,
    /// Upstream's archive of the engine.
    pub engine: Option<PathBuf>,
    /// The digest that it has to have.
    pub sha256: Option<Digest>,
    /// Take it although nobody vouches for its digest.
    pub allow_unpinned: bool,
    /// Plugins of docker's client.
    pub plugins: Vec<PluginFile>,
    /// Archives of images.
    pub images: Vec<PathBuf>,
    /// Packages of distributions.
    pub packages: Vec<PackageFile>,
    /// A configuration for the hosts.
    pub config: Option<PathBuf>,
    /// The Landfall for the hosts.
    pub landfall_binary: Option<PathBuf>,
}

/// A plugin and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginFile {
    /// Its name without `docker-`.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The program.
    pub file: PathBuf,
}

/// A package and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackageFile {
    /// The distribution that it is for, such as `debian-12`.
    pub distribution: String,
    /// The package.
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    version: u32,
    arch: Option<String>,
    #[serde(default)]
    engine: Engine,
    #[serde(default)]
    plugins: Vec<PluginFile>,
    #[serde(default)]
    images: Vec<PathBuf>,
    #[serde(default)]
    packages: Vec<PackageFile>,
    config: Option<PathBuf>,
    landfall_binary: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Engine {
    archive: Option<PathBuf>,
    sha256: Option<Digest>,
    #[serde(default)]
    allow_unpinned: bool,
}

impl Recipe {
    /// Reads the text of the file at `path`. Paths in it start from its own directory.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self, String> {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        let keys: Keys = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| error.to_string())?;
        if keys.version != 1 {
            return Err(crate::texts::bundle::recipe_version(keys.version));
        }
        let resolve = |named: PathBuf| path.parent().unwrap_or(Path::new("")).join(named);
        let plugin = |it: PluginFile| PluginFile { file: resolve(it.file), ..it };
        let package = |it: PackageFile| PackageFile { file: resolve(it.file), ..it };
        Ok(Self {
            arch: keys.arch,
            engine: keys.engine.archive.map(resolve),
            sha256: keys.engine.sha256,
            allow_unpinned: keys.engine.allow_unpinned,
            plugins: keys.plugins.into_iter().map(plugin).collect(),
            images: keys.images.into_iter().map(resolve).collect(),
            packages: keys.packages.into_iter().map(package).collect(),
            config: keys.config.map(resolve),
            landfall_binary: keys.landfall_binary.map(resolve),
        })
    }

    /// The same with what the command line adds: one thing replaces, several are added.
    pub fn with(mut self, more: Self) -> Self {
        self.arch = more.arch.or(self.arch);
        if more.engine.is_some() {
            // A digest, and the leave to go without one, belong to one archive.
            self.sha256 = None;
            self.allow_unpinned = false;
        }
        self.engine = more.engine.or(self.engine);
        self.sha256 = more.sha256.or(self.sha256);
        self.allow_unpinned |= more.allow_unpinned;
        self.plugins.extend(more.plugins);
        self.images.extend(more.images);
        self.packages.extend(more.packages);
        self.config = more.config.or(self.config);
        self.landfall_binary = more.landfall_binary.or(self.landfall_binary);
        self
    }
}

impl PluginFile {
    /// Reads `NAME[@VERSION]=FILE`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, file) = text.split_once('=').ok_or(crate::texts::bundle::PLUGIN_FORM)?;
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (name, None),
        };
        Ok(Self { name: name.to_owned(), version, file: file.into() })
    }
}

impl PackageFile {
    /// Reads `DISTRIBUTION=FILE`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (distribution, file) =
            text.split_once('=').ok_or(crate::texts::bundle::PACKAGE_FORM)?;
        Ok(Self { distribution: distribution.to_owned(), file: file.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_command_line() {
        let text = "version: 1\narch: x86_64\nengine: {archive: docker-28.5.2.tgz}\n\
                    plugins: [{name: compose, version: 2.40.0, file: compose}]\n\
                    images: [a.tar, /b.tar]\npackages: [{distribution: debian-12, file: x.deb}]\n";
        let recipe = Recipe::parse(text, Path::new("/in/bundle.yaml")).unwrap();
        assert_eq!(recipe.engine, Some("/in/docker-28.5.2.tgz".into()));
        assert_eq!(recipe.images, [PathBuf::from("/in/a.tar"), "/b.tar".into()]);
        let more = Recipe {
            engine: Some("other.tgz".into()),
            plugins: vec![PluginFile::parse("buildx@0.30.0=bx").unwrap()],
            ..Recipe::default()
        };
        let both = recipe.with(more);
        assert_eq!(both.engine, Some("other.tgz".into()));
        assert_eq!(both.plugins.len(), 2);
        assert_eq!(both.plugins[1].version.as_deref(), Some("0.30.0"));
        assert_eq!(PackageFile::parse("debian-12=x.deb").unwrap().distribution, "debian-12");
        assert!(PluginFile::parse("compose").is_err() && PackageFile::parse("x.deb").is_err());
        let error = Recipe::parse("version: 1\nimage: [a]\n", Path::new("b")).unwrap_err();
        assert!(error.contains("image"), "{error}");
        assert!(Recipe::parse("version: 2\n", Path::new("b")).is_err());
    }
}

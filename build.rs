//! Builds the smoke test's image for the target: compiles `smoke/echo.rs` with the same compiler
//! as the rest, and packs it. Nothing is downloaded.

#[path = "smoke/archive.rs"]
mod archive;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

/// The program has some 1,300 bytes; a linker that aligns for large pages may need up to 64 KiB for
/// each segment. More than this means that something was linked to it.
const LARGEST_PROGRAM: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let source = Path::new("smoke/echo.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let program = compile(source, &out.join("smoke-echo"))?;
    if program.len() > LARGEST_PROGRAM {
        return Err(format!("{} became {} bytes", source.display(), program.len()).into());
    }
    let archive = archive::pack(&program, architecture(&variable("CARGO_CFG_TARGET_ARCH")?)?)?;
    write(&out.join("smoke-image.tar"), &archive.bytes)?;
    tell("rustc-env", &format!("LANDFALL_SMOKE_REFERENCE={}", archive.reference));
    for input in ["build.rs", "smoke"] {
        tell("rerun-if-changed", input);
    }
    Ok(())
}

/// Compiles `source` to a static executable without a library. The flags of the crate (such as
/// `+crt-static`) are cargo's to pass on, and do not get here.
#[allow(clippy::disallowed_methods, reason = "runs on the build machine, not on a host")]
fn compile(source: &Path, program: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.arg(source).arg("-o").arg(program);
    rustc.args(["--edition", "2024", "--crate-type", "bin", "--crate-name", "smoke_echo"]);
    rustc.args(["--target", &variable("TARGET")?]);
    let mut codegen = vec![
        "panic=abort",
        "opt-level=s",
        "debuginfo=0",
        "strip=symbols",
        "relocation-model=static",
        "relro-level=off",
        "link-arg=-nostdlib",
        "link-arg=-static",
        "link-arg=-z",
        "link-arg=noseparate-code",
    ];
    if variable("CARGO_CFG_TARGET_ENV")? == "musl" {
        // rustc's own start files for musl would come with a second entry point.
        codegen.push("link-self-contained=no");
    }
    codegen.iter().for_each(|option| {
        rustc.args(["-C", option]);
    });
    // The linker that cargo's configuration names for the target, if it names one.
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    let status = rustc.status()?;
    if !status.success() {
        return Err(format!("{} does not compile: {status}", source.display()).into());
    }
    Ok(std::fs::read(program)?)
}

/// Go's name of an architecture, which image configurations use.
fn architecture(target_arch: &str) -> Result<&'static str, String> {
    match target_arch {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        "riscv64" => Ok("riscv64"),
        other => Err(format!("the smoke test's program is not written for {other}")),
    }
}

#[allow(clippy::disallowed_methods, reason = "runs on the build machine, not on a host")]
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

#[allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]
fn tell(key: &str, value: &str) {
    println!("cargo::{key}={value}");
}

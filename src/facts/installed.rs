//! The closer look of `landfall verify`: only what a receipt speaks of, so that it costs little.

use std::path::Path;
use std::time::Duration;

use landfall_engine::{Client, EngineError, Info};

use super::{Facts, gather_installed};
use crate::desired::SOCKET;
use crate::digest::Digest;
use crate::host::{Host, HostError};
use crate::net::proxy::Proxies;
use crate::online::{Query, Versions};
use crate::receipt::Receipt;
use crate::unit_state::UnitState;
use crate::verify::Expected;

/// How long the engine may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What a receipt is compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstalledFacts {
    /// The host.
    pub facts: Facts,
    /// What the engine says of itself, or why it does not answer; `None` if docker.service does
    /// not run: asking its socket would start it.
    pub engine: Option<Result<Info, String>>,
    /// Images that were loaded and are gone: the archive's digest, and the name or id.
    pub missing_images: Vec<(Digest, String)>,
    /// Those of the packages that were installed which are there, and their versions; `None` if
    /// the package manager does not answer.
    pub packages: Option<Versions>,
}

/// Looks at what a receipt speaks of, and at nothing else.
///
/// # Errors
/// [`HostError`] if something that is there cannot be read.
pub fn gather(host: &Host, receipt: &Receipt) -> Result<InstalledFacts, HostError> {
    let facts = gather_installed(host, &Expected::of(receipt).wanted(receipt))?;
    Ok(with_engine(host, receipt, facts))
}

/// Adds what the engine says to facts that were gathered already.
pub fn with_engine(host: &Host, receipt: &Receipt, facts: Facts) -> InstalledFacts {
    let packages = Expected::of(receipt).packages.and_then(|step| {
        let names: Vec<&str> = step.packages.keys().map(String::as_str).collect();
        Query::new(host, step.manager, &Proxies::default()).installed(&names).ok()
    });
    InstalledFacts { packages, ..of_engine(host, receipt, facts) }
}

fn of_engine(host: &Host, receipt: &Receipt, facts: Facts) -> InstalledFacts {
    let runs = facts.units.get("docker.service").is_some_and(UnitState::is_active);
    if !runs || !receipt.has_engine() {
        return InstalledFacts { facts, ..InstalledFacts::default() };
    }
    let asked = host.block_on(async { tokio::time::timeout(LIMIT, ask(receipt)).await });
    let (engine, missing_images) = match asked {
        Ok(Ok((info, missing))) => (Ok(info), missing),
        Ok(Err(error)) => (Err(error.to_string()), Vec::new()),
        Err(elapsed) => (Err(elapsed.to_string()), Vec::new()),
    };
    InstalledFacts { facts, engine: Some(engine), missing_images, packages: None }
}

async fn ask(receipt: &Receipt) -> Result<(Info, Vec<(Digest, String)>), EngineError> {
    let client = Client::connect(Path::new(SOCKET), LIMIT).await?;
    let info = client.info().await?;
    let mut missing = Vec::new();
    for archive in &receipt.images {
        for reference in receipt.loaded.get(archive).into_iter().flatten() {
            if client.inspect_image(reference).await?.is_none() {
                missing.push((*archive, reference.clone()));
            }
        }
    }
    Ok((info, missing))
}

//! `landfall mirrors`.

use serde_json::json;

use super::args::{Global, MirrorsArgs};
use super::failure::{Failure, exit};
use super::network::Network;
use super::output::{BAD, GOOD, HEADING, Output};
use crate::download::EngineArchive;
use crate::download::race::{Measured, race};
use crate::facts::{distribution, distribution_of};
use crate::host::Host;
use crate::mirrors::{self, Reach, Site};
use crate::texts::download as texts;

/// Lists the mirrors that are known, or measures them from here.
pub fn mirrors(
    global: &Global,
    args: &MirrorsArgs,
    host: &Host,
    output: &Output,
) -> Result<u8, Failure> {
    if args.probe { probe(global, args, host, output) } else { list(output) }
}

fn list(output: &Output) -> Result<u8, Failure> {
    for mirror in mirrors::all() {
        let reach = match mirror.reach {
            Reach::Official => "official",
            Reach::Public => "public",
            Reach::Cloud => "cloud",
        };
        output.result(
            &format!(
                "{HEADING}{:<14}{HEADING:#} {:<48} {}",
                mirror.name, mirror.url, mirror.kept_by
            ),
            &json!({
                "event": "mirror", "name": mirror.name, "url": mirror.url, "reach": reach,
                "kept_by": mirror.kept_by,
            }),
        );
    }
    output.line(texts::PROBE_THEM);
    Ok(exit::DONE)
}

fn probe(global: &Global, args: &MirrorsArgs, host: &Host, output: &Output) -> Result<u8, Failure> {
    let network = Network::gather(global, &args.network, host)?;
    let machine = host.uname().machine;
    let archive = EngineArchive::choose(args.version.as_deref(), &machine).ok_or_else(|| {
        Failure::new(exit::USAGE, texts::no_archive(&machine)).hint(texts::VERSION_FORM)
    })?;
    let sites: Vec<Site> = match args.mirrors.as_slice() {
        [] => mirrors::everywhere(),
        named => named.iter().map(|text| mirrors::site(text)).collect::<Result<_, _>>()?,
    };
    let index =
        distribution::lookup(&distribution_of(host)?).and_then(|known| known.index(&machine));
    output.line(&texts::racing(sites.len()));
    let measured =
        host.block_on_or_interrupt(race(&network.web, sites, &archive.path(), index.as_deref()))?;
    for one in &measured {
        tell(one, output);
    }
    let serving = measured.iter().filter(|one| one.result.is_ok()).count();
    if serving == 0 {
        return Err(Failure::new(exit::FAILED, texts::NO_MIRROR_REACHED).hint(texts::REACH_MIRRORS));
    }
    Ok(exit::DONE)
}

fn tell(one: &Measured, output: &Output) {
    let Measured { site, result, packages } = one;
    let name = site.name.map_or_else(|| site.root(), str::to_owned);
    let (text, speed, problem) = match result {
        Ok(speed) => (format!("{GOOD}{}{GOOD:#}", texts::speed(speed)), Some(*speed), None),
        Err(error) => (format!("{BAD}{error}{BAD:#}"), None, Some(error.to_string())),
    };
    let packages_text = packages.map(texts::packages).unwrap_or_default();
    output.result(
        &format!("{HEADING}{name:<14}{HEADING:#} {text}{packages_text}"),
        &json!({
            "event": "mirror", "name": site.name, "url": site.root(), "speed": speed,
            "packages": packages, "problem": problem,
        }),
    );
}

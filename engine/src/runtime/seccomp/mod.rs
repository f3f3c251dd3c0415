//! Docker's default seccomp filter.
//!
//! What is allowed is a fact of Docker's (moby, profiles/seccomp, as of 25.0: io_uring is no longer
//! in it); the filter is compiled here. It kills programs of another architecture than the host's,
//! such as 32-bit ones.

mod load;
mod names;

use libcontainer::oci_spec::runtime::Capability;
pub use load::load;
use seccompiler::{BpfProgram, TargetArch, compile_from_json};
use serde_json::{Value, json};

/// A filter as the kernel takes it.
pub type Program = BpfProgram;

/// EPERM of errno.h.
const NOT_PERMITTED: u32 = 1;
/// ENOSYS of errno.h: C libraries then try `clone`, whose flags can be looked at.
const NOT_THERE: u32 = 38;
/// CLONE_NEW* of sched.h but for CLONE_NEWTIME: a new namespace of any kind.
const NEW_NAMESPACES: u64 = 0x7e02_0000;
/// AF_VSOCK of sys/socket.h.
const VSOCK: u64 = 40;
/// What personality(2) may set: Linux, 32 bit addresses, their combinations with the flag that
/// old programs need, and the question what is set.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The filters, to be loaded in this order, for a process that may get capabilities as `has` says.
pub fn default_filters(has: impl Fn(Capability) -> bool) -> Result<Vec<Program>, String> {
    let mut filters = Vec::new();
    if !has(Capability::SysAdmin) {
        let calls = [json!({ "syscall": "clone3" })];
        filters.push(compile("allow".into(), json!({ "errno": NOT_THERE }), &calls)?);
    }
    filters.push(compile(json!({ "errno": NOT_PERMITTED }), "allow".into(), &allowed(has))?);
    Ok(filters)
}

fn allowed(has: impl Fn(Capability) -> bool) -> Vec<Value> {
    let mut calls: Vec<Value> = names::ALWAYS
        .iter()
        .chain(names::OF_ARCHITECTURE)
        .map(|name| json!({ "syscall": name }))
        .collect();
    let argument = |name: &str, index: u8, operator: Value, value: u64| {
        let argument = json!({ "index": index, "type": "qword", "op": operator, "val": value });
        json!({ "syscall": name, "args": [argument] })
    };
    calls.push(argument("socket", 0, "ne".into(), VSOCK));
    calls.extend(PERSONALITIES.map(|value| argument("personality", 0, "eq".into(), value)));
    for (capability, names) in names::WITH_CAPABILITY {
        if has(*capability) {
            calls.extend(names.iter().map(|name| json!({ "syscall": name })));
        }
    }
    if !has(Capability::SysAdmin) {
        calls.push(argument("clone", 0, json!({ "masked_eq": NEW_NAMESPACES }), 0));
        // Answered by the other filter, which counts where both forbid.
        calls.push(json!({ "syscall": "clone3" }));
    }
    calls
}

fn compile(otherwise: Value, matching: Value, calls: &[Value]) -> Result<Program, String> {
    let filter = json!({
        "only": { "mismatch_action": otherwise, "match_action": matching, "filter": calls }
    });
    let architecture = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|error| format!("no seccomp filter for this processor: {error}"))?;
    let mut compiled = compile_from_json(filter.to_string().as_bytes(), architecture)
        .map_err(|error| format!("compile the seccomp filter: {error}"))?;
    compiled.remove("only").ok_or_else(|| "the seccomp filter is empty".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_compile_and_fit_into_the_kernels_limit() {
        let filters = default_filters(|_| false).unwrap();
        assert_eq!(filters.len(), 2);
        assert!(filters.iter().all(|filter| !filter.is_empty() && filter.len() < 4096));
    }

    #[test]
    fn every_capability_opens_its_calls() {
        let all = default_filters(|_| true).unwrap();
        assert_eq!(all.len(), 1, "clone3 is allowed");
        assert!(all[0].len() > default_filters(|_| false).unwrap()[1].len());
    }
}

//! Texts that Landfall writes: units and daemon.json, and how two texts differ.
//!
//! Pure: values in, texts out. Nothing here reads or writes the host.

pub mod boot;
pub mod bootstrap;
pub mod container_paths;
pub mod daemon_edit;
mod daemon_error;
#[cfg(test)]
mod daemon_fuzz_tests;
#[cfg(test)]
mod daemon_golden_tests;
pub mod daemon_json;
pub mod daemon_options;
#[cfg(test)]
mod daemon_property_tests;
mod daemon_validate;
mod daemon_values;
pub mod diff;
pub mod json_document;
mod json_edit;
pub mod json_repair;
pub mod kernel_settings;
pub mod listeners;
pub mod profile;
pub mod proxy;
pub mod trust;
pub mod trust_store;
pub mod units;

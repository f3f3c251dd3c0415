//! Landfall turns a Linux host without internet into a container host, and back.
//!
//! Data flows one way: arguments and configuration become a [`desired::Desired`], the host
//! becomes [`facts::Facts`], the archive is staged, the three become a [`plan::Plan`] by a
//! pure function; [`apply`] carries it out through [`host::Host`], journal first, and
//! leaves a [`receipt::Receipt`].

pub mod adoption;
pub mod apply;
pub mod approved;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod desired;
pub mod digest;
pub mod doctor;
pub mod download;
pub mod facts;
pub mod file_state;
pub mod fleet;
pub mod host;
pub mod installed;
pub mod mirrors;
pub mod nearest;
pub mod net;
pub mod online;
pub mod plan;
pub mod preflight;
pub mod probe;
pub mod receipt;
pub mod redact;
pub mod registry;
pub mod render;
pub mod report;
pub mod route;
pub mod run_state;
pub mod smoke;
pub mod stage;
pub mod steps;
pub mod store;
pub mod support_bundle;
pub mod texts;
pub mod topology;
pub mod unit_state;
pub mod verify;

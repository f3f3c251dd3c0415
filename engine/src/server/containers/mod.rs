//! `/containers`: one file for each thing that is done with them.

pub mod create;
pub mod inspect;
pub mod list;
pub mod logs;
pub mod start;
pub mod stop;

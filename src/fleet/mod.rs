//! Many hosts from one file: which entry is meant for a host, what became of each, and the report
//! on all of them. Pure: the caller reads and writes the files.

pub mod report;
pub mod result;
pub mod site;

//! What an archive may at most demand.

/// Bounds on what is read. The defaults leave ample room for every release so far (the largest
/// unpacks to about 300 MB) and stop what is made to exhaust a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most tar headers, extension headers included.
    pub entries: usize,
    /// Largest single file in bytes.
    pub file: u64,
    /// Largest archive in bytes, compressed and unpacked alike.
    pub total: u64,
    /// Most unpacked bytes for each compressed one (asked only of more than 4 MiB unpacked).
    pub ratio: u64,
    /// Longest tar extension record (PAX) in bytes.
    pub extension: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 64, file: 1 << 30, total: 4 << 30, ratio: 200, extension: 64 << 10 }
    }
}

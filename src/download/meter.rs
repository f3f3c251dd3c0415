//! How far all downloads of a run are.

use std::cell::RefCell;

use crate::report::{Event, Reporter};

/// Tells a reporter of all downloads together.
pub struct Meter<'a> {
    reporter: &'a dyn Reporter,
    /// Of each download: how much is there, of how much.
    all: RefCell<Vec<(u64, u64)>>,
}

/// One download.
pub struct Gauge<'a> {
    meter: &'a Meter<'a>,
    number: usize,
}

impl<'a> Meter<'a> {
    pub fn new(reporter: &'a dyn Reporter) -> Self {
        Self { reporter, all: RefCell::default() }
    }

    /// A download begins.
    pub fn gauge(&'a self) -> Gauge<'a> {
        let mut all = self.all.borrow_mut();
        all.push((0, 0));
        Gauge { meter: self, number: all.len() - 1 }
    }
}

impl Gauge<'_> {
    /// So much is there, of so much if that is known.
    pub fn set(&self, bytes: u64, of: Option<u64>) {
        let mut all = self.meter.all.borrow_mut();
        if let Some(one) = all.get_mut(self.number) {
            *one = (bytes, of.unwrap_or(one.1).max(bytes));
        }
        let (bytes, of) = all.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        self.meter.reporter.event(&Event::Downloading { bytes, of });
    }
}

impl Drop for Gauge<'_> {
    /// One that failed counts no more.
    fn drop(&mut self) {
        if let Some((bytes, of)) = self.meter.all.borrow_mut().get_mut(self.number)
            && bytes < of
        {
            (*bytes, *of) = (0, 0);
        }
    }
}

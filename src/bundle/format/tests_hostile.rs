//! Bundles that are damaged or made to do harm: each is refused, and says why.

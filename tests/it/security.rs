//! SELinux labels and fapolicyd's trust, as far as they can be had without a kernel of one's own.

use crate::support::Machine;

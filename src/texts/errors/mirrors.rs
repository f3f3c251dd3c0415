//! Mirrors that cannot be used: in words.

use std::fmt;

use crate::mirrors::{MirrorError, all};
use crate::nearest::suggestion;

impl fmt::Display for MirrorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, nearest) => {
                let name = name.escape_debug();
                write!(f, "no mirror is called `{name}`{}", suggestion(*nearest))
            }
            Self::AutoAmongOthers => f.write_str("`auto` means all mirrors, and stands alone"),
            Self::Url(url) => write!(
                f,
                "`{}` is not the URL of a mirror: http or https, a host, and a path of plain \
                 characters without a query",
                url.escape_debug()
            ),
        }
    }
}

impl std::error::Error for MirrorError {}

impl MirrorError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(..) => {
                let names: Vec<&str> = all().iter().map(|mirror| mirror.name).collect();
                format!("known names: {}; or give a URL: https://HOST/docker-ce", names.join(", "))
            }
            Self::AutoAmongOthers => "give --mirror auto once, or names and URLs".to_owned(),
            Self::Url(_) => {
                "the root beneath which linux/ is, such as https://mirror.example/docker-ce; \
                 what is special in a password is written as %40 and so on"
                    .to_owned()
            }
        }
    }
}

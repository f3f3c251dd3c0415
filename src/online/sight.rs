//! What can be seen of a host that packages shall come to, as data. The words stand in
//! [`crate::texts::findings`].

use serde::{Deserialize, Serialize};

use crate::preflight::Code;

macro_rules! sights {
    ($($name:ident { $($field:ident: $type:ty),* },)*) => {
        /// What was seen before packages are installed. Each variant stands for the code of the
        /// same name.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        #[allow(missing_docs)] // the fields say it
        pub enum OnlineSight { $($name { $($field: $type),* },)* }

        impl OnlineSight {
            /// The code under which it is reported.
            pub fn code(&self) -> Code {
                match self { $(Self::$name { .. } => Code::$name,)* }
            }
        }
    };
}

sights! {
    NoPackages { distribution: String },
    PackagesOld { distribution: String },
    AptTooOld { version: String },
    PackagesInTheWay { packages: Vec<String>, replaced: bool },
    FilesInTheWay { paths: Vec<String> },
    MirrorsPassed { mirrors: Vec<String>, used: String },
    LockMissing { install: String },
}

//! What can be wrong with values that stand in systemd units.

/// What a file that extends PATH says of itself.
pub const PROFILE_COMMENT: &str =
    "Written by landfall: the engine's programs are in no directory that shells look in.";
/// Instead of the name of one unit.
pub const EVERY_UNIT: &str = "every unit";
/// Which value cannot stand in a unit.
pub const PROGRAM_DIRECTORY: &str = "the directory for programs";
/// Which value cannot stand in a unit.
pub const OWN_PROGRAM: &str = "the path of landfall itself";
/// Which value cannot stand in a unit.
pub const DATA_DIRECTORY: &str = "the data directory";
/// Which value cannot stand in a unit.
pub const MODPROBE_PATH: &str = "the path of modprobe";
/// Which value cannot stand in a unit.
pub const GROUP: &str = "the group";
/// What is wrong with a path.
pub const NOT_ABSOLUTE: &str = "it is not an absolute path";
/// What is wrong with a path.
pub const WHITE_SPACE: &str = "it holds white space or a control character";
/// What is wrong with a path.
pub const SPECIAL_CHARACTER: &str = "it holds a character that has a meaning of its own there";
/// What is wrong with the group.
pub const EMPTY: &str = "it is empty";
/// What is wrong with the group.
pub const NOT_A_GROUP: &str = "it is not a group's name or number";

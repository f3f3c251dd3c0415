//! What can be wrong with archives of images.

/// What is wrong.
pub const NO_INDEX: &str = "it has neither index.json nor manifest.json";
/// What is wrong.
pub const HEADER_DAMAGED: &str = "a tar header is damaged, or it is no tar archive";
/// What is wrong.
pub const NO_SIZE: &str = "a tar header has no usable size";
/// What is wrong.
pub const TOO_MANY_FILES: &str = "it holds more files than any archive of images";
/// What is wrong.
pub const OTHER_TYPE: &str = "it holds something that archives of images do not";
/// What is wrong.
pub const DOCUMENT_TOO_LARGE: &str = "a document in it is larger than any is";
/// What is wrong.
pub const NESTED: &str = "its indexes are nested too deeply";
/// What is wrong.
pub const OTHER_LAYERS: &str = "it lists other layers than the image has";
/// What is wrong.
pub const CUT: &str = "it is cut off";
/// What is wrong.
pub const NO_PLATFORM: &str = "nothing that could be told";

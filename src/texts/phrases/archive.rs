//! What can be wrong with an archive and its entries.

/// A tar extension.
pub const GNU_LONG_NAME: &str = "a GNU long name";
/// A tar extension.
pub const GNU_LONG_LINK: &str = "a GNU long link name";
/// Why an entry's name is refused.
pub const DIRECTORY_FOR_FILE: &str = "a directory where a file belongs";
/// Why an entry's name is refused.
pub const FILE_FOR_DIRECTORY: &str = "a file where a directory belongs";
/// Why an entry's name is refused.
pub const NAME_NUL: &str = "it goes on after a NUL byte";
/// Why an entry's name is refused.
pub const NAME_NOT_UTF8: &str = "it is not UTF-8";
/// What is wrong with a name or a program.
pub const EMPTY: &str = "it is empty";
/// Why an entry's name is refused.
pub const NAME_ABSOLUTE: &str = "it is absolute";
/// Why an entry's name is refused.
pub const NAME_BACKSLASH: &str = "it holds a backslash";
/// Why an entry's name is refused.
pub const NAME_CONTROL: &str = "it holds a control character";
/// Why an entry's name is refused.
pub const NAME_UPWARDS: &str = "it leads upwards";
/// What an entry is instead of a file.
pub const HARD_LINK: &str = "a hard link";
/// What an entry is instead of a file.
pub const SYMBOLIC_LINK: &str = "a symbolic link";
/// What an entry is instead of a file.
pub const CHARACTER_DEVICE: &str = "a character device";
/// What an entry is instead of a file.
pub const BLOCK_DEVICE: &str = "a block device";
/// What an entry is instead of a file.
pub const FIFO: &str = "a FIFO";
/// What an entry is instead of a file.
pub const SPARSE_FILE: &str = "a sparse file";
/// What an entry is instead of a file.
pub const CONTIGUOUS_FILE: &str = "a contiguous file";
/// What an entry is instead of a file.
pub const UNKNOWN_TYPE: &str = "of an unknown type";
/// A tar extension.
pub const MALFORMED_PAX: &str = "a malformed PAX record";
/// A field of a tar header.
pub const FIELD_SIZE: &str = "size";
/// A field of a tar header.
pub const FIELD_TIME: &str = "time";
/// A field of a tar header.
pub const FIELD_MODE: &str = "mode";
/// Fields of a tar header.
pub const OWNER_OR_TIME: &str = "owner, time or form of the header";
/// The releases of the modern layout.
pub const MODERN_RELEASES: &str = "18.09 and later";
/// The releases of the prefixed layout.
pub const PREFIXED_RELEASES: &str = "18.06 and earlier";
/// Where the tar stream ends.
pub const BEFORE_END_MARKER: &str = "before its end marker";
/// Where the tar stream ends.
pub const IN_END_MARKER: &str = "in the middle of its end marker";
/// In the middle of which the tar stream ends.
pub const A_PAX_RECORD: &str = "a PAX record";
/// What a file looks like that is not gzip.
pub const EMPTY_FILE: &str = "an empty file";
/// What is wrong with compressed data.
pub const NO_FURTHER: &str = "it cannot be unpacked any further";
/// What is wrong with compressed data.
pub const NOT_UNPACKED: &str = "it cannot be unpacked";
/// What a file looks like that is not gzip.
pub const WEB_PAGE: &str = "a web page";
/// What a file looks like that is not gzip.
pub const ZIP_ARCHIVE: &str = "a zip archive";
/// What a file looks like that is not gzip.
pub const PROGRAM: &str = "a program";
/// What a file looks like that is not gzip.
pub const TAR_ARCHIVE: &str = "an uncompressed tar archive";
/// What a file looks like that is not gzip.
pub const ZEROS: &str = "zeros: the copy was probably cut off";
/// What a file looks like that is not gzip.
pub const SOMETHING_ELSE: &str = "something else";
/// Why a file is no program.
pub const SCRIPT: &str = "it is a script";
/// Why a file is no program.
pub const NO_ELF_HEADER: &str = "it does not start with an ELF header";
/// Why a file is no program.
pub const ELF_HEADER_MALFORMED: &str = "its ELF header is malformed";
/// Why a file is no program.
pub const NOT_A_PROGRAM: &str = "it is an object file or a memory dump, not a program";
/// Why a file is no program.
pub const PROGRAM_HEADERS_MALFORMED: &str =
    "its program headers are malformed, or not at its start";
/// Why a file is no program.
pub const NOTHING_TO_LOAD: &str = "it has nothing to load";

/// A tar extension that changes an entry; `key` is shown as it is.
pub fn the_pax_record(key: &str) -> String {
    format!("the PAX record {key}")
}

/// Where the tar stream ends.
pub fn in_the_middle_of(part: &str) -> String {
    format!("in the middle of {part}")
}

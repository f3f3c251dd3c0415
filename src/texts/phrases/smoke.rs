//! What a test container can leave behind.

/// A container that is still there.
pub fn container(name: &str) -> String {
    format!("container {name}")
}

/// An image that is still there.
pub fn image(reference: &str) -> String {
    format!("image {reference}")
}

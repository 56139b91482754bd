//! The page.
use crate::Document;
/// The page.
pub fn html(_document: &Document) -> String {
    String::new()
}

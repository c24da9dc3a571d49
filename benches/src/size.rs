//! Claim: a service of two methods, with the handler of one route, is a component of less than 100 kB.

use crate::Failure;
use crate::report::Row;
use std::path::Path;

/// What is held against the figure.
pub(crate) const CLAIM: &str =
    "size: a service of two methods, with the handler of one route, is a component of less than 100 kB";

/// # Errors
/// A file that can't be read.
pub(crate) fn run(component: &Path) -> Result<Vec<Row>, Failure> {
    let bytes = std::fs::metadata(component).map_err(|error| format!("{}: {error}", component.display()))?.len();
    Ok(vec![Row::alone("component-size", "B", bytes as f64)])
}

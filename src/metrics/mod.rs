//! What is exposed: the catalogue of families, the view of the state, and the exporter's own registry.

pub mod catalog;
mod families;
mod keyed;
mod own;
mod process;
mod sink;
mod usage;

pub use families::{Span, View, cell_families};
pub use own::Own;
pub use sink::{Exemplar, Sink};

//! The page that scrapes get: rendered and packed when the state changes, copied when it is asked for.
//!
//! A page is made of *pieces*: one family of one *shelf* (a stretch of a cell's tasks) in one format, packed once. What
//! changed is packed anew; the rest is put together as it is. A scrape sends the pieces as one gzip member, or unpacks
//! them while it sends them.

mod cores;
mod document;
mod format;
mod own;
mod piece;
mod protobuf;
mod renderer;
mod shelf;
mod text;

pub use document::{Answer, Document, tail};
pub use format::Format;
pub use own::own;
pub use piece::{Packer, Piece};
pub use renderer::{Change, Rendered, Renderer, Subject};
pub use text::Text;

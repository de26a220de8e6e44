//! The state file: what is committed comes back, and whatever happens to the file, a start succeeds or says why not.

pub(crate) mod damage;
pub(crate) mod disk;
mod file;
mod later;
mod process;
pub(crate) mod scene;

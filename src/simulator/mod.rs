//! The simulated clouds: one HTTP server that speaks every kind's protocol over one seeded world.

use crate::model::Timestamp;

/// One API of the simulated clouds. Lives in its source's folder, as `fake.rs`.
///
/// A face never uses the client's wire types, normalisation or signer: it is written from the API's documents alone,
/// so that client and fake cannot share one misreading.
pub trait Face: Send + Sync {
    /// The kind it belongs to.
    fn kind(&self) -> &'static str;
    /// Whether a request is for this API.
    fn claims(&self, request: &Request) -> bool;
    /// The answer at `now`.
    fn answer(&self, request: &Request, world: &World, now: Timestamp) -> Answer;
}
/// TODO(H2)
#[derive(Debug)]
pub struct World;
/// TODO(H2)
#[derive(Debug)]
pub struct Request;
/// TODO(H2)
#[derive(Debug)]
pub struct Answer;

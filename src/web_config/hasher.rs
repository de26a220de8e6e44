//! Comparing passwords: costly on purpose, so one at a time, away from everything else, and each right one once.

use super::users::{Users, verify};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Comparisons that wait for their turn; who comes later is told to come again.
const MOST_WAITING: usize = 32;
/// Right passwords remembered. Wrong ones are not: each guess costs the same, and none pushes out a right one.
const MOST_REMEMBERED: usize = 256;

type Digest = [u8; 32];

/// How a comparison ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compared {
    Right,
    Wrong,
    /// Too many wait already.
    Busy,
}

struct Job {
    password: SecretString,
    hash: SecretString,
    known: bool,
    digest: Digest,
    answer: oneshot::Sender<bool>,
}

/// Compares passwords on a thread of its own, which neither requests nor the end of the process wait for.
pub(super) struct Hasher {
    jobs: SyncSender<Job>,
    remembered: Arc<Mutex<VecDeque<Digest>>>,
    /// Of this process alone: digests are worth nothing elsewhere.
    key: Digest,
}

impl Hasher {
    /// # Errors
    /// No thread, or no randomness.
    pub(super) fn start() -> io::Result<Self> {
        let mut key = Digest::default();
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut key).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let (jobs, queue) = sync_channel::<Job>(MOST_WAITING);
        let remembered = Arc::<Mutex<VecDeque<Digest>>>::default();
        let learned = Arc::clone(&remembered);
        std::thread::Builder::new().name("passwords".into()).spawn(move || {
            while let Ok(job) = queue.recv() {
                // Nobody waits for it any more.
                if job.answer.is_closed() {
                    continue;
                }
                let right = verify(&job.password, &job.hash) && job.known;
                if right {
                    let mut learned = learned.lock().unwrap_or_else(PoisonError::into_inner);
                    if learned.len() >= MOST_REMEMBERED {
                        learned.pop_front();
                    }
                    learned.push_back(job.digest);
                }
                let _gone = job.answer.send(right);
            }
        })?;
        Ok(Self { jobs, remembered, key })
    }

    /// Whether this is the password of this user.
    pub(super) async fn compare(&self, users: &Users, name: &str, password: SecretString) -> Compared {
        let lot = self.digest(&[b"lot", name.as_bytes()]);
        let lot = lot.iter().take(8).fold(0, |lot, byte| lot << 8 | u64::from(*byte));
        let Some((hash, known)) = users.hash(name, lot) else { return Compared::Wrong };
        let parts = [name, hash.expose_secret(), password.expose_secret()].map(str::as_bytes);
        let digest = self.digest(&parts);
        // The hash is a part of it: a password that was changed is not remembered.
        if known && self.remembered.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest) {
            return Compared::Right;
        }
        let (answer, told) = oneshot::channel();
        if self.jobs.try_send(Job { password, hash, known, digest, answer }).is_err() {
            return Compared::Busy;
        }
        if told.await.unwrap_or(false) { Compared::Right } else { Compared::Wrong }
    }

    /// Keyed, and with the length of each part, so that no two lists have the same.
    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return self.key };
        for part in parts {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

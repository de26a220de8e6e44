//! What stands before every page: the web configuration file in force.

use super::file::{self, Reading, WebConfig};
use super::files::{Seen, look};
use super::hasher::{Compared, Hasher};
use crate::config::Problem;
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use rustls::ServerConfig;
use secrecy::SecretString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the files are looked at. What is new is in force after two looks that see the same: a file that is being
/// written is not taken for what it will be.
const LOOK: Duration = Duration::from_secs(1);

/// Told whether the file was read without a problem: at the start, and whenever it has changed.
pub type Tell = Box<dyn Fn(bool) + Send + Sync>;

/// Why a request is not answered with what it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// More requests than `rate_limit` allows.
    TooMany,
    /// Name and password are missing or wrong.
    Unauthorized,
    /// Too many passwords wait to be compared.
    Busy,
}

/// TLS, users, headers and rate as the file has them now. A request never waits for the files: a thread looks at them.
pub struct Gate {
    now: ArcSwap<WebConfig>,
    hasher: Option<Hasher>,
    kept: Option<Mutex<Kept>>,
}

/// What the thread knows of the files.
struct Kept {
    path: PathBuf,
    tell: Tell,
    /// What they held when they were read last, good or not.
    read: Seen,
    /// What they held at the last look, where that was something else.
    changing: Option<Seen>,
}

impl Gate {
    /// Open for everybody, without TLS.
    pub fn open() -> Self {
        Self { now: ArcSwap::default(), hasher: None, kept: None }
    }

    /// What the file at `path` says, also when it changes later; `tell` is told how reading it went.
    ///
    /// # Errors
    /// Every problem of the file, or that there is no thread to be had.
    pub fn read(path: PathBuf, tell: Tell) -> Result<Arc<Self>, Vec<Problem>> {
        let gate = Self::unwatched(path.clone(), tell)?;
        let watched = Arc::downgrade(&gate);
        let watch = move || {
            while let Some(gate) = watched.upgrade() {
                gate.refresh();
                drop(gate);
                // A thread and no task: a file system that hangs must hold up no request.
                std::thread::sleep(LOOK);
            }
        };
        let thread = std::thread::Builder::new().name("web-config".into()).spawn(watch);
        thread.map_err(|error| impossible(&path, &error))?;
        Ok(gate)
    }

    /// The same without the thread.
    pub(super) fn unwatched(path: PathBuf, tell: Tell) -> Result<Arc<Self>, Vec<Problem>> {
        let Reading { outcome, seen } = file::read(&path);
        let config = outcome?;
        let hasher = Some(Hasher::start().map_err(|error| impossible(&path, &error))?);
        tell(true);
        let kept = Mutex::new(Kept { path, tell, read: seen, changing: None });
        Ok(Arc::new(Self { now: ArcSwap::from_pointee(config), hasher, kept: Some(kept) }))
    }

    /// Whether the file at `path` is good.
    ///
    /// # Errors
    /// Every problem of it.
    pub fn check(path: PathBuf) -> Result<(), Vec<Problem>> {
        file::read(&path).outcome.map(|_| ())
    }

    /// Looks at the files. One that has changed, and stays as it is from one look to the next, is read again; while what
    /// it holds is not good, all stays as it was.
    pub(super) fn refresh(&self) {
        let Some(kept) = &self.kept else { return };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = look(&kept.read);
        if seen == kept.read {
            kept.changing = None;
            return;
        }
        if kept.changing.as_ref() != Some(&seen) {
            kept.changing = Some(seen);
            return;
        }
        let Reading { outcome, seen } = file::read(&kept.path);
        (kept.read, kept.changing) = (seen, None);
        let taken = match outcome {
            Ok(config) if config.tls.is_some() == self.now.load().tls.is_some() => {
                self.now.store(Arc::new(config));
                tracing::info!(file = %kept.path.display(), "web configuration read again");
                true
            }
            Ok(_) => {
                tracing::error!(
                    file = %kept.path.display(),
                    "web configuration not taken over: TLS is switched on or off only by a restart"
                );
                false
            }
            Err(problems) => {
                for problem in problems {
                    tracing::error!(%problem, "web configuration not taken over; what was in force stays so");
                }
                false
            }
        };
        (kept.tell)(taken);
    }

    /// How connections are to be encrypted, where they are.
    pub fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.now.load().tls.clone()
    }

    /// Whether a request with these headers may be answered.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let config = self.now.load_full();
        if config.rate.as_ref().is_some_and(|rate| !rate.allows()) {
            return Err(Refusal::TooMany);
        }
        if config.users.is_empty() {
            return Ok(());
        }
        let (Some(hasher), Some((name, password))) = (&self.hasher, credentials(headers)) else {
            return Err(Refusal::Unauthorized);
        };
        match hasher.compare(&config.users, &name, password).await {
            Compared::Right => Ok(()),
            Compared::Wrong => Err(Refusal::Unauthorized),
            Compared::Busy => Err(Refusal::Busy),
        }
    }

    /// Sets the headers that the file wants in every answer.
    pub fn adorn(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.now.load().http.headers {
            headers.insert(name, value.clone());
        }
    }
}

fn impossible(path: &Path, error: &io::Error) -> Vec<Problem> {
    vec![Problem::new(path.display().to_string(), "", format!("cannot be watched: {error}"))]
}

/// Name and password as `Authorization: Basic` has them.
fn credentials(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let (scheme, coded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), SecretString::from(password)))
}

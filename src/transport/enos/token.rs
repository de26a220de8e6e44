//! The access token: fetched once, renewed ahead of its end, dropped when the gateway refuses it.

use super::{Line, envelope, sign};
use crate::credentials::{Provider, Triple};
use crate::transport::Priority;
use crate::transport::call::{Call, Try};
use crate::transport::error::{Error, Failure};
use crate::transport::http::Request;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
/// Its name in metrics and errors.
const NAME: &str = "token/get";
const PATH: &str = "apim-token-service/v2.0/token/get";
/// Renewal begins when this much, or a tenth of the life, is left; so does the vendor's own client.
const MARGIN: Duration = Duration::from_secs(600);
/// How long after a failed renewal the next one is tried.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a failure is repeated to callers without asking again.
const FAILURE_LIFE: Duration = Duration::from_secs(5);
/// The documented life, where the answer does not tell.
const DEFAULT_LIFE: u64 = 7200;
/// Longer lives are not believed.
const MAX_LIFE: u64 = 7 * 86_400;

/// A token and the secret it is used with: after a rotation, parts of two would be refused.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: SecretString,
    pub(super) secret: SecretString,
    renew: Instant,
    end: Instant,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    failure: Option<(Instant, Error)>,
}

/// The token that all calls of an account share.
pub(super) struct Tokens {
    provider: Arc<dyn Provider>,
    held: Mutex<Held>,
    fetching: tokio::sync::Mutex<()>,
}

impl Tokens {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, held: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that is good now, and whether it should be renewed; an error that is too young to ask again.
    fn look(&self) -> Result<Option<(Token, bool)>, Error> {
        let (now, held) = (Instant::now(), self.held());
        match (&held.token, &held.failure) {
            (Some(token), _) if now < token.end => Ok(Some((token.clone(), now >= token.renew))),
            (_, Some((at, error))) if now - *at < FAILURE_LIFE => Err(error.clone()),
            _ => Ok(None),
        }
    }

    /// The token to use now. One caller fetches; the others wait for it, or use the old one while that is good.
    pub(super) async fn get(&self, line: &Line) -> Result<Token, Error> {
        let _turn = match self.look()? {
            Some((token, false)) => return Ok(token),
            Some((token, true)) => match self.fetching.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(token),
            },
            None => self.fetching.lock().await,
        };
        if let Some((token, false)) = self.look()? {
            return Ok(token);
        }
        let fetched = self.fetch(line).await;
        let mut held = self.held();
        match (fetched, &mut held.token) {
            (Ok(token), _) => {
                *held = Held { token: Some(token.clone()), failure: None };
                Ok(token)
            }
            (Err(error), Some(old)) if Instant::now() < old.end => {
                tracing::warn!(account.name = %line.options.account, %error, "token not renewed; the old one goes on");
                old.renew = Instant::now() + PAUSE;
                Ok(old.clone())
            }
            (Err(error), _) => {
                held.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets `refused`, unless another call has replaced it already.
    pub(super) fn drop_token(&self, refused: &Token) {
        let mut held = self.held();
        let same = |token: &Token| {
            token.text.expose_secret() == refused.text.expose_secret() && token.end == refused.end
        };
        if held.token.as_ref().is_some_and(same) {
            held.token = None;
        }
    }

    async fn fetch(&self, line: &Line) -> Result<Token, Error> {
        let keys = self.provider.get().await.map_err(|error| Error::Credentials(error.to_string()))?;
        let get = Get { line, keys: &keys, mended_stamp: false, mended_clock: false };
        // Said of the operation that the token is for, a refusal would be taken for an answer to that.
        let before = |error| Error::Before { action: NAME, error: Box::new(error) };
        let Granted { access_token, expire } =
            line.call(NAME, Priority::Current, get).await.map_err(before)?;
        if access_token.expose_secret().is_empty() {
            return Err(before(Error::Decode("a token that is empty".into())));
        }
        let life = expire.as_ref().and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
        let life = Duration::from_secs(life.unwrap_or(DEFAULT_LIFE).min(MAX_LIFE));
        let now = Instant::now();
        // While a token lives, the service hands out the same one with what is left of its life: renewing by the
        // margin alone would ask for every call then.
        let margin = MARGIN.max(life / 10).min(life / 2);
        Ok(Token {
            text: access_token,
            secret: keys.secret_key,
            renew: now + (life - margin),
            end: now + life,
        })
    }
}

/// `data` of a granted token.
#[derive(Deserialize)]
struct Granted {
    #[serde(rename = "accessToken")]
    access_token: SecretString,
    /// Seconds.
    expire: Option<Value>,
}

/// A token request, stamped anew for every try.
struct Get<'a> {
    line: &'a Line,
    keys: &'a Triple,
    mended_stamp: bool,
    mended_clock: bool,
}

impl Try for Get<'_> {
    type Answer = Granted;

    async fn ready(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn once(&mut self, call: &Call<'_>) -> Result<Granted, Failure> {
        let (key, stamp) = (&self.keys.secret_id, self.line.stamp());
        let body = json!({
            "appKey": key,
            "encryption": sign::encryption(key, stamp, &self.keys.secret_key),
            "timestamp": stamp,
        });
        let request = Request {
            method: Method::POST,
            url: self.line.url(PATH),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, JSON)]),
            body: body.to_string().into_bytes(),
            deadline: self.line.options.timeout,
        };
        call.send(request, envelope::open).await
    }

    async fn mend(&mut self, failure: &Failure) -> bool {
        match failure.error.code() {
            // The stamp was seen before: another exporter uses the same key.
            Some("1001") => !std::mem::replace(&mut self.mended_stamp, true),
            Some("1003" | "http_401") => {
                !std::mem::replace(&mut self.mended_clock, true) && self.line.skew.learn(failure.date)
            }
            _ => false,
        }
    }
}

//! The gateway of EnOS: its token service and its request signature, from the documents alone
//! ("Invoke API with access token", support.enos-iot.com/docs/api, token service v2.0).

use super::{Answer, Request};
use crate::model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The access key that may do everything here.
pub const ACCESS_KEY: &str = "51a10000-0000-4000-8000-000000000001";
/// Its secret: known to everybody, worth nothing.
pub const SECRET_KEY: &str = "51a20000-0000-4000-8000-000000000002";
/// The organisation there is.
pub const ORG_ID: &str = "o15000000000001";
/// A user of it.
pub const USER_ID: &str = "u15000000000001";
/// A user of it without any privilege.
pub const GUEST_ID: &str = "u15000000000002";

/// How long a token lives, in seconds: the service's documented first answer.
const LIFE: i64 = 7200;
/// How far a signed time may be off, in milliseconds. Undocumented; Tencent's figure.
const SKEW: i64 = 300_000;
/// How long the service looks for a second use of one `encryption`. Life's figure is unknown; a short one lets a
/// client start again while the simulated clock stands still.
const REPLAY: Duration = Duration::from_secs(1);

/// The token service and the check at the gate.
#[derive(Debug, Default)]
pub struct Gate(Mutex<Tokens>);

#[derive(Debug, Default)]
struct Tokens {
    /// When the newest was issued, in milliseconds. One per access key, and there is one access key.
    issued: Option<i64>,
    used: Vec<(String, Instant)>,
}

impl Gate {
    /// Answers `token/get` and `token/refresh`.
    pub fn issue(&self, request: &Request, now: Timestamp, refresh: bool) -> Answer {
        let fail = |status: i64, text: &str| {
            Answer::json(
                200,
                json!({"status": status, "msg": text, "business": "apim-token-service", "data": null}),
            )
        };
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return fail(1004, "the parameter is not valid");
        };
        let text = |name: &str| match &body[name] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let (key, encryption, timestamp) = (text("appKey"), text("encryption"), text("timestamp"));
        if key.is_empty() || encryption.is_empty() || timestamp.is_empty() {
            return fail(1202, "the parameter is empty");
        }
        if key != ACCESS_KEY {
            return fail(1002, "the appKey does not exist");
        }
        if encryption != hash(&format!("{key}{timestamp}{SECRET_KEY}")) || !fresh(&timestamp, now) {
            return fail(1003, "the encryption is not valid");
        }
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.used.retain(|(_, at)| at.elapsed() < REPLAY);
        if tokens.used.iter().any(|(known, _)| *known == encryption) {
            return fail(1001, "the encryption is used already");
        }
        tokens.used.push((encryption, Instant::now()));
        let lives = |issued: i64| (issued..issued + LIFE * 1000).contains(&now.millis());
        if refresh && !tokens.issued.is_some_and(|at| lives(at) && token(at) == text("accessToken")) {
            return fail(1203, "the access token has expired");
        }
        let issued = tokens.issued.filter(|at| lives(*at) && !refresh).unwrap_or(now.millis());
        tokens.issued = Some(issued);
        let expire = (issued + LIFE * 1000 - now.millis()).div_euclid(1000);
        Answer::json(
            200,
            json!({"status": 0, "msg": "SUCCESS", "business": "apim-token-service",
                   "data": {"accessToken": token(issued), "expire": expire}}),
        )
    }

    /// Checks the three headers of a call.
    ///
    /// # Errors
    /// The gateway's answer: HTTP 401, or status 4011 for a token that was good once.
    pub fn check(&self, request: &Request, now: Timestamp) -> Result<(), Answer> {
        let header = |name: &str| request.header(name).unwrap_or_default();
        let (shown, timestamp) = (header("apim-accesstoken"), header("apim-timestamp"));
        if shown.is_empty()
            || !fresh(timestamp, now)
            || header("apim-signature") != sign(request, shown, timestamp, SECRET_KEY)
        {
            return Err(unauthorized());
        }
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner).issued;
        let known = issued.filter(|at| token(*at) == shown).or_else(|| was_token(shown));
        match known {
            Some(at) if now.millis() < at + LIFE * 1000 => Ok(()),
            Some(_) => Err(Answer::json(200, json!({"apim_status": 4011, "apim_refreshtoken": "none"}))),
            None => Err(unauthorized()),
        }
    }
}

/// The answer to credentials that are not good.
pub fn unauthorized() -> Answer {
    Answer::json(401, json!({"message": "Invalid authentication credentials"}))
}

/// A token says when it was issued, so that a simulator started again knows the tokens of the one before.
fn token(issued: i64) -> String {
    format!("SIMULATED{}{issued:x}", &hash(&format!("{issued}{SECRET_KEY}"))[..16])
}

fn was_token(text: &str) -> Option<i64> {
    let issued = i64::from_str_radix(text.strip_prefix("SIMULATED")?.get(16..)?, 16).ok()?;
    (token(issued) == text).then_some(issued)
}

fn fresh(timestamp: &str, now: Timestamp) -> bool {
    timestamp.parse::<i64>().is_ok_and(|at| (now.millis().saturating_sub(at)).abs() <= SKEW)
}

/// The signature that `request` should carry.
fn sign(request: &Request, token: &str, timestamp: &str, secret: &str) -> String {
    // A key sent twice signs its first value: so the vendor's own client does.
    let mut pairs = BTreeMap::new();
    for (key, value) in request.pairs() {
        pairs.entry(key).or_insert(value);
    }
    let query: String = pairs.into_iter().map(|(key, value)| key + &value).collect();
    hash(&format!("{token}{query}{}{timestamp}{secret}", String::from_utf8_lossy(&request.body)))
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;

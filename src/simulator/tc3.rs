//! Checking TC3-HMAC-SHA256 signatures, from the document alone
//! (API 3.0 signature v3, cloud.tencent.com/document/api/213/30654).

use super::{Refusal, Request, stamp};
use crate::model::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The secret id that may do everything here.
pub const SECRET_ID: &str = "AKIDSIMULATOR00000000000000000000001";
/// Its key: known to everybody, worth nothing.
pub const SECRET_KEY: &str = "simulatorSecretKey00000000000001";
/// A temporary secret id, good only with [`SESSION_TOKEN`].
pub const SESSION_ID: &str = "AKIDSIMULATORSESSION0000000000000001";
/// The key of [`SESSION_ID`].
pub const SESSION_KEY: &str = "simulatorSessionKey0000000000001";
/// The token that [`SESSION_ID`] needs.
pub const SESSION_TOKEN: &str = "simulator-session-token";
/// A secret id that is known and may do nothing.
pub const GUEST_ID: &str = "AKIDSIMULATORGUEST000000000000000001";
/// The key of [`GUEST_ID`].
pub const GUEST_KEY: &str = "simulatorGuestKey000000000000001";

/// How far a request's time may be off, in seconds.
const SKEW: i64 = 300;

/// The parts of an `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// Who signed.
    pub secret_id: &'a str,
    /// The UTC date in the scope.
    pub date: &'a str,
    /// The product in the scope.
    pub service: &'a str,
    /// The names of the signed headers, `;` between them.
    pub headers: &'a str,
    /// The signature, in hex.
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads the header of a request; `None` where it is missing or of another shape.
    pub fn of(request: &'a Request) -> Option<Self> {
        let rest = request.header("authorization")?.strip_prefix("TC3-HMAC-SHA256 ")?;
        let mut parts = rest.split(',').map(str::trim);
        let mut part = |name: &str| parts.next()?.strip_prefix(name);
        let credential = part("Credential=")?;
        let headers = part("SignedHeaders=")?;
        let signature = part("Signature=")?;
        let mut scope = credential.split('/');
        let (secret_id, date, service) = (scope.next()?, scope.next()?, scope.next()?);
        (scope.next() == Some("tc3_request") && scope.next().is_none()).then_some(Self {
            secret_id,
            date,
            service,
            headers,
            signature,
        })
    }
}

/// Checks who signed `request`, and whether for `service` and now.
///
/// # Errors
/// The documented `AuthFailure` codes, in the order in which the gateway finds them.
pub fn check(request: &Request, service: &str, now: Timestamp) -> Result<(), Refusal> {
    let refuse = |code: &'static str, text: &str| Err(Refusal::of(code, text));
    let Some(authorization) = Authorization::of(request) else {
        return refuse(
            "AuthFailure.InvalidAuthorization",
            "The Authorization header is missing or malformed.",
        );
    };
    let timestamp = request.header("x-tc-timestamp").unwrap_or_default();
    let Ok(at) = timestamp.parse::<i64>() else {
        return refuse("MissingParameter", "The request is missing a required parameter `X-TC-Timestamp`.");
    };
    if (now.secs() - at).abs() > SKEW {
        return refuse("AuthFailure.SignatureExpire", "The signature has expired; is the clock right?");
    }
    let (key, token) = match authorization.secret_id {
        SECRET_ID => (SECRET_KEY, None),
        SESSION_ID => (SESSION_KEY, Some(SESSION_TOKEN)),
        GUEST_ID => (GUEST_KEY, None),
        _ => return refuse("AuthFailure.SecretIdNotFound", "The SecretId is not found."),
    };
    if request.header("x-tc-token") != token {
        return refuse("AuthFailure.TokenFailure", "The token is wrong or missing.");
    }
    let failure = "The provided credentials could not be validated. Please check your signature is correct.";
    let signed: Vec<&str> = authorization.headers.split(';').collect();
    let whole = signed.contains(&"content-type") && signed.contains(&"host");
    let scoped = authorization.service == service && authorization.date == stamp::format(at, 0, "%Y-%m-%d");
    if !whole
        || !scoped
        || sign(request, &authorization, timestamp, key).as_deref() != Some(authorization.signature)
    {
        return refuse("AuthFailure.SignatureFailure", failure);
    }
    if authorization.secret_id == GUEST_ID {
        return refuse("UnauthorizedOperation", "You are not authorized to perform this operation.");
    }
    Ok(())
}

/// The signature that `request` should carry; `None` where a header that is said to be signed is missing.
pub fn sign(
    request: &Request,
    authorization: &Authorization<'_>,
    timestamp: &str,
    key: &str,
) -> Option<String> {
    let Authorization { date, service, headers, .. } = *authorization;
    let unsigned = request.header("x-tc-content-sha256") == Some("UNSIGNED-PAYLOAD");
    let payload = match &*request.method {
        "GET" => hash(b""),
        _ if unsigned => hash(b"UNSIGNED-PAYLOAD"),
        _ => hash(&request.body),
    };
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
    for name in headers.split(';') {
        let value = request.header(name)?.trim().to_lowercase();
        canonical += &format!("{name}:{value}\n");
    }
    canonical += &format!("\n{headers}\n{payload}");
    let scope = format!("{date}/{service}/tc3_request");
    let text = format!("TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{}", hash(canonical.as_bytes()));
    let key = mac(format!("TC3{key}").as_bytes(), date)?;
    let key = mac(&mac(&key, service)?, "tc3_request")?;
    Some(hex::encode(mac(&key, &text)?))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
pub(crate) mod sent;
#[cfg(test)]
mod tests;

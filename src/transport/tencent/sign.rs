//! The signature TC3-HMAC-SHA256.

use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// A request as it is signed. It must be sent exactly so.
pub(super) struct Signing<'a> {
    pub(super) service: &'a str,
    /// Unix seconds; goes into `X-TC-Timestamp`.
    pub(super) timestamp: i64,
    pub(super) method: &'a str,
    /// As it stands in the request line.
    pub(super) query: &'a str,
    /// The headers to sign, names in lower case and ascending.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// [`hash`] of the body, or of the literal `UNSIGNED-PAYLOAD`.
    pub(super) hashed_payload: &'a str,
}

impl Signing<'_> {
    /// The header `Authorization`.
    pub(super) fn authorization(&self, secret_id: &str, secret_key: &str) -> String {
        let key = self.key(secret_key);
        let signature = hex::encode(mac(&key, &self.string_to_sign()));
        let (scope, signed) = (self.scope(), self.signed_headers());
        format!("{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={signed}, Signature={signature}")
    }

    fn string_to_sign(&self) -> String {
        let hashed = hash(self.canonical_request().as_bytes());
        format!("{ALGORITHM}\n{}\n{}\n{hashed}", self.timestamp, self.scope())
    }

    /// The path is always `/`.
    fn canonical_request(&self) -> String {
        let line = |(name, value): &(&str, &str)| format!("{name}:{}\n", value.trim().to_lowercase());
        let headers: String = self.headers.iter().map(line).collect();
        let (signed, payload) = (self.signed_headers(), self.hashed_payload);
        format!("{}\n/\n{}\n{headers}\n{signed}\n{payload}", self.method, self.query)
    }

    fn signed_headers(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }

    /// The day is the timestamp's in UTC; the local one would be refused for some hours of every day.
    fn date(&self) -> String {
        DateTime::from_timestamp(self.timestamp, 0).unwrap_or_default().format("%Y-%m-%d").to_string()
    }

    fn scope(&self) -> String {
        format!("{}/{}/tc3_request", self.date(), self.service)
    }

    fn key(&self, secret_key: &str) -> [u8; 32] {
        let date = mac(format!("TC3{secret_key}").as_bytes(), &self.date());
        mac(&mac(&date, self.service), "tc3_request")
    }
}

/// SHA-256 in lower-case hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

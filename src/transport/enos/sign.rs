//! The two hashes: of a token request, and of every other.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// `encryption` of a token request.
pub(super) fn encryption(app_key: &str, stamp: i64, app_secret: &SecretString) -> String {
    let mut hash = Sha256::new();
    hash.update(app_key);
    hash.update(stamp.to_string());
    hash.update(app_secret.expose_secret());
    hex::encode(hash.finalize())
}

/// The header `apim-signature`.
pub(super) fn signature(
    token: &SecretString,
    query: &[(&str, Option<&str>)],
    body: &[u8],
    stamp: i64,
    app_secret: &SecretString,
) -> String {
    let mut hash = Sha256::new();
    hash.update(token.expose_secret());
    hash.update(params_data(query));
    hash.update(body);
    hash.update(stamp.to_string());
    hash.update(app_secret.expose_secret());
    hex::encode(hash.finalize())
}

/// Every key with its decoded value, ascending by bytes, nothing between. Of a repeated key the first value counts,
/// and one without `=` has the value `null`: so the vendor's sample does it. This exporter sends neither.
fn params_data(query: &[(&str, Option<&str>)]) -> String {
    let mut sorted = BTreeMap::new();
    for (key, value) in query {
        sorted.entry(*key).or_insert(value.unwrap_or("null"));
    }
    sorted.into_iter().flat_map(|(key, value)| [key, value]).collect()
}

/// A query for the request line: everything but letters, digits and `-._~` as `%XX`, because `+` means a space to
/// some readers and itself to others.
pub(super) fn query_string(query: &[(&str, Option<&str>)]) -> String {
    let mut text = String::new();
    for (key, value) in query {
        if !text.is_empty() {
            text.push('&');
        }
        escape(key, &mut text);
        if let Some(value) = value {
            text.push('=');
            escape(value, &mut text);
        }
    }
    text
}

fn escape(from: &str, to: &mut String) {
    for byte in from.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            to.push_str(&hex::encode_upper([byte]));
        }
    }
}

//! JSON as it comes, flaws in single texts included.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// What stands in for a character that is none.
const STAND_IN: &str = "\u{fffd}";

/// Written before a text by programs that mark its encoding so. No part of JSON, and no reason to refuse a page.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a body, once more with its texts mended where it is no proper JSON: one bad name must not cost the page it
/// stands on. A byte order mark before it is passed over.
///
/// # Errors
/// Where the body cannot be read even so: what the parser says of it as it came.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let body = body.strip_prefix(MARK).unwrap_or(body);
    serde_json::from_slice(body).or_else(|error| match error.classify() {
        Category::Syntax => serde_json::from_str(&mend(body)).map_err(|_| error),
        Category::Io | Category::Data | Category::Eof => Err(error),
    })
}

/// The body with U+FFFD for every byte that is no UTF-8 and for every escaped half of a surrogate pair, and with the
/// control characters inside texts escaped. Everything else stays as it is.
fn mend(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(text.len());
    let mut rest: &str = &text;
    let mut inside = false;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
        let (plain, special) = rest.split_at(at);
        mended.push_str(plain);
        let taken = match special.chars().next() {
            Some('"') => {
                inside = !inside;
                mended.push('"');
                1
            }
            Some('\\') => escape(special, &mut mended),
            // Between values it may be white space.
            Some(control) if inside => {
                mended.push_str(&format!("\\u{:04x}", u32::from(control)));
                control.len_utf8()
            }
            Some(other) => {
                mended.push(other);
                other.len_utf8()
            }
            None => 0,
        };
        rest = special.get(taken..).unwrap_or_default();
    }
    mended.push_str(rest);
    mended
}

/// Copies the escape that `text` begins with; tells how long it was.
fn escape(text: &str, mended: &mut String) -> usize {
    let length = match (unit(text), text.get(6..).and_then(unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
        (Some(0xd800..=0xdfff), _) => {
            mended.push_str(STAND_IN);
            return 6;
        }
        // The character after the backslash goes with it: it may be a quote or a second backslash.
        _ => text.chars().take(2).map(char::len_utf8).sum(),
    };
    mended.push_str(text.get(..length).unwrap_or_default());
    length
}

/// The UTF-16 unit that `text` begins with as `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // Sixteen bits would be read from "+123" too.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests;

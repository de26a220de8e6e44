//! A request as the simulated clouds see it.

use bytes::Bytes;
use hyper::HeaderMap;

/// One request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query string exactly as sent: TC3 signs it so.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body exactly as sent.
    pub body: Bytes,
    /// How many rows came in at the front of every listing since its first page was read; negative where rows
    /// left. A fault, never in a client's hand.
    pub skew: i64,
}

impl Request {
    /// A header's value, where it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's keys and values, decoded, in the order sent.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key), decode(value))
            })
            .collect()
    }

    /// The first value of a query key, decoded.
    pub fn parameter(&self, key: &str) -> Option<String> {
        self.pairs().into_iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

/// Form decoding: `+` is a space, `%XX` a byte; what is not UTF-8 afterwards becomes U+FFFD.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match (byte, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = tail;
                    high * 16 + low
                }
                _ => b'%',
            },
            _ => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_encoding_is_undone() {
        assert_eq!(decode("a%20b+c%2Bd%"), "a b c+d%");
        assert_eq!(decode("%E6%AF%8F%zz"), "每%zz");
    }
}

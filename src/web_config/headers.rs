//! `http_server_config`.

use super::reader::{Reader, join};
use super::yaml::Node;
use hyper::header::{HeaderName, HeaderValue};

const AT: &str = "http_server_config";
const HEADERS: &str = "http_server_config.headers";

/// The headers that may be set, and the values of those that have only some.
const ALLOWED: &[(&str, &[&str])] = &[
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// What is said over HTTP beside the pages.
pub(super) struct Http {
    /// Whether HTTP/2 is offered where there is TLS.
    pub(super) http2: bool,
    /// Set in every answer.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Default for Http {
    fn default() -> Self {
        Self { http2: true, headers: Vec::new() }
    }
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Http {
    let fields = reader.fields(node, AT, &["http2", "headers"]);
    let http2 = reader.flag(&fields, AT, "http2", true);
    let names: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let mut headers = Vec::new();
    if let Some(node) = fields.get("headers") {
        let fields = reader.fields(node, HEADERS, &names);
        for (name, values) in ALLOWED {
            let Some((line, text)) = reader.text(&fields, HEADERS, name) else { continue };
            if !values.is_empty() && !values.contains(&text) {
                reader.report(line, &join(HEADERS, name), format!("is not {}", values.join(" or ")));
            } else if let (Ok(name), Ok(value)) = (name.parse(), text.parse()) {
                headers.push((name, value));
            } else {
                reader.report(line, &join(HEADERS, name), "is no value of a header; write one line of text");
            }
        }
    }
    Http { http2, headers }
}

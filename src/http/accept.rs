//! What a client takes: the format, and whether packed.
//!
//! Prometheus names several formats and versions with weights; everything else gets what every Prometheus reads, plain
//! text 0.0.4.

use crate::expose::Format;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName};

/// How an exposition is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// How it is written.
    pub format: Format,
    /// Whether it is sent as gzip.
    pub gzip: bool,
}

impl Wanted {
    /// The plain text that every client understands.
    pub const PLAIN: Self = Self { format: Format::Text, gzip: false };

    /// What these headers ask for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { format: format(headers), gzip: gzip(headers) }
    }
}

/// The format with the highest weight; of equal ones the first.
fn format(headers: &HeaderMap) -> Format {
    let mut best = (0.0, Format::Text);
    for range in elements(headers, ACCEPT) {
        if let Some(format) = offered(&range)
            && range.weight > best.0
        {
            best = (range.weight, format);
        }
    }
    best.1
}

/// The format that a media range means, if it is served at all.
fn offered(range: &Element<'_>) -> Option<Format> {
    let version = range.parameter("version");
    match range.name.to_ascii_lowercase().as_str() {
        // 0.0.1 was the draft; what is written here is both.
        "application/openmetrics-text" if matches!(version, None | Some("1.0.0" | "0.0.1")) => {
            Some(Format::OpenMetrics)
        }
        "application/vnd.google.protobuf"
            if range.parameter("proto") == Some("io.prometheus.client.MetricFamily")
                && range.parameter("encoding") == Some("delimited") =>
        {
            Some(Format::Protobuf)
        }
        "text/plain" if matches!(version, None | Some("0.0.4")) => Some(Format::Text),
        "text/*" | "*/*" => Some(Format::Text),
        _ => None,
    }
}

/// Whether gzip is taken, and no less liked than plain text.
fn gzip(headers: &HeaderMap) -> bool {
    let weight = |wanted: &[&str]| {
        let named = |element: &Element<'_>| wanted.iter().any(|name| element.name.eq_ignore_ascii_case(name));
        elements(headers, ACCEPT_ENCODING).find(named).map(|element| element.weight)
    };
    let packed = weight(&["gzip", "x-gzip"]).or_else(|| weight(&["*"])).unwrap_or(0.0);
    // Plain text is always taken unless it is refused by name.
    let plain = weight(&["identity"]).unwrap_or(f32::MIN_POSITIVE);
    packed > 0.0 && packed >= plain
}

/// One element of a list: `name;parameter=value;q=0.5`.
struct Element<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    weight: f32,
}

impl Element<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// The elements of a header, in order, however many lines it has. What cannot be read is passed over.
fn elements(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = Element<'_>> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(element)
}

fn element(text: &str) -> Option<Element<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut element = Element { name, parameters: Vec::new(), weight: 1.0 };
    for part in parts {
        let Some((key, value)) = part.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        if key.eq_ignore_ascii_case("q") {
            // A weight that is none takes the element out, as a weight of 0 does.
            element.weight = value.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
        } else {
            element.parameters.push((key, value));
        }
    }
    Some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(accept: &[&str], encoding: &[&str]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, lines) in [(ACCEPT, accept), (ACCEPT_ENCODING, encoding)] {
            for line in lines {
                headers.append(&name, line.parse().unwrap());
            }
        }
        Wanted::of(&headers)
    }

    /// The headers of real servers, as they were recorded.
    #[test]
    fn every_prometheus_gets_what_it_likes_best() {
        let v2_42 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let v2_53 = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let v3_5 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let native = format!(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,{v3_5}"
        );
        let wants = |accept, format| {
            assert_eq!(wanted(&[accept], &["gzip"]), Wanted { format, gzip: true }, "{accept}");
        };
        [v2_42, v2_53, v3_5].into_iter().for_each(|accept| wants(accept, Format::OpenMetrics));
        wants(&native, Format::Protobuf);
    }

    #[test]
    fn what_is_odd_gets_plain_text() {
        for accept in [
            "",
            "*/*",
            "text/html",
            "application/json;q=0.9",
            "text/plain;version=9",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=2.0.0",
            "application/openmetrics-text;q=nan",
            "application/openmetrics-text;q=2",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
            "application/vnd.google.protobuf",
            "xapplication/openmetrics-text",
            "application/openmetrics-textual",
            ";;;,,,=",
            ";q=1",
            "text/plain;q=0.9,application/openmetrics-text;q=0.8",
            "application/openmetrics-text;x=\"version=1.0.0\";version=7",
        ] {
            assert_eq!(wanted(&[accept], &[]), Wanted::PLAIN, "{accept}");
        }
        let long = "a/b;q=0.1,".repeat(400);
        assert_eq!(wanted(&[&long], &[]), Wanted::PLAIN);
        assert_eq!(wanted(&[], &[]), Wanted::PLAIN);
    }

    #[test]
    fn lines_case_and_quotes_make_no_difference() {
        for accept in [
            &["text/plain;q=0.5", "Application/OpenMetrics-Text; Version=\"1.0.0\" ; Q=0.7"][..],
            &["application/openmetrics-text,text/plain"][..],
        ] {
            assert_eq!(wanted(accept, &[]).format, Format::OpenMetrics, "{accept:?}");
        }
    }

    #[test]
    fn gzip_is_used_where_it_is_wanted() {
        for yes in [
            &["gzip"][..],
            &["deflate, gzip;q=1.0, *;q=0.5"],
            &["*"],
            &["x-gzip"],
            &["GZIP"],
            &["identity;q=0.5, gzip"],
            &["br", "gzip;q=0.1"],
            &["identity;q=0, gzip;q=0.01"],
        ] {
            assert!(wanted(&[], yes).gzip, "{yes:?}");
        }
        for no in [
            &[][..],
            &[""],
            &["gzip;q=0"],
            &["identity"],
            &["identity, gzip;q=0.5"],
            &["gzip;q=0, *"],
            &["gzipped"],
            &["*;q=0"],
            &["gzip;q=x"],
        ] {
            assert!(!wanted(&[], no).gzip, "{no:?}");
        }
    }
}

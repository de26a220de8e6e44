//! Texts, durations and times inside a page.

use crate::model::Timestamp;
use std::fmt::{self, Write};
use std::time::Duration;

/// A text from outside inside HTML text or an attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A duration in its two largest units; nothing where it is not known.
pub(super) struct Span(pub(super) Option<Duration>);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(span) = self.0 else { return Ok(()) };
        let secs = span.as_secs();
        match secs {
            0 => write!(f, "{} ms", span.as_millis()),
            1..60 => write!(f, "{secs} s"),
            60..3600 => write!(f, "{} min {} s", secs / 60, secs % 60),
            3600..86_400 => write!(f, "{} h {} min", secs / 3600, secs % 3600 / 60),
            _ => write!(f, "{} d {} h", secs / 86_400, secs % 86_400 / 3600),
        }
    }
}

/// How long ago something was, with the time itself to hover over. A time ahead of the clock is no time ago.
pub(super) struct Ago(pub(super) Timestamp, pub(super) Option<Timestamp>);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.1 else { return Ok(()) };
        let ago = self.0.since(at).unwrap_or_default();
        write!(f, "<span title=\"{at}\">{} ago</span>", Span(Some(ago)))
    }
}

/// How long until something is due, with the time itself to hover over.
pub(super) struct Until(pub(super) Timestamp, pub(super) Timestamp);

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(now, at) = *self;
        match at.since(now).filter(|left| left.as_secs() > 0) {
            Some(left) => write!(f, "<span title=\"{at}\">in {}</span>", Span(Some(left))),
            None => write!(f, "<span title=\"{at}\">now</span>"),
        }
    }
}

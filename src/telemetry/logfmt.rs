//! Log lines as `ts=… level=… target=… msg="…" key=value`.

use crate::model::Clock;
use std::fmt::{self, Write};
use std::sync::Arc;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events.
pub(super) struct Logfmt {
    clock: Option<Arc<dyn Clock>>,
}

impl Logfmt {
    /// Lines with the time of `clock`, where somebody else does not note the time anyway.
    pub(super) fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        Self { clock }
    }
}

impl<S> FormatEvent<S, Fields> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Fields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let level = metadata.level().as_str().to_ascii_lowercase();
        if let Some(clock) = &self.clock {
            write!(line, "ts={} ", clock.now())?;
        }
        write!(line, "level={level} target={}", metadata.target())?;
        let mut fields = Pairs::default();
        event.record(&mut fields);
        if let Some(message) = &fields.message {
            pair(&mut line, " msg", message)?;
        }
        line.write_str(&fields.pairs)?;
        if let Some(spans) = context.event_scope() {
            for span in spans.from_root() {
                if let Some(fields) = span.extensions().get::<FormattedFields<Fields>>() {
                    line.write_str(&fields.fields)?;
                }
            }
        }
        writeln!(line)
    }
}

/// Writes the fields of a span, a space before each.
pub(super) struct Fields;

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut pairs = Pairs::default();
        fields.record(&mut pairs);
        writer.write_str(&pairs.pairs)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &tracing::span::Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// Fields, written as they come; the message is kept apart, because it goes first.
#[derive(Default)]
struct Pairs {
    message: Option<String>,
    pairs: String,
}

impl Pairs {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = Some(value.to_owned());
            return;
        }
        self.pairs.push(' ');
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        // Writing to a String cannot fail.
        pair(&mut self.pairs, name, value).unwrap_or_default();
    }
}

impl Visit for Pairs {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

fn pair(out: &mut impl Write, name: &str, value: &str) -> fmt::Result {
    write!(out, "{name}=")?;
    let plain = |c: char| !c.is_whitespace() && !hidden(c) && !matches!(c, '"' | '\\' | '=');
    if !value.is_empty() && value.chars().all(plain) {
        return out.write_str(value);
    }
    out.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            c if hidden(c) => write!(out, "\\u{:04x}", u32::from(c))?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

/// What a terminal obeys instead of showing: control characters, line separators, and marks that turn the
/// direction of text round.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

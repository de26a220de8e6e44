//! Lines as systemd's journal wants them: it takes a line's level from `<N>` at its beginning, and notes the time itself.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Whether standard error goes to the journal.
///
/// **Source**: systemd.exec(5): `JOURNAL_STREAM` holds device and inode of the stream, to be compared because the
/// variable is inherited and the stream may be another by now.
pub(super) fn is_journal(variable: Option<&String>) -> bool {
    let Ok(stream) = std::fs::metadata("/proc/self/fd/2") else { return false };
    variable.is_some_and(|told| *told == format!("{}:{}", stream.dev(), stream.ino()))
}

/// The prefix of a line. The numbers are syslog's.
pub(super) fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// Puts the prefix before what `inner` writes.
pub(super) struct Prefixed<F> {
    /// Writes the line itself.
    pub(super) inner: F,
    /// Whether there is a prefix at all.
    pub(super) journal: bool,
}

impl<S, N, F> FormatEvent<S, N> for Prefixed<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.journal {
            line.write_str(prefix(*event.metadata().level()))?;
        }
        self.inner.format_event(context, line, event)
    }
}

//! Logging: what `[log]` asks for, on standard error.
//!
//! Upstream names and error texts end up in fields, so no value can break its line or move a terminal's cursor
//! (`logfmt`), and nothing that logs ever waits for whoever reads the log (`queue`).

mod journal;
mod logfmt;
mod queue;

use crate::config::{self, Format, Log};
use crate::model::Clock;
use journal::{Prefixed, is_journal, prefix};
use logfmt::{Fields, Logfmt};
use queue::{Flush, Queue};
use std::fmt;
use std::sync::Arc;
use tracing::{Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// Why logging could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` is not a filter; says what to write.
    #[error("log.level: {0}")]
    Filter(String),
    /// The thread that writes could not be started.
    #[error("cannot start the log's thread: {0}")]
    Thread(#[from] std::io::Error),
    /// Somebody else logs in this process already.
    #[error("logging is set up already")]
    Taken,
}

/// Logging, set up. What is still queued is written when it is dropped, so keep it until the very end.
pub struct Telemetry {
    filter: reload::Handle<EnvFilter, Registry>,
    _flush: Flush,
}

impl Telemetry {
    /// Starts logging to standard error, for the whole process.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn start(log: &Log, clock: Arc<dyn Clock>) -> Result<Self, TelemetryError> {
        let journal = is_journal(config::environment().get("JOURNAL_STREAM"));
        let notice = notice(log.format, journal, Arc::clone(&clock));
        let (queue, flush) = Queue::start(std::io::stderr(), notice)?;
        let (subscriber, filter) = subscriber(log, journal, clock, queue)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Taken)?;
        Ok(Self { filter, _flush: flush })
    }

    /// Takes over a changed `log.level`; the format stays as it was at the start.
    ///
    /// # Errors
    /// The level is not a filter; the old one stays.
    pub fn set_level(&self, log: &Log) -> Result<(), TelemetryError> {
        let filter = log.filter().map_err(TelemetryError::Filter)?;
        self.filter.reload(filter).map_err(|error| TelemetryError::Filter(error.to_string()))
    }
}

type Handle = reload::Handle<EnvFilter, Registry>;

fn subscriber<W>(
    log: &Log,
    journal: bool,
    clock: Arc<dyn Clock>,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Handle), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(log.filter().map_err(TelemetryError::Filter)?);
    // With internal errors logged, the layer would print to standard error, and panic where that is closed.
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).log_internal_errors(false).with_writer(writer);
    let layer = match log.format {
        Format::Logfmt => {
            let line = Prefixed { inner: Logfmt::new((!journal).then_some(clock)), journal };
            layer.fmt_fields(Fields).event_format(line).boxed()
        }
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_timer(Time(clock))
            .map_event_format(|inner| Prefixed { inner, journal })
            .boxed(),
    };
    Ok((Registry::default().with(filter).with(layer), handle))
}

/// The line that says how many lines were lost.
fn notice(format: Format, journal: bool, clock: Arc<dyn Clock>) -> impl Fn(u64) -> String + Send + 'static {
    const LOST: &str = "log lines were dropped because nobody read them fast enough";
    let prefix = if journal { prefix(Level::WARN) } else { "" };
    move |lines| match format {
        Format::Logfmt if journal => format!("{prefix}level=warn msg=\"{LOST}\" lines={lines}\n"),
        Format::Logfmt => format!("ts={} level=warn msg=\"{LOST}\" lines={lines}\n", clock.now()),
        Format::Json => {
            let line = serde_json::json!({
                "timestamp": clock.now().to_string(), "level": "WARN", "message": LOST, "lines": lines,
            });
            format!("{prefix}{line}\n")
        }
    }
}

/// The time of an event.
struct Time(Arc<dyn Clock>);

impl FormatTime for Time {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", self.0.now())
    }
}

#[cfg(test)]
mod tests;

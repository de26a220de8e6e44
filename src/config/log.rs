//! `[log]`: what is logged, and in which form.

use super::findings::Findings;
use super::key::Key;
use super::quoted::quoted;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// `[log]`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a tracing filter.
    pub level: String,
    /// The form of a line.
    pub format: Format,
}

/// The form of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `ts=… level=… msg="…" key=value`
    Logfmt,
    /// One JSON object.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Logfmt }
    }
}

impl Log {
    /// The filter that [`Log::level`] means.
    ///
    /// # Errors
    /// What is wrong with it and what to write instead.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        const HOW: &str = "write error, warn, info, debug or trace, or a filter like \"info,taskrun_exporter::transport=debug\"";
        let text = self.level.trim();
        // tracing takes a bare word that is no level for a target and would then log that target alone.
        let spans = text.contains('[');
        for part in text.split(',').map(str::trim) {
            let level = matches!(
                part.to_ascii_lowercase().as_str(),
                "off" | "error" | "warn" | "info" | "debug" | "trace"
            );
            if !level && !spans && !part.contains('=') {
                return Err(format!("{} is not a level; {HOW}", quoted(part)));
            }
        }
        EnvFilter::builder().parse(text).map_err(|error| format!("not a filter: {error}; {HOW}"))
    }

    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        if let Err(message) = self.filter() {
            findings.add(&at.child("level"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_target() {
        let filter = |level: &str| Log { level: level.into(), ..Log::default() }.filter();
        for good in ["info", "WARN", "off", "info,hyper=warn", "info,taskrun_exporter[poll{source=a}]=trace"]
        {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", "warning", "info,hyper", "hyper=loud", "info,"] {
            let message = filter(bad).unwrap_err();
            assert!(message.contains("write error, warn"), "{bad}: {message}");
        }
    }
}

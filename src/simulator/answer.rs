//! An answer of the simulated clouds, before it is put on the wire.

use serde_json::Value;

/// One answer. JSON stays a value until the end, so that faults can be put into single fields.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What is sent.
    pub content: Content,
    /// Where its records are, if it has any.
    pub rows: Option<Rows>,
}

/// What an answer sends.
#[derive(Clone, Debug)]
pub enum Content {
    /// `application/json`.
    Json(Value),
    /// `text/html`: what proxies and login pages send.
    Html(&'static str),
}

/// Where an answer keeps its records, and which of their fields a fault may touch.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// JSON pointer to the array of records, or to the single record.
    pub at: &'static str,
    /// The field that holds the state.
    pub state: &'static str,
    /// Fields that hold numbers.
    pub numbers: &'static [&'static str],
    /// Fields that hold times.
    pub times: &'static [&'static str],
    /// Fields that may be null or missing without the record losing its identity.
    pub optional: &'static [&'static str],
}

impl Answer {
    /// JSON with a status of its own.
    pub fn json(status: u16, value: Value) -> Self {
        Self { status, content: Content::Json(value), rows: None }
    }

    /// A page for people.
    pub fn html(status: u16, text: &'static str) -> Self {
        Self { status, content: Content::Html(text), rows: None }
    }

    /// The same with its records pointed out.
    #[must_use]
    pub fn with_rows(mut self, rows: Option<Rows>) -> Self {
        self.rows = rows;
        self
    }

    /// The JSON value, `None` for a page.
    pub fn value(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            Content::Html(_) => None,
        }
    }
}

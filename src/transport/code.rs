//! The code that an API answers with, and the request that it answers.

use std::fmt;
use std::ops::Deref;

/// An API's code, fit for a label and a log line. Two are equal where their texts are: each request has an id of its own.
#[derive(Clone, Debug)]
pub struct Code {
    text: String,
    request: Option<Box<str>>,
}

impl Code {
    /// A code that came from outside: codes are short words, anything else is not one.
    pub(super) fn clean(code: &str) -> Self {
        if is_word(code) { code.into() } else { "unreadable".into() }
    }

    /// Notes the id of the request; what is no id is left out.
    pub(super) fn answers(&mut self, request: Option<&str>) {
        self.request = request.filter(|id| is_word(id)).map(Into::into);
    }

    /// The end of a line about it.
    pub(super) fn request(&self) -> impl fmt::Display {
        struct Request<'a>(Option<&'a str>);
        impl fmt::Display for Request<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.map_or(Ok(()), |id| write!(f, "; request id {id}"))
            }
        }
        Request(self.request.as_deref())
    }
}

/// Codes and ids have nothing in them that a label, a line or a page would have to escape.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty() && text.len() <= 100 && text.chars().all(plain)
}

impl Deref for Code {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Code {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Self { text, request: None }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Code {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Error;

    #[test]
    fn the_request_stands_at_the_end_of_the_line_where_it_is_known() {
        let error = |id| Error::Server { code: "InternalError".into() }.of_request(id).to_string();
        assert_eq!(error(None), "the API failed (InternalError)");
        let id = "6ef60bec-0242-43af-bb20-270359fb54a7";
        assert_eq!(error(Some(id)), format!("the API failed (InternalError); request id {id}"));
        for odd in ["", "a b", "<b>", "a\nb", &"a".repeat(101)] {
            assert_eq!(error(Some(odd)), error(None), "{odd:?}");
        }
    }

    #[test]
    fn two_answers_with_one_code_are_the_same_trouble() {
        let code = |id| {
            let mut code = Code::clean("InternalError");
            code.answers(Some(id));
            code
        };
        assert_eq!(code("1"), code("2"));
        assert_eq!(&*Code::clean("no code at all"), "unreadable");
    }
}

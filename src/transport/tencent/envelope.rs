//! `{"Response": {…}}`, and the error in it.

use super::code;
use crate::transport::error::unreadable;
use crate::transport::http::Answer;
use crate::transport::{Error, json, status};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// The first look: is it an envelope, and does it hold an error?
#[derive(Deserialize)]
struct Outline {
    #[serde(rename = "Response")]
    response: Option<Head>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "Error")]
    error: Option<Fault>,
    #[serde(rename = "RequestId")]
    request_id: Option<Value>,
}

/// `Message` is left out: it is no stable text, and it can quote the request.
#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "Code")]
    code: Option<String>,
}

#[derive(Deserialize)]
struct Whole<A> {
    #[serde(rename = "Response")]
    response: A,
}

/// What stands under `Response`, or the error it is.
///
/// The code goes before the HTTP status: the API answers 200 to nearly everything, and what stands before it explains
/// its statuses in no envelope.
pub(super) fn open<A: DeserializeOwned>(answer: &Answer) -> Result<A, Error> {
    read(answer.status, answer.retry_after, &answer.body)
}

/// [`open`], with the parts of the answer that matter to it.
pub(super) fn read<A: DeserializeOwned>(
    status: u16,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Result<A, Error> {
    let outline = json::read::<Outline>(body);
    if let Ok(Outline { response: Some(Head { error: Some(fault), request_id }) }) = &outline {
        let error = code::error(fault.code.as_deref().unwrap_or_default(), retry_after);
        return Err(error.of_request(request_id.as_ref().and_then(Value::as_str)));
    }
    if status != 200 {
        return Err(status::error(status, retry_after));
    }
    match outline {
        Ok(Outline { response: Some(_) }) => {}
        Ok(Outline { response: None }) => return Err(Error::Decode("JSON without a Response".into())),
        Err(error) => return Err(unreadable(&error)),
    }
    // Twice through the text: that keeps Error out of every type of answer, and is 1 ms for the largest page.
    let whole: Whole<A> = json::read(body).map_err(|error| unreadable(&error))?;
    Ok(whole.response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reason;
    use serde_json::json;

    fn open(status: u16, body: &str) -> Result<Value, Error> {
        super::open(&Answer { status, date: None, retry_after: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn an_answer_is_opened_with_or_without_an_empty_error() {
        for body in [
            r#"{"Response": {"RequestId": "r", "DeprecatedWarning": "text"}}"#,
            r#"{"Response": {"Error": null, "RequestId": "r"}, "more": 1}"#,
        ] {
            assert_eq!(open(200, body).unwrap()["RequestId"], json!("r"));
        }
    }

    #[test]
    fn every_recorded_error_has_its_class() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transport/tencent");
        let mut seen = 0;
        for file in std::fs::read_dir(directory).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let Some(kind) = name.strip_prefix("error_") else { continue };
            let expected = match kind {
                "internal_error" => Reason::Server,
                "request_limit_exceeded_en" | "request_limit_exceeded_zh" => Reason::Throttled,
                "action_offline"
                | "scf_function_not_found"
                | "scf_start_or_end_time"
                | "tat_invalid_filter"
                | "unsupported_region" => Reason::Rejected,
                _ => Reason::Auth,
            };
            let error = open(200, &std::fs::read_to_string(&path).unwrap()).unwrap_err();
            assert_eq!(error.reason(), expected, "{name}: {error}");
            assert!(error.to_string().contains("; request id "), "{name}: {error}");
            seen += 1;
        }
        assert_eq!(seen, 14);
        let warned = open(
            200,
            include_str!("../../../tests/fixtures/transport/tencent/deprecated_warning_envelope.json"),
        );
        assert!(warned.is_ok(), "a warning is no error");
    }

    #[test]
    fn an_odd_request_id_does_not_hide_the_code() {
        for id in ["7", "null", "[]", "\"<s>\""] {
            let body =
                format!(r#"{{"Response": {{"Error": {{"Code": "InternalError"}}, "RequestId": {id}}}}}"#);
            assert_eq!(open(200, &body).unwrap_err().to_string(), "the API failed (InternalError)", "{id}");
        }
    }

    #[test]
    fn a_broken_text_does_not_cost_the_answer() {
        let body = b"{\"Response\": {\"Items\": [{\"TaskName\": \"\\ud800\"}, {\"TaskName\": \"a\xff\"}]}}";
        let items: Value = read(200, None, body).unwrap();
        assert_eq!(items["Items"], json!([{ "TaskName": "\u{fffd}" }, { "TaskName": "a\u{fffd}" }]));
    }

    #[test]
    fn what_is_no_envelope_is_named_without_quoting_it() {
        for (body, what) in [
            ("<html>secret</html>", "not JSON"),
            ("", "ends early"),
            (r#"{"Response": {"A": "secret""#, "ends early"),
            ("{}", "without a Response"),
            (r#"{"Response": null}"#, "without a Response"),
            (r#"{"Response": "secret"}"#, "another type"),
            (r#"{"Response": {"Error": "secret"}}"#, "another type"),
            (r#"{"Response": {"Error": null}, "Response": {"Error": null}}"#, "another type"),
        ] {
            let error = open(200, body).unwrap_err();
            assert!(matches!(&error, Error::Decode(text) if text.contains(what)), "{body}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let deep = format!("{{\"Response\": {}", "[".repeat(100_000));
        assert!(matches!(open(200, &deep), Err(Error::Decode(_))));
    }

    #[test]
    fn the_code_goes_before_the_status() {
        let busy = r#"{"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "`11`"}}}"#;
        for status in [200, 400, 500] {
            assert_eq!(open(status, busy).unwrap_err().code(), Some("RequestLimitExceeded"));
        }
        for (status, label) in
            [(401, "http_401"), (429, "http_429"), (404, "http_404"), (502, "http_502"), (302, "decode")]
        {
            assert_eq!(open(status, "<html>").unwrap_err().label(), label);
            assert_eq!(open(status, r#"{"Response": {}}"#).unwrap_err().label(), label);
        }
        assert_eq!(open(200, r#"{"Response": {"Error": {}}}"#).unwrap_err().code(), Some("unreadable"));
    }
}

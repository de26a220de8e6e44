//! `{"code": 0, "msg": …, "data": …}`, and its relatives.

use crate::transport::error::unreadable;
use crate::transport::http::Answer;
use crate::transport::{Code, Error, json, status};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Where the several generations of the service put their code: v2.1 in `code`, v2.0 and the token service in `status`
/// (which one of its documented samples misspells), the gateway in `apim_status`.
#[derive(Deserialize)]
struct Outline {
    apim_status: Option<Value>,
    code: Option<Value>,
    status: Option<Value>,
    stauts: Option<Value>,
    #[serde(rename = "requestId")]
    request_id: Option<Value>,
    #[serde(default)]
    data: Presence,
}

/// Whether there is something under `data`; what it is does not matter yet.
#[derive(Deserialize, Default)]
#[serde(from = "Option<serde::de::IgnoredAny>")]
struct Presence(bool);

impl From<Option<serde::de::IgnoredAny>> for Presence {
    fn from(found: Option<serde::de::IgnoredAny>) -> Self {
        Self(found.is_some())
    }
}

#[derive(Deserialize)]
struct Whole<A> {
    data: A,
}

/// What stands under `data`, or the error that code and status stand for. `msg` is left out: it differs between pages
/// and languages for one code, and can quote the request.
pub(super) fn open<A: DeserializeOwned>(answer: &Answer) -> Result<A, Error> {
    let good = (200..300).contains(&answer.status);
    let outline: Outline = match json::read(&answer.body) {
        Ok(outline) => outline,
        Err(_) if !good => return Err(status::error(answer.status, answer.retry_after)),
        Err(error) => return Err(unreadable(&error)),
    };
    let codes = [&outline.apim_status, &outline.code, &outline.status, &outline.stauts].map(code);
    let mut codes = codes.into_iter().flatten().peekable();
    let told = codes.peek().is_some();
    if let Some(code) = codes.find(|code| *code != Some(0)) {
        let request = outline.request_id.as_ref().and_then(Value::as_str);
        return Err(error(code, answer.status, answer.retry_after).of_request(request));
    }
    if !good {
        return Err(status::error(answer.status, answer.retry_after));
    }
    // One sample of the token service has no code that could be found, but a token.
    if !told && !outline.data.0 {
        return Err(Error::Decode("JSON without code and data".into()));
    }
    let whole: Whole<A> = json::read(&answer.body).map_err(|error| unreadable(&error))?;
    Ok(whole.data)
}

/// `None` where there is no code, `Some(None)` where it is no number.
fn code(value: &Option<Value>) -> Option<Option<i64>> {
    let value = value.as_ref()?;
    Some(value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()))
}

/// What a code means; one that is not known means what its HTTP status does.
fn error(code: Option<i64>, http: u16, retry_after: Option<Duration>) -> Error {
    let hint = match code {
        Some(62101) => "user_id is unknown, or not of the organisation org_id",
        Some(62103) => {
            "the user has no right to this; allow it in EnOS (IAM), and to the application's service account"
        }
        Some(62105) => "the user's account is locked",
        Some(1002) => "the access key is unknown; is it from this gateway's Application Registration?",
        Some(1003) => "the secret key does not belong to the access key, or this machine's clock is wrong",
        Some(1203 | 1204 | 4011 | 4012) => {
            "the gateway refuses even new tokens; does another program use the same access key?"
        }
        _ => "",
    };
    let text = Code::from(code.map_or_else(|| "unreadable".to_owned(), |code| code.to_string()));
    match code {
        _ if !hint.is_empty() => Error::Auth { code: text, hint },
        Some(62109 | 1005 | 99500) => Error::Server { code: text },
        _ => match status::error(http, retry_after) {
            Error::Auth { hint, .. } => Error::Auth { code: text, hint },
            Error::Throttled { retry_after, .. } => Error::Throttled { code: text, retry_after },
            Error::Server { .. } => Error::Server { code: text },
            _ => Error::Rejected { code: text },
        },
    }
}

/// Whether an answer says that the token is no longer good.
pub(super) fn refuses_token(http: u16, error: &Error) -> bool {
    http == 401 || matches!(error.code(), Some("4011" | "4012" | "1203" | "1204"))
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
    fn every_generation_of_the_envelope_is_opened() {
        for head in
            [r#""code":0"#, r#""status":0"#, r#""stauts":0"#, r#""code":"0""#, r#""code":null,"status":0"#]
        {
            let body = format!(r#"{{{head},"msg":"OK","data":{{"timezone":"GMT+8"}}}}"#);
            assert_eq!(open(200, &body).unwrap()["timezone"], json!("GMT+8"), "{body}");
        }
        assert_eq!(open(200, r#"{"data":{"accessToken":"t"}}"#).unwrap()["accessToken"], json!("t"));
        assert_eq!(open(200, r#"{"code":0,"data":null}"#).unwrap(), Value::Null);
    }

    #[test]
    fn every_recorded_answer_is_opened_or_has_its_class() {
        use Reason::{Auth, Rejected, Server, Throttled};
        let cases = [
            ("token_get_ok", 200, None),
            ("token_get_ok_typo_status", 200, None),
            ("v20_envelope", 200, None),
            ("token_error_1003", 200, Some(Auth)),
            ("token_error_1203", 200, Some(Auth)),
            ("gateway_401_assumed", 401, Some(Auth)),
            ("gateway_429_assumed", 429, Some(Throttled)),
            ("gateway_apim_status_4011", 200, Some(Auth)),
            ("error_62101_user_org", 200, Some(Auth)),
            ("error_62102_not_found", 200, Some(Rejected)),
            ("error_62103_no_privilege", 200, Some(Auth)),
            ("error_62109_server", 200, Some(Server)),
        ];
        for (name, status, expected) in cases {
            let path = format!("{}/tests/fixtures/transport/enos/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let opened = open(status, &std::fs::read_to_string(path).unwrap());
            assert_eq!(opened.as_ref().err().map(Error::reason), expected, "{name}: {opened:?}");
        }
    }

    #[test]
    fn a_broken_text_does_not_cost_the_answer() {
        let body = b"{\"code\": 0, \"msg\": \"\\udc00\", \"data\": [\"\\ud800\", \"a\xff\"]}".to_vec();
        let data: Value = super::open(&Answer { status: 200, date: None, retry_after: None, body }).unwrap();
        assert_eq!(data, json!(["\u{fffd}", "a\u{fffd}"]));
    }

    #[test]
    fn every_documented_code_has_its_class() {
        for (http, body, label, reason) in [
            (200, r#"{"code":62101,"data":null}"#, "62101", "auth"),
            (200, r#"{"code":62103,"data":""}"#, "62103", "auth"),
            (200, r#"{"code":"62102"}"#, "62102", "rejected"),
            (500, r#"{"code":62102}"#, "62102", "server"),
            (200, r#"{"code":62109}"#, "62109", "server"),
            (200, r#"{"code":99400}"#, "99400", "rejected"),
            (200, r#"{"status":1003}"#, "1003", "auth"),
            (200, r#"{"status":1005}"#, "1005", "server"),
            (200, r#"{"status":1001}"#, "1001", "rejected"),
            (200, r#"{"apim_status":4011,"apim_refreshtoken":"r"}"#, "4011", "auth"),
            (200, r#"{"code":0,"apim_status":4012}"#, "4012", "auth"),
            (200, r#"{"code":"oops"}"#, "unreadable", "rejected"),
            (200, r#"{"code":62104}"#, "62104", "rejected"),
            (200, r#"{"code":62105}"#, "62105", "auth"),
            (200, r#"{"status":1002}"#, "1002", "auth"),
            (200, r#"{"status":1004}"#, "1004", "rejected"),
            (200, r#"{"status":1202}"#, "1202", "rejected"),
            (200, r#"{"status":1203}"#, "1203", "auth"),
            (200, r#"{"status":1204}"#, "1204", "auth"),
            (200, r#"{"code":99500}"#, "99500", "server"),
            (400, "unreadable", "http_400", "rejected"),
            (403, r#"{"message":"Your IP address is not allowed"}"#, "http_403", "auth"),
            (413, "", "http_413", "rejected"),
            (401, r#"{"message":"Invalid authentication credentials"}"#, "http_401", "auth"),
            (401, r#"{"code":40101}"#, "40101", "auth"),
            (429, r#"{"message":"API rate limit exceeded"}"#, "http_429", "throttled"),
            (503, "<html>", "http_503", "server"),
            (500, r#"{"code":0,"data":{}}"#, "http_500", "server"),
            (404, r#"{"timestamp":1,"status":404,"error":"Not Found"}"#, "404", "rejected"),
            (302, "", "decode", "decode"),
            (200, "<html>", "decode", "decode"),
            (200, r#"{"message":"hello"}"#, "decode", "decode"),
            (200, r#"[]"#, "decode", "decode"),
        ] {
            let error = open(http, body).unwrap_err();
            assert_eq!((error.label(), error.reason().name()), (label, reason), "{http} {body}");
            // Those of the API itself that are over soon; what is wrong with one item is not.
            let again = crate::transport::retry::wait(1, &error.into(), 0.5).is_some();
            let passes = ["server", "throttled"].contains(&reason) && label != "62109";
            assert_eq!(again, passes, "{http} {body}");
        }
    }

    #[test]
    fn every_code_of_a_token_that_ended_is_a_reason_for_another() {
        let refuses = |http, code: &str| refuses_token(http, &Error::Auth { code: code.into(), hint: "" });
        for code in ["1203", "1204", "4011", "4012"] {
            assert!(refuses(200, code), "{code}");
        }
        assert!(refuses(401, "http_401") && refuses(401, "40101"));
        for code in ["62101", "62103", "62105", "1002", "1003", "http_403"] {
            assert!(!refuses(200, code), "{code}");
        }
    }
}

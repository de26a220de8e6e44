use super::*;
use bytes::Bytes;

/// A request as the vector's client sends it, with the vector's signature replaced where `key` is ours.
fn request(method: &str, query: &str, body: &str, headers: &[(&str, &str)]) -> Request {
    let mut map = hyper::HeaderMap::new();
    for (name, value) in headers {
        map.insert(hyper::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    Request {
        method: method.into(),
        path: "/".into(),
        query: query.into(),
        headers: map,
        body: Bytes::from(body.to_owned()),
        skew: 0,
    }
}

#[test]
fn the_vectors_of_the_official_sdk_and_documents_are_reproduced() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/tc3.json")).unwrap();
    let mut checked = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let input = &vector["input"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = vector["headers_sent"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let request = request(
            &text(&input["method"]),
            &text(&vector["query_string"]),
            &text(&vector["body"]),
            &headers,
        );
        let Some(authorization) = Authorization::of(&request) else { continue };
        let signature =
            sign(&request, &authorization, &input["timestamp"].to_string(), &text(&input["secret_key"]));
        assert_eq!(signature, Some(text(&vector["signature"])), "{}", vector["name"]);
        checked += 1;
    }
    assert!(checked >= 6, "only {checked} vectors had headers");
}

const NOW: i64 = 1_743_120_000;

/// Signed as a client of `id` and `key` would at `NOW`, then changed by `change` on its way.
fn verdict(
    id: &str,
    key: &str,
    token: Option<&str>,
    change: impl Fn(&mut Request),
) -> Result<(), &'static str> {
    let headers = "content-type;host";
    let scope = format!("Credential={id}/2025-03-28/wedata/tc3_request, SignedHeaders={headers}");
    let mut sent = request(
        "POST",
        "",
        "{}",
        &[
            ("content-type", "application/json"),
            ("host", "127.0.0.1:1"),
            ("x-tc-timestamp", &NOW.to_string()),
            ("authorization", &format!("TC3-HMAC-SHA256 {scope}, Signature=none")),
        ],
    );
    let signature = sign(&sent, &Authorization::of(&sent).unwrap(), &NOW.to_string(), key).unwrap();
    sent.headers
        .insert("authorization", format!("TC3-HMAC-SHA256 {scope}, Signature={signature}").parse().unwrap());
    if let Some(token) = token {
        sent.headers.insert("x-tc-token", token.parse().unwrap());
    }
    change(&mut sent);
    check(&sent, "wedata", Timestamp::from_secs(NOW)).map_err(|refusal| refusal.code())
}

#[test]
fn each_wrong_signature_gets_its_own_code() {
    let kept = |_: &mut Request| {};
    assert_eq!(verdict(SECRET_ID, SECRET_KEY, None, kept), Ok(()));
    assert_eq!(verdict(SESSION_ID, SESSION_KEY, Some(SESSION_TOKEN), kept), Ok(()));
    assert_eq!(verdict(SESSION_ID, SESSION_KEY, None, kept), Err("AuthFailure.TokenFailure"));
    assert_eq!(verdict("AKIDNOBODY", SECRET_KEY, None, kept), Err("AuthFailure.SecretIdNotFound"));
    assert_eq!(verdict(SECRET_ID, "wrong", None, kept), Err("AuthFailure.SignatureFailure"));
    assert_eq!(verdict(GUEST_ID, GUEST_KEY, None, kept), Err("UnauthorizedOperation"));
    let changed = verdict(SECRET_ID, SECRET_KEY, None, |sent| sent.body = Bytes::from_static(b"{\"a\":1}"));
    assert_eq!(changed, Err("AuthFailure.SignatureFailure"));
    let late = verdict(SECRET_ID, SECRET_KEY, None, |sent| {
        sent.headers.insert("x-tc-timestamp", (NOW - 301).to_string().parse().unwrap());
    });
    assert_eq!(late, Err("AuthFailure.SignatureExpire"));
    let unsigned = verdict(SECRET_ID, SECRET_KEY, None, |sent| drop(sent.headers.remove("authorization")));
    assert_eq!(unsigned, Err("AuthFailure.InvalidAuthorization"));
}

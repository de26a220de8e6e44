use super::*;
use bytes::Bytes;
use hyper::HeaderMap;

const NOW: i64 = 1_612_265_724_000;

fn request(query: &str, body: &str) -> Request {
    Request {
        method: "POST".into(),
        path: "/x".into(),
        query: query.into(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
        skew: 0,
    }
}

#[test]
fn the_vendors_vectors_are_reproduced() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/vectors/enos.json")).unwrap();
    let vectors = vectors["apim_signature"]["vectors"].as_array().unwrap();
    let mut checked = 0;
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        let url = text("url");
        let query = url.split_once('?').map_or("", |(_, query)| query);
        // The vendor signs the text `null` for a key without `=`; our client sends none, so we do not follow.
        if query.split('&').any(|pair| !pair.contains('=')) {
            continue;
        }
        let signed = sign(
            &request(query, &text("body")),
            &text("access_token"),
            &vector["timestamp_ms"].to_string(),
            &text("app_secret"),
        );
        assert_eq!(signed, text("apim_signature"), "{}", text("name"));
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} checked");
}

fn get(gate: &Gate, key: &str, secret: &str, stamp: i64, now: i64) -> Value {
    let encryption = hash(&format!("{key}{stamp}{secret}"));
    let body = json!({"appKey": key, "encryption": encryption, "timestamp": stamp}).to_string();
    gate.issue(&request("", &body), Timestamp::from_millis(now), false).value().unwrap().clone()
}

/// What the gate says to a call with `token`, signed with `secret`.
fn call(gate: &Gate, token: &str, secret: &str, now: i64) -> Result<(), (u16, Value)> {
    let mut sent = request("action=get&taskInstId=1", "");
    let signature = sign(&sent, token, &now.to_string(), secret);
    for (name, value) in
        [("apim-accesstoken", token), ("apim-timestamp", &now.to_string()), ("apim-signature", &signature)]
    {
        sent.headers.insert(name, value.parse().unwrap());
    }
    let verdict = gate.check(&sent, Timestamp::from_millis(now));
    verdict.map_err(|answer| (answer.status, answer.value().unwrap().clone()))
}

#[test]
fn a_token_is_the_same_while_it_lives_and_opens_the_gate_until_it_expires() {
    let gate = Gate::default();
    let first = get(&gate, ACCESS_KEY, SECRET_KEY, NOW, NOW);
    assert_eq!(first["data"]["expire"], 7200);
    let again = get(&gate, ACCESS_KEY, SECRET_KEY, NOW + 60_000, NOW + 60_000);
    assert_eq!(again["data"]["accessToken"], first["data"]["accessToken"]);
    assert_eq!(again["data"]["expire"], 7140);
    let token = first["data"]["accessToken"].as_str().unwrap();
    assert_eq!(call(&gate, token, SECRET_KEY, NOW + 1), Ok(()));
    assert_eq!(call(&gate, token, "wrong", NOW + 1).unwrap_err().0, 401);
    assert_eq!(call(&gate, "SIMULATED", SECRET_KEY, NOW + 1).unwrap_err().0, 401);
    let (status, body) = call(&gate, token, SECRET_KEY, NOW + 7_200_000).unwrap_err();
    assert_eq!((status, body["apim_status"].as_i64()), (200, Some(4011)));
    let next = get(&gate, ACCESS_KEY, SECRET_KEY, NOW + 7_200_001, NOW + 7_200_001);
    assert_ne!(next["data"]["accessToken"], first["data"]["accessToken"]);
}

#[test]
fn a_wrong_token_request_gets_its_own_status() {
    let gate = Gate::default();
    assert_eq!(get(&gate, "nobody", SECRET_KEY, NOW, NOW)["status"], 1002);
    assert_eq!(get(&gate, ACCESS_KEY, "wrong", NOW, NOW)["status"], 1003);
    assert_eq!(get(&gate, ACCESS_KEY, SECRET_KEY, NOW - 600_000, NOW)["status"], 1003);
    assert_eq!(get(&gate, "", SECRET_KEY, NOW, NOW)["status"], 1202);
    assert_eq!(get(&gate, ACCESS_KEY, SECRET_KEY, NOW, NOW)["status"], 0);
    assert_eq!(get(&gate, ACCESS_KEY, SECRET_KEY, NOW, NOW)["status"], 1001);
}

use super::*;
use serde_json::Value;

#[test]
fn every_vector_is_reproduced_with_all_its_steps() {
    let file: Value =
        serde_json::from_str(include_str!("../../../../tests/fixtures/vectors/tc3.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
        let input = &vector["input"];
        let method = text(&input["method"]);
        let content_type = match (input["content_type"].as_str(), method.as_str()) {
            (Some(given), _) => given,
            (None, "GET") => "application/x-www-form-urlencoded",
            (None, _) => "application/json",
        };
        let (host, action) = (text(&input["endpoint_host"]), text(&input["action"]));
        let mut headers = vec![("content-type", content_type), ("host", host.as_str())];
        if vector["signed_headers"] == "content-type;host;x-tc-action" {
            headers.push(("x-tc-action", action.as_str()));
        }
        let body = if input["unsigned_payload"] == true {
            "UNSIGNED-PAYLOAD".to_owned()
        } else {
            text(&vector["body"])
        };
        let hashed_payload = hash(body.as_bytes());
        let (service, query) = (text(&input["service"]), text(&vector["query_string"]));
        let signing = Signing {
            service: &service,
            timestamp: input["timestamp"].as_i64().unwrap(),
            method: &method,
            query: &query,
            headers: &headers,
            hashed_payload: &hashed_payload,
        };
        let (id, key) = (text(&input["secret_id"]), text(&input["secret_key"]));
        assert_eq!(signing.date(), text(&vector["date_utc"]), "{name}");
        assert_eq!(hashed_payload, text(&vector["hashed_payload"]), "{name}");
        assert_eq!(signing.canonical_request(), text(&vector["canonical_request"]), "{name}");
        assert_eq!(signing.string_to_sign(), text(&vector["string_to_sign"]), "{name}");
        assert_eq!(hex::encode(signing.key(&key)), text(&vector["secret_signing_hex"]), "{name}");
        assert_eq!(signing.authorization(&id, &key), text(&vector["authorization"]), "{name}");
    }
}

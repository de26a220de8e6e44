use super::*;
use reqwest::Url;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/vectors/enos.json")).unwrap()
}

/// The query as a gateway reads it: decoded, `+` a space, a key without `=` without a value.
fn decoded(url: &Url) -> Vec<(String, Option<String>)> {
    url.query()
        .unwrap_or_default()
        .split('&')
        .map(|part| {
            let mut one = url.clone();
            one.set_query(Some(part));
            let (key, value) = one.query_pairs().next().unwrap();
            (key.into_owned(), part.contains('=').then(|| value.into_owned()))
        })
        .collect()
}

fn borrowed(query: &[(String, Option<String>)]) -> Vec<(&str, Option<&str>)> {
    query.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect()
}

#[test]
fn every_token_request_is_reproduced() {
    let file = vectors();
    let vectors = file["token_request"]["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap();
        let stamp = vector["timestamp_ms"].as_i64().unwrap();
        assert_eq!(encryption(text("app_key"), stamp, &text("app_secret").into()), text("encryption"));
    }
}

#[test]
fn every_signature_is_reproduced() {
    let file = vectors();
    let vectors = file["apim_signature"]["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 14);
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap_or_default();
        let query = decoded(&Url::parse(text("url")).unwrap());
        let params = params_data(&borrowed(&query)) + text("body");
        assert_eq!(params, text("params_data"), "{}", text("name"));
        let stamp = vector["timestamp_ms"].as_i64().unwrap();
        let signed = signature(
            &text("access_token").into(),
            &borrowed(&query),
            text("body").as_bytes(),
            stamp,
            &text("app_secret").into(),
        );
        assert_eq!(signed, text("apim_signature"), "{}", text("name"));
    }
}

#[test]
fn what_is_sent_is_read_back_as_it_was_signed() {
    let query = [("a", Some("x y+z&=%/?#")), ("名", Some("任务")), ("b", Some("1"))];
    let mut url = Url::parse("https://gateway.example.com/x").unwrap();
    url.set_query(Some(&query_string(&query)));
    assert_eq!(borrowed(&decoded(&url)), query);
    assert!(!url.as_str().contains('+'));
}

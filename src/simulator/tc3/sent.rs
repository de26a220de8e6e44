//! Requests as a client would sign them, for the tests of the faces.

use super::{Authorization, SECRET_ID, SECRET_KEY, sign};
use crate::model::Timestamp;
use crate::simulator::tencent::Product;
use crate::simulator::{Face, Request, World, stamp};
use serde_json::Value;

/// A signed call of `action` with `arguments`.
pub(crate) fn signed(
    product: &'static Product,
    action: &str,
    region: &str,
    arguments: &Value,
    now: Timestamp,
) -> Request {
    let mut headers = hyper::HeaderMap::new();
    let mut put = |name: &'static str, value: &str| drop(headers.insert(name, value.parse().unwrap()));
    put("host", "localhost");
    put("content-type", "application/json");
    put("x-tc-action", action);
    put("x-tc-version", product.version);
    put("x-tc-region", region);
    put("x-tc-timestamp", &now.secs().to_string());
    let scope =
        format!("{SECRET_ID}/{}/{}/tc3_request", stamp::format(now.secs(), 0, "%Y-%m-%d"), product.service);
    let start = format!("TC3-HMAC-SHA256 Credential={scope}, SignedHeaders=content-type;host, Signature=");
    put("authorization", &start);
    let mut request = Request {
        method: "POST".into(),
        path: "/".into(),
        query: String::new(),
        headers,
        body: arguments.to_string().into(),
        skew: 0,
    };
    let signature =
        sign(&request, &Authorization::of(&request).unwrap(), &now.secs().to_string(), SECRET_KEY).unwrap();
    request.headers.insert("authorization", format!("{start}{signature}").parse().unwrap());
    request
}

/// What stands under `Response` in the answer to a signed call.
pub(crate) fn ask(
    product: &'static Product,
    world: &World,
    now: i64,
    action: &str,
    region: &str,
    arguments: &Value,
) -> Value {
    let now = Timestamp::from_secs(now);
    let answer = product.answer(&signed(product, action, region, arguments, now), world, now);
    assert_eq!(answer.status, 200);
    answer.value().unwrap()["Response"].clone()
}

/// The code of the error that a signed call gets.
pub(crate) fn refused(
    product: &'static Product,
    world: &World,
    now: i64,
    action: &str,
    region: &str,
    arguments: &Value,
) -> String {
    let response = ask(product, world, now, action, region, arguments);
    response["Error"]["Code"].as_str().unwrap_or("no error").to_owned()
}

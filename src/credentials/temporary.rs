//! Temporary keys as the metadata service and STS write them.

use super::Triple;
use crate::model::{Timestamp, Zone};
use serde_json::Value;

/// Reads `TmpSecretId`, `TmpSecretKey` and `Token` of `keys` and the end time of `times`; `None` when a key or the end
/// time is missing, because keys of unknown age cannot be renewed in time.
///
/// **Source**: the metadata service writes all of them side by side, STS the keys under `Credentials`; the end is
/// `ExpiredTime` in Unix seconds, and `Expiration` in ISO 8601.
pub(super) fn read(keys: &Value, times: &Value) -> Option<Triple> {
    let text = |key: &str| keys.get(key)?.as_str().filter(|text| !text.is_empty());
    Some(Triple {
        secret_id: text("TmpSecretId")?.to_owned(),
        secret_key: text("TmpSecretKey")?.into(),
        token: Some(text("Token")?.into()),
        expires: Some(end(times)?),
    })
}

fn end(times: &Value) -> Option<Timestamp> {
    let seconds = times.get("ExpiredTime").and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()));
    seconds
        .filter(|seconds| *seconds > 0)
        .map(Timestamp::from_secs)
        .or_else(|| Zone::read_rfc3339(times.get("Expiration")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_recorded_answer_is_read() {
        let answer = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let role = answer(include_str!("../../tests/fixtures/transport/tencent/cvm_role_credentials.json"));
        assert!(read(&role, &role).is_some());
        for text in [
            include_str!("../../tests/fixtures/transport/tencent/sts_AssumeRole.json"),
            include_str!("../../tests/fixtures/transport/tencent/sts_AssumeRoleWithWebIdentity.json"),
        ] {
            let response = &answer(text)["Response"];
            assert!(read(&response["Credentials"], response).is_some(), "{text}");
        }
    }

    #[test]
    fn the_end_is_read_in_either_form_and_never_guessed() {
        let keys = json!({"TmpSecretId": "i", "TmpSecretKey": "k", "Token": "t"});
        let at = Some(Timestamp::from_secs(1_615_590_047));
        for times in [
            json!({"ExpiredTime": 1_615_590_047}),
            json!({"ExpiredTime": "1615590047"}),
            json!({"ExpiredTime": null, "Expiration": "2021-03-12T23:00:47Z"}),
        ] {
            assert_eq!(read(&keys, &times).unwrap().expires, at, "{times}");
        }
        assert!(read(&keys, &json!({})).is_none());
        assert!(read(&json!({"TmpSecretId": "i", "Token": "t"}), &json!({"ExpiredTime": 1})).is_none());
    }
}

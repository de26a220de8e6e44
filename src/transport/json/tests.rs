use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn text(raw: &[u8]) -> serde_json::Result<String> {
    let body = [b"{\n\t\"a\": [\"", raw, b"\"]}"].concat();
    read::<Value>(&body).map(|value| value["a"][0].as_str().unwrap().to_owned())
}

#[test]
fn one_bad_text_costs_only_its_bad_characters() {
    for (raw, read) in [
        (&b"a\xffb"[..], "a\u{fffd}b"),
        // Cut in the middle of a character, right before the quote.
        (b"\xe6\x97", "\u{fffd}"),
        (br"\ud800", "\u{fffd}"),
        (br"\udc00x", "\u{fffd}x"),
        (br"\uD83D\uDE00", "\u{1f600}"),
        (br"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (br"\ud800\ud800", "\u{fffd}\u{fffd}"),
        (br"\ud800\u0041", "\u{fffd}A"),
        (br"\ud800\n", "\u{fffd}\n"),
        (br"\ud800\\udc00", "\u{fffd}\\udc00"),
        (br"\\ud800\udc00", "\\ud800\u{fffd}"),
        (br#"\"\ud800\""#, "\"\u{fffd}\""),
        (b"\\ud800\xff", "\u{fffd}\u{fffd}"),
        (b"a\x01\n\x00b\x7f", "a\u{1}\n\u{0}b\u{7f}"),
    ] {
        assert_eq!(text(raw).unwrap(), read, "{}", raw.escape_ascii());
    }
}

#[test]
fn what_is_no_json_stays_none() {
    for raw in [&br"\u12"[..], br"\ud8", br"\u+123", br"\x", "\\ü".as_bytes(), br#"" \ud800"#] {
        assert!(text(raw).is_err(), "{}", raw.escape_ascii());
    }
    for body in [&b""[..], b"<html>\xff", b"{\"a\": \"\\ud800", b"\\", b"\"\\", b"\"\\u", b"\x01{}"] {
        assert!(read::<Value>(body).is_err(), "{}", body.escape_ascii());
    }
}

#[test]
fn a_byte_order_mark_costs_nothing() {
    assert_eq!(read::<Value>(b"\xef\xbb\xbf{\"a\": 1}").unwrap(), json!({"a": 1}));
    assert_eq!(read::<Value>(b"\xef\xbb\xbf[\"\xff\"]").unwrap(), json!(["\u{fffd}"]));
    assert!(read::<Value>(b"\xef\xbb\xbf").is_err());
}

/// A piece of a text: as it is written, and as it is to be read.
fn piece() -> impl Strategy<Value = (Vec<u8>, String)> {
    let lone = |unit: u16| (format!("\\u{unit:04x}").into_bytes(), "\u{fffd}".to_owned());
    prop_oneof![
        any::<String>().prop_map(|text| {
            let quoted = json!(text).to_string();
            (quoted.as_bytes()[1..quoted.len() - 1].to_vec(), text)
        }),
        any::<char>().prop_map(|c| {
            let escaped: String =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect();
            (escaped.into_bytes(), c.to_string())
        }),
        // A second half alone never joins what stands before it, unless that is a first half.
        (0xdc00_u16..=0xdfff).prop_map(lone),
        // A first half alone, kept apart from what follows.
        (0xd800_u16..=0xdbff).prop_map(move |unit| {
            let (mut raw, read) = lone(unit);
            raw.push(b'.');
            (raw, read + ".")
        }),
        (0xf8_u8..=0xff).prop_map(|byte| (vec![byte], "\u{fffd}".to_owned())),
        (0_u8..0x20).prop_map(|byte| (vec![byte], char::from(byte).to_string())),
    ]
}

proptest! {
    /// Whatever stands in a text, all that is good of it is read.
    #[test]
    fn every_good_character_survives(pieces in prop::collection::vec(piece(), 0..12)) {
        let raw: Vec<u8> = pieces.iter().flat_map(|(raw, _)| raw.clone()).collect();
        let expected: String = pieces.iter().map(|(_, read)| read.as_str()).collect();
        prop_assert_eq!(text(&raw).unwrap(), expected);
    }

    /// Mending changes no good document, and no bytes make it fail.
    #[test]
    fn good_documents_stay_as_they_are(key in any::<String>(), value in any::<String>(), bytes: Vec<u8>) {
        let document = json!({ key: [value, 1, null] });
        for body in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            prop_assert_eq!(mend(body.as_bytes()), body);
        }
        mend(&bytes);
    }
}

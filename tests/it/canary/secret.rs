//! What a secret looks like, however it was written.

use std::collections::{BTreeMap, BTreeSet};

/// A text that stands nowhere else, with characters that quoting and escaping change.
pub(super) fn text(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("Canary{name}{:016x}+=%", fastrand::u64(..))
}

/// A secret, and every form in which it would still be one.
pub(super) struct Secret {
    name: String,
    forms: BTreeSet<Vec<u8>>,
}

impl Secret {
    pub(super) fn new(name: &str, secret: &str) -> Self {
        assert!(secret.len() >= 16, "{name}: so short a text can be anywhere");
        let bytes = secret.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let escape = |keep: &[u8], upper: bool| -> String {
            let one = |byte: &u8| match (byte, upper) {
                (byte, _) if byte.is_ascii_alphanumeric() || keep.contains(byte) => {
                    char::from(*byte).to_string()
                }
                (byte, true) => format!("%{byte:02X}"),
                (byte, false) => format!("%{byte:02x}"),
            };
            bytes.iter().map(one).collect()
        };
        let mut forms: BTreeSet<Vec<u8>> = [
            secret.to_owned(),
            format!("{secret:?}").trim_matches('"').to_owned(),
            serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
            secret.escape_unicode().to_string(),
            format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
            hex.to_uppercase(),
            hex,
            escape(b"-._~", true),
            escape(b"-._~", false),
            escape(b"-._~+/=", true),
            secret.chars().rev().collect(),
        ]
        .map(String::into_bytes)
        .into();
        // A part is a leak too.
        forms.insert(bytes[..bytes.len() - 6].to_vec());
        for before in 0..3 {
            forms.extend([b"+/", b"-_"].map(|last| base64(bytes, before, last)));
        }
        Self { name: name.to_owned(), forms }
    }
}

/// The middle of `bytes` in base64 when it stands after `before` other bytes: the part that does not depend on them.
fn base64(bytes: &[u8], before: usize, last: &[u8; 2]) -> Vec<u8> {
    let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last).collect();
    let whole = &bytes[(3 - before) % 3..];
    let whole = &whole[..whole.len() - whole.len() % 3];
    let digit = |chunk: &[u8], nth: usize| {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        alphabet[bits >> (18 - 6 * nth) & 63]
    };
    whole.chunks(3).flat_map(|chunk| (0..4).map(move |nth| (chunk, nth))).map(|(c, n)| digit(c, n)).collect()
}

/// Everything in which a secret may not be.
#[derive(Default)]
pub(super) struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    pub(super) fn add(&mut self, place: &str, text: impl Into<Vec<u8>>) {
        self.0.push((place.to_owned(), text.into()));
    }

    pub(super) fn of(&self, place: &str) -> &[u8] {
        let found = self.0.iter().find(|(known, _)| known.ends_with(place));
        found.map_or(&[], |(_, text)| text)
    }

    /// Which secrets are where, with what stands around them.
    pub(super) fn leaks(&self, secrets: &[Secret]) -> Vec<String> {
        let forms: Vec<(&str, &[u8])> = secrets
            .iter()
            .flat_map(|secret| secret.forms.iter().map(|form| (secret.name.as_str(), form.as_slice())))
            .collect();
        // Nearly every place is none where a form begins: that is seen at its first two bytes.
        let mut begins = vec![false; 1 << 16];
        let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
        forms.iter().for_each(|(_, form)| begins[pair(form)] = true);
        let mut leaks = BTreeMap::new();
        for (place, text) in &self.0 {
            for at in (0..text.len().saturating_sub(1)).filter(|at| begins[pair(&text[*at..])]) {
                for (name, form) in forms.iter().filter(|(_, form)| text[at..].starts_with(form)) {
                    let around = &text[at.saturating_sub(200)..text.len().min(at + form.len() + 40)];
                    leaks
                        .entry((*name, place))
                        .or_insert_with(|| String::from_utf8_lossy(around).into_owned());
                }
            }
        }
        leaks.into_iter().map(|((name, place), around)| format!("{name} in {place}: …{around}…")).collect()
    }

    pub(super) fn must_not_hold(&self, secrets: &[Secret]) {
        assert!(self.0.iter().filter(|(_, text)| !text.is_empty()).count() > 5, "nothing was looked through");
        let leaks = self.leaks(secrets);
        assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
    }
}

#[test]
fn every_form_is_found() {
    let text = text("x");
    let secret = [Secret::new("x", &text)];
    let hidden = |written: String| {
        let mut haystack = Haystack::default();
        haystack.add("place", format!("before {written} after"));
        haystack.leaks(&secret).is_empty()
    };
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    for written in [
        text.clone(),
        format!("{text:?}"),
        hex.clone(),
        hex.to_uppercase(),
        text.replace('+', "%2B").replace('/', "%2F"),
    ] {
        assert!(!hidden(written.clone()), "{written}");
    }
    assert!(hidden("Canary".to_owned()));
    // RFC 4648, section 10, in the middle of another text.
    assert_eq!(base64(b"foobar", 0, b"+/"), b"Zm9vYmFy");
    assert_eq!(base64(b"xxfoobar", 1, b"+/"), b"Zm9vYmFy");
}

//! Where the keys of a Tencent Cloud account come from.

use crate::config::nearest::nearest;
use crate::config::secret::SecretRef;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// `credentials`: a word or a table.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Credentials {
    /// Environment, file, CVM role, TKE OIDC: the first that has some.
    #[default]
    Default,
    /// `TENCENTCLOUD_SECRET_ID` and its like.
    Environment,
    /// The credential file of Tencent's own tools.
    File,
    /// The role of the virtual machine.
    CvmRole,
    /// The identity of the Kubernetes pod.
    TkeOidc,
    /// Keys named one by one.
    Keys(KeyRefs),
}

/// Keys, each kept somewhere else.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRefs {
    /// The SecretId.
    #[serde(default = "SecretRef::nowhere")]
    pub secret_id: SecretRef,
    /// The SecretKey.
    #[serde(default = "SecretRef::nowhere")]
    pub secret_key: SecretRef,
    /// The token of temporary keys.
    pub token: Option<SecretRef>,
}

const WORDS: [(&str, Credentials); 5] = [
    ("default", Credentials::Default),
    ("environment", Credentials::Environment),
    ("file", Credentials::File),
    ("cvm-role", Credentials::CvmRole),
    ("tke-oidc", Credentials::TkeOidc),
];

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable)
    }
}

struct WordOrTable;

impl<'de> Visitor<'de> for WordOrTable {
    type Value = Credentials;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word like \"default\", or a table with secret_id and secret_key")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Credentials, E> {
        if let Some((_, credentials)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(credentials.clone());
        }
        // The text is not repeated: it may be a key that somebody pasted here.
        Err(E::custom(match nearest(text, WORDS.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("unknown word; did you mean {meant:?}?"),
            None => "write \"default\", \"environment\", \"file\", \"cvm-role\" or \"tke-oidc\", or \
                     { secret_id = { env = \"ID\" }, secret_key = { file = \"PATH\" } }"
                .into(),
        }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Credentials, A::Error> {
        KeyRefs::deserialize(MapAccessDeserializer::new(map)).map(Credentials::Keys)
    }
}

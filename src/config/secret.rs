//! Secrets: named in the configuration, kept elsewhere.

use super::quoted::is_short;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

/// A secret that shows itself to nobody who does not ask for it by name.
pub use secrecy::SecretString as Secret;

/// Longer is not a key but a wrong path.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretRef {
    /// `{ env = "NAME" }`
    Env(String),
    /// `{ file = "PATH" }`
    File(PathBuf),
}

/// Why a secret could not be had. Names the place, never the content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable does not exist.
    #[error("{0} is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(String, String),
    /// It is there, and empty.
    #[error("{0} is empty")]
    Empty(String),
}

impl SecretRef {
    /// A reference that was not written, which nobody can read.
    pub(super) fn nowhere() -> Self {
        Self::Env(String::new())
    }

    /// Reads the secret as it is now: a file is read anew each time, so that a key rotated on disk is found.
    /// One newline at the end is no part of it.
    ///
    /// # Errors
    /// It is missing, unreadable or empty.
    pub fn read(&self, env: &BTreeMap<String, String>) -> Result<Secret, SecretError> {
        let text = match self {
            Self::Env(name) => env.get(name).cloned().ok_or_else(|| SecretError::Unset(self.to_string()))?,
            Self::File(path) => {
                let mut text = String::new();
                let unreadable = |cause: String| SecretError::Unreadable(self.to_string(), cause);
                std::fs::File::open(path)
                    .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
                    .map_err(|error| unreadable(error.to_string()))?;
                if text.len() as u64 > MAX_BYTES {
                    return Err(unreadable(format!("longer than {MAX_BYTES} bytes, which no secret is")));
                }
                text
            }
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(SecretError::Empty(self.to_string()));
        }
        Ok(Secret::from(text))
    }
}

impl fmt::Display for SecretRef {
    /// The place, where it looks like one: what was meant for `{ env = "NAME" }` may have become `{ env = "SECRET" }`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual =
            |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        match self {
            Self::Env(name) if is_short(name) || usual(name) => write!(f, "the environment variable {name}"),
            Self::Env(_) => f.write_str("the environment variable that is named there"),
            Self::File(path) if path.is_absolute() || is_short(&path.to_string_lossy()) => {
                write!(f, "{}", path.display())
            }
            Self::File(_) => f.write_str("the file that is named there"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Place)
    }
}

const HOW: &str =
    "a secret is never written in the configuration; write { env = \"NAME\" } or { file = \"PATH\" }";

struct Place;

impl<'de> Visitor<'de> for Place {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"PATH\" }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretRef, E> {
        Err(E::custom(HOW))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRef, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            env: Option<String>,
            file: Option<PathBuf>,
        }
        let Table { env, file } = Table::deserialize(MapAccessDeserializer::new(map))?;
        match (env, file) {
            (Some(name), None) if !name.is_empty() => Ok(SecretRef::Env(name)),
            (None, Some(path)) if !path.as_os_str().is_empty() => Ok(SecretRef::File(path)),
            (Some(_), Some(_)) => Err(A::Error::custom("has both env and file; keep one of the two")),
            _ => Err(A::Error::custom("names no place; write { env = \"NAME\" } or { file = \"PATH\" }")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_file_is_read_anew_and_its_newline_is_no_part_of_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let reference = SecretRef::File(path.clone());
        let read = || reference.read(&BTreeMap::new());
        assert!(matches!(read(), Err(SecretError::Unreadable(..))));
        std::fs::write(&path, " first \n").unwrap();
        assert_eq!(read().unwrap().expose_secret(), " first ");
        std::fs::write(&path, "second\r\n").unwrap();
        assert_eq!(read().unwrap().expose_secret(), "second");
        for empty in ["", "\n", " \n"] {
            std::fs::write(&path, empty).unwrap();
            assert_eq!(read().unwrap_err(), SecretError::Empty(path.display().to_string()));
        }
        std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
        assert!(read().unwrap_err().to_string().contains("longer"));
    }

    #[test]
    fn a_variable_is_looked_up_and_not_shown() {
        let env = [("KEY".to_owned(), "hunter2".to_owned()), ("EMPTY".to_owned(), String::new())].into();
        let read = |name: &str| SecretRef::Env(name.into()).read(&env);
        let secret = read("KEY").unwrap();
        assert_eq!(secret.expose_secret(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(read("EMPTY").unwrap_err(), SecretError::Empty("the environment variable EMPTY".into()));
        assert_eq!(read("OTHER").unwrap_err().to_string(), "the environment variable OTHER is not set");
    }
}

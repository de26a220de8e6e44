//! The path of a key, and how it is shown.

use std::fmt;

/// Where a value stands: `sources`, `dataflows`, `regions`, `0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// From its parts, outermost first.
    pub(super) fn of<S: AsRef<str>>(parts: &[S]) -> Self {
        Self(parts.iter().map(|part| part.as_ref().to_owned()).collect())
    }

    /// This key's child.
    pub(super) fn child(&self, part: &str) -> Self {
        self.join(&[part])
    }

    /// This key's descendant.
    pub(super) fn join<S: AsRef<str>>(&self, parts: &[S]) -> Self {
        let mut all = self.0.clone();
        all.extend(parts.iter().map(|part| part.as_ref().to_owned()));
        Self(all)
    }

    /// What contains it; `None` for the whole configuration.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// Whether it is `other` or stands inside it.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Its parts, outermost first.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Key {
    /// As TOML writes a dotted key: what is not a bare word is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            if is_word(part) { f.write_str(part)? } else { write!(f, "{part:?}")? }
        }
        Ok(())
    }
}

/// Whether a text is made of `A-Z a-z 0-9 _ -` alone, and of at least one of them.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

//! A secret, or the file that holds it.

use secrecy::SecretString;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// The longest secret file that is read: STS tokens stay below 4 KiB, OIDC tokens below 16.
const MAX_BYTES: u64 = 64 * 1024;

/// A secret that was given, or a file that is read each time the secret is needed, so that a rotated key is used
/// by the very next call.
#[derive(Clone, Debug)]
pub enum SecretRef {
    /// The secret itself, read from the environment at start.
    Value(SecretString),
    /// The file that holds it; blanks and newlines around it do not count.
    File(PathBuf),
}

impl SecretRef {
    /// The secret as it is now.
    ///
    /// # Errors
    /// A text that names the file and what is wrong with it: unreadable, empty, too long, not UTF-8.
    pub fn read(&self) -> Result<SecretString, String> {
        match self {
            Self::Value(secret) => Ok(secret.clone()),
            Self::File(path) => {
                let text = read_text(path)?;
                let secret = text.trim();
                if secret.is_empty() {
                    return Err(format!("{} is empty", path.display()));
                }
                Ok(SecretString::from(secret))
            }
        }
    }
}

/// A small text file, whole. Takes the path of `/dev/zero` without harm.
pub(super) fn read_text(path: &std::path::Path) -> Result<String, String> {
    let fail = |cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(|e| fail(&e))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| fail(&e))?;
    if u64::try_from(text.len()).is_ok_and(|len| len > MAX_BYTES) {
        return Err(fail(&"larger than a secret can be"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_file_is_read_anew_and_trimmed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let secret = SecretRef::File(path.clone());
        assert!(secret.read().unwrap_err().contains("key"));
        std::fs::write(&path, " first \n").unwrap();
        assert_eq!(secret.read().unwrap().expose_secret(), "first");
        std::fs::write(&path, "second\r\n").unwrap();
        assert_eq!(secret.read().unwrap().expose_secret(), "second");
        std::fs::write(&path, "\n").unwrap();
        assert!(secret.read().unwrap_err().ends_with("is empty"));
        std::fs::write(&path, "x".repeat(70_000)).unwrap();
        assert!(secret.read().unwrap_err().contains("larger"));
        assert!(!format!("{:?}", SecretRef::Value("hush".into())).contains("hush"));
    }
}

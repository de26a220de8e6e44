//! Keys in the SDKs' credentials file.

use super::reference::read_text;
use super::{CredentialsError, Origin, Triple};
use crate::model::BoxFuture;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The first file there is of `$TENCENTCLOUD_CREDENTIALS_FILE`, `~/.tencentcloud/credentials` and
/// `/etc/tencentcloud/credentials`: its section `[default]` with `secret_id` and `secret_key`. Read anew each time.
///
/// **Source**: `ProfileCredential` of the Python SDK, `profile_provider.go` of the Go SDK.
pub(super) struct CredentialsFile {
    places: Vec<PathBuf>,
}

pub(super) const FILE: &str = "TENCENTCLOUD_CREDENTIALS_FILE";
pub(super) const HOME: &str = "HOME";

impl CredentialsFile {
    /// With the places that the variables point to.
    pub(super) fn new(variables: &BTreeMap<String, String>) -> Self {
        let set = |name: &str| variables.get(name).filter(|v| !v.is_empty());
        let places = match (set(FILE), set(HOME)) {
            // Who names a file means that one; falling back to another would use the wrong keys.
            (Some(file), _) => vec![file.into()],
            (None, home) => home
                .map(|home| PathBuf::from(home).join(".tencentcloud/credentials"))
                .into_iter()
                .chain(["/etc/tencentcloud/credentials".into()])
                .collect(),
        };
        Self { places }
    }

    fn read(&self) -> Result<Option<Triple>, CredentialsError> {
        let Some(path) = self.places.iter().find(|path| path.exists()) else { return Ok(None) };
        let text = read_text(path).map_err(|cause| self.unusable(cause))?;
        let keys = section(&text, "default");
        let need = |key: &str| {
            keys.get(key).filter(|v| !v.is_empty()).copied().ok_or_else(|| {
                self.unusable(format!("{} has no {key} in its section [default]", path.display()))
            })
        };
        Ok(Some(Triple {
            secret_id: need("secret_id")?.to_owned(),
            secret_key: need("secret_key")?.into(),
            token: None,
            expires: None,
        }))
    }
}

/// The keys of one section of an ini file; lines it cannot read are passed over, as the SDKs' readers do.
pub(super) fn section<'a>(text: &'a str, name: &str) -> BTreeMap<&'a str, &'a str> {
    let mut inside = false;
    let mut keys = BTreeMap::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            inside = heading.trim() == name;
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            keys.insert(key.trim(), value.trim());
        }
    }
    keys
}

impl Origin for CredentialsFile {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(async { self.read() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[tokio::test]
    async fn only_the_default_section_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let named = [(FILE.to_owned(), path.display().to_string())].into();
        let origin = CredentialsFile::new(&named);
        assert!(origin.fetch().await.unwrap().is_none());

        std::fs::write(&path, "[other]\nsecret_id = x\n# c\n[default]\nsecret_id = id \nsecret_key=k=1\n")
            .unwrap();
        let triple = origin.fetch().await.unwrap().unwrap();
        assert_eq!((triple.secret_id.as_str(), triple.secret_key.expose_secret()), ("id", "k=1"));

        std::fs::write(&path, "secret_id = x\nsecret_key = y\n").unwrap();
        let error = origin.fetch().await.unwrap_err().to_string();
        assert!(error.contains("no secret_id in its section [default]"), "{error}");
    }

    #[test]
    fn a_named_file_replaces_the_usual_places() {
        let home = [(HOME.to_owned(), "/home/a".to_owned())].into();
        assert_eq!(
            CredentialsFile::new(&home).places,
            [PathBuf::from("/home/a/.tencentcloud/credentials"), "/etc/tencentcloud/credentials".into()]
        );
    }
}

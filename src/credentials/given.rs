//! Keys that the configuration refers to.

use super::{CredentialsError, Origin, SecretRef, Triple};
use crate::model::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

/// Keys given by reference, each to a variable or to a file.
pub(super) struct Given {
    pub(super) secret_id: SecretRef,
    pub(super) secret_key: SecretRef,
    pub(super) token: Option<SecretRef>,
}

/// How often the files are read to see twice the same. A rotation is over long before.
const LOOKS: usize = 5;

impl Given {
    /// Parts of two triples never come of one rotation: where there is more than one file, all are read until two
    /// looks agree.
    fn read(
        &self,
        mut look: impl FnMut(&SecretRef) -> Result<SecretString, String>,
    ) -> Result<Triple, CredentialsError> {
        let mut all = || -> Result<Triple, CredentialsError> {
            let mut look = |secret: &SecretRef| look(secret).map_err(|cause| self.unusable(cause));
            Ok(Triple {
                secret_id: look(&self.secret_id)?.expose_secret().to_owned(),
                secret_key: look(&self.secret_key)?,
                token: self.token.as_ref().map(look).transpose()?,
                expires: None,
            })
        };
        let mut found = all()?;
        let parts = [Some(&self.secret_id), Some(&self.secret_key), self.token.as_ref()];
        if parts.into_iter().flatten().filter(|part| matches!(part, SecretRef::File(_))).count() < 2 {
            return Ok(found);
        }
        for _ in 1..LOOKS {
            let next = all()?;
            if next.same_keys(&found) {
                return Ok(found);
            }
            found = next;
        }
        Err(self.unusable("the files changed at every look; are several programs writing them?"))
    }
}

impl Origin for Given {
    fn name(&self) -> &'static str {
        "configuration"
    }

    fn fetch(&self) -> BoxFuture<'_, Result<Option<Triple>, CredentialsError>> {
        Box::pin(async { self.read(SecretRef::read).map(Some) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn file(name: &str) -> SecretRef {
        SecretRef::File(PathBuf::from(name))
    }

    /// What a look sees, when the rotation comes before look number `at`.
    fn read_rotated_at(given: &Given, at: usize) -> Triple {
        let mut looks = 0;
        let read = given.read(|part| {
            looks += 1;
            let SecretRef::File(path) = part else { return part.read() };
            Ok(format!("{} {}", path.display(), if looks >= at { "new" } else { "old" }).into())
        });
        read.unwrap()
    }

    #[test]
    fn a_rotation_between_two_files_never_gives_parts_of_both() {
        let given = Given { secret_id: file("id"), secret_key: file("key"), token: Some(file("token")) };
        for at in 1..12 {
            let triple = read_rotated_at(&given, at);
            let token = triple.token.unwrap();
            let parts = [&triple.secret_id, triple.secret_key.expose_secret(), token.expose_secret()];
            let age = if at <= 6 { "new" } else { "old" };
            assert_eq!(parts.map(|part| part.split_once(' ').unwrap().1), [age; 3], "before look {at}");
        }
    }

    #[test]
    fn files_that_never_agree_are_an_error_and_a_single_one_is_read_once() {
        let mut looks = 0;
        let mut ever_new = |_: &SecretRef| {
            looks += 1;
            Ok(format!("{looks}").into())
        };
        let given = Given { secret_id: file("id"), secret_key: file("key"), token: None };
        let error = given.read(&mut ever_new).unwrap_err().to_string();
        assert!(error.starts_with("configuration: the files changed at every look"), "{error}");
        assert_eq!(looks, 2 * LOOKS);
        let one = Given { secret_id: SecretRef::Value("id".into()), ..given };
        let mut looks = 0;
        let triple = one.read(|part| {
            looks += 1;
            match part {
                SecretRef::Value(value) => Ok(value.clone()),
                SecretRef::File(_) => Ok("key".into()),
            }
        });
        assert_eq!((triple.unwrap().secret_id.as_str(), looks), ("id", 2));
    }
}

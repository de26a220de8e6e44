//! `basic_auth_users`: who may come in, by the hash of a password.

use super::reader::{Reader, join};
use super::yaml::{Node, Value};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

const AT: &str = "basic_auth_users";

/// Names and the bcrypt hashes of their passwords.
#[derive(Default)]
pub(super) struct Users(BTreeMap<String, SecretString>);

impl Users {
    /// Whether everybody may come in.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash to compare a password with, and whether the name is known. A name that is not is compared with the hash of
    /// one that is, always the same one: so both take equally long, also where users' costs differ. `lot` draws it, and
    /// must not be guessable from the name.
    pub(super) fn hash(&self, name: &str, lot: u64) -> Option<(SecretString, bool)> {
        if let Some(hash) = self.0.get(name) {
            return Some((hash.clone(), true));
        }
        let nth = usize::try_from(lot % u64::try_from(self.0.len()).ok()?.max(1)).ok()?;
        self.0.values().nth(nth).map(|hash| (hash.clone(), false))
    }
}

/// Reads the section.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Users {
    let mut users = BTreeMap::new();
    for (name, node) in reader.fields(node, AT, &[]) {
        let hash = match &node.value {
            Value::Scalar(text, _) => text.as_str(),
            _ => "",
        };
        if good(hash) {
            users.insert(name.to_owned(), SecretString::from(hash));
        } else {
            let how = "is not a bcrypt hash; make one with: htpasswd -nBC 10 \"\" | tr -d ':\\n'";
            reader.report(node.line, &join(AT, name), how);
        }
    }
    Users(users)
}

fn good(hash: &str) -> bool {
    let cost = hash.parse::<bcrypt::HashParts>().map(|parts| parts.get_cost());
    // Verified against as well: the parts are read more leniently than they are used.
    matches!(cost, Ok(4..=31)) && hash.len() == 60
}

/// Whether a password has this hash. Takes as long as the hash's cost says.
pub(super) fn verify(password: &SecretString, hash: &SecretString) -> bool {
    bcrypt::verify(password.expose_secret(), hash.expose_secret()).unwrap_or(false)
}

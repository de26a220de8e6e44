//! One `[accounts.NAME]`: whose tasks are read, and with which keys.

mod credentials;
mod enos;
mod tencent;

pub use credentials::{Credentials, KeyRefs};
pub use enos::EnosAccount;
pub use tencent::{AssumeRole, TencentAccount};

use super::findings::Findings;
use super::key::{Key, is_word};
use super::nearest::nearest;
use super::reader::read;
use super::secret::SecretRef;
use figment::value::{Dict, Value};
use std::collections::BTreeMap;

/// One configured account.
#[derive(Clone, PartialEq, Debug)]
pub enum Account {
    /// `provider = "tencentcloud"`
    Tencent(TencentAccount),
    /// `provider = "enos"`
    Enos(EnosAccount),
}

/// What `provider` may say.
const PROVIDERS: [&str; 2] = ["tencentcloud", "enos"];

impl Account {
    /// The word behind `provider`.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Tencent(_) => PROVIDERS[0],
            Self::Enos(_) => PROVIDERS[1],
        }
    }

    /// Reads and checks one; its secrets must exist.
    pub(super) fn read(
        mut table: Dict,
        at: &Key,
        env: &BTreeMap<String, String>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        check_name(at, findings);
        let mut check = Check { at, env, findings };
        let provider = table.remove("provider");
        match provider.as_ref().and_then(Value::as_str) {
            Some("tencentcloud") => {
                let account: TencentAccount = read(table, at, check.findings)?;
                account.check(&mut check);
                Some(Self::Tencent(account))
            }
            Some("enos") => {
                let account: EnosAccount = read(table, at, check.findings)?;
                account.check(&mut check);
                Some(Self::Enos(account))
            }
            other => {
                let meant = other.and_then(|word| nearest(word, PROVIDERS));
                let message = match (meant, provider.is_some()) {
                    (Some(meant), _) => format!("unknown provider; did you mean {meant:?}?"),
                    (None, true) => "unknown provider; write \"tencentcloud\" or \"enos\"".into(),
                    (None, false) => "is required; write \"tencentcloud\" or \"enos\"".into(),
                };
                check.add("provider", message);
                None
            }
        }
    }
}

/// Account and source names become label values, file keys and variable names: one plain word.
pub(super) fn check_name(at: &Key, findings: &mut Findings<'_>) {
    if !at.parts().last().is_some_and(|name| is_word(name)) {
        findings.add(at, "a name is made of A-Z a-z 0-9 _ - alone");
    }
}

/// The check of one account.
struct Check<'c, 'a> {
    at: &'c Key,
    env: &'c BTreeMap<String, String>,
    findings: &'c mut Findings<'a>,
}

impl Check<'_, '_> {
    /// A problem with a key of the account, given by its dotted path.
    fn add(&mut self, key: &str, message: impl Into<String>) {
        let parts: Vec<&str> = key.split('.').collect();
        self.findings.add(&self.at.join(&parts), message);
    }

    /// A text that must be there.
    fn require(&mut self, key: &str, text: &str, example: &str) {
        if text.trim().is_empty() {
            self.add(key, format!("is required; write {example}"));
        }
    }

    /// A secret that must be there and not empty.
    fn secret(&mut self, key: &str, reference: &SecretRef) {
        if *reference == SecretRef::nowhere() {
            self.add(key, "is required; write { env = \"NAME\" } or { file = \"PATH\" }");
        } else if let Err(error) = reference.read(self.env) {
            self.add(key, error.to_string());
        }
    }

    /// The deadline of one call.
    fn timeout(&mut self, timeout: super::Duration) {
        let bounds = super::Duration::from_secs(1)..=super::Duration::from_secs(600);
        if !bounds.contains(&timeout) {
            self.add("timeout", "write a duration from \"1s\" to \"10m\"");
        }
    }
}

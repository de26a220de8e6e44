//! A Tencent Cloud account.

use super::{Check, Credentials};
use crate::config::{Duration, endpoint};
use serde::Deserialize;
use std::path::PathBuf;

/// `[accounts.NAME]` with `provider = "tencentcloud"`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TencentAccount {
    /// Where the keys come from.
    pub credentials: Credentials,
    /// The role to take on with them, if any.
    pub assume_role: Option<AssumeRole>,
    /// The URL of the APIs; `{service}` and `{region}` are to be filled in.
    pub endpoint: String,
    /// The share of each documented rate limit that may be used: above 0, at most 1.
    pub budget: f64,
    /// The deadline of one call, from connecting to the last byte: 1 s to 10 min.
    pub timeout: Duration,
    /// A file of certificates in PEM that are trusted in place of the system's; empty for the system's.
    pub ca_file: PathBuf,
    /// Whether the endpoint's name may lead to this machine or its own link.
    pub local_addresses: bool,
}

/// `assume_role`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssumeRole {
    /// The role (`qcs::cam::uin/…:roleName/…`).
    pub role_arn: String,
    /// The name under which the audit log shows it.
    pub session_name: String,
    /// How long the role's keys last: 15 min to 12 h.
    pub duration: Duration,
    /// What the role's owner asks for beside the name; empty where nothing.
    pub external_id: String,
}

impl Default for TencentAccount {
    fn default() -> Self {
        Self {
            credentials: Credentials::default(),
            assume_role: None,
            endpoint: "https://{service}.tencentcloudapi.com".into(),
            budget: 0.8,
            timeout: Duration::from_secs(10),
            ca_file: PathBuf::new(),
            local_addresses: false,
        }
    }
}

impl Default for AssumeRole {
    fn default() -> Self {
        Self {
            role_arn: String::new(),
            session_name: "taskrun-exporter".into(),
            duration: Duration::from_secs(7200),
            external_id: String::new(),
        }
    }
}

impl TencentAccount {
    pub(super) fn check(&self, check: &mut Check<'_, '_>) {
        if let Credentials::Keys(keys) = &self.credentials {
            check.secret("credentials.secret_id", &keys.secret_id);
            check.secret("credentials.secret_key", &keys.secret_key);
            if let Some(token) = &keys.token {
                check.secret("credentials.token", token);
            }
        }
        if let Some(role) = &self.assume_role {
            role.check(check);
        }
        if let Err(message) = endpoint::check(&self.endpoint, true) {
            check.add("endpoint", message);
        }
        if !(self.budget > 0.0 && self.budget <= 1.0) {
            check.add("budget", "is a share: write a number above 0 and at most 1, like 0.8");
        }
        check.timeout(self.timeout);
    }
}

impl AssumeRole {
    fn check(&self, check: &mut Check<'_, '_>) {
        check.require("assume_role.role_arn", &self.role_arn, "\"qcs::cam::uin/1:roleName/x\"");
        if !self.role_arn.starts_with("qcs::cam::") {
            check.add("assume_role.role_arn", "is not a role; it begins with qcs::cam::");
        }
        // STS AssumeRole, RoleSessionName and DurationSeconds.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=128).contains(&self.session_name.len()) || !self.session_name.chars().all(allowed) {
            check.add("assume_role.session_name", "write 2 to 128 of A-Z a-z 0-9 _ + = , . @ -");
        }
        let bounds = Duration::from_secs(900)..=Duration::from_secs(43_200);
        if !bounds.contains(&self.duration) {
            check.add("assume_role.duration", "write a duration from \"15m\" to \"12h\"");
        }
    }
}

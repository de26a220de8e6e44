//! An Envision EnOS account.

use super::Check;
use crate::config::{Duration, SecretRef, endpoint};
use serde::Deserialize;
use std::path::PathBuf;

/// `[accounts.NAME]` with `provider = "enos"`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnosAccount {
    /// The URL of the API gateway.
    pub gateway: String,
    /// The access key of the application.
    pub access_key: SecretRef,
    /// Its secret key.
    pub secret_key: SecretRef,
    /// The organisation to read.
    pub org_id: String,
    /// The user to read as.
    pub user_id: String,
    /// Requests a second; above 0, at most 1000.
    pub requests_per_second: f64,
    /// The deadline of one call, from connecting to the last byte: 1 s to 10 min.
    pub timeout: Duration,
    /// A file of certificates in PEM that are trusted in place of the system's; empty for the system's.
    pub ca_file: PathBuf,
    /// Whether the endpoint's name may lead to this machine or its own link.
    pub local_addresses: bool,
}

impl Default for EnosAccount {
    /// Without what every account must name, which the check then asks for.
    fn default() -> Self {
        Self {
            gateway: String::new(),
            access_key: SecretRef::nowhere(),
            secret_key: SecretRef::nowhere(),
            org_id: String::new(),
            user_id: String::new(),
            requests_per_second: 2.0,
            timeout: Duration::from_secs(10),
            ca_file: PathBuf::new(),
            local_addresses: false,
        }
    }
}

impl EnosAccount {
    pub(super) fn check(&self, check: &mut Check<'_, '_>) {
        check.require("gateway", &self.gateway, "the gateway's URL, like \"https://gateway.example.com\"");
        if let Err(message) = endpoint::check(&self.gateway, false) {
            check.add("gateway", message);
        }
        check.secret("access_key", &self.access_key);
        check.secret("secret_key", &self.secret_key);
        check.require("org_id", &self.org_id, "the organisation's id, like \"o15000000000001\"");
        check.require("user_id", &self.user_id, "the user's id, like \"u15000000000001\"");
        if !(self.requests_per_second > 0.0 && self.requests_per_second <= 1000.0) {
            check.add("requests_per_second", "write a number above 0 and at most 1000, like 2.0");
        }
        check.timeout(self.timeout);
    }
}

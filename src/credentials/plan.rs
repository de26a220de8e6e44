//! From what the configuration asks for to a provider.

use super::assume_role::AssumeRole;
use super::cached::Cached;
use super::chain::Chain;
use super::cvm_role::CvmRole;
use super::environment::{self, Environment};
use super::file::{self, CredentialsFile};
use super::given::Given;
use super::tke_oidc::{self, TkeOidc};
use super::{Exchange, Origin, Provider, SecretRef};
use crate::model::{Clock, Observer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The variables that config is to read for [`Plan::variables`].
pub const VARIABLES: [&str; 9] = [
    environment::ID,
    environment::KEY,
    environment::TOKEN,
    file::FILE,
    file::HOME,
    tke_oidc::REGION,
    tke_oidc::PROVIDER,
    tke_oidc::TOKEN_FILE,
    tke_oidc::ROLE,
];

/// Where an account's keys are.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Environment, file, CVM role, TKE OIDC, in that order.
    Default,
    /// `TENCENTCLOUD_SECRET_ID`, `…_KEY` and `…_TOKEN`.
    Environment,
    /// The SDKs' credentials file.
    File,
    /// The role of the virtual machine.
    CvmRole,
    /// The service account of the pod.
    TkeOidc,
    /// References in the configuration.
    Given {
        /// SecretId, or EnOS access key.
        secret_id: SecretRef,
        /// SecretKey.
        secret_key: SecretRef,
        /// The token of temporary keys.
        token: Option<SecretRef>,
    },
}

/// A role to take on.
#[derive(Clone, Debug)]
pub struct Role {
    /// `qcs::cam::uin/…:roleName/…`.
    pub role_arn: String,
    /// 2 to 128 characters; shows in the cloud's audit log.
    pub session_name: String,
    /// How long the keys are to live, 12 hours at most.
    pub duration: Duration,
    /// What the role's owner asks for, if anything.
    pub external_id: Option<String>,
}

/// Everything a provider is built from.
pub struct Plan {
    /// The account's name in the configuration.
    pub account: String,
    /// Where its keys are.
    pub choice: Choice,
    /// The role to take on with them.
    pub assume_role: Option<Role>,
    /// The environment's [`VARIABLES`], as config read them.
    pub variables: BTreeMap<String, String>,
}

impl Plan {
    /// The provider. Asks nobody yet.
    pub fn provider(
        self,
        exchange: &Arc<dyn Exchange>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Arc<dyn Provider> {
        let variables = &self.variables;
        let cvm_role = || CvmRole::new(Arc::clone(exchange));
        let tke_oidc = || TkeOidc::new(variables, Arc::clone(exchange));
        let mut origin: Box<dyn Origin> = match self.choice {
            Choice::Default => Box::new(Chain::new(vec![
                Box::new(Environment::new(variables)),
                Box::new(CredentialsFile::new(variables)),
                Box::new(cvm_role()),
                Box::new(tke_oidc()),
            ])),
            Choice::Environment => Box::new(Environment::new(variables)),
            Choice::File => Box::new(CredentialsFile::new(variables)),
            Choice::CvmRole => Box::new(cvm_role()),
            Choice::TkeOidc => Box::new(tke_oidc()),
            Choice::Given { secret_id, secret_key, token } => {
                Box::new(Given { secret_id, secret_key, token })
            }
        };
        if let Some(role) = self.assume_role {
            origin = Box::new(AssumeRole { base: origin, role, exchange: Arc::clone(exchange) });
        }
        Arc::new(Cached::new(self.account, origin, clock, observer))
    }

    /// The provider of keys given by reference, which need no network.
    pub fn given(
        account: String,
        secret_id: SecretRef,
        secret_key: SecretRef,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Arc<dyn Provider> {
        let origin = Given { secret_id, secret_key, token: None };
        Arc::new(Cached::new(account, Box::new(origin), clock, observer))
    }
}

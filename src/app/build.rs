//! From the configuration to what is polled.

use super::page::Place;
use crate::config::{Account, Config, Credentials, EnosAccount, Problem, SecretRef, Section, TencentAccount};
use crate::credentials::{self, Choice, Plan, Role};
use crate::model::{Buckets, Clock, Label, Observer};
use crate::schedule::{Bounds, CronExpression, Schedule, Scheduled};
use crate::sources::{self, AccountClient, Toolbox};
use crate::transport::{Http, SetupError, Trust, enos, tencent};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Builds clients and sources. It keeps them, so that a reload goes on with the same limiters and tokens, and what it says
/// nothing new of is the very same source.
pub struct Workshop {
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    http: Http,
    clients: BTreeMap<String, Known>,
    sections: BTreeMap<String, Built>,
}

/// What a section was built to, with the client it was built on.
struct Built {
    section: Section,
    client: AccountClient,
    scheduled: Vec<Scheduled>,
}

/// A client, and what it was built of.
struct Known {
    account: Account,
    trust: Trust,
    client: AccountClient,
}

impl Workshop {
    /// A workshop without clients.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, observer: Arc<dyn Observer>) -> Result<Self, SetupError> {
        let http = Http::new(Arc::clone(&clock))?;
        Ok(Self { clock, observer, http, clients: BTreeMap::new(), sections: BTreeMap::new() })
    }

    /// Everything that `config` wants polled. Opens nothing, calls nothing.
    ///
    /// # Errors
    /// Every problem that shows only here: what the kinds ask of their settings, and what accounts cannot be built of.
    pub fn build(&mut self, config: &Config) -> Result<Vec<Scheduled>, Vec<Problem>> {
        let env = &config.env;
        let mut problems = Vec::new();
        let mut clients = BTreeMap::new();
        for (name, account) in &config.accounts {
            match self.client(name, account, env) {
                Ok(known) => {
                    clients.insert(name.clone(), known);
                }
                Err(SetupError { option, message }) => {
                    problems.push(Problem {
                        file: "accounts".into(),
                        key: format!("accounts.{name}.{option}"),
                        message,
                    });
                }
            }
        }
        let mut sections = BTreeMap::new();
        for section in &config.sources {
            let Some(Known { client, .. }) = clients.get(&section.account) else { continue };
            let same = |built: &&Built| built.section == *section && built.client.is(client);
            let built = match self.sections.get(&section.name).filter(same) {
                Some(built) => Ok(built.scheduled.clone()),
                None => self.sources(section, client),
            };
            match built {
                Ok(scheduled) => {
                    let built = Built { section: section.clone(), client: client.clone(), scheduled };
                    sections.insert(section.name.clone(), built);
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            self.clients = clients;
            let scheduled = |section: &Section| sections.get(&section.name).map(|built| &*built.scheduled);
            let scheduled = config.sources.iter().filter_map(scheduled).flatten().cloned().collect();
            self.sections = sections;
            Ok(scheduled)
        } else {
            Err(problems)
        }
    }

    fn sources(&self, section: &Section, client: &AccountClient) -> Result<Vec<Scheduled>, Vec<Problem>> {
        let Some(kind) = sources::kind(&section.kind) else {
            return Err(vec![section.problem_with("kind", "there is no such kind")]);
        };
        let problems = (kind.check)(section);
        if !problems.is_empty() {
            return Err(problems);
        }
        let schedule = match &section.schedule {
            crate::config::Schedule::Every(interval) => every(section, interval.0),
            crate::config::Schedule::Cron(text) => Schedule::Cron(
                CronExpression::try_new(text, &*self.clock)
                    .map_err(|error| vec![section.problem_with("schedule", error.to_string())])?,
            ),
        };
        let defaults = (kind.buckets)();
        let pick = |own: &Option<Vec<f64>>, default: Arc<[f64]>| own.as_deref().map_or(default, Arc::from);
        let buckets = Buckets {
            duration: pick(&section.buckets.duration, defaults.duration),
            wait: pick(&section.buckets.wait, defaults.wait),
            memory: pick(&section.buckets.memory, defaults.memory),
        };
        let toolbox = Toolbox { account: client.clone(), clock: Arc::clone(&self.clock) };
        let none = [String::new()];
        let regions: &[String] = if kind.regional { &section.regions } else { &none };
        regions
            .iter()
            .map(|region| {
                Ok(Scheduled {
                    name: Label::new(&section.name),
                    kind: kind.name,
                    region: Label::new(region),
                    source: (kind.build)(section, region, &toolbox)?.into(),
                    schedule: schedule.clone(),
                    buckets: buckets.clone(),
                    expected_interval: section.expected_interval.map(|interval| interval.0),
                })
            })
            .collect()
    }

    fn client(
        &self,
        name: &str,
        account: &Account,
        env: &BTreeMap<String, String>,
    ) -> Result<Known, SetupError> {
        let trust = trust(account)?;
        let same = |known: &&Known| known.account == *account && known.trust == trust;
        let client = match self.clients.get(name).filter(same) {
            Some(known) => known.client.clone(),
            None => {
                let http = self.http(&trust)?;
                match account {
                    Account::Tencent(account) => self.tencent(name, account, http, env)?,
                    Account::Enos(account) => self.enos(name, account, http, env)?,
                }
            }
        };
        Ok(Known { account: account.clone(), trust, client })
    }

    /// The connections of all accounts that trust nobody in particular, or new ones.
    fn http(&self, trust: &Trust) -> Result<Http, SetupError> {
        if *trust == Trust::default() {
            return Ok(self.http.clone());
        }
        Http::trusting(trust, Arc::clone(&self.clock))
    }

    fn tencent(
        &self,
        name: &str,
        account: &TencentAccount,
        http: Http,
        env: &BTreeMap<String, String>,
    ) -> Result<AccountClient, SetupError> {
        let options = tencent::Options {
            account: name.to_owned(),
            endpoint: account.endpoint.clone(),
            budget: account.budget,
            timeout: account.timeout.0,
        };
        let (clock, observer) = (Arc::clone(&self.clock), Arc::clone(&self.observer));
        let exchange: Arc<dyn credentials::Exchange> = Arc::new(tencent::Exchange::new(
            options.clone(),
            tencent::METADATA,
            http.clone(),
            Arc::clone(&observer),
            Arc::clone(&clock),
        )?);
        let choice = match &account.credentials {
            Credentials::Default => Choice::Default,
            Credentials::Environment => Choice::Environment,
            Credentials::File => Choice::File,
            Credentials::CvmRole => Choice::CvmRole,
            Credentials::TkeOidc => Choice::TkeOidc,
            Credentials::Keys(keys) => Choice::Given {
                secret_id: secret("credentials.secret_id", &keys.secret_id, env)?,
                secret_key: secret("credentials.secret_key", &keys.secret_key, env)?,
                token: keys
                    .token
                    .as_ref()
                    .map(|token| secret("credentials.token", token, env))
                    .transpose()?,
            },
        };
        let assume_role = account.assume_role.as_ref().map(|role| Role {
            role_arn: role.role_arn.clone(),
            session_name: role.session_name.clone(),
            duration: role.duration.0,
            external_id: (!role.external_id.is_empty()).then(|| role.external_id.clone()),
        });
        let variables = credentials::VARIABLES
            .into_iter()
            .filter_map(|variable| Some((variable.to_owned(), env.get(variable)?.clone())))
            .collect();
        let plan = Plan { account: name.to_owned(), choice, assume_role, variables };
        let provider = plan.provider(&exchange, Arc::clone(&clock), Arc::clone(&observer));
        Ok(AccountClient::Tencent(Arc::new(tencent::Client::new(options, http, provider, observer, clock)?)))
    }

    fn enos(
        &self,
        name: &str,
        account: &EnosAccount,
        http: Http,
        env: &BTreeMap<String, String>,
    ) -> Result<AccountClient, SetupError> {
        let options = enos::Options {
            account: name.to_owned(),
            gateway: account.gateway.clone(),
            org_id: account.org_id.clone(),
            user_id: account.user_id.clone(),
            requests_per_second: account.requests_per_second,
            timeout: account.timeout.0,
        };
        let (clock, observer) = (Arc::clone(&self.clock), Arc::clone(&self.observer));
        let provider = Plan::given(
            name.to_owned(),
            secret("access_key", &account.access_key, env)?,
            secret("secret_key", &account.secret_key, env)?,
            Arc::clone(&clock),
            Arc::clone(&observer),
        );
        Ok(AccountClient::Enos(Arc::new(enos::Client::new(options, http, provider, observer, clock)?)))
    }
}

/// Whom the account trusts. Its file is read here, so that a reload takes certificates that have changed.
fn trust(account: &Account) -> Result<Trust, SetupError> {
    let (ca_file, local_addresses): (&Path, bool) = match account {
        Account::Tencent(account) => (&account.ca_file, account.local_addresses),
        Account::Enos(account) => (&account.ca_file, account.local_addresses),
    };
    let unreadable = |error: std::io::Error| SetupError {
        option: "ca_file",
        message: format!("{} cannot be read: {error}", ca_file.display()),
    };
    let read = (!ca_file.as_os_str().is_empty()).then(|| std::fs::read(ca_file));
    Ok(Trust { roots: read.transpose().map_err(unreadable)?, local_addresses })
}

/// An interval, with the bounds that the section sets it.
pub(super) fn every(section: &Section, usual: Duration) -> Schedule {
    match (section.schedule_running, section.schedule_idle) {
        (None, None) => Schedule::Every(usual),
        (running, idle) => Schedule::Adaptive(Bounds {
            running: running.map_or(usual, |running| running.0),
            usual,
            idle: idle.map_or(usual, |idle| idle.0),
        }),
    }
}

/// The sources and regions of `scheduled`.
pub(super) fn places(scheduled: &[Scheduled]) -> Vec<Place> {
    scheduled.iter().map(|one| (one.kind, one.name.clone(), one.region.clone())).collect()
}

/// A secret as `credentials` wants it: the value of a variable, which cannot change any more, or the path of a file,
/// which can.
fn secret(
    option: &'static str,
    reference: &SecretRef,
    env: &BTreeMap<String, String>,
) -> Result<credentials::SecretRef, SetupError> {
    match reference {
        SecretRef::File(path) => Ok(credentials::SecretRef::File(path.clone())),
        SecretRef::Env(_) => reference
            .read(env)
            .map(credentials::SecretRef::Value)
            .map_err(|error| SetupError { option, message: error.to_string() }),
    }
}

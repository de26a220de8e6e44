//! The exporter's own registry: its requests, its state, its scrapes, its process.

use super::catalog::{self, Family, Type};
use super::keyed::Keyed;
use super::process;
use super::sink::Sink;
use super::usage::Usage;
use crate::model::{self, ApiCall, BreakerState, EndpointStatus, Observer, QuotaStatus, Timestamp};
use prometheus::proto::Metric;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry};
use std::sync::Arc;
use std::time::Duration;

/// Upper bounds, in seconds, of API requests: from a near region to the longest timeout.
const API_BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Upper bounds, in seconds, of scrapes, which cost a copy.
const SCRAPE_BUCKETS: [f64; 8] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 1.0];

/// The exporter's own metrics. Counted wherever something happens, rendered at each scrape.
pub struct Own {
    registry: Registry,
    api_requests: Keyed<5>,
    api_duration: HistogramVec,
    api_wait: Keyed<3>,
    api_rate: Keyed<3>,
    api_breaker: Keyed<3>,
    api_skew: Keyed<1>,
    expiry: Keyed<1>,
    series: Keyed<0>,
    overflow: Keyed<1>,
    state_runs: Keyed<0>,
    state_bytes: Keyed<0>,
    commits: Keyed<1>,
    damaged: Keyed<0>,
    forgotten_early: Keyed<0>,
    reload_ok: Keyed<0>,
    reload_time: Keyed<0>,
    web_config_ok: Keyed<0>,
    web_config_time: Keyed<0>,
    http_refused: Keyed<1>,
    scrapes: Keyed<1>,
    scrape_duration: Histogram,
    cpu: Keyed<0>,
    process: [Keyed<0>; 5],
    usage: Usage,
}

impl Own {
    /// A registry with every family registered.
    ///
    /// # Errors
    /// Only where the catalogue itself is wrong, which its tests rule out.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let options = |family: Family, buckets: &[f64]| {
            HistogramOpts::new(family.name, family.help).buckets(buckets.into())
        };
        // Service and action are words of this program, a known and small set, so the crate's own type is safe here.
        let api_duration =
            HistogramVec::new(options(catalog::API_DURATION, &API_BUCKETS), catalog::API_DURATION.labels)?;
        let scrape_duration = Histogram::with_opts(options(catalog::SCRAPE_DURATION, &SCRAPE_BUCKETS))?;
        registry.register(Box::new(api_duration.clone()))?;
        registry.register(Box::new(scrape_duration.clone()))?;
        let build = keyed::<1>(&registry, catalog::BUILD_INFO)?;
        build.set([env!("CARGO_PKG_VERSION")], 1.0);
        let own = Self {
            api_requests: keyed(&registry, catalog::API_REQUESTS)?,
            api_duration,
            api_wait: keyed(&registry, catalog::API_WAIT)?,
            api_rate: keyed(&registry, catalog::API_RATE)?,
            api_breaker: keyed(&registry, catalog::API_BREAKER)?,
            api_skew: keyed(&registry, catalog::API_SKEW)?,
            expiry: keyed(&registry, catalog::CREDENTIALS_EXPIRY)?,
            series: keyed(&registry, catalog::SERIES)?,
            overflow: keyed(&registry, catalog::SERIES_OVERFLOW)?,
            state_runs: keyed(&registry, catalog::STATE_RUNS)?,
            state_bytes: keyed(&registry, catalog::STATE_BYTES)?,
            commits: keyed(&registry, catalog::STATE_COMMITS)?,
            damaged: keyed(&registry, catalog::STATE_DAMAGED)?,
            forgotten_early: keyed(&registry, catalog::STATE_FORGOTTEN_EARLY)?,
            reload_ok: keyed(&registry, catalog::CONFIG_RELOAD_OK)?,
            reload_time: keyed(&registry, catalog::CONFIG_RELOAD_TIME)?,
            web_config_ok: keyed(&registry, catalog::WEB_CONFIG_OK)?,
            web_config_time: keyed(&registry, catalog::WEB_CONFIG_TIME)?,
            http_refused: keyed(&registry, catalog::HTTP_REFUSED)?,
            scrapes: keyed(&registry, catalog::SCRAPES)?,
            scrape_duration,
            cpu: keyed(&registry, catalog::PROCESS_CPU)?,
            process: [
                keyed(&registry, catalog::PROCESS_RSS)?,
                keyed(&registry, catalog::PROCESS_VIRTUAL)?,
                keyed(&registry, catalog::PROCESS_FDS)?,
                keyed(&registry, catalog::PROCESS_MAX_FDS)?,
                keyed(&registry, catalog::PROCESS_START)?,
            ],
            usage: Usage::new(),
            registry,
        };
        own.series.set([], 0.0);
        own.state_runs.set([], 0.0);
        own.state_bytes.set([], 0.0);
        own.damaged.set([], 0.0);
        own.forgotten_early.add([], 0.0);
        own.overflow.add([catalog::RUNS.name], 0.0);
        for result in ["ok", "failed"] {
            own.commits.add([result], 0.0);
        }
        own.scrapes.add(["200"], 0.0);
        Ok(own)
    }

    /// The size of what is exposed and remembered.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    pub fn sizes(&self, series: usize, runs: usize, bytes: u64) {
        self.series.set([], series as f64);
        self.state_runs.set([], runs as f64);
        self.state_bytes.set([], bytes as f64);
    }

    /// Records folded into the overflow task.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    pub fn folded(&self, records: u64) {
        self.overflow.add([catalog::RUNS.name], records as f64);
    }

    /// A commit of the state ended.
    pub fn committed(&self, ok: bool) {
        self.commits.add([if ok { "ok" } else { "failed" }], 1.0);
    }

    /// Kept values could not be read at the start.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    pub fn damaged(&self, values: u64) {
        self.damaged.add([], values as f64);
    }

    /// Remembered runs were forgotten before their time.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    pub fn forgotten_early(&self, runs: u64) {
        self.forgotten_early.add([], runs as f64);
    }

    /// The configuration was read.
    pub fn reloaded(&self, ok: bool, at: Timestamp) {
        self.reload_ok.set([], f64::from(u8::from(ok)));
        if ok {
            self.reload_time.set([], at.as_seconds());
        }
    }

    /// The web configuration file was read.
    pub fn web_config_read(&self, ok: bool, at: Timestamp) {
        self.web_config_ok.set([], f64::from(u8::from(ok)));
        if ok {
            self.web_config_time.set([], at.as_seconds());
        }
    }

    /// A request was refused, or a connection closed on its client: `more` times, for this reason.
    pub fn http_refused(&self, reason: &'static str, more: u32) {
        self.http_refused.add([reason], more.into());
    }

    /// A scrape was answered.
    pub fn scraped(&self, code: u16, took: Duration) {
        self.scrapes.add([itoa::Buffer::new().format(code)], 1.0);
        self.scrape_duration.observe(took.as_secs_f64());
    }

    /// The endpoints in use, by account and host.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        let told = |[account, host, state]: [String; 3]| {
            let breaker = BreakerState::ALL.into_iter().find(|known| known.name() == state)?;
            Some(EndpointStatus { account, host, breaker })
        };
        self.api_breaker.keys_of(1.0).into_iter().filter_map(told).collect()
    }

    /// What was asked of each API action, and what it may be asked.
    pub fn quotas(&self) -> Vec<QuotaStatus> {
        let rates = self.api_rate.rows();
        let mut quotas = self.usage.quotas();
        for quota in &mut quotas {
            let key = [&quota.account, &quota.service, &quota.action];
            let rate = rates.iter().find(|(known, _)| known.each_ref() == key);
            quota.allowed_per_second = rate.map(|(_, rate)| *rate);
        }
        quotas
    }

    /// The accounts whose credentials end, and when.
    pub fn expiries(&self) -> Vec<(String, Timestamp)> {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time that was one before")]
        let at = |seconds: f64| Timestamp::from_millis((seconds * 1000.0).round() as i64);
        self.expiry.rows().into_iter().map(|([account], seconds)| (account, at(seconds))).collect()
    }

    /// Hands over every family with its samples, which `write` may ask for as often as it likes.
    pub fn draw(&self, mut write: impl FnMut(&Family, &dyn Fn(&mut dyn Sink))) {
        let since = self.read_process();
        for gathered in self.registry.gather() {
            let Some(family) = catalog::FAMILIES.iter().find(|family| family.name == gathered.name()) else {
                continue;
            };
            write(family, &|sink| {
                sink.exporter(since);
                for metric in gathered.get_metric() {
                    hand_over(family, metric, sink);
                }
            });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus' samples are f64")]
    fn read_process(&self) -> Timestamp {
        let Some(process) = process::read() else { return Timestamp::from_secs(0) };
        self.cpu.set([], process.cpu_seconds);
        let values = [
            process.resident_bytes as f64,
            process.virtual_bytes as f64,
            process.open_fds as f64,
            process.max_fds,
            process.started.as_seconds(),
        ];
        for (gauge, value) in self.process.iter().zip(values) {
            gauge.set([], value);
        }
        process.started
    }
}

fn hand_over(family: &Family, metric: &Metric, sink: &mut dyn Sink) {
    let labels: Vec<(&str, &str)> =
        metric.get_label().iter().map(|label| (label.name(), label.value())).collect();
    match family.kind {
        Type::Counter => sink.sample(&labels, metric.get_counter().get_value()),
        Type::Gauge => sink.sample(&labels, metric.get_gauge().get_value()),
        Type::Histogram => sink.histogram(&labels, &histogram(metric)),
    }
}

/// A histogram of seconds as the run families have them.
fn histogram(metric: &Metric) -> model::Histogram {
    let told = metric.get_histogram();
    let bounds: Arc<[f64]> = told.get_bucket().iter().map(prometheus::proto::Bucket::upper_bound).collect();
    let below = told.get_bucket().iter().map(prometheus::proto::Bucket::cumulative_count);
    let mut counted = 0;
    let count = |below: u64| below.saturating_sub(std::mem::replace(&mut counted, below));
    let counts: Vec<u64> = below.chain([told.get_sample_count()]).map(count).collect();
    let sum = Duration::try_from_secs_f64(told.get_sample_sum()).unwrap_or_default().as_micros();
    let sum = u64::try_from(sum).unwrap_or(u64::MAX);
    model::Histogram::of_counts(&bounds, &counts, None, sum, 1e6)
        .unwrap_or_else(|| model::Histogram::of_seconds(&bounds))
}

fn keyed<const N: usize>(registry: &Registry, family: Family) -> prometheus::Result<Keyed<N>> {
    let keyed = Keyed::new(family)?;
    registry.register(Box::new(keyed.clone()))?;
    Ok(keyed)
}

impl Observer for Own {
    fn api_call(&self, call: ApiCall<'_>) {
        self.api_requests.add([call.account, call.service, call.action, call.region, call.code], 1.0);
        self.usage.add([call.account, call.service, call.action, call.region]);
        self.api_duration.with_label_values(&[call.service, call.action]).observe(call.took.as_secs_f64());
    }

    fn rate_limit_wait(&self, account: &str, service: &'static str, action: &'static str, waited: Duration) {
        self.api_wait.add([account, service, action], waited.as_secs_f64());
    }

    fn rate_limit(&self, account: &str, service: &'static str, action: &'static str, per_second: f64) {
        self.api_rate.set([account, service, action], per_second);
    }

    fn breaker(&self, account: &str, host: &str, state: Option<BreakerState>) {
        let rows = BreakerState::ALL
            .map(|row| ([account, host, row.name()], state.map(|state| f64::from(u8::from(state == row)))));
        self.api_breaker.replace(rows);
    }

    fn clock_skew(&self, account: &str, ahead: f64) {
        self.api_skew.set([account], ahead);
    }

    fn credentials_expiry(&self, account: &str, expires: Option<Timestamp>) {
        match expires {
            Some(at) => self.expiry.set([account], at.as_seconds()),
            None => self.expiry.remove([account]),
        }
    }
}

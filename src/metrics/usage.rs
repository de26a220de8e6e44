//! How much of its rate each API action uses, over the last minute.

use crate::model::QuotaStatus;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// The seconds that are looked back over.
const SECONDS: usize = 60;

/// Account, service, action, region.
type Key = [String; 4];

/// Requests by action and second.
pub(super) struct Usage {
    began: Instant,
    counts: Mutex<BTreeMap<Key, Ring>>,
}

/// The requests of each of the last seconds.
#[derive(Default)]
struct Ring {
    /// The second after `began` that was counted last.
    newest: u64,
    counts: Vec<u64>,
}

impl Ring {
    /// Moves on to `second`; what is older than a minute is forgotten.
    fn turn(&mut self, second: u64) {
        self.counts.resize(SECONDS, 0);
        let passed = second.saturating_sub(self.newest);
        for step in 1..=passed.min(SECONDS as u64) {
            self.counts[index(self.newest + step)] = 0;
        }
        // After a longer rest the steps above have emptied the whole ring.
        self.newest = self.newest.max(second);
    }
}

fn index(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or_default()
}

impl Usage {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), counts: Mutex::default() }
    }

    fn second(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// A request has ended.
    pub(super) fn add(&self, key: [&str; 4]) {
        self.add_at(key, self.second());
    }

    fn add_at(&self, key: [&str; 4], second: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = counts.entry(key.map(str::to_owned)).or_default();
        ring.turn(second);
        ring.counts[index(second)] += 1;
    }

    /// What each action used, without what it may.
    pub(super) fn quotas(&self) -> Vec<QuotaStatus> {
        self.quotas_at(self.second())
    }

    fn quotas_at(&self, second: u64) -> Vec<QuotaStatus> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut quotas: Vec<QuotaStatus> = Vec::new();
        for ([account, service, action, _region], ring) in &mut *counts {
            ring.turn(second);
            let (sum, peak) = (ring.counts.iter().sum::<u64>(), ring.counts.iter().copied().max());
            let same = |one: &&mut QuotaStatus| {
                one.account == *account && one.service == *service && one.action == *action
            };
            if let Some(quota) = quotas.last_mut().filter(same) {
                quota.last_minute += sum;
                quota.peak_per_second = quota.peak_per_second.max(peak.unwrap_or_default());
            } else {
                quotas.push(QuotaStatus {
                    account: account.clone(),
                    service: service.clone(),
                    action: action.clone(),
                    last_minute: sum,
                    peak_per_second: peak.unwrap_or_default(),
                    allowed_per_second: None,
                });
            }
        }
        quotas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_counted_and_its_busiest_second_in_one_region() {
        let usage = Usage::new();
        let key = |region| ["main", "tat", "Describe", region];
        for second in [5, 10, 10, 10, 64] {
            usage.add_at(key("a"), second);
        }
        usage.add_at(key("b"), 10);
        usage.add_at(["main", "tat", "Other", ""], 64);
        let told = |second| {
            let quotas = usage.quotas_at(second);
            quotas.iter().map(|quota| (quota.last_minute, quota.peak_per_second)).collect::<Vec<_>>()
        };
        // The fifth second has just gone out of sight.
        assert_eq!(told(65), [(5, 3), (1, 1)]);
        assert_eq!(told(70), [(1, 1), (1, 1)]);
        assert_eq!(told(10_000), [(0, 0), (0, 0)]);
    }
}

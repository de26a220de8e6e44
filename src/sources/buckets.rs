//! The histogram buckets of tasks that run for seconds to hours.

use crate::model::Buckets;
use std::sync::Arc;

/// Upper bounds of durations and waits, in seconds.
const SECONDS: [f64; 13] =
    [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0];

/// 16 MiB, in bytes: the least memory bound; each next one is twice as much, up to 16 GiB.
const LEAST_MEMORY: f64 = 16.0 * 1024.0 * 1024.0;

/// Buckets for batch work.
pub(crate) fn of_batch_work() -> Buckets {
    let seconds: Arc<[f64]> = SECONDS.into();
    let memory = (0..=10).map(|doubled| LEAST_MEMORY * f64::from(1 << doubled)).collect();
    Buckets { duration: Arc::clone(&seconds), wait: seconds, memory }
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_reaches_from_16_mib_to_16_gib() {
        let memory = super::of_batch_work().memory;
        assert_eq!(memory.first(), Some(&16_777_216.0));
        assert_eq!(memory.last(), Some(&17_179_869_184.0));
    }
}

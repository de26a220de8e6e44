//! Faults on demand: what clouds, and what stands before them, do wrong.

use super::{Dice, Trouble};
use std::time::Duration;

mod spoil;
pub(super) use spoil::spoil;

/// Which faults happen, and how often. Which request gets which is decided by its number, so a run can be repeated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    rates: Vec<(Fault, f64)>,
    slow: Duration,
    offline: Vec<String>,
}

/// One thing that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused for being too many.
    Throttle,
    /// HTTP 502 and a page.
    Server,
    /// The API's own internal error.
    Internal,
    /// Refused for its credentials.
    Auth,
    /// A connection that ends in the middle of the body.
    Torn,
    /// HTTP 200 and a login page.
    Html,
    /// An answer that takes its time.
    Slow,
    /// A row that came in while pages are read: one is shown twice.
    Dup,
    /// A row that left while pages are read: one is not shown at all.
    Shift,
    /// A state that no document names.
    Unknown,
    /// A field that is null.
    Null,
    /// Numbers that are texts.
    Mistyped,
    /// Times that have not been yet.
    Future,
}

const NAMES: &[(&str, Fault)] = &[
    ("throttle", Fault::Throttle),
    ("server", Fault::Server),
    ("internal", Fault::Internal),
    ("auth", Fault::Auth),
    ("torn", Fault::Torn),
    ("html", Fault::Html),
    ("slow", Fault::Slow),
    ("dup", Fault::Dup),
    ("shift", Fault::Shift),
    ("unknown", Fault::Unknown),
    ("null", Fault::Null),
    ("mistyped", Fault::Mistyped),
    ("future", Fault::Future),
];

/// Why a description of faults is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a fault; wanted for example `throttle=0.1,slow=0.05:2s,offline=GetFunctionLogs`")]
pub struct FaultsError(String);

impl std::str::FromStr for Faults {
    type Err = FaultsError;

    /// Reads `name=share,…`, where a share is between 0 and 1; `slow=share:seconds` and `offline=Action+Action`.
    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self { slow: Duration::from_secs(2), ..Self::default() };
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            faults.add(part).ok_or_else(|| FaultsError(part.to_owned()))?;
        }
        Ok(faults)
    }
}

impl Faults {
    fn add(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=')?;
        if name == "offline" {
            self.offline.extend(value.split('+').map(str::to_owned));
            return Some(());
        }
        let (_, fault) = NAMES.iter().find(|(known, _)| *known == name)?;
        let (share, time) = value.split_once(':').map_or((value, None), |(share, time)| (share, Some(time)));
        if let Some(time) = time {
            let secs: f64 = time.strip_suffix('s').filter(|_| *fault == Fault::Slow)?.parse().ok()?;
            self.slow = Duration::try_from_secs_f64(secs).ok()?;
        }
        let share = share.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
        self.rates.push((*fault, share));
        Some(())
    }

    /// What befalls the request with number `n`, which asks for `action`.
    pub fn strike(&self, dice: Dice, n: i64, action: &str) -> Strike {
        let hit: Vec<Fault> = self
            .rates
            .iter()
            .filter(|(fault, share)| dice.named(&format!("{fault:?}")).of(n).share() < *share)
            .map(|(fault, _)| *fault)
            .collect();
        let offline = self.offline.iter().any(|known| known == action);
        Strike { hit, offline, slow: self.slow, dice: dice.of(n) }
    }
}

/// What befalls one request.
#[derive(Clone, Debug)]
pub struct Strike {
    hit: Vec<Fault>,
    offline: bool,
    slow: Duration,
    dice: Dice,
}

impl Strike {
    /// Whether this happens to it.
    pub fn has(&self, fault: Fault) -> bool {
        self.hit.contains(&fault)
    }

    /// What the API says instead of an answer.
    pub fn trouble(&self) -> Option<Trouble> {
        let told = [
            (Fault::Throttle, Trouble::Throttled { seen: 99, limit: 20 }),
            (Fault::Internal, Trouble::Internal),
            (Fault::Auth, Trouble::Auth),
        ];
        let told = told.into_iter().find(|(fault, _)| self.has(*fault)).map(|(_, trouble)| trouble);
        told.or_else(|| self.offline.then_some(Trouble::Offline))
    }

    /// How long it waits before it is answered.
    pub fn delay(&self) -> Option<Duration> {
        self.has(Fault::Slow).then_some(self.slow)
    }

    /// How the listing moved since its first page was read.
    pub fn skew(&self) -> i64 {
        i64::from(self.has(Fault::Dup)) - i64::from(self.has(Fault::Shift))
    }

    /// The chance that is its own.
    pub fn dice(&self) -> Dice {
        self.dice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_or_refused() {
        let faults: Faults =
            "throttle=0.1, slow=0.05:2.5s,offline=GetFunctionLogs+ListFunctions".parse().unwrap();
        assert_eq!(faults.rates, [(Fault::Throttle, 0.1), (Fault::Slow, 0.05)]);
        assert_eq!((faults.slow, faults.offline.len()), (Duration::from_millis(2500), 2));
        assert!("".parse::<Faults>().unwrap().rates.is_empty());
        for bad in ["throttle", "throttle=2", "throttle=x", "nonsense=0.1", "slow=0.1:2m", "torn=0.1:2s"] {
            assert_eq!(bad.parse::<Faults>(), Err(FaultsError(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn the_number_of_a_request_decides() {
        let faults: Faults = "server=0.2,dup=1,offline=Gone".parse().unwrap();
        let struck = |n| faults.strike(Dice::new(3), n, "Get").has(Fault::Server);
        let hits: Vec<i64> = (0..1000).filter(|n| struck(*n)).collect();
        assert!((150..250).contains(&hits.len()), "{}", hits.len());
        assert_eq!(hits, (0..1000).filter(|n| struck(*n)).collect::<Vec<_>>());
        assert_eq!(faults.strike(Dice::new(3), 1, "Gone").trouble(), Some(Trouble::Offline));
        assert_eq!(faults.strike(Dice::new(3), 1, "Get").skew(), 1);
    }
}

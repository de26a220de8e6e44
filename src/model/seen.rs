//! What is remembered of a run that was counted: small, because there are millions.

use super::{Facets, Outcome, RunId, Timestamp};
use sha2::{Digest, Sha256};

/// A run's name in the index of remembered runs: 16 bytes, whatever the length of its API's id.
///
/// The first 128 bits of a SHA-256, so that nobody who can choose ids can make two runs one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunKey(u64, u64);

impl RunKey {
    /// The key of a run.
    pub fn of(run: &RunId) -> Self {
        // The round has a fixed length and stands last: no two runs give the same bytes.
        let digest = Sha256::new()
            .chain_update(run.instance.as_bytes())
            .chain_update(run.round.to_be_bytes())
            .finalize();
        let half = |from: usize| {
            digest.iter().skip(from).take(8).fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte))
        };
        Self(half(0), half(8))
    }

    /// The key that [`RunKey::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "each half is 64 bits wide")]
        let halves = ((whole >> 64) as u64, whole as u64);
        Self(halves.0, halves.1)
    }

    /// Its bytes, in the order of the keys.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_be_bytes()
    }

    /// Its first 64 bits: evenly spread, so they can choose a place.
    pub const fn spread(self) -> u64 {
        self.0
    }
}

/// An hour of the time by which runs are forgotten: whole hours at once, so that forgetting costs nothing in between.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Slice(pub u32);

impl Slice {
    /// Its length in seconds.
    pub const SECS: u32 = 3600;

    /// The slice of a time.
    pub fn of(at: Timestamp) -> Self {
        Self(whole_secs(at) / Self::SECS)
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.0) * i64::from(Self::SECS))
    }
}

/// What is remembered of a finished (or unknown) run, so that it is counted once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// How it ended; `None` while all that was seen is an undocumented state.
    pub outcome: Option<Outcome>,
    /// What of it is counted beside its end; the lower [`Seen::FACET_BITS`] bits are kept.
    pub facets: Facets,
    /// Marks of the undocumented states counted for it, 0 for none; the lower [`Seen::UNKNOWN_BITS`] bits are kept.
    pub unknown: u32,
    /// When it ended, or when that became known, in whole seconds: it is forgotten by this time.
    pub at: Timestamp,
}

impl Seen {
    /// How many facets there can be.
    pub const FACET_BITS: u32 = 5;

    /// How many bits of [`Seen::unknown`] are kept.
    pub const UNKNOWN_BITS: u32 = 24;

    /// Those bits.
    pub const UNKNOWN_MASK: u32 = (1 << Self::UNKNOWN_BITS) - 1;

    /// All of it in 64 bits: time 32, outcome 3, facets 5, unknown 24.
    pub fn pack(self) -> u64 {
        let outcome = self.outcome.map_or(0, |outcome| outcome.index() as u64 + 1);
        let facets = u64::from(self.facets.0) & ((1 << Self::FACET_BITS) - 1);
        let unknown = u64::from(self.unknown & Self::UNKNOWN_MASK);
        u64::from(whole_secs(self.at)) << 32 | outcome << 29 | facets << 24 | unknown
    }

    /// Reads what [`Seen::pack`] wrote; `None` for bits that it never writes.
    #[expect(clippy::cast_possible_truncation, reason = "each part is masked to its width")]
    pub fn unpack(bits: u64) -> Option<Self> {
        let outcome = match (bits >> 29 & 7) as usize {
            0 => None,
            index => Some(*Outcome::ALL.get(index - 1)?),
        };
        Some(Self {
            outcome,
            facets: Facets((bits >> 24) as u8 & ((1 << Self::FACET_BITS) - 1)),
            unknown: bits as u32 & Self::UNKNOWN_MASK,
            at: Timestamp::from_secs((bits >> 32).cast_signed()),
        })
    }
}

/// A remembered run: 24 bytes, because there are millions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SeenRun {
    /// Which run.
    pub run: RunKey,
    /// What [`Seen::pack`] gave: equal runs are ordered by their time.
    bits: u64,
}

impl SeenRun {
    /// A run and what is remembered of it.
    pub fn new(run: RunKey, seen: Seen) -> Self {
        Self { run, bits: seen.pack() }
    }

    /// A run and what [`Seen::pack`] gave for it; `None` for bits that it never gives.
    pub fn packed(run: RunKey, bits: u64) -> Option<Self> {
        Seen::unpack(bits).map(|_| Self { run, bits })
    }

    /// What is remembered.
    pub fn seen(self) -> Seen {
        let nothing = Seen { outcome: None, facets: Facets::default(), unknown: 0, at: self.at() };
        Seen::unpack(self.bits).unwrap_or(nothing)
    }

    /// The same as [`Seen::at`].
    pub fn at(self) -> Timestamp {
        Timestamp::from_secs((self.bits >> 32).cast_signed())
    }
}

/// A run newly remembered, or remembered differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenChange {
    /// Which run.
    pub run: RunKey,
    /// What is remembered from now on.
    pub seen: Seen,
    /// What was remembered before; `None` for a new one.
    pub before: Option<Seen>,
}

/// Times before 1970 and after 2106 are nobody's; they count as the nearest second that is kept.
fn whole_secs(at: Timestamp) -> u32 {
    u32::try_from(at.secs().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_depends_on_id_and_round_alone() {
        let key = |instance: &str, round| RunKey::of(&RunId { instance: instance.into(), round });
        assert_eq!(key("a", 1), key("a", 1));
        assert_ne!(key("a", 1), key("a", 2));
        assert_ne!(key("a", 0), key("a\0\0\0\0", 0));
        // sha256("a" 00 00 00 01), from sha256sum.
        let hex: String = key("a", 1).to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "e12dbc28182b5f0f51fef84b21b23b8d");
        assert_eq!(RunKey::from_bytes(key("a", 1).to_bytes()), key("a", 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_packed_is_unpacked(
            outcome in prop::option::of(prop::sample::select(Outcome::ALL.to_vec())),
            facets in 0..32_u8, unknown in 0..=Seen::UNKNOWN_MASK, secs in 0..=u32::MAX,
        ) {
            let at = Timestamp::from_secs(i64::from(secs));
            let seen = Seen { outcome, facets: Facets(facets), unknown, at };
            prop_assert_eq!(Seen::unpack(seen.pack()), Some(seen));
            prop_assert!(Slice::of(at).start() <= at);
        }

        #[test]
        fn impossible_bits_are_refused_or_stable(bits: u64) {
            match Seen::unpack(bits) {
                None => prop_assert!(bits >> 29 & 7 > 5),
                Some(seen) => prop_assert_eq!(seen.pack(), bits),
            }
        }
    }
}

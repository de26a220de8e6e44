//! Chance that never changes: every draw is a pure function of the seed and of what it is drawn for.

/// A place in the tree of draws. Narrowing it (`of`, `named`) gives an independent place; drawing does not move it.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The root of one seed.
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// The place of the numbered thing `n`.
    #[must_use]
    pub const fn of(self, n: i64) -> Self {
        Self(mix(self.0 ^ mix(n.cast_unsigned())))
    }

    /// The place of the thing called `name`.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        // FNV-1a: short names, and only the spread matters.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(mix(self.0 ^ hash))
    }

    /// 64 bits of chance.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A number in `low..=high`; `low` where the range is empty.
    pub fn between(self, low: i64, high: i64) -> i64 {
        match high.checked_sub(low) {
            Some(width) if width > 0 => {
                low + i64::try_from(self.0 % (width.cast_unsigned() + 1)).unwrap_or_default()
            }
            _ => low,
        }
    }

    /// True `percent` times in a hundred.
    pub fn chance(self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// A number in `0.0..1.0`.
    pub fn share(self) -> f64 {
        // The upper 53 bits: as many as f64 holds exactly.
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `options`, which are not empty.
    pub fn pick<T: Copy>(self, options: &[T]) -> T {
        let width = u64::try_from(options.len()).unwrap_or(1).max(1);
        options[usize::try_from(self.0 % width).unwrap_or_default()]
    }
}

/// The finaliser of SplitMix64, whose every output bit depends on every input bit.
const fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_the_place_alone() {
        let place = Dice::new(7).named("tat").of(-3);
        assert_eq!(place.bits(), Dice::new(7).named("tat").of(-3).bits());
        assert_ne!(place.bits(), Dice::new(8).named("tat").of(-3).bits());
        assert_ne!(place.of(1).bits(), place.of(2).bits());
    }

    #[test]
    fn draws_keep_their_range_and_reach_its_ends() {
        let drawn: Vec<i64> = (0..1000).map(|n| Dice::new(1).of(n).between(-2, 2)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&2)));
        assert_eq!(Dice::new(1).between(5, 5), 5);
        let hits = (0..10_000).filter(|n| Dice::new(1).of(*n).chance(30)).count();
        assert!((2_700..3_300).contains(&hits), "{hits}");
    }
}

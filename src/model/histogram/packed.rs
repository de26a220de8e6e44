//! Counts in as few bytes as they need: seven bits a byte.
//!
//! The classic buckets one after the other; then, where there are native ones, their schema, the count of zeros, and for
//! each bucket how far it is from the one before, and its count.

use super::NativeBuckets;

/// The counts of a histogram. Equal ones have equal bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Counts {
    bytes: Box<[u8]>,
    /// How many of them are classic buckets.
    classic: u32,
}

impl Counts {
    pub(super) fn pack(classic: &[u64], native: Option<&NativeBuckets>) -> Self {
        // Most take what they take here; a histogram seldom grows by more.
        let mut bytes =
            Vec::with_capacity(classic.len() + native.map_or(0, |native| native.buckets().len() * 3 + 4));
        classic.iter().for_each(|count| put(&mut bytes, *count));
        let classic = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if let Some(native) = native {
            put(&mut bytes, u64::from(native.schema()));
            put(&mut bytes, native.zero());
            let mut before = 0;
            for (at, count) in native.buckets() {
                let step = at - before;
                put(&mut bytes, u64::from((step << 1 ^ step >> 31).cast_unsigned()));
                put(&mut bytes, *count);
                before = *at;
            }
        }
        Self { bytes: bytes.into(), classic }
    }

    pub(super) fn classic(&self) -> impl Iterator<Item = u64> {
        let (classic, _) = self.parts();
        Numbers(classic)
    }

    pub(super) fn unpack(&self) -> (Vec<u64>, Option<NativeBuckets>) {
        let (classic, native) = self.parts();
        let mut numbers = Numbers(native);
        let native = numbers.next().and_then(|schema| {
            let zero = numbers.next()?;
            let (mut at, mut buckets) = (0, Vec::with_capacity(native.len() / 2));
            while let (Some(step), Some(count)) = (numbers.next(), numbers.next()) {
                let step = u32::try_from(step).unwrap_or(0);
                at += (step >> 1).cast_signed() ^ -(step & 1).cast_signed();
                buckets.push((at, count));
            }
            NativeBuckets::of_counts(u8::try_from(schema).unwrap_or(u8::MAX), zero, buckets)
        });
        (Numbers(classic).collect(), native)
    }

    /// Counts one observation.
    pub(super) fn add(&mut self, bucket: usize, value: f64) {
        let (mut classic, mut native) = self.unpack();
        classic[bucket] = classic[bucket].saturating_add(1);
        if let Some(native) = &mut native {
            native.add(value, 1);
        }
        *self = Self::pack(&classic, native.as_ref());
    }

    /// Bytes that they take.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.classic as usize)
    }
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.unpack().fmt(f)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Reads what [`put`] wrote.
struct Numbers<'a>(&'a [u8]);

impl Iterator for Numbers<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

//! Numbers, texts, times, and lists of them.

use super::{Field, Malformed, Names, Reader};
use crate::model::{Label, Timestamp, Zone};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

impl Field for u64 {
    /// Seven bits a byte, the lowest first; the eighth bit says that more follow.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
    fn put(&self, out: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            out.push(left as u8 | 0x80);
            left >>= 7;
        }
        out.push(left as u8);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let mut number = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = from.byte()?;
            let bits = Self::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Not("a number of 64 bits"))
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        value.as_u64().ok_or(Malformed::Not("a whole number"))
    }
}

impl Field for i64 {
    /// Zigzag, so that small negative numbers are short too.
    fn put(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let zigzag = u64::get(from)?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        value.as_i64().ok_or(Malformed::Not("a whole number"))
    }
}

macro_rules! narrow {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                u64::from(*self).put(out);
            }
            fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
                u64::get(from)?.try_into().map_err(|_| Malformed::Not("in range"))
            }
            fn show(&self) -> Value {
                json!(self)
            }
            fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
                u64::read(value, names)?.try_into().map_err(|_| Malformed::Not("in range"))
            }
        }
    )*};
}
narrow!(u8, u32);

/// The rest of a key that has none.
impl Field for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn get(_: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        Ok(())
    }

    fn show(&self) -> Value {
        Value::Null
    }

    fn read(_: &Value, _: &Names) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Not("yes or no")),
        }
    }

    fn show(&self) -> Value {
        json!(self)
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        value.as_bool().ok_or(Malformed::Not("true or false"))
    }
}

impl Field for f64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_be_bytes());
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let bytes = from.take(8)?.try_into().map_err(|_| Malformed::Not("8 bytes"))?;
        Ok(Self::from_bits(u64::from_be_bytes(bytes)))
    }

    /// As text: JSON knows no infinity, and its readers may round.
    fn show(&self) -> Value {
        json!(self.to_string())
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(Malformed::Not("a number, written as text"))
    }
}

impl Field for Arc<str> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        out.extend_from_slice(self.as_bytes());
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let length = usize::try_from(u64::get(from)?).unwrap_or(usize::MAX);
        let text = std::str::from_utf8(from.take(length)?).map_err(|_| Malformed::Not("UTF-8"))?;
        Ok(if text.is_empty() { Self::default() } else { text.into() })
    }

    fn show(&self) -> Value {
        json!(**self)
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        value.as_str().map(Into::into).ok_or(Malformed::Not("text"))
    }
}

/// A type that is kept as another one.
macro_rules! kept_as {
    ($type:ty, $inner:ty, $to:expr, $from:expr) => {
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let to: fn(&$type) -> $inner = $to;
                to(self).put(out);
            }
            fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
                let back: fn($inner) -> $type = $from;
                Ok(back(<$inner>::get(from)?))
            }
            fn show(&self) -> Value {
                let to: fn(&$type) -> $inner = $to;
                to(self).show()
            }
            fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
                let back: fn($inner) -> $type = $from;
                Ok(back(<$inner>::read(value, names)?))
            }
        }
    };
}
pub(super) use kept_as;

kept_as!(String, Arc<str>, |text| text.as_str().into(), |text| (*text).into());
kept_as!(Label, Arc<str>, |label| (**label).into(), |text| Self::new(&text));
kept_as!(Duration, (u64, u32), |took| (took.as_secs(), took.subsec_nanos()), |(secs, nanos)| {
    Duration::from_secs(secs).saturating_add(Duration::from_nanos(u64::from(nanos)))
});

impl Field for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.millis().put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        Ok(Self::from_millis(i64::get(from)?))
    }

    /// RFC 3339; a number of milliseconds for the years that it has no words for.
    fn show(&self) -> Value {
        let text = self.to_string();
        if Zone::read_rfc3339(&text) == Some(*self) { json!(text) } else { json!(self.millis()) }
    }

    fn read(value: &Value, _: &Names) -> Result<Self, Malformed> {
        let time = value.as_i64().map(Self::from_millis);
        time.or_else(|| Zone::read_rfc3339(value.as_str()?)).ok_or(Malformed::Not("a time"))
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        if bool::get(from)? { T::get(from).map(Some) } else { Ok(None) }
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::show)
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        if value.is_null() { Ok(None) } else { T::read(value, names).map(Some) }
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_all(self, out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        let count = usize::try_from(u64::get(from)?).unwrap_or(usize::MAX);
        // Whatever the count claims, memory is taken for no more than the bytes can hold.
        let mut list = Self::with_capacity(count.min(from.left()));
        for _ in 0..count {
            list.push(T::get(from)?);
        }
        Ok(list)
    }

    fn show(&self) -> Value {
        self.iter().map(T::show).collect()
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        value.as_array().ok_or(Malformed::Not("a list"))?.iter().map(|item| T::read(item, names)).collect()
    }
}

fn put_all<T: Field>(list: &[T], out: &mut Vec<u8>) {
    (list.len() as u64).put(out);
    for item in list {
        item.put(out);
    }
}

/// An array is kept as a list, and what an older version did not know of it reads as its default.
impl<T: Field + Default, const N: usize> Field for [T; N] {
    fn put(&self, out: &mut Vec<u8>) {
        put_all(self, out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        filled(Vec::get(from)?)
    }

    fn show(&self) -> Value {
        self.iter().map(T::show).collect()
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        filled(Vec::read(value, names)?)
    }
}

fn filled<T: Default, const N: usize>(mut list: Vec<T>) -> Result<[T; N], Malformed> {
    if list.len() < N {
        list.resize_with(N, T::default);
    }
    list.try_into().map_err(|_| Malformed::Not("a list of a known length"))
}

/// A box is a matter of memory alone.
impl<T: Field> Field for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        T::get(from).map(Self::new)
    }

    fn show(&self) -> Value {
        (**self).show()
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        T::read(value, names).map(Self::new)
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        Ok((A::get(from)?, B::get(from)?))
    }

    fn show(&self) -> Value {
        json!([self.0.show(), self.1.show()])
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        match value.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok((A::read(first, names)?, B::read(second, names)?)),
            _ => Err(Malformed::Not("a pair")),
        }
    }
}

impl<K: Field + Ord, V: Field> Field for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn get(from: &mut Reader<'_, '_>) -> Result<Self, Malformed> {
        Ok(Vec::<(K, V)>::get(from)?.into_iter().collect())
    }

    fn show(&self) -> Value {
        self.iter().map(|(key, value)| json!([key.show(), value.show()])).collect()
    }

    fn read(value: &Value, names: &Names) -> Result<Self, Malformed> {
        Ok(Vec::<(K, V)>::read(value, names)?.into_iter().collect())
    }
}

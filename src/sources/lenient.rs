//! Fields of answers that nobody promises: absent, null, or of another shape than documented.
//!
//! Every field of every answer is read through [`Field`], so that one odd value costs that value and never the page
//! it stands on.

use crate::model::RejectCause;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// One field of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Field<T> {
    /// Not there, null, or a blank text.
    #[default]
    Absent,
    /// There, but of no shape that can be read.
    Malformed,
    /// What it says.
    Value(T),
}

impl<T> Field<T> {
    /// What it says, if anything.
    pub(crate) fn get(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Malformed => None,
        }
    }

    /// What it says, if anything; a malformed value is noted in `flaws`.
    pub(crate) fn read(&self, flaws: &mut Vec<RejectCause>) -> Option<&T> {
        if matches!(self, Self::Malformed) {
            flaws.push(RejectCause::Malformed);
        }
        self.get()
    }
}

impl Field<String> {
    /// The text, empty where there is none.
    pub(crate) fn text(&self) -> &str {
        self.get().map_or("", String::as_str)
    }
}

impl<T> Field<List<T>> {
    /// The elements, none where there is no list.
    pub(crate) fn items(&self) -> &[Field<T>] {
        self.get().map_or(&[], Vec::as_slice)
    }
}

/// A list of which each element may be malformed on its own.
pub(crate) type List<T> = Vec<Field<T>>;

/// What a field can be read from. Each way of writing it that is not overridden is malformed.
pub(crate) trait Shape: Sized {
    /// From a text that is not blank.
    fn of_text(_: &str) -> Option<Self> {
        None
    }
    /// From a whole number.
    fn of_int(_: i64) -> Option<Self> {
        None
    }
    /// From a boolean.
    fn of_bool(_: bool) -> Option<Self> {
        None
    }
    /// From a list.
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    /// From an object.
    fn of_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads an object whose type derives `Deserialize` with a default for every field.
pub(crate) fn record<'de, T: Deserialize<'de>, A: MapAccess<'de>>(map: A) -> Result<Option<T>, A::Error> {
    T::deserialize(MapAccessDeserializer::new(map)).map(Some)
}

/// Lets wire types stand in a [`Field`].
macro_rules! records {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::sources::lenient::Shape for $name {
            fn of_map<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                $crate::sources::lenient::record(map)
            }
        })+
    };
}
pub(crate) use records;

impl Shape for String {
    fn of_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn of_int(number: i64) -> Option<Self> {
        Some(number.to_string())
    }
}

impl Shape for i64 {
    fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.split_once('.').map_or(text, |(whole, fraction)| {
            if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') { whole } else { text }
        });
        digits.parse().ok()
    }
    fn of_int(number: i64) -> Option<Self> {
        Some(number)
    }
}

impl Shape for bool {
    fn of_text(text: &str) -> Option<Self> {
        match text {
            "true" | "True" | "TRUE" | "1" => Some(true),
            "false" | "False" | "FALSE" | "0" => Some(false),
            _ => None,
        }
    }
    fn of_int(number: i64) -> Option<Self> {
        match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    fn of_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl<T: Shape> Shape for List<T> {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Some(items))
    }
}

impl<'de, T: Shape> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

struct Reader<T>(PhantomData<T>);

impl<T> Reader<T> {
    fn hold(found: Option<T>) -> Field<T> {
        found.map_or(Field::Malformed, Field::Value)
    }
}

impl<'de, T: Shape> Visitor<'de> for Reader<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Self::hold(T::of_bool(value)))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Self::hold(T::of_int(number)))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        // Ids beyond i64 stay readable as text.
        Ok(Self::hold(i64::try_from(number).map_or_else(|_| T::of_text(&number.to_string()), T::of_int)))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Self::hold(T::of_text(&number.to_string())))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        if text.trim().is_empty() { Ok(Field::Absent) } else { Ok(Self::hold(T::of_text(text))) }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::of_list(list).map(Self::hold)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::of_map(map).map(Self::hold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Shape>(json: &str) -> Field<T> {
        serde_json::from_str(json).unwrap()
    }

    #[derive(serde::Deserialize, Default, Debug, PartialEq)]
    #[serde(default)]
    struct Row {
        id: Field<String>,
        size: Field<i64>,
    }
    records!(Row);

    #[test]
    fn numbers_are_read_from_numbers_and_texts() {
        for (json, number) in [("7", 7), ("\" 7 \"", 7), ("7.0", 7), ("\"7.00\"", 7), ("-1", -1)] {
            assert_eq!(read::<i64>(json), Field::Value(number), "{json}");
        }
        for json in ["7.5", "\"x\"", "true", "[7]", "{\"a\":7}", "18446744073709551615", "1e300", "\"7.\""] {
            assert_eq!(read::<i64>(json), Field::Malformed, "{json}");
        }
        for json in ["null", "\"\"", "\"  \""] {
            assert_eq!(read::<i64>(json), Field::Absent, "{json}");
        }
    }

    #[test]
    fn ids_written_as_numbers_stay_exact() {
        assert_eq!(read::<String>("1460947878944567296"), Field::Value("1460947878944567296".into()));
        assert_eq!(read::<String>("18446744073709551615"), Field::Value("18446744073709551615".into()));
        assert_eq!(read::<String>("{}"), Field::Malformed);
    }

    #[test]
    fn one_odd_element_costs_only_itself() {
        let rows =
            read::<List<Row>>(r#"[{"id":"a","size":{"x":[1]}}, null, 5, [[1],{}], {"id":"b","size":"2"}]"#);
        let items = rows.items();
        assert_eq!(items.len(), 5);
        assert_eq!(items[0].get().map(|row| &row.size), Some(&Field::Malformed));
        assert_eq!(items[1], Field::Absent);
        assert_eq!((&items[2], &items[3]), (&Field::Malformed, &Field::Malformed));
        assert_eq!(items[4].get().map(|row| &row.size), Some(&Field::Value(2)));
    }

    #[test]
    fn flaws_are_noted_only_for_malformed_values() {
        let mut flaws = Vec::new();
        assert_eq!(Field::<i64>::Absent.read(&mut flaws), None);
        assert_eq!(Field::Value(1).read(&mut flaws), Some(&1));
        assert!(flaws.is_empty());
        assert_eq!(Field::<i64>::Malformed.read(&mut flaws), None);
        assert_eq!(flaws, [RejectCause::Malformed]);
    }
}

//! Log text that is counted while it is decoded, and never kept.

use crate::logs;
use crate::model::LogFacts;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a text held; `None` where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counted(pub(super) Option<LogFacts>);

struct Counter;

impl<'de> Visitor<'de> for Counter {
    type Value = Counted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Counted, E> {
        Ok(Counted((!text.is_empty()).then(|| logs::count(text))))
    }
    fn visit_unit<E: Error>(self) -> Result<Counted, E> {
        Ok(Counted(None))
    }
    // Whatever else stands there is no log, and no reason to refuse the run.
    fn visit_bool<E: Error>(self, _: bool) -> Result<Counted, E> {
        Ok(Counted(None))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Counted, E> {
        Ok(Counted(None))
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Counted, E> {
        Ok(Counted(None))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Counted, E> {
        Ok(Counted(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counted, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Counted(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counted, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Counted(None))
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_counted_as_it_stands_and_nothing_else_is_a_text() {
        let read = |json: &str| serde_json::from_str::<Counted>(json).unwrap().0;
        let facts = read(r#"" ERROR\n\n""#).unwrap();
        assert_eq!((facts.bytes, facts.lines), (8, [0, 0, 0, 1, 1]));
        for json in ["null", "\"\"", "1", "-1", "1.5", "true", "[[1]]", "{\"a\":{}}"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}

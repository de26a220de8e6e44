//! Spoiling single fields of records.

use super::{Fault, Strike};
use crate::simulator::{Answer, Content, Dice, Rows};
use serde_json::{Value, json};

/// Puts what `strike` holds into one record of `answer`.
pub(in crate::simulator) fn spoil(answer: &mut Answer, strike: &Strike) {
    let Some(rows) = answer.rows else { return };
    let Content::Json(value) = &mut answer.content else { return };
    let Some(place) = value.pointer_mut(rows.at) else { return };
    let dice = strike.dice();
    let record = match place {
        Value::Array(records) if !records.is_empty() => {
            let last = i64::try_from(records.len() - 1).unwrap_or_default();
            let chosen = usize::try_from(dice.named("record").between(0, last)).unwrap_or_default();
            &mut records[chosen]
        }
        Value::Object(_) => place,
        _ => return,
    };
    for fault in [Fault::Unknown, Fault::Null, Fault::Mistyped, Fault::Future] {
        if strike.has(fault) {
            touch(record, fault, &rows, dice);
        }
    }
}

fn touch(record: &mut Value, fault: Fault, rows: &Rows, dice: Dice) {
    match fault {
        Fault::Unknown => match record.get_mut(rows.state) {
            // 17 is in no document of any kind.
            Some(state) if state.is_number() => *state = json!(17),
            Some(state) if state.is_string() => *state = json!("UNHEARD_OF"),
            _ => {}
        },
        Fault::Null if !rows.optional.is_empty() => {
            let name = dice.named("field").pick(rows.optional);
            match record.as_object_mut() {
                Some(fields) if dice.named("missing").chance(50) => drop(fields.remove(name)),
                Some(fields) => drop(fields.insert(name.to_owned(), Value::Null)),
                None => {}
            }
        }
        Fault::Mistyped => {
            for name in rows.numbers {
                if let Some(number) = record.get_mut(*name).filter(|value| value.is_number()) {
                    *number = Value::String(number.to_string());
                }
            }
        }
        Fault::Future => {
            for name in rows.times {
                if let Some(time) = record.get_mut(*name)
                    && let Some((year, rest)) = time.as_str().and_then(|text| text.split_at_checked(4))
                    && let Ok(year) = year.parse::<i64>()
                {
                    *time = Value::String(format!("{:04}{rest}", year + 1));
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::Faults;

    fn spoiled(fault: &str) -> Value {
        let rows = Rows {
            at: "/Items",
            state: "State",
            numbers: &["State", "Tries"],
            times: &["EndTime"],
            optional: &["CostTime"],
        };
        let record =
            json!({"Key": "k", "State": 2, "Tries": 1, "EndTime": "2025-03-28 00:18:55", "CostTime": "x"});
        let mut answer = Answer::json(200, json!({"Items": [record]})).with_rows(Some(rows));
        let faults: Faults = format!("{fault}=1").parse().unwrap();
        spoil(&mut answer, &faults.strike(Dice::new(1), 1, ""));
        answer.value().unwrap()["Items"][0].clone()
    }

    #[test]
    fn each_fault_touches_its_own_fields_and_never_the_key() {
        for fault in ["unknown", "null", "mistyped", "future"] {
            assert_eq!(spoiled(fault)["Key"], "k", "{fault}");
        }
        assert_eq!(spoiled("unknown")["State"], 17);
        assert!(spoiled("null").get("CostTime").is_none_or(Value::is_null));
        assert_eq!(spoiled("mistyped")["Tries"], "1");
        assert_eq!(spoiled("future")["EndTime"], "2026-03-28 00:18:55");
        assert_eq!(spoiled("throttle")["State"], 2);
    }
}

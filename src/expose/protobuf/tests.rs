use super::*;
use crate::metrics::catalog;
use crate::model::{Label, OrderKey, RunId};
use std::collections::BTreeMap;

/// A message's fields: what is no message or text of length is its eight bytes or its number.
type Fields = BTreeMap<u32, Vec<Field>>;

#[derive(Clone, PartialEq, Debug)]
enum Field {
    Number(u64),
    Double(f64),
    Bytes(Vec<u8>),
}

impl Field {
    fn text(&self) -> String {
        let Self::Bytes(bytes) = self else { panic!("{self:?} is no text") };
        String::from_utf8(bytes.clone()).unwrap()
    }

    fn fields(&self) -> Fields {
        let Self::Bytes(bytes) = self else { panic!("{self:?} is no message") };
        read(bytes)
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| *byte < 0x80).unwrap();
    let (number, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f))
}

fn read(mut bytes: &[u8]) -> Fields {
    let mut fields = Fields::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (eight, rest) = bytes.split_first_chunk().unwrap();
                bytes = rest;
                Field::Double(f64::from_le_bytes(*eight))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (inside, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(inside.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        fields.entry(u32::try_from(tag >> 3).unwrap()).or_default().push(field);
    }
    fields
}

const SINCE: Timestamp = Timestamp::from_millis(1_700_000_000_250);

fn cell() -> CellKey {
    CellKey { kind: "scf", source: Label::new("s"), region: Label::empty(), project: Label::new("p\"\n") }
}

fn order(instance: &str) -> OrderKey {
    OrderKey { at: SINCE, run: RunId { instance: instance.into(), round: 2 } }
}

/// The one family there is, read back.
fn family(family: &Family, draw: impl FnOnce(&mut Protobuf<'_>)) -> Fields {
    let mut writer = Protobuf::new(family);
    draw(&mut writer);
    let samples = writer.finish();
    let page = [header(family, samples.len()), samples].concat();
    let mut rest = page.as_slice();
    assert_eq!(usize::try_from(varint(&mut rest)).unwrap(), rest.len());
    read(rest)
}

#[test]
fn a_counter_has_labels_value_exemplar_and_creation() {
    let task = TaskKey { task: Label::new("t"), ..TaskKey::default() };
    let order = order("run-7");
    let example = Exemplar { run: &order, value: 1.0, at: SINCE };
    let read = family(&catalog::RUNS, |sink| {
        sink.task(&cell(), &task, SINCE);
        sink.count_with(&[("outcome", "failed"), ("empty", "")], 300, Some(example));
    });
    assert_eq!(read[&1][0].text(), "taskrun_runs_total");
    assert_eq!(read[&3], [Field::Number(0)]);
    let metric = read[&4][0].fields();
    let pairs: Vec<(String, String)> =
        metric[&1].iter().map(|pair| (pair.fields()[&1][0].text(), pair.fields()[&2][0].text())).collect();
    let expected =
        [("kind", "scf"), ("source", "s"), ("project", "p\"\n"), ("task", "t"), ("outcome", "failed")];
    assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let counter = metric[&3][0].fields();
    assert_eq!(counter[&1], [Field::Double(300.0)]);
    let exemplar = counter[&2][0].fields();
    assert_eq!(exemplar[&1][0].fields()[&2][0].text(), "run-7#2");
    assert_eq!(exemplar[&2], [Field::Double(1.0)]);
    let created = counter[&3][0].fields();
    assert_eq!(
        (&created[&1][..], &created[&2][..]),
        (&[Field::Number(1_700_000_000)][..], &[Field::Number(250_000_000)][..])
    );
}

#[test]
fn a_gauge_has_neither() {
    let order = order("x");
    let example = Exemplar { run: &order, value: 1.0, at: SINCE };
    let read = family(&catalog::SOURCE_BACKLOG, |sink| {
        sink.cell(&cell(), SINCE);
        sink.count_with(&[], 0, Some(example));
    });
    assert_eq!(read[&3], [Field::Number(1)]);
    let gauge = read[&4][0].fields()[&2][0].fields();
    assert_eq!(gauge.into_iter().collect::<Vec<_>>(), [(1, vec![Field::Double(0.0)])]);
}

#[test]
fn buckets_are_cumulated_to_infinity_and_one_has_the_exemplar() {
    let mut histogram = Histogram::of_seconds(&[0.5, 1.0].into());
    for millis in [100, 900, 5000] {
        histogram.observe_duration(std::time::Duration::from_millis(millis));
    }
    let order = order("slow");
    let example = Exemplar { run: &order, value: 0.9, at: SINCE };
    let read = family(&catalog::RUN_DURATION, |sink| {
        sink.cell(&cell(), SINCE);
        sink.histogram_with(&[], &histogram, Some(example));
    });
    assert_eq!((&read[&3][..], read[&5][0].text()), (&[Field::Number(4)][..], "seconds".to_owned()));
    let histogram = read[&4][0].fields()[&7][0].fields();
    assert_eq!(
        (&histogram[&1][..], &histogram[&2][..]),
        (&[Field::Number(3)][..], &[Field::Double(6.0)][..])
    );
    let buckets: Vec<Fields> = histogram[&3].iter().map(Field::fields).collect();
    let told: Vec<_> =
        buckets.iter().map(|bucket| (&bucket[&1][0], &bucket[&2][0], bucket.contains_key(&3))).collect();
    assert_eq!(
        told,
        [
            (&Field::Number(1), &Field::Double(0.5), false),
            (&Field::Number(2), &Field::Double(1.0), true),
            (&Field::Number(3), &Field::Double(f64::INFINITY), false),
        ]
    );
    assert!(histogram.contains_key(&15));
}

#[test]
fn a_run_id_too_long_for_an_exemplar_is_none() {
    let fits = |length: usize| {
        let order =
            OrderKey { at: SINCE, run: RunId { instance: "é".repeat(length).as_str().into(), round: 0 } };
        Exemplar { run: &order, value: 1.0, at: SINCE }.run_id().is_some()
    };
    assert!(fits(122) && !fits(123));
}

/// Numbers in one field, of which small negative ones are short.
fn signed(field: &Field) -> Vec<i64> {
    let unfold = |folded: u64| (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
    match field {
        Field::Number(number) => vec![unfold(*number)],
        Field::Bytes(bytes) => {
            let mut rest = bytes.as_slice();
            std::iter::from_fn(|| (!rest.is_empty()).then(|| unfold(varint(&mut rest)))).collect()
        }
        Field::Double(_) => panic!("{field:?} is no whole number"),
    }
}

#[test]
fn native_buckets_stand_beside_the_classic_ones() {
    // Buckets -8, 0 twice, 3 thrice, 16: of 0.5, 1, 1.25 and 4.
    let native = NativeBuckets::of_counts(3, 5, vec![(-8, 1), (0, 2), (3, 3), (16, 1)]).unwrap();
    let histogram = Histogram::of_counts(&[1.0].into(), &[8, 4], Some(&native), 12, 1e6).unwrap();
    let read = family(&catalog::RUN_DURATION, |sink| sink.histogram(&[], &histogram));
    let histogram = read[&4][0].fields()[&7][0].fields();
    assert_eq!(histogram[&3].len(), 2, "the classic ones");
    assert_eq!(signed(&histogram[&5][0]), [3]);
    assert_eq!(histogram[&6], [Field::Double(2_f64.powi(-128))]);
    assert_eq!(histogram[&7], [Field::Number(5)]);
    let spans: Vec<(Vec<i64>, Field)> = histogram[&12]
        .iter()
        .map(|span| (signed(&span.fields()[&1][0]), span.fields()[&2][0].clone()))
        .collect();
    let expected = [(-8, 1), (7, 4), (12, 1)];
    assert_eq!(spans, expected.map(|(offset, length)| (vec![offset], Field::Number(length))));
    assert_eq!(signed(&histogram[&13][0]), [1, 1, -2, 0, 3, -2]);
}

#[test]
fn a_native_histogram_of_zeros_and_one_without_native_buckets_are_told_apart() {
    let zeros = NativeBuckets::of_counts(3, 2, Vec::new()).unwrap();
    for (native, threshold) in [(Some(&zeros), true), (None, false)] {
        let histogram = Histogram::of_counts(&[1.0].into(), &[2, 0], native, 0, 1e6).unwrap();
        let read = family(&catalog::RUN_DURATION, |sink| sink.histogram(&[], &histogram));
        let histogram = read[&4][0].fields()[&7][0].fields();
        assert_eq!(histogram.contains_key(&6), threshold);
        assert!([12, 13].iter().all(|field| !histogram.contains_key(field)));
    }
}

//! Whatever a record holds, it is the same after it was kept, and changed bytes are found.

use super::{Context, Field, Malformed, Names, decode, encode, seal, unseal};
use crate::model::{
    ActiveRun, CellKey, CellMeta, FailedRun, FinishedRun, Gap, Gaps, Histogram, ItemRecord, ItemSet, Label,
    LastSuccess, Native, NativeBuckets, NativeGauge, OrderKey, Outcome, RejectCause, RunId, RunKey, RunState,
    Seen, TaskInfo, TaskKey, TaskRecord, Timestamp, UnknownState,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

static GAUGE: NativeGauge = NativeGauge { name: "taskrun_x", help: "X.", unit: "" };

pub(in crate::ledger) fn names() -> Names {
    Names { kinds: vec!["tat", "scf"], natives: vec![&GAUGE] }
}

fn label() -> impl Strategy<Value = Label> {
    ".{0,300}".prop_map(|text| Label::new(&text))
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0..4_000_000_000_000_i64].prop_map(Timestamp::from_millis)
}

fn took() -> impl Strategy<Value = Duration> {
    (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop::sample::select(Outcome::ALL.to_vec())
}

fn run() -> impl Strategy<Value = RunId> {
    (".{0,40}", any::<u32>()).prop_map(|(id, round)| RunId { instance: id.into(), round })
}

fn order() -> impl Strategy<Value = OrderKey> {
    (time(), run()).prop_map(|(at, run)| OrderKey { at, run })
}

fn state() -> impl Strategy<Value = RunState> {
    prop_oneof![
        Just(RunState::Waiting),
        Just(RunState::Queued),
        Just(RunState::Running),
        Just(RunState::Retrying),
        outcome().prop_map(RunState::Finished),
        ".{0,9}".prop_map(|code| RunState::Unknown(UnknownState(code.into()))),
    ]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let bound = prop_oneof![
        Just(2.5),
        Just(0.005),
        Just(17_179_869_184.0),
        Just(0.0001),
        -1e300..1e300_f64,
        Just(-0.0)
    ];
    prop::collection::vec(bound, 0..15).prop_flat_map(|bounds| {
        let counts = prop::collection::vec(any::<u64>(), bounds.len() + 1);
        let rest = (prop::option::of(native()), any::<u64>(), prop::sample::select(vec![1.0, 1e6]));
        (counts, rest).prop_map(move |(counts, (native, sum, scale))| {
            Histogram::of_counts(&bounds.clone().into(), &counts, native.as_ref(), sum, scale).unwrap()
        })
    })
}

fn native() -> impl Strategy<Value = NativeBuckets> {
    let buckets = prop::collection::btree_map(-16_384..=16_384, 1..=u64::MAX, 0..9);
    (0..=3_u8, any::<u64>(), buckets).prop_map(|(schema, zero, buckets)| {
        NativeBuckets::of_counts(schema, zero, buckets.into_iter().collect()).unwrap()
    })
}

fn active() -> impl Strategy<Value = ActiveRun> {
    let times = (prop::option::of(time()), prop::option::of(time()));
    (run(), state(), ".{0,9}", times, any::<u64>(), any::<u8>()).prop_map(
        |(run, state, parent, (planned, since), last_poll, missed)| ActiveRun {
            run,
            state,
            parent: parent.into(),
            planned,
            since,
            last_poll,
            missed,
        },
    )
}

fn finished() -> impl Strategy<Value = FinishedRun> {
    let times = (prop::option::of(time()), prop::option::of(time()), prop::option::of(time()));
    let figures = (prop::option::of(took()), prop::option::of(any::<i64>()), prop::option::of(any::<u64>()));
    (order(), outcome(), times, figures).prop_map(
        |(order, outcome, (planned, started, ended), (duration, return_code, memory_bytes))| FinishedRun {
            order,
            outcome,
            planned,
            started,
            ended,
            duration,
            return_code,
            memory_bytes,
        },
    )
}

pub(in crate::ledger) fn task_record() -> impl Strategy<Value = TaskRecord> {
    let info = (label(), label(), label(), label());
    let histograms = (
        prop::array::uniform3(prop::option::of(histogram().prop_map(Box::new))),
        prop::array::uniform2(prop::option::of(histogram().prop_map(Box::new))),
        prop::option::of(histogram().prop_map(Box::new)),
    );
    let counts = (
        any::<[u64; 5]>(),
        prop::collection::btree_map(any::<i64>(), any::<u64>(), 0..5),
        any::<[u64; 4]>(),
        any::<[Option<u64>; 2]>(),
        any::<Option<[u64; 5]>>().prop_map(|lines| lines.map(Box::new)),
    );
    let failed = (order(), outcome(), time(), any::<Option<i64>>())
        .prop_map(|(order, outcome, ended, return_code)| FailedRun { order, outcome, ended, return_code });
    let success = (order(), time()).prop_map(|(order, ended)| LastSuccess { order, ended });
    let native = (order(), any::<f64>().prop_filter("NaN is unequal to itself", |value| !value.is_nan()))
        .prop_map(|(order, value)| Box::new(Native { order, values: vec![(&GAUGE, value)] }));
    let runs = (
        prop::option::of(finished().prop_map(Box::new)),
        prop::collection::vec(success, 0..3),
        prop::collection::vec(failed, 0..4),
        prop::collection::vec(active(), 0..4),
        prop::option::of(native),
    );
    let head = (time(), info, prop::option::of(order()), prop::option::of(took()));
    (head, histograms, counts, runs).prop_map(
        |(
            (since, (task_type, cycle, owner, workflow_id), info_order, expected_interval),
            (durations, waits, memory),
            (
                runs,
                codes,
                [other_codes, revised, unknown_states, log_bytes],
                [billed_micros, retries],
                log_lines,
            ),
            (last, successes, failures, active, native),
        )| TaskRecord {
            since,
            heard: since,
            info: TaskInfo { task_type, cycle, owner, workflow_id },
            info_order,
            expected_interval,
            runs,
            durations,
            waits,
            memory,
            codes,
            other_codes,
            billed_micros,
            retries,
            revised,
            unknown_states,
            log_lines,
            log_bytes,
            last,
            successes,
            failures,
            older_failures: revised,
            active,
            native,
        },
    )
}

fn gaps() -> impl Strategy<Value = Gaps> {
    let gap = ("[a-c]{0,1}", time(), time());
    let gap = gap.prop_map(|(part, from, to)| Gap { part: part.into(), from, to });
    prop::collection::vec(gap, 0..5).prop_map(|gaps| gaps.into_iter().collect())
}

pub(in crate::ledger) fn meta() -> impl Strategy<Value = CellMeta> {
    let times = (prop::option::of(time()), time(), prop::option::of(time()));
    let rejected =
        prop::collection::btree_map(prop::sample::select(RejectCause::ALL.to_vec()), any::<u64>(), 0..4);
    let counts = (any::<[u64; 2]>(), any::<[u64; 12]>(), any::<Option<bool>>(), any::<Option<u64>>());
    (times, counts, rejected, histogram(), ".{0,20}", gaps()).prop_map(
        |(
            (watermark, floor, last_success),
            ([polls, skipped_ticks], results, up, backlog),
            rejected,
            polled,
            message,
            gaps,
        )| {
            CellMeta {
                since: floor,
                watermark,
                floor,
                polls,
                up,
                last_success,
                results,
                skipped_ticks,
                rejected,
                backlog,
                poll_durations: polled,
                message,
                gaps,
            }
        },
    )
}

fn returns<T: Field + PartialEq + std::fmt::Debug>(record: &T) -> Result<(), TestCaseError> {
    returns_but_for(record, None)
}

/// The same of a record that another is the beginning of, which ends at `older`.
fn returns_but_for<T>(record: &T, older: Option<usize>) -> Result<(), TestCaseError>
where
    T: Field + PartialEq + std::fmt::Debug,
{
    let names = names();
    let mut context = Context::new(&names);
    let bytes = encode(record);
    prop_assert_eq!(&decode::<T>(&bytes, &mut context).unwrap(), record);
    let json = serde_json::to_string(&record.show()).unwrap();
    prop_assert_eq!(&T::read(&serde_json::from_str(&json).unwrap(), &names).unwrap(), record);
    // Every cut near the ends, some in between.
    let cuts = (0..bytes.len()).filter(|length| length % 9 == 0 || length + 9 > bytes.len());
    for length in cuts.filter(|length| Some(*length) != older) {
        prop_assert!(decode::<T>(&bytes[..length], &mut context).is_err(), "cut to {}", length);
    }
    let mut longer = bytes;
    longer.push(0);
    prop_assert!(decode::<T>(&longer, &mut context).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_task_returns_as_it_was(record in task_record()) {
        returns(&record)?;
    }

    #[test]
    fn a_cell_returns_as_it_was(meta in meta()) {
        let older = CellMeta { gaps: Gaps::default(), ..meta.clone() };
        returns_but_for(&meta, Some(encode(&older).len()))?;
        returns(&older)?;
        let key = CellKey { kind: "scf", source: "a/b".into(), region: "".into(), project: "项目".into() };
        returns(&key)?;
    }

    #[test]
    fn small_records_return_as_they_were(status in label(), at in time(), run in run(), order in order(), n: u64, i: i64) {
        let task = TaskKey { task: status.clone(), ..TaskKey::default() };
        returns(&task)?;
        returns(&ItemRecord { status, at, task })?;
        returns(&(ItemSet::TatInvocationTasks, Arc::<str>::from("id")))?;
        returns(&RunKey::of(&run))?;
        returns(&order)?;
        returns(&n)?;
        returns(&i)?;
    }

    #[test]
    fn no_bytes_are_a_danger(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let names = names();
        let mut context = Context::new(&names);
        // Random bytes may by chance be a record; then it must return as it was.
        if let Ok(record) = decode::<TaskRecord>(&bytes, &mut context) {
            returns(&record)?;
        }
        decode::<CellMeta>(&bytes, &mut context).ok();
        decode::<Histogram>(&bytes, &mut context).ok();
        if let Ok(seen) = decode::<Seen>(&bytes, &mut context) {
            prop_assert_eq!(encode(&seen), bytes);
        }
    }

    #[test]
    fn every_flipped_bit_is_found(value in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0..8_u8) {
        let mut sealed = seal(1, b"key", 7, &value);
        prop_assert_eq!(unseal(1, b"key", &sealed), Ok((7, &value[..])));
        prop_assert_eq!(unseal(1, b"kez", &sealed), Err(Malformed::Checksum));
        prop_assert_eq!(unseal(2, b"key", &sealed), Err(Malformed::Checksum));
        let at = at.index(sealed.len());
        sealed[at] ^= 1_u8 << bit;
        prop_assert_eq!(unseal(1, b"key", &sealed), Err(Malformed::Checksum));
    }
}

#[test]
fn what_this_version_does_not_have_is_told_apart_from_damage() {
    let key = CellKey { kind: "tat", source: "s".into(), region: "".into(), project: "".into() };
    let native = Native {
        order: OrderKey { at: Timestamp::from_secs(1), run: RunId { instance: "i".into(), round: 0 } },
        values: vec![(&GAUGE, 1.0)],
    };
    let empty = Names::default();
    let mut context = Context::new(&empty);
    assert_eq!(decode::<CellKey>(&encode(&key), &mut context), Err(Malformed::Kind("tat".into())));
    assert_eq!(CellKey::read(&key.show(), &empty), Err(Malformed::Kind("tat".into())));
    assert!(decode::<Native>(&encode(&native), &mut context).unwrap().values.is_empty());
}

#[test]
fn an_array_that_grew_reads_the_shorter_one_of_before() {
    let names = names();
    let short = encode(&[1_u64, 2]);
    assert_eq!(decode::<[u64; 4]>(&short, &mut Context::new(&names)), Ok([1, 2, 0, 0]));
    assert!(decode::<[u64; 1]>(&short, &mut Context::new(&names)).is_err());
}

/// A cell as it was kept before there were gaps, byte for byte.
const BEFORE_GAPS: &str = "80f086c2ee650180e78cc1ee6500070101000c010101010101010101010101000001050\
                           1d10f00000081a8d6b9070b616c6c2069732077656c6c";

#[test]
fn a_cell_kept_before_there_were_gaps_is_still_read() {
    let names = names();
    let bytes = hex::decode(BEFORE_GAPS).unwrap();
    let meta: CellMeta = decode(&bytes, &mut Context::new(&names)).unwrap();
    assert_eq!((meta.polls, meta.backlog, &*meta.message), (7, Some(5), "all is well"));
    assert!(meta.gaps.is_empty());
    assert_eq!(hex::encode(encode(&meta)), BEFORE_GAPS, "and is kept as it was while there are none");
    let mut shown = meta.show();
    shown.as_object_mut().unwrap().remove("gaps").unwrap();
    assert_eq!(CellMeta::read(&shown, &names), Ok(meta), "an export of before, too");
}

/// A histogram as it was kept before there were native buckets, byte for byte: 1, 2.5 and 60 s; 4, 2, 0 and 1 runs; 70 s.
const BEFORE_NATIVE: &str = "03d10f8927c1a9070402000180bbb02181a8d6b907";

#[test]
fn a_histogram_kept_before_there_were_native_buckets_is_still_read() {
    let names = names();
    let bytes = hex::decode(BEFORE_NATIVE).unwrap();
    let kept: Histogram = decode(&bytes, &mut Context::new(&names)).unwrap();
    assert_eq!((kept.count(), kept.sum_base(), kept.native()), (7, 70.0, None));
    assert_eq!(encode(&kept), bytes);
    let mut shown = kept.show();
    shown.as_object_mut().unwrap().remove("native").unwrap();
    assert_eq!(Histogram::read(&shown, &names), Ok(kept), "an export of before, too");
}

#[test]
fn a_typical_histogram_is_short() {
    let bounds = [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21600.0];
    let mut histogram = Histogram::of_seconds(&bounds.into());
    (0..1000).for_each(|second| histogram.observe_duration(Duration::from_secs(second)));
    assert!(encode(&histogram).len() < 70, "{}", encode(&histogram).len());
    let mut native = Histogram::of_seconds(&bounds.into()).with_native();
    (0..1000).for_each(|second| native.observe_duration(Duration::from_secs(second)));
    assert!(encode(&native).len() < 220, "{}", encode(&native).len());
}

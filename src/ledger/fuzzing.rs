//! What reads kept bytes, for `crate::fuzzing`.

use super::codec::{Context, Field, Names, decode, encode, unseal};
use super::embedded;
use crate::model::{CellKey, CellMeta, Histogram, ItemRecord, RunKey, Seen, TaskKey, TaskRecord, Timestamp};
use std::os::unix::fs::FileExt as _;

#[cfg(test)]
mod tests;

/// Bytes as any record; a record of them is the same when it is kept and read again, as bytes and as JSON.
pub(crate) fn record(bytes: &[u8], names: &Names) {
    let _sealed = unseal(1, b"key", bytes);
    let read = [again::<TaskRecord>, again::<CellMeta>, again::<CellKey>, again::<TaskKey>];
    let more = [again::<ItemRecord>, again::<Histogram>, again::<RunKey>, again::<Seen>];
    for read in read.into_iter().chain(more) {
        read(bytes, names);
    }
    if let Ok(value) = serde_json::from_slice(bytes) {
        let task = TaskRecord::read(&value, names).map(|record| encode(&record));
        let meta = CellMeta::read(&value, names).map(|record| encode(&record));
        for bytes in [task, meta].into_iter().flatten() {
            again::<TaskRecord>(&bytes, names);
            again::<CellMeta>(&bytes, names);
        }
    }
}

fn again<T: Field>(bytes: &[u8], names: &Names) {
    let Ok(record) = decode::<T>(bytes, &mut Context::new(names)) else { return };
    let kept = encode(&record);
    let read = decode::<T>(&kept, &mut Context::new(names)).map(|record| encode(&record));
    assert!(read.is_ok_and(|again| again == kept), "a record changes when it is kept");
    let shown = T::read(&record.show(), names).map(|record| encode(&record));
    assert!(
        shown.is_ok_and(|again| again == kept),
        "a record changes when it is exported: {}",
        record.show()
    );
}

/// A damaged state file is searched leaf by leaf.
pub(crate) fn salvage(bytes: &[u8], names: &Names, now: Timestamp) {
    thread_local! {
        // One for all inputs: what is looked for is a defect of ours, not of the file system.
        static FILE: Option<std::fs::File> = tempfile::tempfile().ok();
    }
    FILE.with(|file| {
        let Some(file) = file else { return };
        if file.set_len(0).is_ok() && file.write_all_at(bytes, 0).is_ok() {
            let _cells = embedded::salvage(file, names, now);
        }
    });
}

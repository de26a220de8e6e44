//! A file that is read and never written: what is written goes to memory.
//!
//! So a state file can be opened, repaired and searched as if it were changed, while it stays as it was found.

use redb::{BackendError, StorageBackend};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The pieces in which written parts are held.
const PAGE: usize = 4096;

/// The file, and what was written over it.
#[derive(Debug)]
pub(super) struct Overlay {
    file: File,
    over: Mutex<Over>,
}

#[derive(Debug)]
struct Over {
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
    /// Up to here the file's own bytes show through.
    base: u64,
    length: u64,
}

impl Overlay {
    /// Nothing written yet.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, over: Mutex::new(Over { pages: BTreeMap::new(), base: length, length }) })
    }

    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Over {
    /// A page as it is now.
    fn page(&self, file: &File, number: u64) -> io::Result<[u8; PAGE]> {
        if let Some(page) = self.pages.get(&number) {
            return Ok(**page);
        }
        let mut page = [0; PAGE];
        let start = number * PAGE as u64;
        let shown = usize::try_from(self.base.saturating_sub(start)).unwrap_or(PAGE).min(PAGE);
        file.read_exact_at(&mut page[..shown], start)?;
        Ok(page)
    }

    /// Calls `each` with every page that `length` bytes from `offset` touch, where in it they begin, and how many.
    fn pieces(
        offset: u64,
        length: usize,
        mut each: impl FnMut(u64, usize, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let within = usize::try_from(at % PAGE as u64).unwrap_or(0);
            let count = (PAGE - within).min(length - done);
            each(at / PAGE as u64, within, count)?;
            done += count;
        }
        Ok(())
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over();
        let end = offset.saturating_add(out.len() as u64);
        if end > over.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let untouched = over.pages.range(offset / PAGE as u64..=end / PAGE as u64).next().is_none();
        if untouched && end <= over.base {
            return self.file.read_exact_at(out, offset);
        }
        let mut rest = out;
        Over::pieces(offset, rest.len(), |number, within, count| {
            let page = over.page(&self.file, number)?;
            let (now, later) = std::mem::take(&mut rest).split_at_mut(count);
            now.copy_from_slice(&page[within..within + count]);
            rest = later;
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut over = self.over();
        // What is cut off reads as zeros when the file grows again.
        if length < over.length {
            over.pages.split_off(&length.div_ceil(PAGE as u64));
            over.base = over.base.min(length);
            let within = usize::try_from(length % PAGE as u64).unwrap_or(0);
            if let Some(last) = over.pages.get_mut(&(length / PAGE as u64)) {
                last[within..].fill(0);
            }
        }
        over.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over();
        let mut rest = data;
        Over::pieces(offset, data.len(), |number, within, count| {
            let mut page = over.page(&self.file, number)?;
            let (now, later) = rest.split_at(count);
            page[within..within + count].copy_from_slice(now);
            rest = later;
            over.pages.insert(number, Box::new(page));
            Ok(())
        })?;
        over.length = over.length.max(offset + data.len() as u64);
        Ok(())
    }

    // Nobody else sees the overlay, so there is nobody to lock out; without these, redb refuses to open a file
    // the way in which it asks for no repair first.

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    #[derive(Clone, Debug)]
    enum Step {
        Write(usize, Vec<u8>),
        Resize(usize),
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_behaves_as_a_file_and_leaves_the_file_alone(
            base in 0..12_000_usize,
            steps in prop::collection::vec(prop_oneof![
                (0..20_000_usize, prop::collection::vec(1..255_u8, 1..6000)).prop_map(|(at, data)| Step::Write(at, data)),
                (0..20_000_usize).prop_map(Step::Resize),
            ], 0..12)
        ) {
            let mut model = vec![0xee_u8; base];
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&model).unwrap();
            let overlay = Overlay::new(file.try_clone().unwrap()).unwrap();
            for step in steps {
                match step {
                    Step::Resize(length) => {
                        model.resize(length, 0);
                        overlay.set_len(length as u64).unwrap();
                    }
                    Step::Write(at, data) => {
                        model.resize(model.len().max(at + data.len()), 0);
                        model[at..at + data.len()].copy_from_slice(&data);
                        overlay.write(at as u64, &data).unwrap();
                    }
                }
                let mut read = vec![0; model.len()];
                overlay.read(0, &mut read).unwrap();
                prop_assert_eq!(overlay.len().unwrap(), model.len() as u64);
                prop_assert!(read == model);
                prop_assert!(overlay.read(1, &mut read[..]).is_err() || model.is_empty());
            }
            let mut kept = vec![0; base];
            file.read_exact_at(&mut kept, 0).unwrap();
            prop_assert!(kept.iter().all(|byte| *byte == 0xee) && file.metadata().unwrap().len() == base as u64);
        }
    }
}

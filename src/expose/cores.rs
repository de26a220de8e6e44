//! Drawing on every core.

use super::piece::Packer;
use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

/// Fewer sheets than these are drawn by the time other threads have started.
const WORTH_A_THREAD: usize = 64;

/// Does `work`, in any order, on as many threads as there are cores, each with a packer of its own. `own` is the calling
/// thread's.
pub(super) fn each<T: Send>(work: Vec<T>, own: &mut Packer, act: impl Fn(T, &mut Packer) + Sync) {
    if work.len() < WORTH_A_THREAD {
        work.into_iter().for_each(|task| act(task, own));
        return;
    }
    let queue = Mutex::new(work.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = |packer: &mut Packer| {
        while let Some(task) = next() {
            act(task, packer);
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    // A panic in one of them goes on in the caller when the scope ends.
    std::thread::scope(|scope| {
        for _ in 1..cores {
            scope.spawn(|| run(&mut Packer::default()));
        }
        run(own);
    });
}

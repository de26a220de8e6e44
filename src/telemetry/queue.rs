//! The way from whoever logs to standard error: bounded, and never waited for.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Lines kept while nobody reads; further ones are counted and dropped. At about 200 bytes a line this is 1 MB.
const LINES: usize = 4096;
/// How long the end waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often in that time it tries to get into a full queue.
const TRIES: u32 = 100;

/// Where lines are put.
#[derive(Clone)]
pub(super) struct Queue {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    /// Answered when all before it is written.
    Flush(SyncSender<()>),
}

impl Queue {
    /// Starts the thread that writes to `out`; `notice` makes the line that says how many were dropped.
    ///
    /// # Errors
    /// No thread could be started.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<(Self, Flush)> {
        let (lines, received) = sync_channel(LINES);
        let queue = Self { lines, dropped: Arc::default() };
        let dropped = Arc::clone(&queue.dropped);
        std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write_all(&received, out, &dropped, notice))?;
        let flush = Flush(queue.lines.clone());
        Ok((queue, flush))
    }
}

fn write_all(
    received: &Receiver<Message>,
    mut out: impl Write,
    dropped: &AtomicU64,
    notice: impl Fn(u64) -> String,
) {
    // A closed standard error is no reason to stop working: what cannot be written is let go.
    let mut put = |bytes: &[u8]| out.write_all(bytes).and_then(|()| out.flush()).unwrap_or_default();
    for message in received {
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            put(notice(lost).as_bytes());
        }
        match message {
            Message::Line(line) => put(&line),
            // Whoever waited may have given up.
            Message::Flush(done) => done.try_send(()).unwrap_or_default(),
        }
    }
}

impl Write for Queue {
    /// Takes one line, whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Queue {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// Waits, when dropped, until what was logged before is written; two seconds at most.
pub(super) struct Flush(SyncSender<Message>);

impl Drop for Flush {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        for _ in 0..TRIES {
            message = match self.0.try_send(message) {
                // A reader that is slower than that gets no more.
                Ok(()) => return written.recv_timeout(PATIENCE).unwrap_or_default(),
                Err(TrySendError::Full(message)) => message,
                Err(TrySendError::Disconnected(_)) => return,
            };
            std::thread::sleep(PATIENCE / TRIES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// An output that waits for its gate, and keeps what it gets.
    struct Gated(Arc<Mutex<Vec<u8>>>, Arc<Mutex<()>>);

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.1.lock().unwrap();
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_stops_costs_lines_and_no_time() {
        let (kept, gate) = (Arc::default(), Arc::default());
        let shut = Mutex::lock(&gate).unwrap();
        let out = Gated(Arc::clone(&kept), Arc::clone(&gate));
        let (mut queue, flush) = Queue::start(out, |lost| format!("lost {lost}\n")).unwrap();
        // The thread holds one line, the queue the rest: this returns only because nobody waits.
        for _ in 0..LINES + 100 {
            queue.write_all(b"line\n").unwrap();
        }
        drop(shut);
        drop(flush);
        let text = String::from_utf8(kept.lock().unwrap().clone()).unwrap();
        let lost: usize = text
            .lines()
            .filter_map(|line| line.strip_prefix("lost "))
            .map(|lost| lost.parse::<usize>().unwrap())
            .sum();
        let written = text.lines().filter(|line| *line == "line").count();
        assert!(lost >= 99, "{lost}");
        assert_eq!(written + lost, LINES + 100);
    }

    #[test]
    fn a_closed_output_stops_nothing() {
        let (mut queue, flush) = Queue::start(Closed, |_| String::new()).unwrap();
        for _ in 0..10 {
            assert_eq!(queue.write(b"line\n").unwrap(), 5);
        }
        drop(flush);
        assert!(queue.lines.try_send(Message::Line(Vec::new())).is_ok(), "the thread still listens");
    }
}

//! What the process uses, second by second.

use std::fmt;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// What must not grow: its name, and by how much the last quarter may be above the second all the same.
const FLAT: [(&str, f64, f64); 6] = [
    ("resident KiB", 1.10, 2048.0),
    ("anonymous KiB", 1.10, 2048.0),
    ("descriptors", 1.0, 4.0),
    ("threads", 1.0, 2.0),
    ("state KiB", 1.10, 512.0),
    ("remembered runs", 1.25, 500.0),
];

type Sample = [f64; FLAT.len()];

/// The samples of each quarter, and the scrapes that went wrong.
pub(crate) struct Samples {
    takes: Duration,
    process: u32,
    address: SocketAddr,
    state: PathBuf,
    quarters: [Vec<Sample>; 4],
    scrapes: usize,
    failed: Vec<String>,
    up: [(f64, f64); 4],
}

impl Samples {
    pub(crate) fn new(takes: Duration, process: u32, address: SocketAddr, state: PathBuf) -> Self {
        Self {
            takes,
            process,
            address,
            state,
            quarters: Default::default(),
            scrapes: 0,
            failed: Vec::new(),
            up: Default::default(),
        }
    }

    pub(crate) fn take(&mut self, at: Duration) {
        let quarter = ((at.as_secs_f64() / self.takes.as_secs_f64() * 4.0) as usize).min(3);
        self.scrapes += 1;
        let page = match scrape(self.address) {
            Ok(page) => page,
            Err(error) => {
                self.failed.push(format!("a scrape after {at:?}: {error}"));
                return;
            }
        };
        for line in page.lines().filter(|line| line.starts_with("taskrun_source_up{")) {
            self.up[quarter].0 += value(line);
            self.up[quarter].1 += 1.0;
        }
        let runs = page.lines().find(|line| line.starts_with("taskrun_exporter_state_runs "));
        let count = |what: &str| {
            let entries = fs::read_dir(format!("/proc/{}/{what}", self.process)).unwrap();
            entries.count() as f64
        };
        let files = fs::read_dir(&self.state).unwrap().filter_map(|entry| entry.unwrap().metadata().ok());
        self.quarters[quarter].push([
            self.status("VmRSS:"),
            self.status("RssAnon:"),
            count("fd"),
            count("task"),
            files.map(|file| file.len() as f64 / 1024.0).sum(),
            runs.map_or(0.0, value),
        ]);
    }

    fn status(&self, key: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn mean(&self, quarter: usize, nth: usize) -> f64 {
        let samples = &self.quarters[quarter];
        samples.iter().map(|sample| sample[nth]).sum::<f64>() / samples.len().max(1) as f64
    }

    fn most(&self, quarter: usize, nth: usize) -> f64 {
        self.quarters[quarter].iter().map(|sample| sample[nth]).fold(0.0, f64::max)
    }

    /// What went on growing, and what else was not as it should be.
    pub(crate) fn failures(&self) -> Vec<String> {
        let mut failures = self.failed.clone();
        for (nth, (name, factor, slack)) in FLAT.into_iter().enumerate() {
            let (second, last) = (self.mean(1, nth), self.mean(3, nth));
            // Short-lived peaks are no growth: quarters are compared by their means.
            if last > second * factor && last > second + slack {
                failures.push(format!("{name} grew from {second:.0} to {last:.0}"));
            }
        }
        for (quarter, (up, all)) in self.up.iter().enumerate() {
            if up / all < 0.75 {
                failures.push(format!("in quarter {} only {up} of {all} sources were up", quarter + 1));
            }
        }
        failures
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "mean (quarter)", "first", "second", "third", "last", "most"
        )?;
        for (nth, (name, ..)) in FLAT.into_iter().enumerate() {
            write!(f, "{name:<18}")?;
            for quarter in 0..4 {
                write!(f, " {:>10.1}", self.mean(quarter, nth))?;
            }
            let most = (0..4).map(|quarter| self.most(quarter, nth)).fold(0.0, f64::max);
            writeln!(f, " {most:>10.1}")?;
        }
        write!(f, "{:<18}", "sources up")?;
        for (up, all) in self.up {
            write!(f, " {:>9.1}%", 100.0 * up / all)?;
        }
        write!(f, "\n{} scrapes, {} failed", self.scrapes, self.failed.len())
    }
}

fn value(line: &str) -> f64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// The page.
pub(crate) fn scrape(address: SocketAddr) -> Result<String, String> {
    let text = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = text().map_err(|error| error.to_string())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    if head.starts_with("HTTP/1.1 200 ") { Ok(body.to_owned()) } else { Err(head.to_owned()) }
}

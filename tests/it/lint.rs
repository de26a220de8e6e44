//! Foreign readers of the page: promtool's lint and the Python client's parser.

use crate::golden;
use std::io::Write as _;
use std::process::{Command, Stdio};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{ApiCall, Observer as _};
use taskrun_exporter::sources::KINDS;

/// A tool that `make test` names.
fn tool(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set; `make test` sets it"))
}

fn feed(command: &mut Command, page: &str) -> Result<(), String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let page = page.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(page.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

/// Every page there is a golden one of, and the exporter's own, each family of it with a sample.
fn pages() -> Vec<(String, String)> {
    let own = Own::new().unwrap();
    own.api_call(ApiCall {
        account: "a",
        service: "tat",
        action: "x",
        region: "r",
        code: "ok",
        took: Default::default(),
    });
    own.rate_limit("a", "tat", "x", 16.0);
    own.rate_limit_wait("a", "tat", "x", Default::default());
    own.reloaded(true, crate::rig::START);
    own.credentials_expiry("a", Some(crate::rig::START));
    own.scraped(200, Default::default());
    let golden = |kind: &str| std::fs::read_to_string(golden::path(kind)).unwrap();
    let kinds = KINDS.iter().map(|kind| (kind.name.to_owned(), golden(kind.name)));
    kinds.chain([("own".to_owned(), own.render())]).collect()
}

#[test]
fn promtool_finds_nothing() {
    for (name, page) in pages() {
        if let Err(said) = feed(Command::new(tool("PROMTOOL")).args(["check", "metrics"]), &page) {
            panic!("{name}: {said}");
        }
    }
}

#[test]
fn the_python_client_reads_every_sample() {
    const READ: &str = "import sys\n\
        from prometheus_client.parser import text_string_to_metric_families as read\n\
        text = sys.stdin.read()\n\
        read_ = sum(len(f.samples) for f in read(text))\n\
        there = sum(1 for line in text.splitlines() if line and not line.startswith('#'))\n\
        sys.exit(0 if read_ == there else f'{read_} samples read, {there} there')\n";
    for (name, page) in pages() {
        if let Err(said) = feed(Command::new(tool("INTEROP_PYTHON")).args(["-c", READ]), &page) {
            panic!("{name}: {said}");
        }
    }
}

#[test]
fn a_page_that_breaks_the_rules_is_found() {
    let broken = "# TYPE taskrun_runs counter\ntaskrun_runs 1\n";
    assert!(feed(Command::new(tool("PROMTOOL")).args(["check", "metrics"]), broken).is_err());
}

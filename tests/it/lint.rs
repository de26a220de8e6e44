//! Foreign readers of the page: promtool's lint and the Python client's parser.

use crate::golden;
use crate::page::Page;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use taskrun_exporter::expose::{self, Format};
use taskrun_exporter::metrics::Own;
use taskrun_exporter::model::{ApiCall, Observer as _};
use taskrun_exporter::sources::KINDS;

/// A tool that `make test` names.
pub(crate) fn tool(variable: &str) -> String {
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
    kinds.chain([("own".to_owned(), String::from_utf8(expose::own(&own, Format::Text)).unwrap())]).collect()
}

/// The series of histograms on a page that `histogram_quantile` would answer wrongly for: bounds that do not rise to
/// `+Inf`, counts that fall, a count or a sum that is missing or another.
fn broken_histograms(page: &Page) -> Vec<String> {
    let mut broken = Vec::new();
    for family in page.families.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
        let mut series: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
        for bucket in page.of(&format!("{family}_bucket")) {
            let mut labels = bucket.labels.clone();
            let bound = labels.remove("le").and_then(|le| le.replace("+Inf", "inf").parse().ok());
            series.entry(labels).or_default().push((bound.unwrap_or(f64::NAN), bucket.value));
        }
        for (labels, buckets) in series {
            let rises = buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            let count = page.value(&format!("{family}_count"), &labels);
            let ends = buckets.last().is_some_and(|(bound, all)| bound.is_infinite() && Some(*all) == count);
            if !rises || !ends || page.value(&format!("{family}_sum"), &labels).is_none() {
                broken.push(format!("{family} {labels:?}: {buckets:?}"));
            }
        }
    }
    broken
}

#[test]
fn every_histogram_has_one_rising_set_of_buckets() {
    for (name, page) in pages() {
        let page = Page::read(&page);
        assert!(page.families.values().any(|kind| kind == "histogram"), "{name}");
        assert_eq!(broken_histograms(&page), Vec::<String>::new(), "{name}");
    }
    let good = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 9\nh_count 3\n";
    assert_eq!(broken_histograms(&Page::read(good)), Vec::<String>::new());
    for (from, to) in [
        ("le=\"1\"", "le=\"x\""),
        ("le=\"+Inf\"", "le=\"5\""),
        ("h_count 3", "h_count 4"),
        ("h_sum 9\n", ""),
        ("} 2", "} 4"),
    ] {
        assert_eq!(broken_histograms(&Page::read(&good.replace(from, to))).len(), 1, "{to:?}");
    }
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

/// A page of every kind and the exporter's own metrics, in a format, packed and as it is.
async fn page(format: Format) -> (Vec<u8>, Vec<u8>) {
    let sources: String = KINDS.iter().map(|kind| crate::rig::source(kind.name)).collect();
    let rig = crate::rig::Rig::start(&sources, 3).await;
    rig.poll().await;
    let published = rig.keeper.published();
    let own = expose::tail(&expose::own(&rig.own, format), format, &mut expose::Packer::default());
    let document = published.page.document(format);
    (document.gzip(&own).flatten().collect(), document.plain(&own).flatten().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_parser_reads_openmetrics() {
    const READ: &str = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
        text = sys.stdin.read()\n\
        samples = [s for f in read(text) for s in f.samples]\n\
        there = sum(1 for line in text.splitlines() if not line.startswith('#'))\n\
        assert len(samples) == there, f'{len(samples)} samples read, {there} there'\n\
        named = {s.name for s in samples if s.exemplar and s.exemplar.labels['run_id'] and s.exemplar.timestamp}\n\
        assert named == {'taskrun_runs_total', 'taskrun_run_duration_seconds_bucket'}, named\n\
        created = {s.name for s in samples if s.name.endswith('_created')}\n\
        for name in ['taskrun_runs', 'taskrun_run_duration_seconds', 'taskrun_source_polls', 'taskrun_api_requests']:\n    \
            assert name + '_created' in created, created\n\
        assert '# UNIT taskrun_billed_seconds seconds' in text and text.endswith('# EOF\\n')\n";
    let (_, plain) = page(Format::OpenMetrics).await;
    let plain = String::from_utf8(plain).unwrap();
    if let Err(said) = feed(Command::new(tool("INTEROP_PYTHON")).args(["-c", READ]), &plain) {
        panic!("{said}");
    }
}

/// Go's reader is tried by Prometheus itself, Rust's by the unit tests.
#[tokio::test(flavor = "multi_thread")]
async fn other_readers_of_gzip_find_one_member() {
    const READ: &str = "import sys, zlib\n\
        unpacker = zlib.decompressobj(wbits=31)\n\
        sys.stdout.buffer.write(unpacker.decompress(open(sys.argv[1], 'rb').read()))\n\
        assert unpacker.eof and not unpacker.unused_data\n";
    for format in Format::ALL {
        let (packed, plain) = page(format).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, packed).unwrap();
        let mut python = Command::new(tool("INTEROP_PYTHON"));
        python.args(["-c", READ]).arg(file.path());
        let mut gzip = Command::new("gzip");
        gzip.arg("-dc").stdin(std::fs::File::open(&file).unwrap());
        for mut reader in [python, gzip] {
            let read = reader.output().unwrap();
            assert!(read.status.success(), "{reader:?}: {}", String::from_utf8_lossy(&read.stderr));
            assert!(read.stdout == plain, "{reader:?}: {} bytes of {}", read.stdout.len(), plain.len());
        }
    }
}

#[test]
fn a_page_that_breaks_the_rules_is_found() {
    let broken = "# TYPE taskrun_runs counter\ntaskrun_runs 1\n";
    assert!(feed(Command::new(tool("PROMTOOL")).args(["check", "metrics"]), broken).is_err());
}

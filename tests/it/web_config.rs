//! Web configuration files: what Prometheus' own programs take and refuse is taken and refused here, but for what is
//! listed with its reason.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use taskrun_exporter::web_config::Gate;

/// Keys that the toolkit has had since, and Debian's Prometheus 2.42 and node_exporter 1.5 do not know.
const NEWER: &str = "a key of newer toolkits";
/// It is accepted there, and then nobody can connect, or log in.
const USELESS: &str = "nobody could ever get in";

/// Files on which the verdicts differ, and why ours does.
const DIFFERENCES: &[(&str, &str)] = &[
    ("good/client_ca_inline.yml", NEWER),
    ("good/client_sans.yml", NEWER),
    ("good/rate.yml", NEWER),
    ("good/rate_off.yml", NEWER),
    ("good/tls_inline.yml", NEWER),
    ("bad/cipher_weak.yml", "CBC suites are not in the TLS library, and weak"),
    ("bad/client_ca_without_certificates.yml", USELESS),
    (
        "bad/client_verify_without_ca.yml",
        "every authority of the system would be trusted, which cannot be meant",
    ),
    ("bad/curve_p521.yml", "the curve is not in the TLS library"),
    ("bad/header_of_two_lines.yml", "the line break would be sent as something else"),
    ("bad/settings_without_certificate.yml", "it would serve without TLS, although TLS is configured"),
    ("bad/user_hash_unreadable.yml", USELESS),
    ("bad/version_old.yml", "TLS before 1.2 is not in the TLS library, and broken"),
    ("bad/versions_turned_round.yml", USELESS),
];

/// The corpus: the name of each file with its folder, and where it is.
fn corpus() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for folder in ["good", "bad"] {
        let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/web").join(folder);
        for entry in read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yml") {
                let name = path.file_name().unwrap().to_str().unwrap();
                found.insert(format!("{folder}/{name}"), path);
            }
        }
    }
    assert!(found.len() > 70, "{found:?}");
    found
}

fn tool(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run this with make test"))
}

/// Holds what `accepts` says of each file to the folder it is in.
fn hold(peer: &str, accepts: impl Fn(&Path) -> bool) {
    let mut wrong = Vec::new();
    for (name, path) in corpus() {
        let same = accepts(&path) == name.starts_with("good/");
        let differs = DIFFERENCES.iter().any(|(different, _)| *different == name);
        if same == differs {
            wrong.push(format!("{name}: {peer} {}", if same { "is of our opinion" } else { "differs" }));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn good_files_are_taken_and_each_mistake_of_the_bad_is_named() {
    let mut wrong = Vec::new();
    for (name, path) in corpus() {
        let told = match Gate::check(path.clone()) {
            Ok(()) => String::new(),
            Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
        };
        let folder = path.parent().unwrap().display().to_string();
        let told = told.replace(&format!("{folder}/"), "");
        let expected = path.with_extension("txt");
        if name.starts_with("bad/") && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected =
            if name.starts_with("bad/") { read_to_string(expected).unwrap() } else { String::new() };
        if told != expected || told.is_empty() != name.starts_with("good/") {
            wrong.push(format!("{name}: {told}"));
        }
        assert!(!told.contains("hunter2"), "{name} shows a secret: {told}");
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn promtool_is_of_our_opinion() {
    let promtool = tool("PROMTOOL");
    hold("promtool", |path| {
        let checked = Command::new(&promtool).args(["check", "web-config"]).arg(path).output().unwrap();
        checked.status.success()
    });
}

#[test]
fn node_exporter_is_of_our_opinion() {
    let exporter = tool("NODE_EXPORTER");
    hold("node_exporter", |path| {
        let mut child = Command::new(&exporter)
            .args(["--web.listen-address=127.0.0.1:0", "--collector.disable-defaults"])
            .arg(format!("--web.config.file={}", path.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says whether it has TLS once it has read the file, and ends where it cannot.
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let serves = lines.map_while(Result::ok).any(|line| line.contains("TLS is "));
        child.kill().unwrap();
        child.wait().unwrap();
        serves
    });
}

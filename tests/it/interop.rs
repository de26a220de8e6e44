//! Programs that know nothing of this one: the official SDK drives the simulator, and Google's protobuf reads the page.

use crate::clouds::clouds;
use crate::rig::{Rig, source};
use std::process::Stdio;
use taskrun_exporter::expose::Format;

/// Names a Python that has `tests/interop/requirements.txt` installed.
const PYTHON: &str = "INTEROP_PYTHON";

/// Runs a script of `tests/interop`, which ends well or says why not.
async fn python(script: &str, arguments: Vec<String>) {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| {
        panic!("{PYTHON} is not set: `make test` sets it to a Python with tests/interop/requirements.txt installed")
    });
    let script = format!("{}/tests/interop/{script}", env!("CARGO_MANIFEST_DIR"));
    let run = tokio::task::spawn_blocking(move || {
        std::process::Command::new(&python)
            .arg(script)
            .args(arguments)
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{PYTHON}={python} cannot be run: {error}"))
    });
    let output = run.await.unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_gets_the_truth_out_of_the_simulator() {
    let clouds = clouds(1, 1.0, 8, "").await;
    python("sdk.py", vec![clouds.running.addr.to_string()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_protobuf_reads_what_the_text_says_and_native_histograms_that_agree_with_the_classic() {
    let sources: String = ["wedata", "tat", "scf"].map(source).concat();
    let rig = Rig::start(&sources, 7).await;
    assert!(rig.poll().await);
    let directory = tempfile::tempdir().unwrap();
    let published = rig.keeper.published();
    let files = [(Format::Protobuf, "page.pb"), (Format::Text, "page.txt")].map(|(format, name)| {
        let path = directory.path().join(name);
        std::fs::write(&path, published.page.document(format).text()).unwrap();
        path.to_str().unwrap().to_owned()
    });
    python("native.py", files.to_vec()).await;
}

//! The official SDK drives the simulator.

use crate::clouds::clouds;
use std::process::Stdio;

/// Names a Python that has `tests/interop/requirements.txt` installed.
const PYTHON: &str = "INTEROP_PYTHON";

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_gets_the_truth_out_of_the_simulator() {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| {
        panic!("{PYTHON} is not set: `make test` sets it to a Python with tests/interop/requirements.txt installed")
    });
    let clouds = clouds(1, 1.0, 8, "").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/sdk.py");
    let address = clouds.running.addr.to_string();
    let run = tokio::task::spawn_blocking(move || {
        std::process::Command::new(&python)
            .args([script, &address])
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

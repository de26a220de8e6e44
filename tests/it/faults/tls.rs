//! Fault 5: whoever cannot prove to be the API is not spoken to.

use super::case::KINDS;
use crate::cli::exporter;
use crate::clouds::{TestClouds, clouds};
use crate::page::Page;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// What stands before the clouds.
#[derive(Clone, Copy)]
enum Door {
    /// TLS with this certificate.
    Tls(&'static str),
    /// HTTP, which cannot make anything of what it is asked.
    Plain,
    /// A server that knows nothing newer than TLS 1.0: it says "protocol_version" in a record of that.
    Old,
}

/// Serves one request a connection for ever, and tells where.
fn open(door: Door, upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = match door {
        Door::Tls(certificate) => Some(Arc::new(config(certificate))),
        Door::Plain | Door::Old => None,
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, stream) = (config.clone(), stream.unwrap());
            // What a client does that does not trust is no failure here.
            std::thread::spawn(move || match (door, config) {
                (_, Some(config)) => {
                    let tls = ServerConnection::new(config).unwrap();
                    relay(&mut StreamOwned::new(tls, stream), upstream).ok()
                }
                (Door::Old, _) => say(stream, &[0x15, 0x03, 0x01, 0, 2, 2, 70]),
                _ => say(stream, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
            });
        }
    });
    address
}

fn config(certificate: &str) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(fixture(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// Says this to whatever is asked.
fn say(mut stream: TcpStream, answer: &[u8]) -> Option<()> {
    // The first word is enough: nothing here is read to its end.
    stream.read_exact(&mut [0; 5]).ok()?;
    stream.write_all(answer).ok()
}

/// Passes one request on, and its answer back.
fn relay(client: &mut (impl Read + Write), upstream: SocketAddr) -> std::io::Result<()> {
    let mut request = Vec::new();
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let (head, _) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
        });
        (bytes.len() >= head.len() + 4 + length.unwrap_or(0)).then_some(head.len())
    };
    let head = loop {
        if let Some(head) = whole(&request) {
            break head;
        }
        let mut some = [0; 4096];
        let read = client.read(&mut some)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&some[..read]);
    };
    // One request a connection, on both sides.
    request.splice(head..head, b"\r\nconnection: close".iter().copied());
    let mut cloud = TcpStream::connect(upstream)?;
    cloud.write_all(&request)?;
    let mut answer = Vec::new();
    cloud.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.flush()
}

/// What `once` shows of sources of every kind behind this door, and what it says of them.
fn once(door: Door, trusted: &str, upstream: SocketAddr) -> (Page, String) {
    let address = open(door, upstream);
    let account = "timeout = \"10s\"\n";
    let mut text = format!(
        "[accounts.main]\nprovider = \"tencentcloud\"\nendpoint = \"https://{address}\"\nbudget = 1.0\n{account}\
         credentials = {{ secret_id = {{ env = \"ID\" }}, secret_key = {{ env = \"KEY\" }} }}\n\
         [accounts.plant]\nprovider = \"enos\"\ngateway = \"https://{address}\"\n{account}\
         access_key = {{ env = \"ENOS_ID\" }}\nsecret_key = {{ env = \"ENOS_KEY\" }}\n\
         org_id = \"o15000000000001\"\nuser_id = \"u15000000000001\"\nrequests_per_second = 18.0\n"
    );
    for kind in KINDS {
        let (account, region, more) = match *kind {
            "enos" => ("plant", "", ""),
            "wedata" => ("main", "regions = [\"ap-guangzhou\"]\n", "projects = [\"*\"]\nwindow = \"1h\"\n"),
            _ => ("main", "regions = [\"ap-guangzhou\"]\n", ""),
        };
        text += &format!(
            "[sources.{kind}]\nkind = \"{kind}\"\naccount = \"{account}\"\n{region}schedule = \"30s\"\n\
             [sources.{kind}.settings]\n{more}lookback = \"5m\"\n"
        );
    }
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let mut command = exporter();
    command.env("ENOS_ID", taskrun_exporter::simulator::apim::ACCESS_KEY);
    command.env("ENOS_KEY", taskrun_exporter::simulator::apim::SECRET_KEY);
    command.env("SSL_CERT_FILE", fixture(trusted)).args(["once", "--config"]).arg(file.path());
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    (Page::read(&String::from_utf8(output.stdout).unwrap()), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_prove_who_he_is_gets_no_request() {
    let TestClouds { running, stop: _stop } = clouds(1, 1.0, 2, "").await;
    let upstream = running.addr;
    let doors = [
        (Door::Tls("good.pem"), "ca.pem", ""),
        (Door::Tls("expired.pem"), "ca.pem", "expired"),
        (Door::Tls("other.pem"), "ca.pem", "not valid for"),
        (Door::Tls("good.pem"), "other.pem", "UnknownIssuer"),
        (Door::Plain, "ca.pem", "corrupt message"),
        (Door::Old, "ca.pem", "ProtocolVersion"),
    ];
    let asked = || running.clouds.calls.report().to_string();
    for (door, trusted, cause) in doors {
        let before = asked();
        let (page, told) = tokio::task::spawn_blocking(move || once(door, trusted, upstream)).await.unwrap();
        for kind in KINDS {
            let ended =
                |result| page.sum("taskrun_source_polls_total", &[("kind", kind), ("result", result)]);
            let result = if cause.is_empty() { "ok" } else { "connect" };
            assert!(ended(result) > 0.0, "{kind} {cause}: {told}");
        }
        assert!(told.contains(cause), "{cause}: {told}");
        assert_eq!(cause.is_empty(), asked() != before, "{cause}: something was sent all the same");
    }
}

//! Whose certificates are trusted, and what is done where they are not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskrun_exporter::clock::SystemClock;
use taskrun_exporter::credentials::{Plan, SecretRef};
use taskrun_exporter::model::{Clock, Quiet};
use taskrun_exporter::transport::tencent::{Action, Client, Options};
use taskrun_exporter::transport::{Error, Http, Priority, Trust};

/// The path of a test's certificate.
pub(crate) fn pem(name: &str) -> String {
    format!("{}/tests/fixtures/transport/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A server that speaks TLS with one of the certificates, and answers every request alike.
pub(crate) struct TlsServer {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl TlsServer {
    pub(crate) fn start(certificate: &str, answer: &str) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        rustls::crypto::ring::default_provider().install_default().ok();
        let chain = vec![CertificateDer::from_pem_file(pem(certificate)).unwrap()];
        let key = PrivateKeyDer::from_pem_file(pem("server.key")).unwrap();
        let config =
            rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
        let (addr, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (seen, answer) = (Arc::clone(&asked), answer.to_owned());
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = rustls::StreamOwned::new(connection, socket.unwrap());
                let (seen, answer) = (Arc::clone(&seen), answer.clone());
                // A client that does not trust the certificate goes away in the middle.
                std::thread::spawn(move || reply(&mut stream, &seen, &answer));
            }
        });
        Self { addr, asked }
    }

    /// The requests so far, as they came.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn reply(stream: &mut (impl Read + Write), seen: &Mutex<Vec<String>>, answer: &str) -> std::io::Result<()> {
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    let whole = |text: &str| {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        (body.len() >= length.parse().ok()?).then_some(())
    };
    while whole(&text).is_none() {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            read => text.push_str(&String::from_utf8_lossy(&bytes[..read])),
        }
    }
    seen.lock().unwrap().push(text);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
    stream.write_all(format!("{head}{answer}").as_bytes())?;
    stream.flush()
}

static ACTION: Action = Action {
    service: "tat",
    version: "2020-10-28",
    name: "DescribeInvocations",
    per_second: 20.0,
    priority: Priority::Current,
};

/// Calls a server that shows `certificate`, trusting `roots` or, where there are none, whom the system trusts.
async fn call(certificate: &str, roots: Option<&str>) -> (Result<serde_json::Value, Error>, usize) {
    let server = TlsServer::start(certificate, r#"{"Response": {"RequestId": "r"}}"#);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let trust = Trust { roots: roots.map(|name| std::fs::read(pem(name)).unwrap()), local_addresses: false };
    let options = Options {
        account: "main".into(),
        endpoint: format!("https://{}", server.addr),
        budget: 0.8,
        timeout: Duration::from_secs(10),
    };
    let key = || SecretRef::Value("x".into());
    let provider = Plan::given("main".into(), key(), key(), Arc::clone(&clock), Arc::new(Quiet));
    let http = Http::trusting(&trust, Arc::clone(&clock)).unwrap();
    let client = Client::new(options, http, provider, Arc::new(Quiet), clock).unwrap();
    let called = client.call(&ACTION, "ap-guangzhou", &serde_json::json!({})).await;
    (called, server.asked().len())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_for_this_host_is_accepted() {
    let (called, asked) = call("server.pem", Some("ca.pem")).await;
    assert_eq!((called.unwrap()["RequestId"].as_str(), asked), (Some("r"), 1));
}

#[tokio::test]
async fn any_other_certificate_is_refused_before_anything_is_asked() {
    for (certificate, roots, why) in [
        ("server.pem", None, "UnknownIssuer"),
        ("server.pem", Some("other.pem"), "UnknownIssuer"),
        ("other.pem", Some("ca.pem"), "not valid for name"),
        ("expired.pem", Some("ca.pem"), "expired"),
    ] {
        let (called, asked) = call(certificate, roots).await;
        let error = called.unwrap_err();
        assert!(matches!(&error, Error::Connect { .. }), "{certificate}: {error:?}");
        assert!(error.to_string().contains(why), "{certificate} trusting {roots:?}: {error}");
        assert_eq!(asked, 0, "{certificate}");
    }
}

#[test]
fn a_file_without_certificates_is_named() {
    let refused = |pem: &[u8]| {
        let trust = Trust { roots: Some(pem.to_vec()), local_addresses: false };
        let error = Http::trusting(&trust, Arc::new(SystemClock)).err().unwrap();
        assert_eq!(error.option, "ca_file");
        error.message
    };
    assert!(refused(b"").contains("no certificate"));
    assert!(refused(&std::fs::read(pem("server.key")).unwrap()).contains("no certificate"));
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(refused(damaged.as_bytes()).contains("PEM"));
}

//! A server behind a web configuration file: certificates of both sides, HTTP/2, users, headers.

use super::site::{PATIENCE, Site};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use taskrun_exporter::http::Limits;
use taskrun_exporter::web_config::Gate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/web").join(name)
}

/// A folder with a web configuration file, certificates in it, and a site behind it.
struct Secured {
    folder: tempfile::TempDir,
    site: Site,
    told: Arc<Mutex<Vec<bool>>>,
}

impl Secured {
    fn new(more: &str, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (from, to) in [("server.pem", "cert.pem"), ("server.key", "key.pem"), ("ca.pem", "ca.pem")] {
            fs::copy(fixture(from), folder.path().join(to)).unwrap();
        }
        let text = format!("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{more}");
        fs::write(folder.path().join("web.yml"), text).unwrap();
        let told = Arc::<Mutex<Vec<bool>>>::default();
        let tell = Arc::clone(&told);
        let tell = Box::new(move |ok| tell.lock().unwrap().push(ok));
        let gate = Gate::read(folder.path().join("web.yml"), tell).unwrap();
        Self { site: Site::new("x 1\n", gate, limits), folder, told }
    }

    fn told(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// Waits until the files were read as many times.
    async fn read(&self, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.told() < times {
            assert!(Instant::now() < until, "never read again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A client that trusts the tests' authority and shows this certificate.
fn client(identity: Option<&str>, protocols: &[&[u8]]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(fixture("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(fixture(&format!("{name}.pem"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

async fn connect(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let connecting =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream);
    timeout(PATIENCE, connecting).await.expect("the handshake never ends")
}

/// The answer to a request; in TLS 1.3 a client learns only here that it was refused.
async fn fetch(address: SocketAddr, config: ClientConfig, more: &str) -> std::io::Result<String> {
    let mut stream = connect(address, config).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("never answered")?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_client_with_the_right_certificate_comes_in() {
    let names = "  client_ca_file: ca.pem\n  client_allowed_sans: [\"spiffe://example.org/prometheus\"]\n";
    let verified = format!("  client_auth_type: RequireAndVerifyClientCert\n{names}");
    let any = "  client_auth_type: RequireAnyClientCert\n";
    let given = "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.pem\n";
    let request = "  client_auth_type: RequestClientCert\n";
    // Who comes in under each policy: nobody in particular, the right one, another name, expired, another authority.
    let shown =
        [None, Some("client"), Some("client-other-name"), Some("client-expired"), Some("client-other-ca")];
    for (policy, expected) in [
        (verified.as_str(), [false, true, false, false, false]),
        (any, [false, true, true, true, true]),
        (given, [true, true, true, false, false]),
        (request, [true; 5]),
        ("", [true; 5]),
    ] {
        let secured = Secured::new(policy, Limits::default());
        for (identity, comes_in) in shown.into_iter().zip(expected) {
            let answer = fetch(secured.site.address, client(identity, &[]), "").await;
            let came_in = answer.as_ref().is_ok_and(|answer| answer.ends_with("x 1\n"));
            assert_eq!(came_in, comes_in, "{identity:?} under {policy}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_swapped_is_used_and_garbage_is_not() {
    let secured = Secured::new("", Limits::default());
    let shown = || async {
        let stream = connect(secured.site.address, client(None, &[])).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let certificate = |name: &str| CertificateDer::from_pem_file(fixture(name)).unwrap();
    assert_eq!(shown().await, certificate("server.pem"));
    for (from, to) in [("server2.key", "key.pem"), ("server2.pem", "cert.pem")] {
        fs::copy(fixture(from), secured.folder.path().join(to)).unwrap();
    }
    secured.read(2).await;
    assert_eq!(shown().await, certificate("server2.pem"));
    fs::write(secured.folder.path().join("cert.pem"), "garbage").unwrap();
    secured.read(3).await;
    assert_eq!(shown().await, certificate("server2.pem"));
    assert_eq!(*secured.told.lock().unwrap(), [true, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_where_it_is_on() {
    let secured = Secured::new(
        "http_server_config: {http2: true, headers: {X-Frame-Options: deny}}\n",
        Limits::default(),
    );
    let stream = connect(secured.site.address, client(None, &[b"h2", b"http/1.1"])).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request =
            hyper::Request::get("https://localhost/metrics").body(Empty::<bytes::Bytes>::new()).unwrap();
        let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.headers()["x-frame-options"], "deny");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "x 1\n");
    }
    let off = Secured::new("http_server_config: {http2: false}\n", Limits::default());
    let stream = connect(off.site.address, client(None, &[b"h2", b"http/1.1"])).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_wants_a_user_and_has_the_headers() {
    let hash = bcrypt::hash_with_salt("correct horse", 4, [7; 16])
        .unwrap()
        .format_for_version(bcrypt::Version::TwoB);
    let more = format!(
        "basic_auth_users: {{alice: {hash}}}\nhttp_server_config: {{headers: {{Strict-Transport-Security: max-age=1}}}}\n"
    );
    let secured = Secured::new(&more, Limits::default());
    let mut asked = 0;
    for path in ["/metrics", "/", "/-/healthy", "/-/ready", "/api/v1/status", "/nowhere"] {
        for (header, in_) in [
            ("", false),
            ("Authorization: Basic YWxpY2U6d3Jvbmc=\r\n", false),
            ("Authorization: Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==\r\n", true),
        ] {
            let mut stream = connect(secured.site.address, client(None, &[])).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(!answer.starts_with("HTTP/1.1 401"), in_, "{path} {header}: {answer}");
            assert_eq!(answer.contains("www-authenticate: Basic\r\n"), !in_, "{answer}");
            assert!(answer.contains("strict-transport-security: max-age=1\r\n"), "{answer}");
            asked += 1;
        }
    }
    assert_eq!(asked, 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_rate_are_told_so() {
    let secured = Secured::new("rate_limit: {interval: 1h, burst: 3}\n", Limits::default());
    let mut codes = Vec::new();
    for _ in 0..5 {
        let answer = fetch(secured.site.address, client(None, &[]), "").await.unwrap();
        codes.push(answer[9..12].to_owned());
    }
    assert_eq!(codes, ["200", "200", "200", "429", "429"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_has_no_longer_than_a_request() {
    let limits = Limits { header_timeout: Duration::from_millis(300), ..Limits::default() };
    let secured = Secured::new("", limits);
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01", b"GET /metrics HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(secured.site.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("never closed").ok();
    }
    // One that is through, and then says nothing.
    let mut stream = connect(secured.site.address, client(None, &[])).await.unwrap();
    timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("never closed").ok();
    let second = connect(secured.site.address, client(None, &[b"h2"])).await.unwrap();
    let mut second = second;
    timeout(PATIENCE, second.read_to_end(&mut Vec::new())).await.expect("never closed").ok();
}

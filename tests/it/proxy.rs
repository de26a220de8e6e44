//! Proxies by environment, as the binary itself takes them.

use crate::cli::exporter;
use crate::tls::{TlsServer, pem};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a region without invocations answers.
const NOTHING: &str = r#"{"Response": {"TotalCount": 0, "InvocationSet": [], "RequestId": "r"}}"#;

const PASSWORD: &str = "passwordOfTheProxy";
/// `user:passwordOfTheProxy`, as it is sent.
const SENT: &str = "dXNlcjpwYXNzd29yZE9mVGhlUHJveHk=";

/// A proxy that tunnels every connection to one address, whatever name it is asked for, or to none.
struct Proxy {
    addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(to: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (addr, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || tunnel(socket.unwrap(), to, &seen));
            }
        });
        Self { addr, asked }
    }
}

fn tunnel(mut client: TcpStream, to: Option<SocketAddr>, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? == 1 {
        head.extend_from_slice(&byte);
    }
    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
    let Some(to) = to else {
        return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    };
    let mut server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut answers, mut back) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
    std::io::copy(&mut client, &mut server).map(drop)
}

/// Polls once with this environment; whether all was read, and everything that was said at the most talkative level.
fn once(env: &[(&str, &str)]) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("proxy.toml");
    let text = format!(
        r#"
[log]
level = "trace"
[accounts.main]
provider = "tencentcloud"
credentials = {{ secret_id = {{ env = "ID" }}, secret_key = {{ env = "KEY" }} }}
endpoint = "https://api.example.test"
timeout = "5s"
ca_file = "{}"
[sources.commands]
kind = "tat"
account = "main"
regions = ["ap-guangzhou"]
schedule = "30s"
"#,
        pem("ca.pem"),
    );
    std::fs::write(&file, text).unwrap();
    let output = exporter().args(["once", "--config"]).arg(&file).envs(env.iter().copied()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn says_nothing_of_the_password(said: &str) {
    assert!(!said.contains(PASSWORD) && !said.contains(SENT), "{said}");
}

#[test]
fn https_goes_through_the_proxy_and_is_verified_to_its_end() {
    let server = TlsServer::start("server.pem", NOTHING);
    let proxy = Proxy::start(Some(server.addr));
    let url = format!("http://user:{PASSWORD}@{}", proxy.addr);
    let (whole, said) = once(&[("HTTPS_PROXY", &url)]);
    assert!(whole, "{said}");
    let asked = proxy.asked.lock().unwrap().clone();
    assert!(asked[0].starts_with("CONNECT api.example.test:443 HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].contains(SENT), "{asked:?}");
    assert!(asked.iter().all(|head| !head.contains("TC3-HMAC-SHA256")), "the proxy reads no request");
    assert!(server.asked()[0].contains("DescribeInvocations"));
    says_nothing_of_the_password(&said);

    // A proxy that opens the envelope needs a certificate of its own, which is not trusted by itself.
    let opened = TlsServer::start("other.pem", NOTHING);
    let proxy = Proxy::start(Some(opened.addr));
    let (whole, said) = once(&[("HTTPS_PROXY", &format!("http://user:{PASSWORD}@{}", proxy.addr))]);
    assert!(!whole && said.contains("not valid for name"), "{said}");
    assert!(opened.asked().is_empty());
}

#[test]
fn hosts_of_no_proxy_are_reached_directly() {
    let proxy = Proxy::start(None);
    let url = format!("http://user:{PASSWORD}@{}", proxy.addr);
    let (whole, said) = once(&[("HTTPS_PROXY", &url), ("NO_PROXY", "example.org,.example.test")]);
    // The name exists for the proxy alone.
    assert!(!whole && said.contains("cannot reach api.example.test"), "{said}");
    assert!(proxy.asked.lock().unwrap().is_empty());
    says_nothing_of_the_password(&said);
}

#[test]
fn a_proxy_that_refuses_is_told_without_its_password() {
    let proxy = Proxy::start(None);
    let (whole, said) = once(&[("HTTPS_PROXY", &format!("http://user:{PASSWORD}@{}", proxy.addr))]);
    assert!(!whole && said.contains("cannot reach api.example.test"), "{said}");
    assert!(!proxy.asked.lock().unwrap().is_empty());
    says_nothing_of_the_password(&said);
}

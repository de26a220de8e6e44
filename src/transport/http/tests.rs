use super::*;
use crate::transport::stage::{Reply, Stage, clock};
use std::io::Write;

const CAP: usize = 64 * 1024;
const DEADLINE: Duration = Duration::from_secs(2);

/// Asks once for whatever the stage has.
async fn ask(reply: Reply) -> Result<Answer, Error> {
    let stage = Stage::open(vec![reply]).await;
    let url = Url::parse(&format!("{}/?secret=query", stage.url)).unwrap();
    ask_at(url, DEADLINE).await
}

async fn ask_at(url: Url, deadline: Duration) -> Result<Answer, Error> {
    let (connections, _) = Connections::open(&Trust::default(), clock()).unwrap();
    let http = Http::over(Arc::new(connections.capped(CAP)), clock());
    let (method, headers) = (Method::GET, HeaderMap::new());
    let result = http.send(Request { method, url, headers, body: Vec::new(), deadline }).await;
    if let Err(error) = &result {
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    result
}

fn is_connect(result: &Result<Answer, Error>) -> bool {
    matches!(result, Err(Error::Connect { host, .. }) if host.starts_with("127.0.0.1:"))
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_whole_answer_is_kept_with_its_headers() {
    let headers = "Date: Fri, 28 Mar 2025 00:00:10 GMT\r\nRetry-After: Fri, 28 Mar 2025 00:00:13 GMT\r\n";
    let answer = ask(Reply::with(503, headers, b"{}")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"{}".as_slice()));
    assert_eq!(answer.date, Some(Timestamp::from_secs(1_743_120_010)));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(3)), "counted by the server's own clock");
}

#[tokio::test]
async fn gzip_is_unpacked() {
    let answer = ask(Reply::with(200, "content-encoding: gzip\r\n", &gzip(b"hello"))).await.unwrap();
    assert_eq!(answer.body, b"hello");
    let damaged = ask(Reply::with(200, "content-encoding: gzip\r\n", b"hello")).await;
    assert!(matches!(damaged, Err(Error::Decode(_))), "{damaged:?}");
    let other = ask(Reply::with(200, "content-encoding: br\r\n", b"hello")).await;
    assert!(matches!(other, Err(Error::Decode(_))), "{other:?}");
}

#[tokio::test]
async fn a_body_cut_short_is_never_half_an_answer() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}";
    assert!(is_connect(&ask(Reply::Bytes(head.to_vec())).await));
    let chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"a\":";
    assert!(is_connect(&ask(Reply::Bytes(chunk.to_vec())).await));
    assert!(is_connect(&ask(Reply::Bytes(Vec::new())).await));
    assert!(is_connect(&ask(Reply::Bytes(b"\x16\x03\x01 not http".to_vec())).await));
}

#[tokio::test]
async fn bodies_beyond_the_cap_are_refused_packed_or_not() {
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", CAP + 1);
    assert_eq!(ask(Reply::Hang(announced.into_bytes())).await.unwrap_err(), Error::TooLarge(CAP));

    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000)).into_bytes();
    assert_eq!(ask(Reply::Endless(head, chunk)).await.unwrap_err(), Error::TooLarge(CAP));

    let bomb = gzip(&vec![b' '; 64 * CAP]);
    assert!(bomb.len() < CAP);
    let result = ask(Reply::with(200, "content-encoding: gzip\r\n", &bomb)).await;
    assert_eq!(result.unwrap_err(), Error::TooLarge(CAP));

    let exact = ask(Reply::with(200, "content-encoding: gzip\r\n", &gzip(&vec![b' '; CAP]))).await;
    assert_eq!(exact.unwrap().body.len(), CAP);
}

#[tokio::test]
async fn the_deadline_holds_before_and_inside_the_body() {
    let deadline = Err(Error::Timeout(DEADLINE));
    assert_eq!(ask(Reply::Hang(Vec::new())).await.map(|_| ()), deadline);
    let drip = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
    assert_eq!(ask(Reply::Hang(drip)).await.map(|_| ()), deadline);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Stage::open(vec![Reply::json(200, "{}")]).await;
    let answer = ask(Reply::with(302, &format!("location: {}\r\n", other.url), b"")).await.unwrap();
    assert_eq!(answer.status, 302);
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_closed_port_is_named() {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = Url::parse(&format!("http://127.0.0.1:{port}/?secret=1")).unwrap();
    let result = ask_at(url, DEADLINE).await;
    assert!(is_connect(&result), "{result:?}");
    assert!(result.unwrap_err().to_string().contains("refused"));
}

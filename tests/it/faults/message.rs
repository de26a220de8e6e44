//! HTTP messages as they cross the wire: read whole, told in any way.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, byte for byte, and what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) raw: Vec<u8>,
    /// `ListInstances`; `taskInstances.get`; `token/get`.
    pub(crate) action: String,
    /// Everything behind the head.
    pub(crate) body: String,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    /// Header lines, without the body's length.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Told {
    pub(crate) fn new(status: u16, headers: &[&str], body: &[u8]) -> Self {
        let headers = headers.iter().map(|line| (*line).to_owned()).collect();
        Self { status, headers, body: body.to_vec() }
    }

    /// The head, promising a body of `length`.
    pub(crate) fn head(&self, length: usize) -> Vec<u8> {
        let lines: String = self.headers.iter().map(|line| format!("{line}\r\n")).collect();
        format!("HTTP/1.1 {} X\r\n{lines}content-length: {length}\r\n\r\n", self.status).into_bytes()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head(self.body.len()), self.body.clone()].concat()
    }
}

/// The next request of a connection, `None` where it has ended.
pub(crate) async fn next(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Asked> {
    let raw = message(stream, read).await.ok()?;
    let text = String::from_utf8_lossy(&raw).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let action = header(head, "x-tc-action").unwrap_or_else(|| of_path(head));
    Some(Asked { action, body: body.to_owned(), raw })
}

/// What `upstream` answers.
pub(crate) async fn forward(upstream: std::net::SocketAddr, asked: &Asked) -> io::Result<Told> {
    let mut stream = TcpStream::connect(upstream).await?;
    stream.write_all(&asked.raw).await?;
    let raw = message(&mut stream, &mut Vec::new()).await?;
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok()).unwrap_or(0);
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length"));
    Ok(Told { status, headers: kept.map(str::to_owned).collect(), body: raw[end + 4..].to_vec() })
}

/// One whole message from the front of the stream; what follows stays in `read`.
async fn message(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let length: usize = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while read.len() < end + length {
        if stream.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let rest = read.split_off(end + length);
    Ok(std::mem::replace(read, rest))
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// `taskInstances.get` of `GET /batch-processing-service/v2.1/taskInstances?action=get&…`.
fn of_path(head: &str) -> String {
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some((_, token)) = path.split_once("/v2.0/") {
        return token.to_owned();
    }
    let action = query.split('&').find_map(|pair| pair.strip_prefix("action="));
    format!("{}.{}", path.rsplit('/').next().unwrap_or_default(), action.unwrap_or_default())
}

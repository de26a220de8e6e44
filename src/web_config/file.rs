//! The whole file.

use super::files::{Files, Seen};
use super::headers::{self, Http};
use super::rate::{self, Rate};
use super::reader::Reader;
use super::users::{self, Users};
use super::{tls, yaml};
use crate::config::Problem;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;

/// What a web configuration file asks for. Without one: plain HTTP for everybody.
#[derive(Default)]
pub(super) struct WebConfig {
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) http: Http,
    pub(super) users: Users,
    pub(super) rate: Option<Rate>,
}

/// What was read of a file, good or not, and of which files that says something.
pub(super) struct Reading {
    pub(super) outcome: Result<WebConfig, Vec<Problem>>,
    pub(super) seen: Seen,
}

/// Reads a file and what it names.
pub(super) fn read(path: &Path) -> Reading {
    let mut files = Files::default();
    let outcome = read_with(path, &mut files);
    Reading { outcome, seen: files.into_seen() }
}

fn read_with(path: &Path, files: &mut Files) -> Result<WebConfig, Vec<Problem>> {
    let name = path.display().to_string();
    let alone = |file: String, message: String| vec![Problem::new(file, "", message)];
    let content = files.read(path).map_err(|why| alone(name.clone(), why))?;
    let text = str::from_utf8(&content).map_err(|_| alone(name.clone(), "is not UTF-8".to_owned()))?;
    let root = yaml::parse(text).map_err(|fault| alone(format!("{name}:{}", fault.line), fault.message))?;

    let folder = path.parent().unwrap_or(Path::new(""));
    let mut reader = Reader::new(name);
    let known = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"];
    let sections = reader.fields(&root, "", &known);
    let mut config = WebConfig::default();
    if let Some(node) = sections.get("http_server_config") {
        config.http = headers::read(&mut reader, node);
    }
    if let Some(node) = sections.get("tls_server_config") {
        config.tls = tls::read(&mut reader, node, folder, files).map(|mut tls| {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            if config.http.http2 {
                tls.alpn_protocols.insert(0, b"h2".to_vec());
            }
            Arc::new(tls)
        });
    }
    if let Some(node) = sections.get("basic_auth_users") {
        config.users = users::read(&mut reader, node);
    }
    if let Some(node) = sections.get("rate_limit") {
        config.rate = rate::read(&mut reader, node);
    }
    if reader.count() == 0 { Ok(config) } else { Err(reader.into_problems()) }
}

//! `[web]`: where and how the exporter serves.

use super::findings::Findings;
use super::key::Key;
use super::quoted::quoted;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::net::SocketAddr;

/// `[web]`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Addresses to listen on; sockets passed by systemd replace them. At least one.
    #[serde(deserialize_with = "addresses")]
    pub listen: Vec<SocketAddr>,
    /// Path of a web configuration file (TLS, users), in the format of Prometheus' exporter-toolkit. Empty: none.
    pub web_config: String,
    /// Connections held open at once; at least 1.
    pub max_connections: usize,
    /// Scrapes answered at once; at least 1.
    pub max_concurrent_scrapes: usize,
    /// Whether `POST /-/reload` works.
    pub enable_reload: bool,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([0, 0, 0, 0], 10310))],
            web_config: String::new(),
            max_connections: 512,
            max_concurrent_scrapes: 40,
            enable_reload: false,
        }
    }
}

impl Web {
    pub(super) fn check(&self, at: &Key, findings: &mut Findings<'_>) {
        // A broken address has been taken out of the list already, and named.
        if self.listen.is_empty() && !findings.touches(&at.child("listen")) {
            findings.add(&at.child("listen"), "names no address; write one, like [\"0.0.0.0:10310\"]");
        }
        for (i, address) in self.listen.iter().enumerate() {
            if self.listen[..i].contains(address) && address.port() != 0 {
                findings.add(&at.child("listen"), format!("{address} is there twice"));
            }
        }
        for (name, value) in [
            ("max_connections", self.max_connections),
            ("max_concurrent_scrapes", self.max_concurrent_scrapes),
        ] {
            if value == 0 {
                findings.add(&at.child(name), "0 would serve nobody; write at least 1");
            }
        }
    }
}

/// One address of the list, so that each one's mistake has its own place.
struct Address(SocketAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            D::Error::custom(format!(
                "{} is not an address; write IP and port, like \"0.0.0.0:10310\", \"127.0.0.1:10310\" or \"[::]:10310\"",
                quoted(&text)
            ))
        })
    }
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    Ok(Vec::<Address>::deserialize(deserializer)?.into_iter().map(|address| address.0).collect())
}

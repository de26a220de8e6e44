//! Names, resolved to addresses that a name in the configuration may have.

use crate::model::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What looks a name up.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Where virtual machines find their metadata, keys among it, that is not link-local: Alibaba Cloud's, and Amazon's by
/// IPv6.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Tencent Cloud's own services inside its networks: their names lead to link-local addresses.
const INSIDE: [&str; 2] = [".internal.tencentcloudapi.com", ".tencentyun.com"];

/// The system's resolver, but for answers that no public name has: whoever can forge one (a hostile network, a search
/// domain, a typing error in a zone) would otherwise have signed requests sent to this machine or to the metadata
/// service. An endpoint that is written as such an address is never resolved, and so not refused.
pub(super) struct Resolver {
    lookup: Lookup,
    local_addresses: bool,
}

impl Resolver {
    /// One that accepts every answer where `local_addresses` are wanted.
    pub(super) fn new(local_addresses: bool) -> Self {
        Self::with(
            Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })),
            local_addresses,
        )
    }

    /// One that looks names up otherwise.
    fn with(lookup: Lookup, local_addresses: bool) -> Self {
        Self { lookup, local_addresses }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let looked_up = (self.lookup)(name.as_str().to_owned());
        let accepts_all = self.local_addresses;
        Box::pin(async move {
            let name = name.as_str();
            let found = looked_up.await?;
            let refused = found.iter().map(SocketAddr::ip).find(|ip| !accepts_all && !may_be(name, *ip));
            if let Some(ip) = refused {
                return Err(format!(
                    "its name leads to {ip}, an address of this machine or its link, which is refused; if that is \
                     meant, write local_addresses = true"
                )
                .into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether `name` may stand for `ip`.
fn may_be(name: &str, ip: IpAddr) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ip = ip.to_canonical();
    if name == "localhost" || name.ends_with(".localhost") {
        return ip.is_loopback();
    }
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if link_local {
        return INSIDE.iter().any(|zone| name.ends_with(zone));
    }
    let metadata = ip == IpAddr::V4(METADATA_V4) || ip == IpAddr::V6(METADATA_V6);
    !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || metadata)
}

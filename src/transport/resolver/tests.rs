use super::*;
use crate::transport::connections::Connections;
use crate::transport::http::{Carrier as _, Request};
use crate::transport::stage::{Reply, Stage, clock};
use crate::transport::{Error, address};
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use std::time::Duration;

#[test]
fn only_local_names_have_local_addresses() {
    let may = |name: &str, ip: &str| may_be(name, ip.parse().unwrap());
    let api = "tat.tencentcloudapi.com";
    for ip in ["203.0.113.7", "10.1.2.3", "192.168.0.9", "100.64.0.1", "2001:db8::1", "fd12::1"] {
        assert!(may(api, ip), "{ip}: a public or private network");
    }
    for ip in [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "::ffff:169.254.0.23",
        "fe80::1",
        "100.100.100.200",
        "fd00:ec2::254",
        "224.0.0.1",
    ] {
        assert!(!may(api, ip), "{ip}");
        assert!(!may("localhost.example.com", ip) && !may("evil-tencentyun.com", ip), "{ip}");
    }
    assert!(may("LOCALHOST.", "::1") && may("a.localhost", "127.0.0.1") && !may("localhost", "203.0.113.7"));
    assert!(may("metadata.tencentyun.com", "169.254.0.23"));
    assert!(may("tat.internal.tencentcloudapi.com", "169.254.0.95"));
    assert!(!may("tat.internal.tencentcloudapi.com", "127.0.0.1"));
}

/// Asks the stage under a public name that leads to this machine.
async fn ask(stage: &Stage, local_addresses: bool) -> Result<u16, Error> {
    let lookup: Lookup = Arc::new(|_| Box::pin(std::future::ready(Ok(vec![([127, 0, 0, 1], 0).into()]))));
    let connections = Connections::resolving(clock(), Resolver::with(lookup, local_addresses));
    let port = address::host(&Url::parse(&stage.url).unwrap()).rsplit_once(':').unwrap().1.to_owned();
    let url = Url::parse(&format!("http://api.example.com:{port}/")).unwrap();
    let (method, headers, deadline) = (Method::GET, HeaderMap::new(), Duration::from_secs(5));
    let request = Request { method, url, headers, body: Vec::new(), deadline };
    connections.carry(request).await.map(|answer| answer.status)
}

#[tokio::test]
async fn a_public_name_that_leads_here_is_not_followed() {
    let stage = Stage::open(vec![Reply::json(200, "{}")]).await;
    let error = ask(&stage, false).await.unwrap_err();
    assert!(matches!(&error, Error::Connect { .. }), "{error:?}");
    let told = error.to_string();
    for part in ["api.example.com", "leads to 127.0.0.1", "local_addresses"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(stage.asked().is_empty());
    assert_eq!(ask(&stage, true).await, Ok(200), "unless that is meant");
}

//! Where the actions of a service are called.

use crate::transport::{Error, Http, SetupError, address};
use reqwest::Url;

/// An address with `{service}` and `{region}` still open.
pub(super) struct Endpoint(String);

/// An address that is filled in, and its header `Host`, which is signed.
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) host: String,
}

impl Endpoint {
    /// Checks the template with a service and a region that exist.
    pub(super) fn new(http: &Http, template: String) -> Result<Self, SetupError> {
        let sample = fill(&template, "wedata", "ap-guangzhou");
        if sample.contains(['{', '}']) {
            return Err(SetupError::new("endpoint", "only {service} and {region} can be filled in"));
        }
        http.address("endpoint", &sample)?;
        Ok(Self(template))
    }

    /// The address of `service` as `region` is to reach it.
    pub(super) fn target(&self, service: &str, region: &str) -> Result<Target, Error> {
        // Regions come from the configuration, and a part of a host name must not become another host.
        let word = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let read = |text: String| address::parse("endpoint", &text).ok();
        let url = if word(region) { read(fill(&self.0, service, region)) } else { None };
        let Some(url) = url else {
            let cause = "with this region it is no address".to_owned();
            return Err(Error::Connect { host: self.0.clone(), cause });
        };
        Ok(Target { host: address::host(&url), url })
    }
}

fn fill(template: &str, service: &str, region: &str) -> String {
    template.replace("{service}", service).replace("{region}", region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::stage::clock;

    fn new(template: &str) -> Result<Endpoint, SetupError> {
        Endpoint::new(&Http::new(clock()).unwrap(), template.into())
    }

    #[test]
    fn services_and_regions_are_filled_in() {
        let host = |template, region| new(template).unwrap().target("tat", region).map(|t| t.host);
        assert_eq!(host("https://{service}.tencentcloudapi.com", "x").unwrap(), "tat.tencentcloudapi.com");
        assert_eq!(
            host("https://{service}.{region}.tencentcloudapi.com", "ap-beijing").unwrap(),
            "tat.ap-beijing.tencentcloudapi.com"
        );
        assert_eq!(host("http://127.0.0.1:8080", "").unwrap(), "127.0.0.1:8080");
        assert!(host("https://{service}.{region}.a.com", "evil.example.com/").is_err());
        assert!(new("https://{svc}.a.com").is_err());
        assert!(new("http://{service}.a.com").is_err());
    }
}

//! Base addresses from the configuration.

use super::SetupError;
use reqwest::Url;

/// Reads a base address: https, or plain http where it stays on this machine, with nothing behind the path.
pub(super) fn parse(option: &'static str, text: &str) -> Result<Url, SetupError> {
    let refuse = |message: &str| Err(SetupError::new(option, message));
    let Ok(url) = Url::parse(text) else {
        return refuse("not a URL; write https://host");
    };
    // The text itself is not repeated: it may hold a password.
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("user and password in the URL are never used; remove them");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("a query or fragment is never used; write https://host");
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => refuse(
            "plain http would show keys and answers to the network; write https:// (http:// is for this machine only)",
        ),
        _ => refuse("only https:// is spoken"),
    }
}

/// Whether the address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Host, and port unless it is the scheme's own: what goes into the header `Host`.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["https://a.example.com", "http://127.0.0.1:1/x", "http://[::1]:80", "http://localhost"] {
            assert!(parse("endpoint", good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://a.example.com", "plain http"),
            ("http://127.0.0.1.example.com", "plain http"),
            ("http://10.0.0.1", "plain http"),
            ("ftp://a", "only https"),
            ("a.example.com", "not a URL"),
            ("https://u:secret@a", "password"),
            ("https://a/?k=v", "query"),
        ] {
            let error = parse("endpoint", bad).unwrap_err().to_string();
            assert!(error.starts_with("endpoint: ") && error.contains(why), "{bad}: {error}");
            assert!(!error.contains("secret"));
        }
    }

    #[test]
    fn the_host_header_names_only_odd_ports() {
        let host = |text: &str| host(&Url::parse(text).unwrap());
        assert_eq!(host("https://a.example.com:443/x"), "a.example.com");
        assert_eq!(host("http://[::1]:8080"), "[::1]:8080");
    }
}

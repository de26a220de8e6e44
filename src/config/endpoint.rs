//! Where an API is reached.

use reqwest::Url;

/// Checks the URL of an API; `{service}` and `{region}` may stand for parts of it.
///
/// # Errors
/// What is wrong and what to write instead. The URL itself is not repeated: it may hold a password.
pub(super) fn check(text: &str, placeholders: bool) -> Result<(), String> {
    const HOW: &str = "write one like \"https://host.example.com\"";
    let filled = if placeholders {
        text.replace("{service}", "service").replace("{region}", "region")
    } else {
        text.to_owned()
    };
    if filled.contains(['{', '}']) {
        return Err(if placeholders {
            "only {service} and {region} are filled in".into()
        } else {
            "nothing is filled in here; write the whole URL".into()
        });
    }
    let url = Url::parse(&filled).map_err(|error| format!("not a URL ({error}); {HOW}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with user or password is not accepted; credentials have their own keys".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the URL has a query or a fragment; leave out what follows ? or #".into());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("plain http is for this machine alone; write https".into()),
        _ => Err(format!("neither https nor http; {HOW}")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn keys_travel_over_https_or_stay_on_this_machine() {
        for good in [
            "https://{service}.tencentcloudapi.com",
            "https://{service}.{region}.tencentcloudapi.com/",
            "http://127.0.0.1:10311",
            "http://[::1]:80",
            "http://localhost:1/base",
        ] {
            assert_eq!(check(good, true), Ok(()), "{good}");
        }
        for (bad, said) in [
            ("http://10.0.0.1", "write https"),
            ("http://localhost.example.com", "write https"),
            ("http://127.0.0.1.example.com", "write https"),
            ("https://user:hunter2@host", "own keys"),
            ("https://host?key=hunter2", "leave out"),
            ("https://{zone}.host", "only {service}"),
            ("ftp://host", "neither https"),
            ("host.example.com", "not a URL"),
            ("", "not a URL"),
        ] {
            let message = check(bad, true).unwrap_err();
            assert!(message.contains(said), "{bad}: {message}");
            assert!(!message.contains("hunter2"));
        }
        assert!(check("https://{service}.host", false).is_err());
    }
}

//! The exporter's own metrics, which change all the time and are few.

use super::format::{self, Format};
use crate::metrics::Own;

/// The exporter's own metrics as they are now.
pub fn own(own: &Own, format: Format) -> Vec<u8> {
    let mut page = Vec::new();
    own.draw(|family, samples| {
        let samples = format::samples(family, format, samples);
        page.extend(format::header(family, format, samples.len()));
        page.extend(samples);
    });
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BreakerState, EndpointStatus, Observer as _};

    #[test]
    fn a_fresh_page_has_every_family_that_always_exists() {
        let page = String::from_utf8(own(&Own::new().unwrap(), Format::Text)).unwrap();
        for name in
            ["taskrun_exporter_series 0\n", "taskrun_exporter_build_info{version=", "process_open_fds "]
        {
            assert!(page.contains(name), "{name} in {page}");
        }
    }

    #[test]
    fn observations_stand_in_their_buckets() {
        let metrics = Own::new().unwrap();
        metrics.scraped(200, std::time::Duration::from_micros(700));
        metrics.scraped(200, std::time::Duration::from_secs(7));
        let page = String::from_utf8(own(&metrics, Format::OpenMetrics)).unwrap();
        let name = "taskrun_exporter_scrape_duration_seconds";
        for line in [
            "_bucket{le=\"0.0005\"} 0",
            "_bucket{le=\"0.001\"} 1",
            "_bucket{le=\"1.0\"} 1",
            "_bucket{le=\"+Inf\"} 2",
            "_sum 7.0007",
            "_count 2",
        ] {
            assert!(page.contains(&format!("{name}{line}\n")), "{line} in {page}");
        }
    }

    #[test]
    fn an_endpoint_is_in_one_state_and_goes_with_its_account() {
        let own = Own::new().unwrap();
        let render = || String::from_utf8(super::own(&own, Format::Text)).unwrap();
        own.breaker("main", "a.example.com", Some(BreakerState::Closed));
        own.breaker("main", "a.example.com", Some(BreakerState::Open));
        own.breaker("main", "b.example.com", Some(BreakerState::Closed));
        let page = render();
        for (state, value) in [("closed", 0), ("half_open", 0), ("open", 1)] {
            let labels = format!("account=\"main\",host=\"a.example.com\",state=\"{state}\"");
            assert!(page.contains(&format!("taskrun_api_breaker_state{{{labels}}} {value}\n")), "{page}");
        }
        let told = own.endpoints();
        let endpoint =
            |host: &str, breaker| EndpointStatus { account: "main".into(), host: host.into(), breaker };
        assert_eq!(
            told,
            [endpoint("a.example.com", BreakerState::Open), endpoint("b.example.com", BreakerState::Closed)]
        );
        own.breaker("main", "a.example.com", None);
        assert!(!render().contains("a.example.com"));
    }
}

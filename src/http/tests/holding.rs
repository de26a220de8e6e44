//! Connections that are held: for how long, and at whose cost.

use super::*;

fn refused(page: &Fixed) -> Vec<Refused> {
    page.refused.lock().unwrap().clone()
}

#[tokio::test]
async fn the_connection_that_waits_longest_makes_room() {
    let page = Fixed::small();
    let (_server, address) = serve(&page, Limits { max_connections: 2, ..Limits::default() });
    let mut first = connect(address, GET).await;
    answer(&mut first).await;
    let mut second = connect(address, GET).await;
    answer(&mut second).await;
    // The first asks again, so that the second has waited longest.
    first.write_all(GET.as_bytes()).await.unwrap();
    answer(&mut first).await;
    let mut third = connect(address, GET).await;
    assert!(answer(&mut third).await.ends_with("b 2\n"));
    assert_eq!(rest(&mut second).await, "");
    first.write_all(GET.as_bytes()).await.unwrap();
    assert!(answer(&mut first).await.ends_with("b 2\n"));
    assert_eq!(refused(&page), [Refused::Crowded]);
}

#[tokio::test]
async fn an_answer_under_way_makes_room_for_nobody() {
    let page = Fixed::large();
    let (_server, address) = serve(&page, Limits { max_connections: 1, ..Limits::default() });
    let mut reading = connect(address, GET_CLOSE).await;
    timeout(PATIENCE, reading.readable()).await.unwrap().unwrap();
    let mut next = connect(address, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(timeout(SHORT, next.readable()).await.is_err(), "answered beyond the cap");
    assert!(rest(&mut reading).await.len() as u64 > page.len());
    assert_eq!(code(&rest(&mut next).await), "200");
    assert_eq!(refused(&page), []);
}

/// A scraper keeps its connection from scrape to scrape; nobody else keeps one without asking.
#[tokio::test]
async fn only_who_got_an_answer_may_wait_for_long() {
    let page = Fixed::small();
    let limits = Limits { header_timeout: SHORT, idle_timeout: 2 * PATIENCE, ..Limits::default() };
    let (_server, address) = serve(&page, limits);
    let mut scraper = connect(address, GET).await;
    answer(&mut scraper).await;
    for request in ["", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        rest(&mut connect(address, request).await).await;
    }
    assert_eq!(refused(&page), [Refused::SlowRequest; 3]);
    // That took longer than any client but the scraper may wait.
    scraper.write_all(GET.as_bytes()).await.unwrap();
    answer(&mut scraper).await;
    // Having been good once is no licence for a request without end.
    scraper.write_all(b"GET /metrics HTTP/1.1\r\nHost").await.unwrap();
    assert_eq!(rest(&mut scraper).await, "");
    assert_eq!(refused(&page), [Refused::SlowRequest; 4]);
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_before_its_whole_time_is_up() {
    let page = Fixed::large();
    let (_server, address) = serve(&page, Limits { write_timeout: SHORT, ..Limits::default() });
    let mut stalled = connect(address, GET).await;
    assert_eq!(page.scraped(1).await, [200]);
    assert!((rest(&mut stalled).await.len() as u64) < page.len());
    assert_eq!(refused(&page), [Refused::SlowReader]);
}

#[tokio::test]
async fn a_body_that_does_not_come_holds_nothing() {
    let page = Fixed::small();
    let (_server, address) = serve(&page, Limits { header_timeout: SHORT, ..Limits::default() });
    let mut stream =
        connect(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx").await;
    let said = rest(&mut stream).await;
    assert_eq!(code(&said), "405", "{said}");
}

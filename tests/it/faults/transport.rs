//! Faults 1 to 15: between here and the API.

use super::case::{Case, Expect};
use super::wire::Fault;
use Expect::{Fails, Ok};

const REDIRECT: Fault = Fault::Told(302, &["location: http://127.0.0.1:1/elsewhere"], "");
const LOGIN: &str = "<!doctype html><html><form>Please log in, or find canary-in-a-page</form></html>";
const HTML: Fault = Fault::Told(200, &["content-type: text/html"], LOGIN);

pub(super) const CASES: &[Case] = &[
    Case::new(3, "nobody listens", Fault::Refused, Fails("connect")),
    Case::new(4, "a black hole", Fault::BlackHole, Fails("timeout")).timeout("3s"),
    Case::new(6, "accepted, then silence", Fault::Silent, Fails("timeout")).timeout("3s"),
    Case::new(7, "a byte at a time", Fault::Drip, Fails("timeout")).timeout("3s"),
    Case::new(8, "the end in the middle of the body", Fault::Cut, Fails("connect")),
    Case::new(8, "a reset in the middle of the body", Fault::Reset, Fails("connect")),
    Case::new(9, "a length that promises more", Fault::Longer, Fails("connect")),
    Case::new(9, "a length that promises less", Fault::Shorter, Fails("decode")),
    Case::new(10, "a body without an end", Fault::Endless, Fails("too_large")).timeout("30s"),
    Case::new(11, "little that becomes a lot", Fault::Bomb, Fails("too_large")).timeout("30s"),
    Case::new(12, "a redirect", REDIRECT, Fails("decode")),
    Case::new(13, "a login page", HTML, Fails("decode")).check(|scene| {
        let told = format!("{:?}", scene.stand.rig.keeper.published().cells);
        assert!(!told.contains("canary-in-a-page"), "{told}");
    }),
    Case::new(14, "kept connections that are dead", Fault::Dead, Ok)
        .moves(&[("taskrun_api_requests_total", &[("code", "connect")])]),
];

use super::*;
use crate::model::Timestamp;
use std::io::Write;
use std::sync::Mutex;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_743_092_323_004)
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Kept {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn logged(level: &str, format: Format, log: impl FnOnce(&Handle)) -> String {
    logged_to(false, level, format, log)
}

fn logged_to(journal: bool, level: &str, format: Format, log: impl FnOnce(&Handle)) -> String {
    let kept = Kept::default();
    let settings = Log { level: level.into(), format };
    let (subscriber, handle) = subscriber(&settings, journal, Arc::new(Fixed), kept.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || log(&handle));
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_has_its_parts_in_order() {
    let text = logged("info", Format::Logfmt, |_| {
        let span = tracing::info_span!("poll", cell = "a/b", state = tracing::field::Empty);
        span.record("state", "first poll");
        let _entered = span.enter();
        let error = std::io::Error::other("no route");
        tracing::warn!(target: "t", polls = 3, share = 0.5, error = %error, "poll failed");
        tracing::debug!("not shown");
    });
    assert_eq!(
        text,
        "ts=2025-03-27T16:18:43.004Z level=warn target=t msg=\"poll failed\" polls=3 share=0.5 \
         error=\"no route\" cell=a/b state=\"first poll\"\n"
    );
}

#[test]
fn no_value_can_break_its_line_or_reach_the_terminal() {
    let text = logged("info", Format::Logfmt, |_| {
        let name = "a\nts=0 level=error\u{1b}[31m\"\\\u{202e}\r\u{85}";
        tracing::info!(target: "t", name, empty = "", "{name}");
    });
    let escaped = r#""a\nts=0 level=error\u001b[31m\"\\\u202e\r\u0085""#;
    let expected =
        format!("ts=2025-03-27T16:18:43.004Z level=info target=t msg={escaped} name={escaped} empty=\"\"\n");
    assert_eq!(text, expected);
}

#[test]
fn json_has_one_object_a_line() {
    let text = logged("info", Format::Json, |_| tracing::info!(target: "t", name = "a\n\u{1b}[31m", "said"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        line,
        serde_json::json!({
            "timestamp": "2025-03-27T16:18:43.004Z", "level": "INFO", "target": "t",
            "message": "said", "name": "a\n\u{1b}[31m",
        })
    );
}

#[test]
fn the_level_can_change_while_running() {
    let text = logged("warn", Format::Logfmt, |handle| {
        tracing::info!("before");
        handle.reload(Log { level: "info".into(), ..Log::default() }.filter().unwrap()).unwrap();
        tracing::info!("after");
    });
    assert!(!text.contains("before") && text.contains("msg=after"), "{text}");
}

#[test]
fn lost_lines_are_told_in_the_same_format() {
    let logfmt = notice(Format::Logfmt, false, Arc::new(Fixed))(7);
    assert!(logfmt.starts_with("ts=2025-03-27T16:18:43.004Z level=warn msg=\"log lines"), "{logfmt}");
    assert!(logfmt.ends_with("lines=7\n"), "{logfmt}");
    let json: serde_json::Value =
        serde_json::from_str(&notice(Format::Json, false, Arc::new(Fixed))(7)).unwrap();
    assert_eq!(json["lines"], 7);
    assert!(notice(Format::Logfmt, true, Arc::new(Fixed))(7).starts_with("<4>level=warn msg="));
}

#[test]
fn the_journal_gets_levels_it_understands_and_no_second_time() {
    let log = |_: &Handle| {
        tracing::error!(target: "t", "a");
        tracing::warn!(target: "t", "b");
        tracing::info!(target: "t", "c");
        tracing::debug!(target: "t", "d");
    };
    assert_eq!(
        logged_to(true, "debug", Format::Logfmt, log),
        "<3>level=error target=t msg=a\n<4>level=warn target=t msg=b\n<6>level=info target=t msg=c\n\
         <7>level=debug target=t msg=d\n"
    );
    let text = logged_to(true, "info", Format::Json, log);
    let line = text.lines().next().unwrap().strip_prefix("<3>").unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["message"], "a");
    // A variable inherited from somewhere else is not believed.
    assert!(!is_journal(Some(&"1:1".to_owned())) && !is_journal(None));
}

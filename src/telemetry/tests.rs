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
    let kept = Kept::default();
    let settings = Log { level: level.into(), format };
    let (subscriber, handle) = subscriber(&settings, Arc::new(Fixed), kept.clone()).unwrap();
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
    let logfmt = notice(Format::Logfmt, Arc::new(Fixed))(7);
    assert!(logfmt.starts_with("ts=2025-03-27T16:18:43.004Z level=warn msg=\"log lines"), "{logfmt}");
    assert!(logfmt.ends_with("lines=7\n"), "{logfmt}");
    let json: serde_json::Value = serde_json::from_str(&notice(Format::Json, Arc::new(Fixed))(7)).unwrap();
    assert_eq!(json["lines"], 7);
}

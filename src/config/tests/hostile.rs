//! Whatever is written, reading it ends, panics at nothing and says something about every refusal.

use super::*;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

const VALUES: [&str; 16] = [
    "\"\"",
    "\"\\u0000é\\n\"",
    "'''x'''",
    "-1",
    "0",
    "99999999999",
    "9223372036854775807",
    "1e400",
    "nan",
    "true",
    "2020-01-01",
    "[]",
    "[[1], \"x\", {}]",
    "{}",
    "{ env = \"UNSET\", other = [1] }",
    "{ a.b.c = \"=\" }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_anywhere(edits in prop::collection::vec((any::<prop::sample::Index>(), 0..VALUES.len(), 0..4u8), 1..6)) {
        let mut lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
        for (at, value, how) in edits {
            let at = at.index(lines.len());
            let line = lines[at].clone();
            match (how, line.split_once(" = ")) {
                (0, _) => { lines.remove(at); }
                (1, _) => lines.insert(at, format!("\"new key\" = {}", VALUES[value])),
                (_, Some((key, _))) => lines[at] = format!("{} = {}", key.trim_start_matches('#'), VALUES[value]),
                _ => {}
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, lines.join("\n")).unwrap();
        if let Err(problems) = Config::load(std::slice::from_ref(&path), &environment()) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(problem.file.starts_with(&path.display().to_string()), "{problem}");
                prop_assert!(!problem.message.is_empty() && !problem.message.contains('\n'), "{problem}");
            }
        }
    }
}

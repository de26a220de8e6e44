//! Patterns of function names: `*` stands for any text, `?` for one character.

/// Whether `name` describes functions instead of naming one. Function names hold neither character.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether `pattern` describes the whole of `name`. At most pattern × name steps, with no recursion.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut rest, mut left) = (pattern, name);
    // Where to go on when the text taken so far for the last `*` turns out too short.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let mut wanted = rest.chars();
        let mut given = left.chars();
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                rest = wanted.as_str();
                retry = Some((rest, left));
            }
            (Some(one), Some(other)) if one == '?' || one == other => {
                (rest, left) = (wanted.as_str(), given.as_str());
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                let mut longer = from.chars();
                if longer.next().is_none() {
                    return false;
                }
                (rest, left) = (after, longer.as_str());
                retry = Some((rest, left));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("report-*", "report-daily", true),
            ("report-*", "my-report-daily", false),
            ("*-daily", "report-daily", true),
            ("r*t-d?ily", "report-daily", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("??", "界界", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        assert!(!matches(&"*a".repeat(100), &"a".repeat(99)));
        assert!(matches(&"*a".repeat(100), &"a".repeat(4000)));
    }
}

//! Names in a message of one line.

/// Names shown; the rest is a number.
const SHOWN: usize = 3;

/// The first few of `names`, and how many more there are.
pub(super) fn list(names: &[String]) -> String {
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if let more @ 1.. = names.len().saturating_sub(SHOWN) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn many_names_are_a_number() {
        let names = ["a", "b", "c", "d", "e"].map(String::from);
        assert_eq!(super::list(&names[..2]), "a, b");
        assert_eq!(super::list(&names), "a, b, c and 2 more");
        assert_eq!(super::list(&[]), "");
    }
}

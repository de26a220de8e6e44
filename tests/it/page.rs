//! An exposition as its readers see it: parsed by rules written down here, not by the writer's.

use std::collections::BTreeMap;

/// One line of the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// A whole page. Reading one fails on anything the format forbids, a series that is there twice above all.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) samples: Vec<Sample>,
    pub(crate) families: BTreeMap<String, String>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let (mut samples, mut families, mut series) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut last = String::new();
        assert!(text.is_empty() || text.ends_with('\n'), "the page ends in the middle of a line");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("TYPE has a name and a type");
                assert!(
                    families.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "{name} has two TYPE lines"
                );
                last = name.to_owned();
            } else if !line.starts_with('#') {
                let sample = sample(line);
                let family = family(&sample.name, &families);
                assert_eq!(family, last, "{line} does not stand with its family");
                let key = (sample.name.clone(), sample.labels.clone());
                assert!(series.insert(key, ()).is_none(), "twice: {line}");
                samples.push(sample);
            }
        }
        Self { samples, families }
    }

    pub(crate) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The one sample of a family that has these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found =
            self.of(name).filter(|sample| labels.iter().all(|(name, value)| sample.label(name) == *value));
        let value = found.next().map(|sample| sample.value);
        assert!(found.next().is_none(), "{name}{labels:?} names more than one series");
        value
    }

    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.of(name)
            .filter(|sample| labels.iter().all(|(name, value)| sample.label(name) == *value))
            .map(|sample| sample.value)
            .sum()
    }
}

fn family(name: &str, families: &BTreeMap<String, String>) -> String {
    let histogram = |base: &str| families.get(base).is_some_and(|kind| kind == "histogram");
    ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix).filter(|base| histogram(base)))
        .unwrap_or(name)
        .to_owned()
}

fn sample(line: &str) -> Sample {
    let Some((name, rest)) = line.split_once('{') else {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        return Sample { name: name.to_owned(), labels: BTreeMap::new(), value: number(value) };
    };
    let mut labels = BTreeMap::new();
    let mut chars = rest.chars().peekable();
    while chars.peek() != Some(&'}') {
        let label: String = chars.by_ref().take_while(|c| *c != '=').collect();
        assert_eq!(chars.next(), Some('"'), "{line}");
        let mut value = String::new();
        loop {
            match chars.next().unwrap_or_else(|| panic!("unfinished: {line}")) {
                '"' => break,
                '\\' => value.push(match chars.next() {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("\\{other:?} in {line}"),
                }),
                c => value.push(c),
            }
        }
        assert!(labels.insert(label.trim_start_matches(',').to_owned(), value).is_none(), "{line}");
        if chars.peek() == Some(&',') {
            chars.next();
        }
    }
    let value: String = chars.skip(1).collect();
    Sample { name: name.to_owned(), labels, value: number(value.trim()) }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

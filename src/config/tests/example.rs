//! `config/example.toml` is the documentation of every key; here it is held to the code.

use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// A line that holds a key, `#` before it or not, and whether it is commented out.
fn key_of(line: &str) -> Option<(&str, bool)> {
    let (text, out) = line.strip_prefix('#').map_or((line, false), |text| (text, true));
    let (key, _) = text.split_once(" = ")?;
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).then_some((key, out))
}

/// The keys below a header, those commented out included.
fn keys_below(header: &str) -> Vec<&'static str> {
    let mut keys: Vec<&str> = EXAMPLE
        .lines()
        .skip_while(|line| line.split('#').next().map(str::trim) != Some(header))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| key_of(line).map(|(key, _)| key))
        .collect();
    keys.dedup();
    keys
}

fn load_text(text: &str) -> Result<Config, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("example.toml");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

#[test]
fn what_it_shows_as_default_is_what_leaving_it_out_means() {
    let mut shown = load_text(EXAMPLE).unwrap();
    let mut left_out = load("tests/config/good/minimal.toml").unwrap();
    // Settings are the kinds' own; their defaults are held to this file where the kinds are known.
    shown.sources.iter_mut().for_each(Section::forget_settings);
    left_out.sources.iter_mut().for_each(Section::forget_settings);
    assert_eq!(shown, left_out);
}

#[test]
fn it_shows_every_key() {
    let with = |first: &'static str, rest: &[&'static str]| [&[first], rest].concat();
    for (header, mut keys) in [
        ("[web]", keys_of::<Web>().to_vec()),
        ("[state]", keys_of::<State>().to_vec()),
        ("[log]", keys_of::<Log>().to_vec()),
        ("[limits]", keys_of::<Limits>().to_vec()),
        ("[accounts.main]", with("provider", keys_of::<TencentAccount>())),
        ("[accounts.plant]", with("provider", keys_of::<EnosAccount>())),
        ("[sources.dataflows]", Section::keys().into_iter().filter(|key| *key != "settings").collect()),
    ] {
        let mut shown = keys_below(header);
        shown.sort_unstable();
        keys.sort_unstable();
        assert_eq!(shown, keys, "{header}");
    }
    let inside = |parent: &str, keys: &[&str]| {
        let lines: Vec<&str> =
            EXAMPLE.lines().filter(|line| line.contains(&format!("{parent} = {{"))).collect();
        for key in keys {
            assert!(lines.iter().any(|line| line.contains(&format!("{key} = "))), "{parent}.{key}");
        }
    };
    inside("credentials", keys_of::<KeyRefs>());
    inside("assume_role", keys_of::<AssumeRole>());
    inside("buckets", keys_of::<BucketSection>());
}

#[test]
fn every_alternative_that_it_comments_out_loads() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    let mut tried = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((key, true)) = key_of(line) else { continue };
        tried += 1;
        // Put it in the place of the key it stands below, or add it.
        let mut text = lines.clone();
        text[at] = &line[1..];
        let live = (0..at)
            .rev()
            .take_while(|i| !lines[*i].starts_with('['))
            .find(|i| key_of(lines[*i]) == Some((key, false)));
        if let Some(live) = live {
            text[live] = "";
        }
        assert_eq!(load_text(&text.join("\n")).err(), None, "{line}");
    }
    assert!(tried >= 9, "{tried}");
}

//! A secret that was written where none belongs: the problem is named, the secret is not.

use super::secret::{Haystack, Secret, text};
use std::collections::BTreeMap;
use taskrun_exporter::app::demands;
use taskrun_exporter::config::Config;

/// Every key there is, under a kind there is.
fn good() -> String {
    include_str!("../../config/good/everything.toml")
        .replace("kind = \"any\"", "kind = \"tat\"")
        .replace("whatever = [\"the\", \"kind\", \"reads\"]", "lookback = \"1h\"")
}

/// Every text of the file in turn replaced by `secret`, with the line it stood in.
fn planted(secret: &str) -> Vec<(String, String)> {
    let good = good();
    let lines: Vec<&str> = good.lines().collect();
    let mut planted = Vec::new();
    for (nth, line) in lines.iter().enumerate() {
        let quotes: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
        for pair in quotes.chunks_exact(2) {
            let changed = format!("{}{secret}{}", &line[..=pair[0]], &line[pair[1]..]);
            let mut text = lines.clone();
            text[nth] = &changed;
            planted.push((line.trim().to_owned(), text.join("\n")));
        }
    }
    planted
}

#[test]
fn a_secret_in_the_wrong_place_of_a_file_is_not_repeated() {
    let secret = text("literal").replace('%', "");
    let env: BTreeMap<String, String> = good()
        .split("env = \"")
        .skip(1)
        .filter_map(|rest| Some((rest.split('"').next()?.to_owned(), "any".to_owned())))
        .collect();
    Config::load_text(&demands(), "good.toml", &good(), &env).unwrap();
    let mut found = Haystack::default();
    let mut refused = 0;
    for (place, file) in planted(&secret) {
        if let Err(problems) = Config::load_text(&demands(), "bad.toml", &file, &env) {
            refused += 1;
            found.add(
                &place,
                problems.iter().map(|problem| format!("{problem} {problem:?}\n")).collect::<String>(),
            );
        }
    }
    assert!(refused > 20, "{refused}");
    found.must_not_hold(&[Secret::new("literal", &secret)]);
}

#[test]
fn a_secret_in_the_wrong_variable_is_not_repeated() {
    let secret = text("variable").replace('%', "");
    let (mut found, mut refused) = (Haystack::default(), 0);
    for name in [
        "ACCOUNTS__MAIN",
        "ACCOUNTS__MAIN__CREDENTIALS",
        "ACCOUNTS__MAIN__CREDENTIALS__SECRET_KEY",
        "ACCOUNTS__MAIN__CREDENTIALS__SECRET_KEY__ENV",
        "ACCOUNTS__MAIN__CREDENTIALS__SECRET_KEY__FILE",
        "ACCOUNTS__MAIN__PROVIDER",
        "ACCOUNTS__MAIN__ENDPOINT",
        "ACCOUNTS__MAIN__TIMEOUT",
        "ACCOUNTS__MAIN__SECRET_KEY",
        "ACCOUNTS__MAIN__BUDGET",
        "ACCOUNTS__MAIN__ASSUME_ROLE",
        "ACCOUNTS__MAIN__ASSUME_ROLE__ROLE_ARN",
        "ACCOUNTS__PLANT__ACCESS_KEY",
        "ACCOUNTS__PLANT__SECRET_KEY",
        "ACCOUNTS__PLANT__GATEWAY",
        "LOG__LEVEL",
        "LOG__FORMAT",
        "STATE__RETENTION",
        "STATE__BACKEND",
        "WEB__LISTEN",
        "WEB__MAX_CONNECTIONS",
        "SOURCES__DATAFLOWS__KIND",
        "SOURCES__DATAFLOWS__ACCOUNT",
        "SOURCES__DATAFLOWS__SCHEDULE",
        "SOURCES__DATAFLOWS__REGIONS",
        "SOURCES__DATAFLOWS__SETTINGS",
        "SOURCES__DATAFLOWS__SETTINGS__LOOKBACK",
    ] {
        let file = include_str!("../../config/good/minimal.toml");
        for value in [secret.clone(), format!("https://user:{secret}@host"), format!("[\"{secret}\"]")] {
            let env = [(format!("TASKRUN_{name}"), value)].into();
            if let Err(problems) = Config::load_text(&demands(), "c.toml", file, &env) {
                refused += 1;
                found.add(
                    name,
                    problems.iter().map(|problem| format!("{problem} {problem:?}\n")).collect::<String>(),
                );
            }
        }
    }
    assert!(refused > 40, "{refused}");
    found.must_not_hold(&[Secret::new("variable", &secret)]);
}

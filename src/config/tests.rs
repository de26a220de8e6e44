mod example;
mod hostile;

use super::*;
use std::path::Path;

fn environment() -> BTreeMap<String, String> {
    [
        ("SECRET_ID", "AKIDEXAMPLE"),
        ("SECRET_KEY", "secret"),
        ("TOKEN", "token"),
        ("ENOS_ACCESS_KEY", "access"),
        ("ENOS_SECRET_KEY", "secret"),
        ("EMPTY", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn load(path: impl AsRef<Path>) -> Result<Config, Vec<String>> {
    Config::load(&[path.as_ref().to_owned()], &environment())
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The TOML files of a folder of `tests/config`; at least as many as there were once.
fn cases(folder: &str, at_least: usize) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(format!("tests/config/{folder}"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    found.sort();
    assert!(found.len() >= at_least, "{found:?}");
    found
}

#[test]
fn good_files_load() {
    for path in cases("good", 2) {
        assert_eq!(load(&path).err(), None, "{}", path.display());
    }
}

#[test]
fn every_mistake_of_the_bad_files_is_named() {
    for path in cases("bad", 15) {
        let problems = load(&path).expect_err("a bad file loaded").join("\n") + "\n";
        let problems = problems.replace("tests/config/bad/", "");
        let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        assert_eq!(problems, expected, "{}", path.display());
        assert!(!problems.contains("hunter2"), "{}", path.display());
    }
}

mod kinds {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        lookback: Option<Duration>,
        tasks: bool,
    }

    fn check(section: &Section) -> Vec<Problem> {
        match section.settings::<Settings>() {
            Ok(Settings { lookback: Some(long), .. }) if long > Duration::from_secs(3600) => {
                vec![section.problem("lookback", "is at most \"1h\"")]
            }
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        }
    }

    #[test]
    fn what_a_kind_asks_is_said_beside_all_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(
            &path,
            r#"[accounts.main]
provider = "tencentcloud"
budget = 2
[sources.a]
kind = "tat"
account = "main"
[sources.a.settings]
lookback = "2 h"
tsks = true
[sources.b]
kind = "tta"
account = "main"
schedule = "1s"
[sources.c]
kind = "enos"
account = "main"
schedule = "1s"
regions = ["x"]
[sources.d]
kind = "tat"
account = "main"
schedule = "1s"
regions = ["x"]
settings = { lookback = "2h" }
"#,
        )
        .unwrap();
        let kind = |kind, provider, regional| Demand { kind, provider, regional, check };
        let kinds = [kind("tat", "tencentcloud", true), kind("enos", "enos", false)];
        let problems = Config::load_for(&kinds, std::slice::from_ref(&path), &environment()).unwrap_err();
        let lines: Vec<String> =
            problems.iter().map(|p| p.to_string().replace(&path.display().to_string(), "c")).collect();
        assert_eq!(
            lines,
            [
                "c:3: accounts.main.budget: is a share: write a number above 0 and at most 1, like 0.8",
                "c:4: sources.a.regions: is required; write one or more, like [\"ap-guangzhou\"]",
                "c:4: sources.a.schedule: is required; write an interval, like \"30s\", or a cron expression with seconds",
                "c:8: sources.a.settings.lookback: \"2 h\" is not a duration; write a number with a unit, like \"30s\", \"5m\" or \"24h\"",
                "c:9: sources.a.settings.tsks: unknown key; did you mean \"tasks\"?",
                "c:11: sources.b.kind: unknown kind; did you mean \"tat\"?",
                "c:16: sources.c.account: is of provider \"tencentcloud\"; enos needs an account of \"enos\"",
                "c:18: sources.c.regions: enos has no regions; leave it out",
                "c:24: sources.d.settings.lookback: is at most \"1h\"",
            ]
        );
    }

    #[test]
    fn a_section_is_read_alone_for_a_kinds_own_tests() {
        let text = "kind = \"tat\"\naccount = \"a\"\nschedule = \"1s\"\n[sources.s.settings]\ntasks = true\n";
        let section = Section::parse("s", text).unwrap();
        assert!(section.settings::<Settings>().unwrap().tasks);
        assert_eq!(section.written(), ["tasks"]);
        assert_eq!(section.problem("tasks", "m").to_string(), "s:6: sources.s.settings.tasks: m");
        assert_eq!(section.problem("", "m").to_string(), "s:5: sources.s.settings: m");
        assert_eq!(section.problem_with("kind", "m").to_string(), "s:2: sources.s.kind: m");
        let problems = Section::parse("s", "kind = 1\n").unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
    }
}

#[test]
fn later_layers_win() {
    let dir = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = [
        ("base.toml", "[accounts.a]\nprovider = \"tencentcloud\"\nbudget = 0.5\ntimeout = \"5s\"\n[sources.Main]\nkind = \"k\"\naccount = \"a\"\nschedule = \"1s\"\nregions = [\"x\", \"y\"]\n"),
        ("over.toml", "[accounts.a]\nbudget = 0.6\n[sources.Main]\nregions = [\"z\"]\n"),
    ]
    .iter()
    .map(|(name, text)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    })
    .collect();
    let mut env = environment();
    for (name, value) in [
        ("TASKRUN_SOURCES__MAIN__SCHEDULE", "0 * * * * *"),
        ("TASKRUN_ACCOUNTS__A__TIMEOUT", "7s"),
        ("TASKRUN_LIMITS__SERIES", "5"),
        ("TASKRUN_PORT_10310_TCP", "tcp://10.0.0.1:10310"),
        ("STATE_DIRECTORY", "/var/lib/private/x:/other"),
    ] {
        env.insert(name.into(), value.into());
    }
    let config = Config::load(&files, &env).unwrap();
    let Account::Tencent(account) = &config.accounts["a"] else { panic!("{config:?}") };
    assert_eq!((account.budget, account.timeout), (0.6, Duration::from_secs(7)));
    assert_eq!(config.sources[0].regions, ["z"]);
    assert_eq!(config.sources[0].schedule, Schedule::Cron("0 * * * * *".into()));
    assert_eq!(config.limits.series, 5);
    assert_eq!(config.state.path, PathBuf::from("/var/lib/private/x"));
}

#[test]
fn files_that_cannot_be_read_are_all_named() {
    let problems =
        Config::load(&["no/such.toml".into(), "tests/config/bad/syntax.toml".into()], &environment())
            .unwrap_err();
    let files: Vec<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["no/such.toml", "tests/config/bad/syntax.toml:1"]);
}

#[test]
fn a_configuration_shows_no_secret() {
    let config = load("tests/config/good/everything.toml").unwrap();
    let shown = format!("{config:?}");
    for secret in ["AKIDEXAMPLE", "a secret", "access"] {
        assert!(!shown.contains(&format!("\"{secret}\"")), "{shown}");
    }
    assert!(shown.contains("SECRET_ID"), "names of places are shown: {shown}");
}

#[test]
fn the_demo_needs_only_its_keys() {
    let mut env = environment();
    for name in ["SECRET_ID", "SECRET_KEY", "ENOS_ACCESS_KEY", "ENOS_SECRET_KEY"] {
        env.insert(format!("TASKRUN_DEMO_{name}"), "key".into());
    }
    let config = Config::load(&["config/demo.toml".into()], &env).unwrap();
    let kinds: Vec<&str> = config.sources.iter().map(|section| section.kind.as_str()).collect();
    assert_eq!(kinds, ["enos", "tat", "wedata", "scf"]);
}

//! Which module may name which: the floors of the design, held to the code.

mod paths;

use paths::{Path, read};
use std::path::PathBuf;

/// What each module under `src` may name beside itself. `ALL` may name everything.
const FLOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("clock", &["model"]),
    ("config", &["model"]),
    ("credentials", &["model"]),
    ("transport", &["model", "credentials"]),
    ("ledger", &["model"]),
    ("state", &["model"]),
    ("logs", &["model"]),
    ("simulator", &["model"]),
    ("sources", &["model", "config", "transport", "logs", "simulator"]),
    // What stands in for an API must not share the client's reading of it.
    ("sources/*/fake", &["model", "simulator"]),
    ("metrics", &["model", "state"]),
    ("expose", &["model", "metrics"]),
    ("schedule", &["model", "sources"]),
    ("keeper", &["model", "state", "ledger", "metrics", "expose"]),
    ("web_config", &["model", "config"]),
    ("http", &["model", "expose", "web_config"]),
    ("telemetry", &["model", "config"]),
    ("fuzzing", ALL),
    ("systemd", &[]),
    ("app", ALL),
    ("cli", ALL),
    ("main", ALL),
    ("lib", ALL),
];

const ALL: &[&str] = &["*"];

/// What only some modules may reach for.
struct Reach {
    what: &'static str,
    /// Names that give it away wherever they stand in a path.
    names: &'static [&'static str],
    /// Beginnings of paths that do.
    beginnings: &'static [&'static [&'static str]],
    /// Ends of paths that do.
    ends: &'static [&'static [&'static str]],
    /// The floors that may.
    floors: &'static [&'static str],
}

const REACHES: &[Reach] = &[
    Reach {
        what: "opens sockets",
        names: &[
            "TcpStream",
            "TcpListener",
            "TcpSocket",
            "UdpSocket",
            "UnixStream",
            "UnixListener",
            "UnixDatagram",
            "ToSocketAddrs",
        ],
        beginnings: &[
            &["tokio", "net"],
            &["std", "os", "unix", "net"],
            &["hyper_util", "client"],
            &["reqwest", "Client"],
            &["reqwest", "ClientBuilder"],
            &["reqwest", "get"],
            &["std", "net", "*"],
            &["reqwest", "*"],
        ],
        ends: &[],
        // The wiring binds the addresses, or takes the sockets that systemd hands over, before anything is started,
        // and gives them to http.
        floors: &["transport", "http", "simulator", "app", "systemd"],
    },
    Reach {
        what: "reads the environment",
        names: &[],
        beginnings: &[&["std", "env"]],
        ends: &[],
        // The arguments are main's to read.
        floors: &["config", "main"],
    },
    Reach {
        what: "reads the time",
        names: &["SystemTime"],
        beginnings: &[&["std", "time", "Instant"], &["std", "time", "*"]],
        ends: &[&["Utc", "now"], &["Local", "now"]],
        floors: &["clock"],
    },
];

/// The floor of a file, given below `src`.
fn floor(file: &str) -> String {
    let parts: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    match parts.as_slice() {
        ["sources", _, "fake", ..] => "sources/*/fake".to_owned(),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    }
}

/// The module that a file holds: its names below the crate's root.
fn module(file: &str) -> Vec<String> {
    let mut names: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        names.pop();
    }
    names
}

/// Every rule that the file breaks, a line each.
fn violations(file: &str, source: &str) -> Vec<String> {
    let floor = floor(file);
    let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
        return vec![format!("src/{file}: {floor} has no floor; give it one, here and in the design")];
    };
    let module = module(file);
    let mut broken = Vec::new();
    for path in read(source, &module).paths {
        let told = |what: &str| format!("src/{file}:{}: {what}: {}", path.line, path.names.join("::"));
        if *allowed != ALL && !may_name(&floor, &module, allowed, &path) {
            broken.push(told(&format!("{floor} may not name")));
        }
        for reach in REACHES {
            if reaches(reach, &path.names) && !reach.floors.contains(&floor.as_str()) {
                broken.push(told(&format!("only {} {}", reach.floors.join(", "), reach.what)));
            }
        }
    }
    broken
}

fn may_name(floor: &str, module: &[String], allowed: &[&str], path: &Path) -> bool {
    let [root, target, ..] = path.names.as_slice() else { return true };
    if root != "crate" || allowed.contains(&target.as_str()) {
        return true;
    }
    if floor.contains('/') {
        // Of its own module only what is in the same folder: sources/KIND/fake.
        return path.names[1..].starts_with(&module[..3]);
    }
    target == floor
}

fn reaches(reach: &Reach, names: &[String]) -> bool {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.iter().any(|name| reach.names.contains(name))
        || reach.beginnings.iter().any(|beginning| names.starts_with(beginning))
        || reach.ends.iter().any(|end| names.ends_with(end))
}

/// The files below `src` that are part of the program, without those of tests.
fn program() -> Vec<(String, String)> {
    let src = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut tests = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
                let source = std::fs::read_to_string(path).unwrap();
                let module = module(&file);
                tests.extend(
                    read(&source, &module)
                        .test_modules
                        .into_iter()
                        .map(|name| [&module[..], &[name]].concat()),
                );
                files.push((file, source));
            }
        }
    }
    files.retain(|(file, _)| !tests.iter().any(|test| module(file).starts_with(test)));
    files.sort();
    files
}

#[test]
fn every_module_names_only_its_floors() {
    let program = program();
    assert!(program.len() > 20 && program.iter().any(|(file, _)| file == "model/run.rs"));
    let broken: Vec<String> = program.iter().flat_map(|(file, source)| violations(file, source)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn planted_violations_are_found() {
    for (file, source) in [
        ("model/run.rs", "use crate::state::Store;"),
        ("model/run.rs", "fn f() { crate::state::Store::new() }"),
        ("state/apply.rs", "use crate::{model::{Run, Task}, config::{self}};"),
        ("state/apply.rs", "use super::super::http::Server;"),
        ("state/apply.rs", "mod inner { use super::super::super::http::Server; }"),
        ("state/apply.rs", "pub(crate) use crate::http as web;"),
        ("state/apply.rs", "macro_rules! m { () => { $crate::http::serve() } }"),
        ("state/apply.rs", "#[cfg(not(test))] use crate::http::Server;"),
        ("state/apply.rs", "#[cfg(test)] use crate::keeper::{self}; use crate::http::Server;"),
        ("state/apply.rs", "#[cfg(test)] fn f() { g() } fn h() { crate::http::f() }"),
        ("state/apply.rs", "const QUOTE: char = '\"'; use crate::http::Server; const END: char = '\"';"),
        ("state/apply.rs", "fn f<'a>(x: &'a str) -> &'a crate::http::Server {}"),
        ("state/apply.rs", "/* /* */ */ use crate::http::Server;"),
        ("sources/tat/fake.rs", "use super::wire::Invocation;"),
        ("sources/tat/fake/page.rs", "use super::super::normalize::normalize;"),
        ("sources/tat/fake.rs", "use crate::transport::tencent::sign;"),
        ("sources/tat/fake.rs", "use crate::sources::scf::fake::Face;"),
        ("sources/tat/mod.rs", "use crate::credentials::Triple;"),
        ("novelty/mod.rs", ""),
        ("state/apply.rs", "use std::net::{IpAddr, TcpStream};"),
        ("state/apply.rs", "async fn f() { tokio::net::lookup_host(\"x\").await }"),
        ("sources/tat/mod.rs", "let client = reqwest::Client::builder();"),
        ("transport/mod.rs", "let proxy = std::env::var(\"HTTPS_PROXY\");"),
        ("transport/mod.rs", "use std::{env, fmt};"),
        ("schedule/tick.rs", "use std::time::{Duration, Instant};"),
        ("schedule/tick.rs", "let now = chrono::Utc::now();"),
        ("schedule/tick.rs", "let now = std::time::SystemTime::now();"),
    ] {
        assert_eq!(violations(file, source).len(), 1, "{file}: {source}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (file, source) in [
        ("state/apply.rs", "use crate::model::{Run, task::Task}; use crate::state::Store; use super::cell;"),
        ("state/mod.rs", "mod cell; pub use cell::Cell; use self::cell::Other;"),
        (
            "state/apply.rs",
            "// use crate::http::Server;\n/* crate::http */ const T: &str = \"crate::http::x\";",
        ),
        (
            "state/apply.rs",
            "const T: &str = r#\"\" crate::http::x \"#; const B: &[u8] = b\"crate::http::x\";",
        ),
        ("state/apply.rs", "#[cfg(test)]\nmod tests { use crate::keeper::Keeper; fn f() {} }"),
        (
            "state/apply.rs",
            "#[cfg(all(test, unix))]\n#[expect(dead_code)]\nuse crate::{http::Server, keeper};",
        ),
        (
            "sources/tat/fake/page.rs",
            "use super::Face; use crate::simulator::World; use super::super::fake::x;",
        ),
        ("sources/tat/mod.rs", "use crate::transport::tencent; use super::{Kind, Source};"),
        ("app.rs", "use crate::{http, keeper::Keeper};"),
        ("http/server.rs", "use tokio::net::TcpListener; use std::net::SocketAddr;"),
        ("config/web.rs", "use std::net::SocketAddr; use reqwest::Url; fn f() { std::env::vars_os() }"),
        ("clock.rs", "use crate::model::Clock; fn f() { std::time::SystemTime::now() }"),
        ("schedule/tick.rs", "use std::time::Duration; use tokio::time::Instant; let now = Instant::now();"),
        ("metrics/own.rs", "let version = env!(\"CARGO_PKG_VERSION\");"),
    ] {
        assert_eq!(violations(file, source), Vec::<String>::new(), "{file}: {source}");
    }
}

#[test]
fn test_modules_in_files_of_their_own_are_known() {
    let named = read("mod a; #[cfg(test)] mod tests; #[cfg(test)] pub(crate) mod scenes;", &[]);
    assert_eq!(named.test_modules, ["tests", "scenes"]);
}

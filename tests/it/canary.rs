//! Secrets planted wherever one can come from, the program run through success and every kind of trouble with all log
//! targets at trace level, and everything it says, shows or keeps searched for them.

mod front;
mod literal;
mod machine;
mod secret;

use crate::cli::{eventually, exporter, get_as};
use crate::clouds::clouds;
use front::{Front, Proxy};
use secret::{Haystack, Secret};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use taskrun_exporter::simulator::{CANARY, apim, tc3};

/// Everything that is planted, and the folder with those that are kept in files.
struct Planted {
    folder: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
    secrets: Vec<Secret>,
    /// Name and password for the exporter's own pages, and ones that it refuses.
    web: String,
    guess: String,
}

impl Planted {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (web, guess) = (String::new(), String::new());
        let mut planted = Self { folder, env: Vec::new(), secrets: Vec::new(), web, guess };
        for name in [
            "TENCENTCLOUD_SECRET_ID",
            "TENCENTCLOUD_SECRET_KEY",
            "TENCENTCLOUD_TOKEN",
            "NAMED_ID",
            "NAMED_KEY",
            "ENOS_WRONG_ID",
            "ENOS_WRONG_KEY",
        ] {
            let secret = planted.plant(name);
            planted.env.push((name, secret));
        }
        // Keys that the simulated clouds accept: with these the paths of success run.
        for (name, value) in [
            ("ID", tc3::SECRET_ID),
            ("KEY", tc3::SECRET_KEY),
            ("ENOS_ID", apim::ACCESS_KEY),
            ("ENOS_KEY", apim::SECRET_KEY),
        ] {
            planted.env.push((name, value.to_owned()));
            planted.secrets.push(Secret::new(name, value));
        }
        for (name, value) in [
            ("the id of a role", tc3::SESSION_ID),
            ("the key of a role", tc3::SESSION_KEY),
            ("the token of a role", tc3::SESSION_TOKEN),
            ("what stands in logs and code upstream", CANARY),
        ] {
            planted.secrets.push(Secret::new(name, value));
        }
        let (id, key) = (planted.plant("ini id"), planted.plant("ini key"));
        let ini = planted.file("credentials", &format!("[default]\nsecret_id = {id}\nsecret_key = {key}\n"));
        planted.env.push(("TENCENTCLOUD_CREDENTIALS_FILE", ini));
        for name in ["file_id", "file_key", "file_token"] {
            let secret = planted.plant(name);
            planted.file(name, &format!("{secret}\n"));
        }
        let proof = planted.plant("oidc token");
        let proof = planted.file("proof", &proof);
        for (name, value) in [
            ("TKE_REGION", "ap-guangzhou"),
            ("TKE_PROVIDER_ID", "provider"),
            ("TKE_WEB_IDENTITY_TOKEN_FILE", &proof),
            ("TKE_ROLE_ARN", "qcs::cam::uin/1:roleName/echo"),
        ] {
            planted.env.push((name, value.to_owned()));
        }
        let (name, password) = ("watcher", planted.plant("web password"));
        let hash = bcrypt::hash_with_salt(&password, 4, [7; 16]).unwrap();
        let hash = hash.format_for_version(bcrypt::Version::TwoY);
        planted.secrets.push(Secret::new("hash of the web password", &hash));
        planted.file("web.yml", &format!("basic_auth_users:\n  {name}: {hash}\n"));
        planted.web = format!("{name}:{password}");
        planted.guess = format!("{name}:{}", planted.plant("wrong web password"));
        planted
    }

    /// A secret that nobody accepts.
    fn plant(&mut self, name: &str) -> String {
        let text = secret::text(name);
        self.secrets.push(Secret::new(name, &text));
        text
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A configuration with an account for each place of keys.
    fn config(&self, clouds: SocketAddr, front: SocketAddr, format: &str) -> String {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let role = |arn: &str| {
            format!(
                "assume_role = {{ role_arn = \"qcs::cam::uin/1:roleName/{arn}\", external_id = \"e\" }}\n"
            )
        };
        let named =
            "credentials = { secret_id = { env = \"NAMED_ID\" }, secret_key = { env = \"NAMED_KEY\" } }\n";
        let good = "credentials = { secret_id = { env = \"ID\" }, secret_key = { env = \"KEY\" } }\n";
        let files = format!(
            "credentials = {{ secret_id = {{ file = \"{}\" }}, secret_key = {{ file = \"{}\" }}, token = {{ file = \"{}\" }} }}\n",
            at("file_id"),
            at("file_key"),
            at("file_token")
        );
        let mut text = format!(
            "[web]\nlisten = [\"127.0.0.1:0\"]\nweb_config = \"{}\"\n[state]\npath = \"{}\"\n[log]\nlevel = \"trace\"\nformat = \"{format}\"\n",
            at("web.yml"),
            at("state")
        );
        for (name, keys, role, endpoint) in [
            ("good", good, String::new(), format!("http://{clouds}")),
            ("variables", "credentials = \"environment\"\n", String::new(), format!("http://{clouds}")),
            ("ini", "credentials = \"file\"\n", String::new(), format!("http://{clouds}")),
            ("files", &*files, String::new(), format!("http://{clouds}")),
            ("first", "", String::new(), format!("http://{clouds}")),
            ("role", named, role("good"), format!("http://{front}")),
            ("refused", named, role("echo"), format!("http://{front}")),
            ("odd", named, role("odd"), format!("http://{front}")),
            ("pod", "credentials = \"tke-oidc\"\n", String::new(), format!("http://{front}")),
            ("machine", "credentials = \"cvm-role\"\n", String::new(), format!("http://{clouds}")),
            ("proxied", good, String::new(), "https://taskrun.invalid".to_owned()),
        ] {
            text.push_str(&format!(
                "[accounts.{name}]\nprovider = \"tencentcloud\"\n{keys}{role}endpoint = \"{endpoint}\"\ntimeout = \"2s\"\n\
                 [sources.tat_{name}]\nkind = \"tat\"\naccount = \"{name}\"\nregions = [\"ap-guangzhou\"]\nschedule = \"1s\"\n\
                 settings = {{ lookback = \"10m\" }}\n"
            ));
        }
        for (name, id, key) in
            [("plant", "ENOS_ID", "ENOS_KEY"), ("wrong", "ENOS_WRONG_ID", "ENOS_WRONG_KEY")]
        {
            text.push_str(&format!(
                "[accounts.{name}]\nprovider = \"enos\"\ngateway = \"http://{clouds}\"\naccess_key = {{ env = \"{id}\" }}\n\
                 secret_key = {{ env = \"{key}\" }}\norg_id = \"{}\"\nuser_id = \"{}\"\nrequests_per_second = 18.0\ntimeout = \"2s\"\n\
                 [sources.enos_{name}]\nkind = \"enos\"\naccount = \"{name}\"\nschedule = \"1s\"\n\
                 settings = {{ lookback = \"1h\" }}\n",
                apim::ORG_ID,
                apim::USER_ID
            ));
        }
        for (kind, settings) in
            [("wedata", "projects = [\"*\"], detail = \"all\""), ("scf", "namespaces = [\"*\"]")]
        {
            text.push_str(&format!(
                "[sources.{kind}]\nkind = \"{kind}\"\naccount = \"good\"\nregions = [\"ap-guangzhou\"]\nschedule = \"2s\"\n\
                 settings = {{ lookback = \"10m\", {settings} }}\n"
            ));
        }
        text
    }

    fn command(&self, args: &[&str], config: &Path) -> Command {
        let mut command = exporter();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.args(args).args(["--config", config.to_str().unwrap()]);
        command
    }

    /// Every other command that reads the configuration.
    fn ask_all(&self, config: &Path, found: &mut Haystack) {
        for args in [
            &["check"][..],
            &["once"],
            &["state", "inspect", "--source", "tat_good"],
            &["state", "export"],
            &["state", "verify"],
        ] {
            let output = self.command(args, config).output().unwrap();
            found.add(&format!("{args:?}, output"), output.stdout);
            found.add(&format!("{args:?}, errors"), output.stderr);
        }
    }
}

/// The daemon, with what it says in two files.
struct Daemon {
    child: Child,
    told: [PathBuf; 2],
}

impl Daemon {
    fn start(mut command: Command, folder: &Path) -> Self {
        let told = ["stdout", "stderr"].map(|name| folder.join(name));
        let [out, err] = [&told[0], &told[1]].map(|path| Stdio::from(File::create(path).unwrap()));
        Self { child: command.stdout(out).stderr(err).spawn().unwrap(), told }
    }

    fn address(&self) -> SocketAddr {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let log = fs::read_to_string(&self.told[1]).unwrap();
            if let Some((_, rest)) = log.split_once("serving metrics at http://") {
                return rest.split('/').next().unwrap().parse().unwrap();
            }
            assert!(Instant::now() < until, "never served: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Faults that make every kind of error, often enough for a few seconds and seldom enough for success.
const FAULTS: &str =
    "auth=0.15,torn=0.1,html=0.1,server=0.1,internal=0.05,throttle=0.02,unknown=0.1,null=0.05";

/// What the daemon shows, once every account has been asked for and most ways of failing were met.
fn watch(address: SocketAddr, planted: &Planted, found: &mut Haystack) {
    let get = |path: &str| get_as(address, path, &planted.web);
    let polled = |page: &str, what: &str| {
        page.lines().any(|line| {
            line.starts_with("taskrun_source_polls_total") && line.contains(what) && !line.ends_with(" 0")
        })
    };
    let met = [
        "\"tat_good\"",
        "\"tat_variables\"",
        "\"tat_ini\"",
        "\"tat_files\"",
        "\"tat_first\"",
        "\"tat_role\"",
        "\"tat_refused\"",
        "\"tat_odd\"",
        "\"tat_pod\"",
        "\"tat_machine\"",
        "\"tat_proxied\"",
        "\"enos_plant\"",
        "\"enos_wrong\"",
        "\"wedata\"",
        "\"scf\"",
        "result=\"auth\"",
        "result=\"ok\"",
        "result=\"connect\"",
        "result=\"decode\"",
    ];
    let until = Instant::now() + Duration::from_secs(90);
    loop {
        let page = get("/metrics").1;
        let missing: Vec<_> = met.iter().filter(|what| !polled(&page, what)).collect();
        if missing.is_empty()
            && page.contains("taskrun_credentials_expiry_timestamp_seconds{account=\"role\"}")
        {
            break;
        }
        assert!(Instant::now() < until, "never met: {missing:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    for path in ["/metrics", "/", "/api/v1/status", "/-/ready", "/-/healthy", "/nowhere"] {
        found.add(path, get(path).1);
        let (code, refusal) = get_as(address, path, &planted.guess);
        assert_eq!(code, 401, "{path}");
        found.add(&format!("{path}, refused"), refusal);
    }
    // What is read while running, and not good.
    let good = planted.folder.path().join("web.yml");
    fs::write(&good, fs::read_to_string(&good).unwrap().replace("$2y$", "")).unwrap();
    let reload = "taskrun_exporter_web_config_last_reload_successful 0";
    eventually("the broken file is noticed", || get("/metrics").1.contains(reload));
}

async fn nothing_leaks(format: &'static str) {
    let clouds = clouds(5, 20.0, 6, FAULTS).await;
    let upstream = clouds.running.addr;
    let mut planted = Planted::new();
    let front = Front::start(upstream);
    let password = planted.plant("proxy password");
    let proxy = Proxy::start(&password);
    let escaped = password.replace('%', "%25").replace('+', "%2B").replace('=', "%3D");
    planted.env.push(("HTTPS_PROXY", format!("http://user:{escaped}@{}", proxy.address)));
    let test = move || {
        let config = planted.folder.path().join("config.toml");
        fs::write(&config, planted.config(upstream, front.address, format)).unwrap();
        let mut found = Haystack::default();
        let mut daemon = Daemon::start(planted.command(&["run"], &config), planted.folder.path());
        watch(daemon.address(), &planted, &mut found);
        let process = format!("/proc/{}/cmdline", daemon.child.id());
        found.add("the command line", fs::read(process).unwrap());
        daemon.end();
        for path in &daemon.told {
            found.add(&path.display().to_string(), fs::read(path).unwrap());
        }
        for entry in fs::read_dir(planted.folder.path().join("state")).unwrap() {
            let path = entry.unwrap().path();
            found.add(&path.display().to_string(), fs::read(&path).unwrap());
        }
        // What the other commands say does not depend on the form of the log.
        if format == "logfmt" {
            planted.ask_all(&config, &mut found);
        }
        // The test can see: the log is at trace level, and everything was there to be leaked.
        let log = String::from_utf8_lossy(found.of("stderr")).into_owned();
        assert!(log.len() > 10_000, "{log}");
        assert!(front.answered() >= 3, "STS was asked {} times", front.answered());
        assert!(proxy.asked() >= 1, "the proxy was never shown the password");
        for said in ["AuthFailure", "holds no usable keys", "assume_role"] {
            assert!(log.contains(said), "{said} was never met");
        }
        found.must_not_hold(&planted.secrets);
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_the_exporter_says_shows_or_keeps() {
    nothing_leaks("logfmt").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_of_json() {
    nothing_leaks("json").await;
}

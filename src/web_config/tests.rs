//! A gate before a file that changes.

use super::gate::{Gate, Refusal};
use super::hasher::{Compared, Hasher};
use super::users::Users;
use super::{file, reader, users, yaml};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use secrecy::SecretString;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Of "correct horse", at the lowest cost there is.
const HASH: &str = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
/// Of "other", at cost 10.
const COSTLY: &str = "$2y$10$abcdefghijklmnopqrstuug7uV/rfOsuPOAUg70eqWWWMjvHc6jZm";

struct Folder {
    dir: tempfile::TempDir,
    told: Arc<Mutex<Vec<bool>>>,
}

impl Folder {
    fn new() -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap(), told: Arc::default() };
        folder.copy("server.pem", "cert.pem");
        folder.copy("server.key", "key.pem");
        folder
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("web.yml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn copy(&self, fixture: &str, to: &str) {
        fs::copy(format!("tests/fixtures/web/{fixture}"), self.dir.path().join(to)).unwrap();
    }

    /// A gate whose own thread is too slow to matter: the test looks at the files itself.
    fn gate(&self) -> Arc<Gate> {
        let told = Arc::clone(&self.told);
        Gate::unwatched(self.path(), Box::new(move |ok| told.lock().unwrap().push(ok))).unwrap()
    }

    fn told(&self) -> Vec<bool> {
        self.told.lock().unwrap().clone()
    }
}

fn basic(name: &str, password: &str) -> HeaderMap {
    let coded = STANDARD.encode(format!("{name}:{password}"));
    [(AUTHORIZATION, format!("Basic {coded}").parse().unwrap())].into_iter().collect()
}

const TLS: &str = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";

#[tokio::test]
async fn users_change_with_the_file_and_a_broken_one_changes_nothing() {
    let folder = Folder::new();
    folder.write(&format!("basic_auth_users: {{alice: {HASH}}}\n"));
    let gate = folder.gate();
    let alice = basic("alice", "correct horse");
    assert_eq!(gate.admit(&alice).await, Ok(()));
    assert_eq!(folder.told(), [true]);

    // One that is being written: seen, and not believed until it stays as it is.
    folder.write("basic_auth_users:\n");
    gate.refresh();
    folder.write(&format!("basic_auth_users: {{bob: {HASH}}}\n"));
    gate.refresh();
    assert_eq!(gate.admit(&HeaderMap::new()).await, Err(Refusal::Unauthorized));
    assert_eq!(gate.admit(&alice).await, Ok(()));
    gate.refresh();
    assert_eq!(gate.admit(&alice).await, Err(Refusal::Unauthorized));
    assert_eq!(gate.admit(&basic("bob", "correct horse")).await, Ok(()));
    assert_eq!(folder.told(), [true, true]);

    for broken in ["basic_auth_users: {bob: plain}\n", "{", "basic_auth_user: {}\n"] {
        folder.write(broken);
        for _ in 0..4 {
            gate.refresh();
        }
        assert_eq!(gate.admit(&basic("bob", "correct horse")).await, Ok(()));
        assert_eq!(gate.admit(&alice).await, Err(Refusal::Unauthorized));
    }
    fs::remove_file(folder.path()).unwrap();
    (0..4).for_each(|_| gate.refresh());
    assert_eq!(gate.admit(&alice).await, Err(Refusal::Unauthorized));
    // Told once for each change, not at each look.
    assert_eq!(folder.told(), [true, true, false, false, false, false]);
    folder.write(&format!("basic_auth_users: {{alice: {HASH}}}\n"));
    (0..2).for_each(|_| gate.refresh());
    assert_eq!(gate.admit(&alice).await, Ok(()));
    assert_eq!(folder.told().last(), Some(&true));
}

#[test]
fn certificates_change_without_the_file_and_garbage_changes_nothing() {
    let folder = Folder::new();
    folder.write(TLS);
    let gate = folder.gate();
    let first = gate.tls().unwrap();
    gate.refresh();
    assert!(Arc::ptr_eq(&first, &gate.tls().unwrap()), "nothing has changed");

    // Half of a rotation: the new certificate does not go with the old key.
    folder.copy("server2.pem", "cert.pem");
    (0..2).for_each(|_| gate.refresh());
    assert!(Arc::ptr_eq(&first, &gate.tls().unwrap()));
    folder.copy("server2.key", "key.pem");
    (0..2).for_each(|_| gate.refresh());
    let second = gate.tls().unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    fs::write(folder.dir.path().join("cert.pem"), "garbage").unwrap();
    (0..2).for_each(|_| gate.refresh());
    assert!(Arc::ptr_eq(&second, &gate.tls().unwrap()));
    assert_eq!(folder.told(), [true, false, true, false]);
}

/// A file that is emptied must not open the door.
#[test]
fn tls_is_not_switched_off_while_running() {
    let folder = Folder::new();
    folder.write(TLS);
    let gate = folder.gate();
    folder.write("");
    (0..2).for_each(|_| gate.refresh());
    assert!(gate.tls().is_some());
    assert_eq!(folder.told(), [true, false]);
}

#[tokio::test]
async fn only_the_right_password_of_the_right_user_comes_in() {
    let folder = Folder::new();
    folder.write(&format!("basic_auth_users: {{alice: {HASH}, bob: {COSTLY}}}\n"));
    let gate = folder.gate();
    for _ in 0..2 {
        assert_eq!(gate.admit(&basic("alice", "correct horse")).await, Ok(()));
        assert_eq!(gate.admit(&basic("bob", "other")).await, Ok(()));
        for (name, password) in [
            ("alice", "other"),
            ("bob", "correct horse"),
            ("carol", "correct horse"),
            ("carol", "other"),
            ("", ""),
        ] {
            assert_eq!(gate.admit(&basic(name, password)).await, Err(Refusal::Unauthorized), "{name}");
        }
    }
    for header in ["", "Basic", "Basic !!!", "Bearer YWxpY2U6Y29ycmVjdCBob3JzZQ==", "Basic YWxpY2U="] {
        let headers = [(AUTHORIZATION, header.parse().unwrap())].into_iter().collect();
        assert_eq!(gate.admit(&headers).await, Err(Refusal::Unauthorized), "{header}");
    }
}

fn users(text: &str) -> Users {
    let mut reader = reader::Reader::new("web.yml".into());
    let tree = yaml::parse(text).ok().unwrap();
    let users = users::read(&mut reader, &tree);
    assert_eq!(reader.count(), 0);
    users
}

/// Whatever a name is compared with, it is always the same, and of the costs that known names have.
#[test]
fn an_unknown_name_costs_what_a_known_one_does() {
    use secrecy::ExposeSecret as _;
    let users = users(&format!("a: {HASH}\nb: {COSTLY}\n"));
    let hash = |name: &str, lot| {
        let (hash, known) = users.hash(name, lot).unwrap();
        (hash.expose_secret().to_owned(), known)
    };
    assert_eq!(hash("a", 1), (HASH.to_owned(), true));
    assert_eq!(hash("carol", 6), (HASH.to_owned(), false));
    assert_eq!(hash("carol", 7), (COSTLY.to_owned(), false));
}

/// One comparison goes on at a time, and only so many wait: 10,000 guesses at once cost no more than these.
#[tokio::test]
async fn guesses_beyond_the_queue_are_told_to_come_again() {
    let users = Arc::new(users(&format!("a: {COSTLY}\n")));
    let hasher = Arc::new(Hasher::start().unwrap());
    assert_eq!(hasher.compare(&users, "a", SecretString::from("other")).await, Compared::Right);
    let mut guesses = tokio::task::JoinSet::new();
    for guess in 0..200 {
        let (users, hasher) = (Arc::clone(&users), Arc::clone(&hasher));
        guesses
            .spawn(async move { hasher.compare(&users, "a", SecretString::from(guess.to_string())).await });
    }
    let ended = guesses.join_all().await;
    let busy = ended.iter().filter(|end| **end == Compared::Busy).count();
    assert!((160..=170).contains(&busy), "{busy} of 200");
    assert!(!ended.contains(&Compared::Right));
    // Who is known comes in meanwhile: see that it is not asked again.
    let full: Vec<_> =
        (0..200).map(|guess| hasher.compare(&users, "x", SecretString::from(guess.to_string()))).collect();
    let mut full: Vec<_> = full.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        assert!(full.iter_mut().any(|guess| guess.as_mut().poll(cx).is_pending()));
        std::task::Poll::Ready(())
    })
    .await;
    assert_eq!(hasher.compare(&users, "a", SecretString::from("other")).await, Compared::Right);
}

#[test]
fn the_example_is_good() {
    let text = fs::read_to_string("config/web.yml").unwrap();
    // Its certificates are on the operator's disk.
    let folder = Folder::new();
    let text = text.replace("/etc/taskrun-exporter/tls/cert.pem", "cert.pem");
    let text = text.replace("/etc/taskrun-exporter/tls/key.pem", "key.pem");
    folder.copy("ca.pem", "clients.pem");
    folder.write(&text.replace("/etc/taskrun-exporter/tls/clients.pem", "clients.pem"));
    let config = file::read(&folder.path()).outcome;
    assert_eq!(config.err(), None);
}

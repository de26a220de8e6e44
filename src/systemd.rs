//! What passes between the service manager and this process. Without a service manager nothing happens.

use sd_notify::NotifyState;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

/// Tells that the start, or a reload, is finished.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells that a reload has begun; [`ready`] must follow, whether it succeeds or not.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        // Without the time systemd 253 and later would end the service for it.
        Err(error) => tracing::debug!(%error, "cannot tell systemd of the reload"),
    }
}

/// Tells that the end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells, in one line for `systemctl status`, how things are.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(&text.replace('\n', " "))]);
}

/// Tells that the process is alive. Call it from what really makes progress.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often to call [`alive`]: a third of `WatchdogSec=`, so that one call may be left out. `None` where the unit sets
/// none.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3).filter(|interval| !interval.is_zero())
}

/// The sockets of a `.socket` unit, in its order and fit for tokio; none where there is no such unit.
///
/// Call it once, first thing in main: it takes the variables that name the sockets out of the environment, which is
/// safe only while there is one thread.
///
/// # Errors
/// One of them does not listen for TCP connections.
pub fn listeners() -> io::Result<Vec<TcpListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        if let Some(listener) = passed.take_tcp_listener(index)? {
            listener.set_nonblocking(true)?;
            listeners.push(listener);
        }
    }
    Ok(listeners)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;
    use std::process::{Command, Stdio};

    /// Runs one of the ignored tests below in a process of its own, because the environment belongs to all threads.
    fn child(test: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture", &format!("systemd::tests::{test}")]);
        command.stdout(Stdio::null());
        command
    }

    #[test]
    fn systemd_hears_of_start_reload_and_stop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let status =
            child("tells").env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "3000000").status().unwrap();
        assert!(status.success());
        let heard = || {
            let mut bytes = [0; 256];
            let length = socket.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        assert_eq!(heard().trim(), "READY=1");
        let reload = heard();
        assert!(reload.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reload}");
        assert_eq!(heard().trim(), "STATUS=two lines");
        assert_eq!(heard().trim(), "WATCHDOG=1");
        assert_eq!(heard().trim(), "STOPPING=1");
    }

    #[test]
    #[ignore = "run by systemd_hears_of_start_reload_and_stop"]
    fn tells() {
        ready();
        reloading();
        status("two\nlines");
        assert_eq!(watchdog_interval(), Some(Duration::from_secs(1)));
        alive();
        stopping();
    }

    #[test]
    fn sockets_that_are_passed_are_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let status = child("takes")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .envs([("LISTEN_FDS", "1"), ("LISTEN_FDS_FIRST_FD", "0")])
            .arg(format!("--skip={port}"))
            .status()
            .unwrap();
        assert!(status.success());
        assert!(listeners().unwrap().is_empty(), "nothing is passed to this process");
    }

    #[test]
    #[ignore = "run by sockets_that_are_passed_are_taken"]
    fn takes() {
        let taken = listeners().unwrap();
        let port = taken[0].local_addr().unwrap().port();
        assert_eq!(taken.len(), 1);
        assert!(
            std::env::args().any(|arg| arg == format!("--skip={port}")),
            "the very socket that was passed"
        );
        assert!(listeners().unwrap().is_empty(), "and only once");
    }
}

//! Simulated clouds for tests: started on a free port, stopped when dropped.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use taskrun_exporter::clock::SystemClock;
use taskrun_exporter::simulator::{Faults, Options, Running, SimClock, Simulator, World};
use taskrun_exporter::sources;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Running clouds.
pub(crate) struct TestClouds {
    pub(crate) running: Running,
    pub(crate) stop: DropGuard,
}

/// Clouds of one seed, `tasks` tasks of each kind, on the machine's clock.
pub(crate) async fn clouds(seed: u64, speed: f64, tasks: usize, faults: &str) -> TestClouds {
    let stop = CancellationToken::new();
    let options = Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        world: World::try_new(seed, speed, tasks).unwrap(),
        faults: faults.parse::<Faults>().unwrap(),
        clock: Arc::new(SimClock::new(Arc::new(SystemClock))),
    };
    let running = Simulator::start(options, sources::faces(), stop.clone()).await.unwrap();
    TestClouds { running, stop: stop.drop_guard() }
}

//! Three instances of the shop with one database and one Redis.

use std::sync::Arc;
use std::thread;

use super::load::Load;
use crate::support::{DEFAULT_REDIS_TIMEOUT, TestDatabase, TestSite, lasting_port};

/// How long an instance would drain: a second signal ends it before.
pub const DRAIN: [&str; 2] = ["--drain", "600"];

/// How much of its log an instance shows when the story has failed.
const LAST_LINES: usize = 40;

/// The instances, by their numbers.
pub struct Fleet {
    pub ports: [u16; 3],
    pub sites: [Option<TestSite>; 3],
    database: Arc<TestDatabase>,
    redis: String,
}

impl Fleet {
    pub fn open(database: &Arc<TestDatabase>, redis: &str) -> Self {
        let ports = [(); 3].map(|()| lasting_port());
        let (database, redis) = (Arc::clone(database), redis.to_owned());
        let mut fleet = Self { ports, sites: Default::default(), database, redis };
        (0..3).for_each(|number| fleet.starts(number));
        fleet
    }

    fn starts(&mut self, number: usize) {
        let bind = format!("127.0.0.1:{}", self.ports[number]);
        let shared = ["--redis", &self.redis, "--redis-timeout", DEFAULT_REDIS_TIMEOUT];
        let flags = [&["--bind", &bind, "--access", "staff"], &shared[..], &DRAIN].concat();
        self.sites[number] = Some(TestSite::open(Arc::clone(&self.database), &flags));
    }

    /// Kills an instance, and starts it again after HAProxy has noticed.
    pub fn loses(&mut self, number: usize, load: &Load) {
        // HAProxy cannot know whether it has done the write that it was at. To a client that keeps its connection it says so
        // by closing that, if the instance was asked on a connection that had been used before.
        load.excuses(&[": 502: ", "Peer disconnected"], || {
            self.sites[number] = None;
            load.waits_until("HAProxy misses it", || !load.balancer.is_up(number));
            load.goes_on();
        });
        self.starts(number);
        load.waits_until("HAProxy finds the new instance", || load.balancer.is_up(number));
    }

    /// Replaces an instance, as `systemctl restart` does, with the second signal instead of a time.
    pub fn deploys(&mut self, number: usize, load: &Load) {
        let old = self.sites[number].take().unwrap();
        old.signal("TERM");
        load.waits_until("HAProxy leaves it alone", || !load.balancer.is_up(number));
        ends(old);
        self.starts(number);
        load.waits_until("HAProxy is back", || load.balancer.is_up(number));
    }
}

/// Prints the last warnings of the instances if the story has failed: a client only knows that its request did.
impl Drop for Fleet {
    fn drop(&mut self) {
        if thread::panicking() {
            for site in self.sites.iter().flatten() {
                let log = site.log();
                let lines: Vec<_> = log.lines().filter(|line| !line.contains(" INFO ")).collect();
                let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
                eprintln!("== {}\n{}", site.address(), last.join("\n"));
            }
        }
    }
}

/// Ends an instance that drains already.
#[track_caller]
pub fn ends(site: TestSite) {
    site.signal("TERM");
    let ended = site.ends();
    assert!(ended.status.success(), "{ended:?}");
}

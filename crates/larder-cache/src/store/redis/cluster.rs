//! A Redis Cluster: servers that each have some of the slots, among which the keys are divided.
//!
//! - The map of the slots is read from the servers in turn, when it is first needed and after any
//!   server failed or redirected a request.
//! - Each server has connections and a breaker of its own: while one fails, the others' keys are used.
//! - A redirected request is sent again to the server that has the slot, or takes it over. The first
//!   server did nothing with it.
//! - The feature `cluster` of deadpool-redis is not used. Its client sends `ASKING` apart from the
//!   command, so that on a shared connection another command may get between; while it reads the
//!   map, which waits for frozen servers, it holds up every call; and it adds six crates.
//!
//! Source: Redis cluster specification, "Redirection and resharding".

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use deadpool_redis::redis::{
    ErrorKind, RedisError, ServerErrorKind, Value, cmd, from_redis_value, from_redis_value_ref,
};
use tokio::time::Instant;

use super::{
    StoreError,
    address::{Hosts, parse_host},
    message::{Message, Request},
    pool::{Limits, pool},
    refusal,
    server::{Answer, Server},
    source::Source,
};

/// The servers of a cluster.
pub(super) struct Cluster {
    hosts: Hosts,
    limits: Limits,
    /// Counts the readings of the map, and so names the server that is asked.
    turn: AtomicUsize,
    state: Mutex<State>,
}

/// The host and the port of a server.
type Address = (String, u16);

/// The servers that have the keys.
pub(super) struct Primaries {
    pub(super) servers: Vec<Arc<Server>>,
    pub(super) signature: Signature,
}

/// What a cluster is at a moment: other servers or other slots have other numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) servers: u64,
    pub(super) slots: u64,
}

#[derive(Default)]
struct State {
    /// The primaries, and the servers that the URL names.
    servers: BTreeMap<Address, Arc<Server>>,
    /// Ranges of slots, each with its primary.
    map: Vec<Range>,
    /// When the map was last asked for, and whether it may be wrong since.
    asked: Option<Instant>,
    is_outdated: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Range {
    first: u16,
    last: u16,
    primary: Address,
}

/// How long a map is used that may be wrong.
///
/// A failover takes seconds, and requests for a slot that moved are redirected.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a request follows a redirection: slots that move on meanwhile are rare.
const MOST_REDIRECTIONS: usize = 4;

impl Cluster {
    /// Returns the cluster at a URL: `None` if it is another's, `Some(None)` if it is malformed.
    pub(super) fn open(url: &str, limits: Limits) -> Option<Option<Self>> {
        // A cluster has the database 0 only.
        let hosts =
            Hosts::parse(url, "cluster", 6379)?.filter(|hosts| ["", "0"].contains(&&*hosts.path));
        Some(hosts.map(|hosts| Self {
            hosts,
            limits,
            turn: AtomicUsize::new(0),
            state: Mutex::default(),
        }))
    }

    /// Sends a request to the server that has the slot.
    pub(super) async fn send(&self, slot: u16, mut request: Request<'_>) -> Answer {
        let mut server = self.primary_of(slot, request.until).await?;
        for _ in 0..MOST_REDIRECTIONS {
            let answer = self.send_to(&server, request).await?;
            let Some((address, is_asking)) = answer.as_ref().err().and_then(redirection) else {
                return Ok(answer);
            };
            if !is_asking {
                self.outdate();
            }
            server = self.server(address)?;
            request.is_asking = is_asking;
        }
        self.send_to(&server, request).await
    }

    /// Sends a request to a server.
    pub(super) async fn send_to(&self, server: &Server, request: Request<'_>) -> Answer {
        server.send(request).await.inspect_err(|_| self.outdate())
    }

    /// Reads the map, and returns the primaries.
    pub(super) async fn primaries(&self, until: Instant) -> Result<Primaries, StoreError> {
        self.read(until).await?;
        let state = self.state.lock().unwrap();
        let addresses = state.primaries();
        let signature = Signature { servers: hash(&addresses), slots: hash(&state.map) };
        let servers = addresses.into_iter().filter_map(|address| state.servers.get(address));
        Ok(Primaries { servers: servers.cloned().collect(), signature })
    }

    /// Reports whether a primary is refused requests because the last ones failed.
    pub(super) fn is_paused(&self) -> bool {
        let state = self.state.lock().unwrap();
        let primaries = state.primaries();
        let is_used = |address| primaries.is_empty() || primaries.contains(address);
        state.servers.iter().any(|(address, server)| is_used(address) && server.is_paused())
    }

    pub(super) fn close(&self) {
        for server in self.state.lock().unwrap().servers.values() {
            server.close();
        }
    }

    async fn primary_of(&self, slot: u16, until: Instant) -> Result<Arc<Server>, StoreError> {
        if self.is_to_be_read() {
            let read = self.read(until).await;
            // An old map is better than none.
            if self.state.lock().unwrap().map.is_empty() {
                read?;
            }
        }
        let primary = self.state.lock().unwrap().primary_of(slot);
        primary.ok_or_else(|| {
            self.outdate();
            unavailable("no server has the slot")
        })
    }

    /// Reports whether this call is the one that reads the map.
    fn is_to_be_read(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        let is_due = state.is_outdated && state.asked.is_none_or(|asked| asked.elapsed() > PAUSE);
        if is_due {
            state.asked = Some(Instant::now());
        }
        is_due || state.map.is_empty()
    }

    fn outdate(&self) {
        self.state.lock().unwrap().is_outdated = true;
    }

    /// Reads the map from the first primary that answers, or else from a server that the URL names.
    async fn read(&self, until: Instant) -> Result<(), StoreError> {
        // Another one each time: the first may be frozen, and then this call ends with its timeout.
        let turn = self.turn.fetch_add(1, Relaxed);
        let primaries = self.state.lock().unwrap().primaries().into_iter().cloned().collect();
        let in_turn = |mut addresses: Vec<Address>| {
            let first = turn % addresses.len().max(1);
            addresses.rotate_left(first);
            addresses
        };
        let mut failure = StoreError::Closed;
        for address in in_turn(primaries).iter().chain(&in_turn(self.hosts.named.clone())) {
            match self.read_from(address, until).await {
                Ok(map) => return self.adopt(map),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn read_from(&self, asked: &Address, until: Instant) -> Result<Vec<Range>, StoreError> {
        let mut command = cmd("CLUSTER");
        command.arg("SLOTS");
        let message = Message::Command(&command);
        let request = Request { message, is_repeatable: true, is_asking: false, until };
        let answer = self.server(asked.clone())?.send(request).await?;
        let answer = answer.map_err(|error| refusal::of_command(error, self.limits.timeout))?;
        let map = parse_map(answer, &asked.0).filter(|map| !map.is_empty());
        map.ok_or_else(|| unavailable("a server knows no slots"))
    }

    /// Uses a map from now on, and forgets servers without slots that the URL does not name.
    fn adopt(&self, map: Vec<Range>) -> Result<(), StoreError> {
        let primaries = map.iter().map(|range| &range.primary);
        let addresses = primaries.chain(&self.hosts.named).cloned();
        let servers = addresses.map(|address| Ok((address.clone(), self.server(address)?)));
        let servers = servers.collect::<Result<_, StoreError>>()?;
        let mut state = self.state.lock().unwrap();
        *state = State { servers, map, asked: Some(Instant::now()), is_outdated: false };
        Ok(())
    }

    /// Returns the server at an address, with connections that are opened when they are needed.
    fn server(&self, address: Address) -> Result<Arc<Server>, StoreError> {
        let mut state = self.state.lock().unwrap();
        if let Some(server) = state.servers.get(&address) {
            return Ok(server.clone());
        }
        let pool =
            self.hosts.at(&address.0, address.1, "").and_then(|to| pool(to, self.limits).ok());
        let pool = pool.ok_or_else(|| unavailable("a server has no address"))?;
        let server = Arc::new(Server::new(Source::Server(pool), self.limits));
        state.servers.insert(address, server.clone());
        Ok(server)
    }
}

impl State {
    fn primary_of(&self, slot: u16) -> Option<Arc<Server>> {
        let range = self.map.iter().find(|range| (range.first..=range.last).contains(&slot));
        range.and_then(|range| self.servers.get(&range.primary).cloned())
    }

    fn primaries(&self) -> BTreeSet<&Address> {
        self.map.iter().map(|range| &range.primary).collect()
    }
}

/// Returns to which server an answer redirects, and whether that is only taking over the slot.
fn redirection(error: &RedisError) -> Option<(Address, bool)> {
    let is_asking = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
    let (address, _slot) = error.redirect_node()?;
    Some((parse_host(address, 6379)?, is_asking))
}

/// Reads the answer to `CLUSTER SLOTS` of the server at a host; `None` if it is another one.
fn parse_map(answer: Value, asked: &str) -> Option<Vec<Range>> {
    let ranges: Vec<Vec<Value>> = from_redis_value(answer).ok()?;
    let ranges = ranges.iter().map(|range| {
        let [first, last, primary, ..] = range.as_slice() else { return None };
        let primary: Vec<Value> = from_redis_value_ref(primary).ok()?;
        let [host, port, ..] = primary.as_slice() else { return None };
        // A server that knows no host for itself or another has the one that it was asked at.
        let host: Option<String> = from_redis_value_ref(host).ok()?;
        let host = host.filter(|host| !["", "?"].contains(&&**host));
        Some(Range {
            first: from_redis_value_ref(first).ok()?,
            last: from_redis_value_ref(last).ok()?,
            primary: (host.unwrap_or_else(|| asked.to_owned()), from_redis_value_ref(port).ok()?),
        })
    });
    let mut ranges: Vec<Range> = ranges.collect::<Option<_>>()?;
    // Not all servers list them in the same order.
    ranges.sort();
    Some(ranges)
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn unavailable(what: &'static str) -> StoreError {
    StoreError::Unavailable(what.into())
}

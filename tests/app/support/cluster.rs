//! A Redis Cluster.

use super::redis::Redis;
use super::until::until;

/// Three primaries, which are the first three servers at first, with a replica each.
pub struct Cluster {
    pub servers: Vec<Redis>,
}

impl Cluster {
    /// Starts all six; returns `None` if Redis is not installed.
    pub fn start() -> Option<Self> {
        let servers = (0..6).map(|_| Redis::start_for_cluster()).collect::<Option<Vec<_>>>()?;
        let addresses: Vec<String> =
            servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"]);
        Redis::shell(&create);
        until("all servers have joined, and the replicas have the data", || {
            servers.iter().all(|server| {
                server.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
                    && server.command(&["CLUSTER", "NODES"]).matches("slave").count() == 3
                    && !server.command(&["INFO", "replication"]).contains("link_status:down")
            })
        });
        Some(Self { servers })
    }

    /// Returns the URL, which has two of the servers.
    pub fn url(&self) -> String {
        let [first, second] = [&self.servers[1], &self.servers[5]].map(Redis::port);
        format!("redis-cluster://127.0.0.1:{first},127.0.0.1:{second}")
    }

    /// Returns the primary among the first three servers that has keys.
    pub fn used(&self) -> Option<usize> {
        (0..3).find(|server| !self.servers[*server].keys().is_empty())
    }

    /// Returns the replica that has taken over from one of the first three servers.
    pub fn promoted(&self) -> Option<&Redis> {
        self.servers[3..].iter().find(|server| is_primary(server))
    }

    /// Moves the slots of all keys that a primary has to another, key by key.
    pub fn move_slots(&self, from: usize, to: usize) {
        let [from, to] = [from, to].map(|server| &self.servers[server]);
        let [from_id, to_id] = [from, to].map(|server| server.command(&["CLUSTER", "MYID"]));
        for key in from.keys().lines() {
            let slot = from.command(&["CLUSTER", "KEYSLOT", key]);
            to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
            from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
            loop {
                let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]);
                let Some(key) = keys.lines().next() else { break };
                let port = to.port().to_string();
                from.command(&["MIGRATE", "127.0.0.1", &port, key, "0", "60000"]);
            }
            for server in [to, from] {
                server.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
            }
        }
    }
}

fn is_primary(server: &Redis) -> bool {
    server.command(&["INFO", "replication"]).contains("role:master")
}

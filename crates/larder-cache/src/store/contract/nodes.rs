//! A Redis Cluster of three primaries and three replicas.

use std::{
    net::TcpListener,
    process::{Command, Output},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use deadpool_redis::redis::{Client, Cmd, FromRedisValue, cmd};

use super::server::{Server, wait_until};
use crate::store::redis::names;

/// A running cluster. The first three nodes are its primaries at first.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
    ports: [u16; 6],
}

/// Returns the cluster that all tests of the contract share; `None` if redis-server is not installed.
pub(crate) fn shared_cluster() -> Option<&'static Cluster> {
    static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::start);
    SHARED.as_ref()
}

impl Cluster {
    pub(crate) fn start() -> Option<Self> {
        let all: [u16; 12] = free_ports();
        let ports: [u16; 6] = all[..6].try_into().unwrap();
        let start = |node: usize| {
            let (port, bus) = (all[node].to_string(), all[node + 6].to_string());
            let options = [
                ["--port", &port],
                ["--bind", "127.0.0.1"],
                ["--cluster-enabled", "yes"],
                ["--cluster-port", &bus],
                // Failovers are to be quick, but not those of a busy computer.
                ["--cluster-node-timeout", "3000"],
                ["--repl-diskless-sync-delay", "0"],
            ];
            Server::start(options.as_flattened())
        };
        let nodes = (0..6).map(start).collect::<Option<Vec<_>>>()?;
        let cluster = Self { nodes, ports };
        let addresses = ports.map(|port| format!("127.0.0.1:{port}"));
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        admin(&[&create[..], &["--cluster-replicas", "1", "--cluster-yes"]].concat());
        wait_until("all nodes have joined", || {
            let has_joined = |node: &Server| {
                let info: String = node.run(cmd("CLUSTER").arg("INFO"));
                let nodes: String = node.run(cmd("CLUSTER").arg("NODES"));
                let replication: String = node.run(cmd("INFO").arg("replication"));
                info.contains("cluster_state:ok")
                    && nodes.matches("slave").count() == 3
                    // A replica that never had its primary's data takes nothing over.
                    && !replication.contains("master_link_status:down")
            };
            cluster.nodes.iter().all(has_joined)
        });
        Some(cluster)
    }

    /// Returns the URL of the cluster, with two of its nodes.
    pub(crate) fn url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{},127.0.0.1:{}", self.ports[0], self.ports[4])
    }

    /// Runs a command on a key at the node that has it.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &str, key: &str, rest: &[i64]) -> T {
        let mut command = cmd(command);
        command.arg(names::tagged(key)).arg(rest);
        let at = |node: &str, command: &Cmd| {
            let client = Client::open(format!("redis://{node}")).unwrap();
            command.query(&mut client.get_connection().unwrap())
        };
        let answer = at(&format!("127.0.0.1:{}", self.ports[0]), &command);
        answer.unwrap_or_else(|error| at(error.redirect_node().unwrap().0, &command).unwrap())
    }

    /// Returns the number of the primary that has the slot at first.
    pub(crate) fn owner_of(&self, key: &str) -> usize {
        usize::from(names::slot(&names::tagged(key)) / 5461).min(2)
    }

    /// Returns the primary with the lowest port, which a scan begins with.
    pub(crate) fn first_scanned(&self) -> usize {
        (0..3).min_by_key(|node| self.ports[*node]).unwrap()
    }

    /// Returns the primary with the highest port.
    pub(crate) fn last_scanned(&self) -> usize {
        (0..3).max_by_key(|node| self.ports[*node]).unwrap()
    }

    /// Returns the name that a node has in the cluster.
    pub(crate) fn name_of(&self, node: usize) -> String {
        self.nodes[node].run(cmd("CLUSTER").arg("MYID"))
    }

    /// Moves slots from one primary to another, with their keys.
    pub(crate) fn reshard(&self, from: usize, to: usize, slots: usize) {
        let (address, slots) = (format!("127.0.0.1:{}", self.ports[from]), slots.to_string());
        let (from, to) = (self.name_of(from), self.name_of(to));
        let what = ["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to];
        admin(&[&what[..], &["--cluster-slots", &slots, "--cluster-yes"]].concat());
        // Until then another move is refused.
        wait_until("all nodes know where the slots are", || {
            redis_cli(&["--cluster", "check", &address]).status.success()
        });
    }

    /// Lets a slot be on its way from one node to another.
    pub(crate) fn begin_to_move(&self, slot: u16, from: usize, to: usize) {
        for (node, state, other) in [(to, "IMPORTING", from), (from, "MIGRATING", to)] {
            let mut set = cmd("CLUSTER");
            set.arg("SETSLOT").arg(slot).arg(state).arg(self.name_of(other));
            let _: () = self.nodes[node].run(&mut set);
        }
    }

    /// Moves a name from one node to another while its slot is being moved.
    pub(crate) fn migrate(&self, name: &str, from: usize, to: usize) {
        let mut migrate = cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(self.ports[to]).arg(name).arg(0).arg(60_000);
        let _: String = self.nodes[from].run(&mut migrate);
    }
}

/// Returns ports that are free now, and that no other cluster of this process gets.
///
/// They are below those that connections get, which would take them before the server does.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    static NEXT: LazyLock<AtomicU32> =
        LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(100)));
    let next = || 10_000 + (NEXT.fetch_add(1, Relaxed) % 20_000) as u16;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    [(); COUNT].map(|()| std::iter::repeat_with(next).find(is_free).unwrap())
}

fn admin(arguments: &[&str]) {
    let output = redis_cli(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn redis_cli(arguments: &[&str]) -> Output {
    Command::new("redis-cli").args(arguments).output().unwrap()
}

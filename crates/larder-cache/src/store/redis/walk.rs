//! Scans of all keys, page by page and server by server.
//!
//! - While slots move between the servers of a cluster, keys may go from one that is still to be
//!   scanned to one that was scanned. A second round finds them, as they move once.
//! - If a server has taken over from another meanwhile, the walk begins again: the keys of the new
//!   server are in another order.
//! - The state of a walk is in the text of its cursor, since each page is a call of its own.

use super::cluster::Signature;

/// Where a scan goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// What the cluster was when the walk began.
    pub(super) signature: Signature,
    /// How many scans of a server are done.
    step: usize,
    pub(super) cursor: String,
}

impl Walk {
    /// Reads the text of a walk, which begins if there is none, or if the servers are others now.
    pub(super) fn read(text: Option<&str>, now: Signature) -> Self {
        let walk = text.and_then(Self::parse);
        let walk = walk.filter(|walk| walk.signature.servers == now.servers);
        walk.unwrap_or_else(|| Self { signature: now, step: 0, cursor: "0".to_owned() })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ' ');
        let mut number = || parts.next()?.parse().ok();
        let signature = Signature { servers: number()?, slots: number()? };
        let step = parts.next()?.parse().ok()?;
        Some(Self { signature, step, cursor: parts.next()?.to_owned() })
    }

    /// Returns the number of the server to scan.
    pub(super) fn server(&self, servers: usize) -> usize {
        self.step % servers
    }

    /// Goes on behind a page.
    pub(super) fn advance(&mut self, cursor: String) {
        self.step += usize::from(cursor == "0");
        self.cursor = cursor;
    }

    /// Reports whether all servers were scanned so many times.
    pub(super) fn has_done(&self, rounds: usize, servers: usize) -> bool {
        self.step == rounds * servers && self.cursor == "0"
    }

    pub(super) fn text(&self) -> String {
        let Self { signature: Signature { servers, slots }, step, cursor } = self;
        format!("{servers} {slots} {step} {cursor}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Signature = Signature { servers: 7, slots: 8 };

    #[test]
    fn two_servers_are_scanned_one_after_the_other() {
        let (mut walk, mut seen) = (Walk::read(None, NOW), Vec::new());
        while !walk.has_done(2, 2) {
            seen.push((walk.server(2), walk.cursor.clone(), walk.has_done(1, 2)));
            walk.advance(if walk.cursor == "0" { "5" } else { "0" }.to_owned());
            walk = Walk::read(Some(&walk.text()), Signature { slots: 9, ..NOW });
            assert_eq!(walk.signature, NOW);
        }
        let pages =
            |number, is_second| [(number, "0".into(), is_second), (number, "5".into(), false)];
        let rounds = [pages(0, false), pages(1, false), pages(0, true), pages(1, false)];
        assert_eq!(seen, rounds.as_flattened());
    }

    #[test]
    fn the_walk_begins_again_if_the_servers_are_others() {
        let mut walk = Walk::read(None, NOW);
        walk.advance("5".to_owned());
        let others = Signature { servers: 9, slots: 9 };
        assert_eq!(Walk::read(Some(&walk.text()), others), Walk::read(None, others));
        assert_eq!(Walk::read(Some("5"), NOW), Walk::read(None, NOW));
    }
}

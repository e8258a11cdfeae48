//! A proxy between the shop and Postgres that can hold answers of the database.
//!
//! When an answer is held, the statement has run but the shop does not know it yet. A test can let
//! other things happen in between without depending on luck.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::until::PATIENCE;

/// Which answers are held.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    /// Holds only on connections on which the shop has sent these bytes at any time.
    pub connection: &'static str,
    /// Holds only answers to a statement that contains these words; empty matches every answer.
    ///
    /// The message that contains the words prepares the statement, and the next one runs it.
    pub statement: &'static str,
}

/// The proxy. Its connections end with the shop.
pub struct Proxy {
    port: u16,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    hold: Option<Hold>,
    /// How many answers are held now, and how many at most; all if this is none.
    held: usize,
    most: Option<usize>,
    is_cut: bool,
    /// Both ends of the connections that were made.
    ends: Vec<TcpStream>,
}

impl Proxy {
    /// Starts a proxy to the server at this port of the loopback interface.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire::default());
        let shared = Arc::clone(&wire);
        thread::spawn(move || {
            for shop in listener.incoming().map_while(Result::ok) {
                let mut state = shared.state.lock().unwrap();
                if !state.is_cut {
                    let database = TcpStream::connect(("127.0.0.1", server)).unwrap();
                    state.ends.extend([shop.try_clone().unwrap(), database.try_clone().unwrap()]);
                    drop(state);
                    connect(&shared, shop, database);
                }
            }
        });
        Self { port, wire }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections and refuses new ones.
    pub fn cut(&self) {
        let mut state = self.wire.state.lock().unwrap();
        state.is_cut = true;
        for end in state.ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Accepts new connections again.
    pub fn mend(&self) {
        self.wire.state.lock().unwrap().is_cut = false;
    }

    /// Holds the matching answers from now on.
    pub fn hold(&self, hold: Hold) {
        let mut state = self.wire.state.lock().unwrap();
        (state.hold, state.most) = (Some(hold), None);
    }

    /// Holds the next matching answer; those after it pass.
    pub fn hold_one(&self, hold: Hold) {
        let mut state = self.wire.state.lock().unwrap();
        (state.hold, state.most) = (Some(hold), Some(1));
    }

    /// Waits until an answer is held.
    #[track_caller]
    pub fn wait_until_held(&self) {
        let state = self.wire.state.lock().unwrap();
        let (state, _) =
            self.wire.changed.wait_timeout_while(state, PATIENCE, |state| state.held == 0).unwrap();
        assert!(state.held > 0, "no answer came by that could be held");
    }

    /// Returns how many answers are held, as soon as there is one or after `limit`.
    pub fn held_within(&self, limit: Duration) -> usize {
        let state = self.wire.state.lock().unwrap();
        let waited = self.wire.changed.wait_timeout_while(state, limit, |state| state.held == 0);
        waited.unwrap().0.held
    }

    /// Releases all held answers and holds no more.
    pub fn let_go(&self) {
        self.wire.state.lock().unwrap().hold = None;
        self.wire.changed.notify_all();
    }
}

fn connect(wire: &Arc<Wire>, shop: TcpStream, database: TcpStream) {
    let is_to_hold = Arc::new(Mutex::new(false));
    let (from_shop, to_database) = (shop.try_clone().unwrap(), database.try_clone().unwrap());
    let (questions, answers) = (Arc::clone(wire), Arc::clone(wire));
    let asked = Arc::clone(&is_to_hold);
    thread::spawn(move || {
        let mut said = Vec::new();
        let mut is_prepared = false;
        pump(from_shop, to_database, |message| {
            said.extend_from_slice(message);
            let hold = questions.state.lock().unwrap().hold;
            *asked.lock().unwrap() = hold.is_some_and(|hold| {
                let is_run = hold.statement.is_empty() || is_prepared;
                is_run && contains(&said, hold.connection)
            });
            is_prepared = hold.is_some_and(|hold| contains(message, hold.statement));
        });
    });
    thread::spawn(move || {
        pump(database, shop, |_| {
            if *is_to_hold.lock().unwrap() {
                answers.hold_still();
            }
        });
    });
}

impl Wire {
    fn hold_still(&self) {
        let mut state = self.state.lock().unwrap();
        if state.most.is_some_and(|most| state.held >= most) {
            return;
        }
        state.held += 1;
        self.changed.notify_all();
        let mut state = self.changed.wait_while(state, |state| state.hold.is_some()).unwrap();
        state.held -= 1;
    }
}

/// Copies bytes from one end to the other; `look` sees each piece before it is forwarded.
fn pump(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut piece = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        look(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn contains(bytes: &[u8], word: &str) -> bool {
    word.is_empty() || bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

//! A proxy in front of Redis that injects faults: slow answers, late writes, or corrupted values.
//!
//! - It speaks RESP 2 and forwards the commands of a connection one at a time.
//! - It counts the faults, so that a test can check that there were some.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::dice::Dice;
use super::message::Message;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Forwards everything unchanged.
    None,
    /// Delays each answer by this duration.
    Slow(Duration),
    /// Answers a `SET` at once and performs it one to two seconds later, in any order. Reads pass.
    LateWrites,
    /// Flips a bit in most values that are read, or cuts them short.
    Garbled,
}

/// The proxy. It stops when it is dropped.
pub struct Line {
    port: u16,
    wire: Arc<Wire>,
}

struct Wire {
    redis: u16,
    trouble: Mutex<Trouble>,
    troubled: AtomicU64,
    /// Writes that are delayed, with the time at which each is performed.
    late: Mutex<Vec<(Instant, Message)>>,
    dice: Mutex<Dice>,
    end: Bell,
}

impl Line {
    /// Starts a proxy to the Redis at this port of the loopback interface.
    pub fn to(redis: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            redis,
            trouble: Mutex::new(Trouble::None),
            troubled: AtomicU64::new(0),
            late: Mutex::default(),
            dice: Mutex::new(Dice::of(1)),
            end: Bell::default(),
        });
        let (carrier, postman) = (Arc::clone(&wire), Arc::clone(&wire));
        thread::spawn(move || {
            for shop in listener.incoming().map_while(Result::ok) {
                let wire = Arc::clone(&carrier);
                // A connection ends when either end closes it.
                thread::spawn(move || wire.carry(shop));
            }
        });
        thread::spawn(move || postman.deliver());
        Self { port, wire }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sets the fault that is injected from now on.
    pub fn gives(&self, trouble: Trouble) {
        *self.wire.trouble.lock().unwrap() = trouble;
    }

    /// Returns how many answers or writes had a fault.
    pub fn troubled(&self) -> u64 {
        self.wire.troubled.load(Ordering::Relaxed)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.wire.end.ring();
    }
}

impl Wire {
    fn carry(&self, mut shop: TcpStream) -> io::Result<()> {
        let mut redis = TcpStream::connect(("127.0.0.1", self.redis))?;
        redis.set_nodelay(true)?;
        shop.set_nodelay(true)?;
        let mut answers = BufReader::new(redis.try_clone()?);
        let mut questions = BufReader::new(shop.try_clone()?);
        loop {
            let question = Message::read(&mut questions)?;
            let trouble = *self.trouble.lock().unwrap();
            let answer = if trouble == Trouble::LateWrites && is_write(&question) {
                self.post(question);
                Message::Line(b"+OK".to_vec())
            } else {
                redis.write_all(&question.bytes())?;
                Message::read(&mut answers)?
            };
            shop.write_all(&self.trouble(trouble, answer).bytes())?;
        }
    }

    /// Applies the current fault to an answer.
    fn trouble(&self, trouble: Trouble, mut answer: Message) -> Message {
        match trouble {
            Trouble::None | Trouble::LateWrites => {}
            Trouble::Slow(time) => {
                self.troubled.fetch_add(1, Ordering::Relaxed);
                self.end.rings_within(time);
            }
            Trouble::Garbled => answer.each_value(&mut |value| self.garble(value)),
        }
        answer
    }

    fn garble(&self, value: &mut Vec<u8>) {
        let mut dice = self.dice.lock().unwrap();
        let place = dice.pick(value.len().max(1));
        match dice.roll(8) {
            0 => return,
            1 => value.truncate(place),
            _ if value.is_empty() => return,
            _ => value[place] ^= 1 << dice.roll(8),
        }
        self.troubled.fetch_add(1, Ordering::Relaxed);
    }

    /// Queues a write that is performed late.
    fn post(&self, write: Message) {
        let delay = Duration::from_millis(1_000 + self.dice.lock().unwrap().roll(1_000));
        self.late.lock().unwrap().push((Instant::now() + delay, write));
    }

    /// Performs the queued writes when they are due.
    fn deliver(&self) {
        while !self.end.rings_within(Duration::from_millis(20)) {
            let now = Instant::now();
            let due: Vec<_> =
                self.late.lock().unwrap().extract_if(.., |(at, _)| *at <= now).collect();
            let Ok(mut redis) = TcpStream::connect(("127.0.0.1", self.redis)) else { continue };
            let Ok(answers) = redis.try_clone() else { continue };
            let mut answers = BufReader::new(answers);
            for (_, write) in due {
                let is_done =
                    redis.write_all(&write.bytes()).and_then(|()| Message::read(&mut answers));
                self.troubled.fetch_add(u64::from(is_done.is_ok()), Ordering::Relaxed);
            }
        }
    }
}

/// Reports whether a command stores a value. `SET … NX` does not count: it takes a build lock.
fn is_write(command: &Message) -> bool {
    let words = command.words();
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    words.first().is_some_and(|name| is(name, "SET")) && !words.iter().any(|word| is(word, "NX"))
}

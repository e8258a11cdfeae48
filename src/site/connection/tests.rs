//! Tests of the time limits of connections.

use super::*;

const LIMITS: Limits = Limits {
    head: Duration::from_secs(10),
    write: Duration::from_secs(30),
    idle: Duration::from_secs(75),
};

fn at(seconds: u32) -> u32 {
    seconds * ticks(Duration::from_secs(1))
}

/// Runs one step on the connection.
fn on(connection: &Rc<Connection>, step: fn()) {
    connection.enter(&mut Context::from_waker(Waker::noop()), |_| step());
}

/// Returns the second after which the connection is ended.
fn ends(connection: &Connection) -> Option<u32> {
    (0..1000).find(|second| connection.is_overdue(at(*second) + 1))
}

#[test]
fn each_state_of_a_connection_has_its_time_limit() {
    let connection = Rc::new(Connection::at(0, LIMITS));
    assert_eq!(ends(&connection), Some(75), "the first request");
    connection.read();
    assert_eq!(ends(&connection), Some(10), "the rest of its head");
    on(&connection, || asked(0));
    assert_eq!(ends(&connection), None, "the shop's own answer");
    connection.block();
    assert_eq!(ends(&connection), Some(30), "that it is taken");
    connection.wrote();
    assert_eq!(ends(&connection), None);
    on(&connection, answered);
    assert_eq!(ends(&connection), Some(75), "the next request");
    on(&connection, close);
    on(&connection, answered);
    assert_eq!(ends(&connection), Some(1), "its end");
}

#[test]
fn work_for_a_client_that_left_has_a_time_limit() {
    let connection = Rc::new(Connection::at(0, LIMITS));
    on(&connection, || asked(0));
    connection.leave();
    assert_eq!(ends(&connection), Some(30));
    assert!(connection.client().has_left());
}

#[test]
fn one_request_is_handed_on_at_a_time_with_its_body() {
    let connection = Rc::new(Connection::at(0, LIMITS));
    connection.ask();
    assert!(connection.puts_reading_off());
    on(&connection, || asked(10));
    assert!(!connection.puts_reading_off());
    connection.take_of_body(10);
    assert!(connection.puts_reading_off(), "what follows is the next request");
    on(&connection, answered);
    assert!(!connection.puts_reading_off());
}

#[test]
fn a_body_that_nothing_reads_ends_its_connection_soon() {
    for body in [10, u64::MAX] {
        let connection = Rc::new(Connection::at(0, LIMITS));
        connection.ask();
        connection.enter(&mut Context::from_waker(Waker::noop()), |_| asked(body));
        on(&connection, answered);
        assert_eq!(ends(&connection), Some(1));
        connection.end_body();
        assert_eq!(ends(&connection), Some(75), "it has arrived after all");
    }
}

#[test]
fn a_client_that_takes_nothing_is_not_read_from() {
    let connection = Connection::at(0, LIMITS);
    assert!(!connection.puts_reading_off());
    connection.block();
    assert!(connection.puts_reading_off());
    connection.wrote();
    assert!(!connection.puts_reading_off());
}

//! Leaders that land, are lost, leave, hang and are replaced, on a paused clock.

use futures_util::FutureExt;

use super::*;
use crate::dependencies::Dependencies;
use crate::level::Level;
use crate::policy::Policy;

fn key() -> Key {
    Key::named("test").build()
}

fn entry() -> Arc<Entry> {
    let policy = Policy::fresh_for(Duration::from_secs(1));
    Arc::new(Entry::new(Level::Query, Arc::new(7), Dependencies::default(), &policy, 1))
}

fn wait(flights: &Flights) -> Ticket {
    match flights.take_turn(&key(), Client::default(), Epoch::default()) {
        Turn::Wait(ticket) => ticket,
        _ => panic!("another one leads, and there is room"),
    }
}

fn lead_for(flights: &Flights, client: &Client) -> Leader {
    match flights.take_turn(&key(), client.clone(), Epoch::default()) {
        Turn::Lead(leader) => leader,
        _ => panic!("none leads that is to be waited for"),
    }
}

fn lead(flights: &Flights) -> Leader {
    lead_for(flights, &Client::default())
}

/// Returns a leader whose client has left.
fn abandoned(flights: &Flights) -> Leader {
    let client = Client::default();
    let leader = lead_for(flights, &client);
    client.leave();
    leader
}

#[tokio::test]
async fn the_first_leads_and_the_others_get_what_it_lands() {
    let flights = Flights::default();
    let leader = lead(&flights);
    let waiters = [wait(&flights), wait(&flights)];
    assert_eq!(waiters[0].behind(), 0, "on behalf of no request");
    leader.land(Landing::Entry(entry()));
    for waiter in waiters {
        assert!(matches!(waiter.arrive().await, Landing::Entry(_)));
    }
    lead(&flights);
}

#[tokio::test]
async fn a_waiter_knows_on_whose_behalf_it_is_loaded() {
    let flights = Flights::default();
    let _leader = tracking::on_behalf_of(7, async { lead(&flights) }).await;
    let waiter = tracking::on_behalf_of(8, async { wait(&flights) }).await;
    assert_eq!(waiter.behind(), 7);
}

#[tokio::test]
async fn a_lost_leader_lets_its_waiters_take_another_turn() {
    let flights = Flights::default();
    let leader = lead(&flights);
    let waiter = wait(&flights);
    drop(leader);
    assert!(matches!(waiter.arrive().await, Landing::Lost));
    lead(&flights);
}

#[tokio::test]
async fn only_so_many_wait_for_one_key() {
    let flights = Flights::seating(2);
    let _leader = lead(&flights);
    let (first, _second) = (wait(&flights), wait(&flights));
    assert!(matches!(flights.take_turn(&key(), Client::default(), Epoch::default()), Turn::Full));
    drop(first);
    wait(&flights);
}

#[tokio::test]
async fn a_leader_whose_client_leaves_is_replaced_by_the_next_caller_or_a_waiter() {
    let flights = Flights::default();
    let client = Client::default();
    let first = lead_for(&flights, &client);
    let waiters = [wait(&flights), wait(&flights)];
    client.leave();
    for waiter in waiters {
        assert!(matches!(waiter.arrive().now_or_never(), Some(Landing::Lost)));
    }
    let second = lead(&flights);
    let waiter = wait(&flights);
    second.land(Landing::Entry(entry()));
    assert!(matches!(waiter.arrive().await, Landing::Entry(_)));
    let third = lead(&flights);
    first.land(Landing::Entry(entry()));
    let waiter = wait(&flights);
    assert!(waiter.arrive().now_or_never().is_none(), "what comes late lands nowhere");
    drop(third);
}

#[tokio::test]
async fn a_replaced_leader_that_is_first_lands_for_all_and_one_that_fails_for_none() {
    let flights = Flights::default();
    let (failing, slow) = (abandoned(&flights), abandoned(&flights));
    let last = lead(&flights);
    let waiter = wait(&flights);
    failing.land(Landing::Failed);
    let other = wait(&flights);
    slow.land(Landing::Entry(entry()));
    for waiter in [waiter, other] {
        assert!(matches!(waiter.arrive().await, Landing::Entry(_)));
    }
    let next = lead(&flights);
    last.land(Landing::Failed);
    let waiter = wait(&flights);
    next.land(Landing::Nothing);
    assert!(matches!(waiter.arrive().await, Landing::Nothing), "it has landed once");
}

#[tokio::test]
async fn only_so_many_of_those_that_were_replaced_go_on() {
    let flights = Flights::default();
    let leaders: Vec<_> = (0..10).map(|_| abandoned(&flights)).collect();
    let _last = lead(&flights);
    let given_up = leaders.iter().filter(|leader| leader.given_up().now_or_never().is_some());
    assert_eq!(given_up.count(), 10 - MOST_REPLACED);
    assert!(leaders[0].given_up().now_or_never().is_none(), "the oldest is nearest to its end");
    for leader in leaders {
        leader.land(Landing::Lost);
    }
    wait(&flights);
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_client_is_there_is_not_given_up() {
    let flights = Flights::default();
    let client = Client::default();
    let mut leaders = Vec::new();
    for _ in 0..=MOST_REPLACED {
        leaders.push(lead_for(&flights, &client));
        tokio::time::advance(2 * PATIENCE).await;
    }
    let mut waiting = std::pin::pin!(wait(&flights).arrive());
    assert!(tokio::time::timeout(1_000 * PATIENCE, &mut waiting).await.is_err());
    assert!(leaders.iter().all(|leader| leader.given_up().now_or_never().is_none()));
    client.leave();
    assert!(matches!(waiting.now_or_never(), Some(Landing::Lost)));
    let _last = lead(&flights);
    let given_up = leaders.iter().filter(|leader| leader.given_up().now_or_never().is_some());
    assert_eq!(given_up.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_hangs_is_replaced_once_by_those_who_wait() {
    let flights = Flights::default();
    let _hanging = lead(&flights);
    let waiters = [wait(&flights), wait(&flights)];
    for waiter in waiters {
        assert!(matches!(waiter.arrive().await, Landing::Lost));
    }
    let _next = lead(&flights);
    wait(&flights);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_has_hung_for_long_is_not_waited_for_again() {
    let flights = Flights::default();
    let _hanging = lead(&flights);
    tokio::time::advance(PATIENCE).await;
    lead(&flights);
}

//! A database that refuses for now: 503 with `Retry-After`, never 500; retries where they are safe.

use std::thread;

use crate::many::{confirms, selects};
use crate::support::{Database, Page, TestSite, until};

/// SQL that makes adding a product fail with the SQLSTATE in its title.
///
/// A sequence counts the attempts, because a rollback does not reset it.
const REFUSING: &str = "
    CREATE SEQUENCE attempts;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.title ~ '^[0-9A-Z]{5}$' THEN
        PERFORM nextval('attempts');
        RAISE EXCEPTION 'Speicherplatz oder etwas anderes fehlt' USING ERRCODE = NEW.title;
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION refuse()";

/// SQL that makes reading products fail with the SQLSTATE in the table `refusal`.
const REFUSING_READERS: &str = "
    CREATE TABLE refusal (state text);
    CREATE FUNCTION refuse_read() RETURNS boolean VOLATILE LANGUAGE plpgsql AS $$
    DECLARE found text; BEGIN
      SELECT state INTO found FROM refusal;
      IF found IS NOT NULL THEN RAISE EXCEPTION 'keine Auskunft' USING ERRCODE = found; END IF;
      RETURN true;
    END $$;
    CREATE POLICY refuse ON products USING (refuse_read());
    ALTER TABLE products ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY";

/// A SQLSTATE, the status of the response, and the number of attempts.
const STATES: [(&str, u16, u64); 33] = [
    // Another transaction was in the way.
    ("40001", 503, 6),
    ("40P01", 503, 6),
    ("72000", 503, 6),
    // The connection is unusable.
    ("08006", 503, 8),
    ("08P01", 503, 8),
    ("25006", 503, 8),
    ("25P03", 503, 8),
    ("57P01", 503, 8),
    ("57P02", 503, 8),
    ("57P03", 503, 8),
    ("57P05", 503, 8),
    // The database refuses for now.
    ("40003", 503, 1),
    ("42501", 503, 1),
    ("53100", 503, 1),
    ("53200", 503, 1),
    ("53300", 503, 1),
    ("53400", 503, 1),
    ("55006", 503, 1),
    ("55P03", 503, 1),
    ("57014", 503, 1),
    ("58030", 503, 1),
    // It is the wrong database, or a damaged one.
    ("3F000", 503, 1),
    ("42P01", 503, 1),
    ("42703", 503, 1),
    ("42883", 503, 1),
    ("XX001", 503, 1),
    ("XX002", 503, 1),
    // Prepared statements may be outdated; a failure with new ones has another reason.
    ("0A000", 500, 3),
    ("XX000", 500, 3),
    // Other data forbids it.
    ("23505", 409, 1),
    ("23503", 409, 1),
    // A bug, of the shop or of the owner's triggers.
    ("23514", 500, 1),
    ("22003", 500, 1),
];

fn on_postgres() -> Option<TestSite> {
    let start = || TestSite::start_with(Database::Postgres, &["--cache", "off"]);
    Database::Postgres.is_here(true).then(start)
}

#[track_caller]
fn assert_refused_for_now(page: &Page) {
    page.assert_status(503).assert_header("retry-after", "5").assert_is_in_the_shops_dress();
}

#[test]
fn every_sqlstate_gets_its_status_and_attempts() {
    let Some(site) = on_postgres() else { return };
    site.database.sql(REFUSING);
    for (state, status, attempts) in STATES {
        site.database.sql("ALTER SEQUENCE attempts RESTART");
        let answer = site.adds(state, "1");
        answer.assert_status(status).assert_is_in_the_shops_dress();
        if status == 500 {
            let id = answer.header("x-request-id").unwrap();
            answer.assert_sees(&format!("The error has been logged (request ID {id})."));
        }
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{state}");
        let made = site.database.sql("SELECT nextval('attempts') - 1");
        assert_eq!(made, attempts.to_string(), "{state}");
        let writes =
            site.get("/health/ready").assert_status(200).json()["checks"]["writes"].clone();
        assert_eq!(writes, if status == 503 { "failed" } else { "ok" }, "{state}");
        site.adds("Tea", "1").assert_sends_to("/");
    }
    let program = site.ask("POST", "/products").header("Accept", "application/json");
    let problem = program.form(&[("title", "53100"), ("price", "1")]).send();
    problem.assert_header("retry-after", "5").assert_problem(503);
    // What changes nothing does not show that writes are taken again.
    let tea = site.database.sql("SELECT max(id) FROM products").parse().unwrap();
    let unchanged = site.edit_form(tea);
    site.sends(&unchanged).assert_status(303);
    let gone = [("title", "Milk"), ("price", "1")];
    assert!(site.submit("/products/999999", &gone).status >= 400);
    let checks = || site.get("/health/ready").assert_status(200).json()["checks"]["writes"].clone();
    assert_eq!(checks(), "failed");
    site.edits(tea, &[("price", "2")]).assert_status(303);
    assert_eq!(checks(), "ok");
    assert_eq!(site.database.sql("SELECT count(*) FROM products"), STATES.len().to_string());
}

#[test]
fn a_refused_read_is_an_error_and_not_an_empty_page() {
    let Some(site) = on_postgres() else { return };
    let tea = site.has_product("Tea");
    site.database.sql(REFUSING_READERS);
    for (state, status, _) in STATES {
        site.database.sql(&format!("DELETE FROM refusal; INSERT INTO refusal VALUES ('{state}')"));
        for path in ["/", "/?q=tea", &format!("/products/{tea}")] {
            let answer = site.get(path);
            answer.assert_status(status);
            assert_eq!(answer.header("retry-after").is_some(), status == 503, "{state} {path}");
        }
        site.database.sql("DELETE FROM refusal");
        site.get("/?q=tea").assert_status(200).assert_sees("Tea");
    }
}

#[test]
fn a_right_that_was_taken_away_is_503_and_shown_by_readiness() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    for right in ["SELECT", "INSERT"] {
        site.database.sql(&format!("REVOKE {right} ON products FROM CURRENT_USER"));
        let answer = if right == "SELECT" { site.get("/?q=tea") } else { site.adds("Milk", "1") };
        assert_refused_for_now(&answer);
        site.get("/health/ready").assert_status(503);
        site.database.sql(&format!("GRANT {right} ON products TO CURRENT_USER"));
        site.get("/health/ready").assert_status(200);
    }
    site.adds("Milk", "1").assert_sends_to("/");
}

#[test]
fn a_table_that_is_missing_is_503_and_shown_by_readiness() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    let moves = [
        ["ALTER TABLE products RENAME TO away", "ALTER TABLE away RENAME TO products"],
        ["ALTER SCHEMA public RENAME TO away", "ALTER SCHEMA away RENAME TO public"],
    ];
    for [away, back] in moves {
        site.database.sql_as_administrator(away);
        assert_refused_for_now(&site.get("/?q=tea"));
        assert_refused_for_now(&site.adds("Milk", "1"));
        site.get("/health/ready").assert_status(503);
        site.wait_for_log("(SQLSTATE 42P01)");
        site.database.sql_as_administrator(back);
        site.get("/health/ready").assert_status(200);
        site.get("/?q=tea").assert_status(200).assert_sees("Tea");
    }
}

#[test]
fn the_victim_of_a_deadlock_is_retried() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::start_with(Database::Postgres, &["--lock-timeout", "60"]);
    let (tea, milk) = (site.has_product("Tea"), site.has_product("Milk"));
    let name = site.database.sql("SELECT current_database()");
    // Only the shop's sessions look for deadlocks, so the victim is always the shop.
    site.database
        .sql_as_administrator(&format!("ALTER DATABASE {name} SET deadlock_timeout = '5s'"));
    terminate_all(&site);
    let mut other = site.database.open_shell();
    other.does("SET deadlock_timeout = '1h'; BEGIN");
    let preview = selects(&site, &[tea, milk], "price", "2");
    other.does(&format!("UPDATE products SET price_cents = 7 WHERE id = {milk}"));
    thread::scope(|scope| {
        // The shop has locked the row of the tea, and waits for the other.
        let edit = scope.spawn(|| confirms(&site, &preview));
        until("the shop waits", || waiting(&site, "count(*)") == "1");
        other.does(&format!("UPDATE products SET price_cents = 8 WHERE id = {tea}"));
        until("the shop waits again", || waiting(&site, "count(*)") == "1");
        other.does("ROLLBACK");
        edit.join().unwrap().assert_sends_to("/");
    });
    site.get("/").assert_sees("$2.00");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    until("there was a deadlock", || site.database.sql(deadlocks) == "1");
}

/// Returns `what` of the connections of the shop that wait for a lock.
fn waiting(site: &TestSite, what: &str) -> String {
    site.database.sql_as_administrator(&format!(
        "SELECT {what} FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'larder' AND wait_event_type = 'Lock'"
    ))
}

fn terminate_all(site: &TestSite) {
    site.database.sql_as_administrator(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[test]
fn backends_that_are_terminated_all_the_time_cause_no_500() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    let rounds: Vec<u16> = thread::scope(|scope| {
        let site = &site;
        let visitors: Vec<_> = (0..6)
            .map(|visitor| {
                scope.spawn(move || {
                    let ask = |round| match (visitor + round) % 3 {
                        0 => site.adds("Milk", "1").status,
                        1 => site.get("/?q=tea").status,
                        _ => site.get("/").status,
                    };
                    (0..60).map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        while visitors.iter().any(|visitor| !visitor.is_finished()) {
            terminate_all(site);
        }
        visitors.into_iter().flat_map(|visitor| visitor.join().unwrap()).collect()
    });
    let others: Vec<_> = rounds.iter().filter(|s| ![200, 303, 503].contains(*s)).collect();
    assert!(others.is_empty(), "{others:?}");
    until("it recovers", || site.adds("Milk", "1").status == 303);
}

#[test]
fn a_read_is_retried_although_the_next_connections_break_too() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    // A reader waits for a lock, and its connection is then terminated.
    let mut other = site.database.open_shell();
    other.does("BEGIN; LOCK TABLE products");
    let read = site.begins("/?q=tea");
    let mut last = String::new();
    let mut another_waits = || {
        until("another connection waits", || {
            let pid = waiting(&site, "coalesce(min(pid)::text, '')");
            let is_new = !pid.is_empty() && pid != last;
            last = pid;
            is_new
        });
    };
    for _ in 0..3 {
        another_waits();
        assert_eq!(waiting(&site, "count(pg_terminate_backend(pid))"), "1");
    }
    another_waits();
    other.does("ROLLBACK");
    read.answer().assert_status(200).assert_sees("Tea");
}

#[test]
fn a_write_whose_commit_is_unanswered_is_not_retried_and_says_so() {
    let Some(site) = on_postgres() else { return };
    // A deferred trigger makes the commit slow.
    site.database.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF NEW.title = 'Slow' THEN PERFORM pg_sleep(60); END IF; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON products DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION dawdle()",
    );
    let commits = "FROM pg_stat_activity WHERE datname = current_database() \
                   AND query = 'COMMIT' AND state = 'active'";
    let answer = thread::scope(|scope| {
        let write = scope.spawn(|| site.adds("Slow", "1"));
        let counted = format!("SELECT count(*) {commits}");
        until("the shop commits", || site.database.sql_as_administrator(&counted) == "1");
        let terminate = format!("SELECT count(pg_terminate_backend(pid)) {commits}");
        site.database.sql_as_administrator(&terminate);
        write.join().unwrap()
    });
    assert_refused_for_now(&answer);
    answer.assert_sees("it may have been saved, or not");
    site.wait_for_log("the connection broke during the commit (");
    assert_eq!(site.database.sql("SELECT count(*) FROM products"), "0");
    site.adds("Tea", "1").assert_sends_to("/");
}

#[test]
fn a_server_that_takes_no_writes_is_503_and_not_ready() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    let name = site.database.sql("SELECT current_database()");
    let set = |value: &str| {
        let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
        site.database.sql_as_administrator(&format!("SET transaction_read_only = off; {set}"));
        terminate_all(&site);
    };
    set("on");
    assert_refused_for_now(&site.adds("Milk", "1"));
    site.get("/?q=tea").assert_status(200).assert_sees("Tea");
    let ready = site.get("/health/ready").assert_status(503).json();
    assert_eq!(ready["checks"]["database"], "failed", "{ready}");
    set("off");
    site.adds("Milk", "1").assert_sends_to("/");
    site.get("/health/ready").assert_status(200);
}

#[test]
fn a_server_that_takes_no_connections_is_503_and_not_ready() {
    let Some(site) = on_postgres() else { return };
    site.has_product("Tea");
    let name = site.database.sql("SELECT current_database()");
    let limit = |connections: i32| {
        let limit = format!("ALTER DATABASE {name} CONNECTION LIMIT {connections}");
        site.database.sql_as_administrator(&limit);
        terminate_all(&site);
    };
    limit(0);
    assert_refused_for_now(&site.get("/?q=tea"));
    assert_refused_for_now(&site.adds("Milk", "1"));
    site.get("/health/ready").assert_status(503);
    limit(-1);
    until("it recovers", || site.get("/?q=tea").status == 200);
    site.adds("Milk", "1").assert_sends_to("/");
    site.get("/health/ready").assert_status(200);
}

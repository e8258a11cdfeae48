//! Writers on Postgres: none waits for another because of the cache, and folding loses no change.
//!
//! - Where a writer would wait, `lock_timeout` makes it fail.

use std::thread;

use crate::support::{Database, TestDatabase, TestSite, until};

const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

/// The stamp of every tag, as the shop reads it.
const STAMPS: &str = "SELECT tag, sum(n), bit_xor(r) FROM (\
                        SELECT tag, n, r FROM cache_versions UNION ALL \
                        SELECT tag, 1, r FROM cache_changes, unnest(tags || '{*}'::text[]) AS tag\
                      ) AS rows GROUP BY tag ORDER BY tag";

const UNFOLDED: &str = "SELECT count(*) FROM cache_changes";

/// The functions that run with the rights of their owner, and that every role may call.
const CALLABLE: &str = "SELECT string_agg(proname, ' ') FROM pg_proc WHERE prosecdef \
                        AND pronamespace = 'public'::regnamespace \
                        AND has_function_privilege('public', oid, 'EXECUTE')";

/// More changes than the shop leaves unfolded.
const MANY: usize = 400;

fn site() -> Option<TestSite> {
    Database::Postgres.is_here(true).then(|| TestSite::start(Database::Postgres))
}

/// Adds a recipe in one transaction of this level.
fn adds(level: &str, name: &str) -> String {
    format!(
        "BEGIN ISOLATION LEVEL {level}; SET LOCAL lock_timeout = '20s'; \
         INSERT INTO recipes (name, description, instructions) VALUES ('{name}', '', '')"
    )
}

#[test]
fn no_other_role_may_call_what_runs_with_the_rights_of_its_owner() {
    let Some(site) = site() else { return };
    assert_eq!(site.database.sql_as_administrator(CALLABLE), "");
    // A role that may only write the table changes its stamps all the same.
    let tea = site.has_product("Tea");
    site.get("/").assert_sees("Tea");
    site.database.sql_as_administrator(&format!(
        "CREATE ROLE helper_of_{0}; GRANT SELECT, UPDATE ON products TO helper_of_{0}; \
         SET ROLE helper_of_{0}; UPDATE products SET title = 'Milk' WHERE id = {tea}; \
         RESET ROLE; DROP OWNED BY helper_of_{0}; DROP ROLE helper_of_{0}",
        site.database.sql("SELECT current_database()").trim()
    ));
    site.get("/").assert_sees("Milk");
}

#[test]
fn a_transaction_that_is_left_open_makes_no_writer_wait() {
    let Some(site) = site() else { return };
    let tea = site.has_product("Tea");
    let milk = site.has_product("Milk");
    for (number, level) in LEVELS.iter().enumerate() {
        let mut left_open = site.database.open_shell();
        left_open.does(&adds(level, &format!("Left open {number}")));
        left_open.does(&format!("UPDATE products SET price_cents = {number}11 WHERE id = {tea}"));
        for (other, level) in LEVELS.iter().enumerate() {
            let name = format!("Beside {number}{other}");
            site.database.sql(&format!("{}; COMMIT", adds(level, &name)));
            site.get("/cookbook")
                .assert_sees(&name)
                .assert_sees_not(&format!("Left open {number}"));
        }
        site.edits(milk, &[("price", &format!("{number}.22"))]).assert_sends_to("/");
        site.get("/")
            .assert_sees(&format!("${number}.22"))
            .assert_sees_not(&format!("${number}.11"));
        left_open.does("COMMIT");
        site.get("/cookbook").assert_sees(&format!("Left open {number}"));
        site.get("/").assert_sees(&format!("${number}.11"));
    }
}

#[test]
fn transactions_that_write_tables_in_opposite_order_do_not_block_each_other() {
    let Some(site) = site() else { return };
    let (tea, milk) = (site.has_product("Tea"), site.has_product("Milk"));
    site.database.sql("INSERT INTO foods (name) VALUES ('Flour'), ('Salt')");
    let mut shells = [site.database.open_shell(), site.database.open_shell()];
    let [product, food] = [
        |id: u64| format!("UPDATE products SET price_cents = price_cents + 1 WHERE id = {id}"),
        |id: u64| format!("UPDATE foods SET name = name || '.' WHERE id = {id}"),
    ];
    for shell in &mut shells {
        shell.does("BEGIN; SET LOCAL lock_timeout = '20s'");
    }
    shells[0].does(&product(tea));
    shells[1].does(&food(1));
    shells[0].does(&food(2));
    shells[1].does(&product(milk));
    for shell in &mut shells {
        shell.does("COMMIT");
    }
    site.get("/").assert_sees("$5.00").assert_sees_not("$4.99");
}

#[test]
fn every_way_to_commit_shows_at_the_next_request() {
    let Some(site) = site() else { return };
    let add = |name: &str| adds("READ COMMITTED", name);
    let savepoint = format!(
        "{}; SAVEPOINT here; {}; ROLLBACK TO here; COMMIT",
        add("Kept"),
        "INSERT INTO recipes (name, description, instructions) VALUES ('Undone', '', '')",
    );
    let prepare = format!("{}; PREPARE TRANSACTION 'later'", add("Prepared"));
    let copy =
        "COPY recipes (name, description, instructions) FROM PROGRAM 'printf \"Copied\\t\\t\\n\"'";
    site.get("/cookbook");
    site.database.sql(&savepoint);
    site.get("/cookbook").assert_sees("Kept").assert_sees_not("Undone");
    site.get("/cookbook").assert_cache("hit");
    site.database.sql(&prepare);
    site.get("/cookbook").assert_cache("hit").assert_sees_not("Prepared");
    site.database.sql("COMMIT PREPARED 'later'");
    site.get("/cookbook").assert_sees("Prepared");
    site.database.sql_as_administrator(copy);
    site.get("/cookbook").assert_sees("Copied");
    site.database.sql(&format!("{}; ROLLBACK", add("Rolled back")));
    site.get("/cookbook").assert_cache("hit");
}

#[test]
fn a_statement_of_many_rows_leaves_one_change() {
    let Some(site) = site() else { return };
    site.database.sql("SELECT larder_v2_fold(1000)");
    site.database.sql_as_administrator("COPY foods (name) FROM PROGRAM 'seq 1000000'");
    assert_eq!(site.database.sql(UNFOLDED), "1");
    site.database.sql("UPDATE foods SET name = name WHERE id < 0");
    assert_eq!(site.database.sql(UNFOLDED), "1", "a statement without rows leaves none");
    let tags = "SELECT count(DISTINCT tag) FROM cache_changes, unnest(tags) AS tag";
    assert_eq!(site.database.sql(tags), "257");
}

#[test]
fn the_shop_folds_and_every_change_counts_once() {
    let Some(site) = site() else { return };
    let other = site.another_instance();
    let tea = site.has_product("Tea");
    let before: u64 = count_of(&site.database, "products");
    thread::scope(|scope| {
        for writer in 0..4 {
            let (site, other) = (&site, &other);
            scope.spawn(move || {
                let raise =
                    format!("UPDATE products SET price_cents = price_cents + 1 WHERE id = {tea};");
                let mut shell = site.database.open_shell();
                for round in 0..8 {
                    shell.does(&raise.repeat(MANY / 16));
                    [site, other][(round + writer) % 2].get("/").assert_status(200);
                }
            });
        }
    });
    let written = 4 * 8 * (MANY as u64 / 16);
    assert_eq!(count_of(&site.database, "products"), before + written);
    until("the changes are folded", || {
        site.get("/");
        site.database.sql(UNFOLDED).parse::<usize>().unwrap() <= 256
    });
    assert_eq!(count_of(&site.database, "products"), before + written);
    site.get("/").assert_cache("hit").assert_sees(&format!(
        "${}.{:02}",
        (499 + written) / 100,
        (499 + written) % 100
    ));
    let log = site.log();
    assert!(!log.contains("cannot be folded") && !log.contains("the cache is off"), "{log}");
}

#[test]
fn folding_changes_no_stamp_and_a_late_commit_is_not_lost() {
    let Some(site) = site() else { return };
    let database = &site.database;
    let mut late = database.open_shell();
    late.does(&adds("READ COMMITTED", "Late"));
    let mut rolled_back = database.open_shell();
    rolled_back.does(&adds("READ COMMITTED", "Rolled back"));
    database.sql(&format!("{}; COMMIT", adds("READ COMMITTED", "Early")));
    let mut reader = database.open_shell();
    reader.does("BEGIN ISOLATION LEVEL REPEATABLE READ");
    let before = reader.does(STAMPS);
    assert_ne!(database.sql("SELECT larder_v2_fold(1000)"), "0");
    assert_eq!(database.sql(STAMPS), before.trim());
    assert_eq!(reader.does(STAMPS), before, "a snapshot from before the fold");
    late.does("COMMIT");
    rolled_back.does("ROLLBACK");
    let count = count_of(database, "recipes");
    assert_eq!(count, 2, "{}", database.sql(STAMPS));
    database.sql("SELECT larder_v2_fold(1000)");
    assert_eq!(count_of(database, "recipes"), count);
    site.get("/cookbook").assert_sees("Late").assert_sees("Early").assert_sees_not("Rolled back");
}

#[test]
fn one_process_folds_at_a_time_and_no_other_waits_for_it() {
    let Some(site) = site() else { return };
    let database = &site.database;
    database.sql(&format!("{}; COMMIT", adds("READ COMMITTED", "One")));
    let mut folds = database.open_shell();
    assert_ne!(folds.does("BEGIN; SELECT larder_v2_fold(1000)").trim(), "0");
    database.sql(&format!("{}; COMMIT", adds("READ COMMITTED", "Two")));
    assert_eq!(database.sql("SET lock_timeout = '20s'; SELECT larder_v2_fold(1000)"), "0");
    site.get("/cookbook").assert_sees("One").assert_sees("Two");
    let before = database.sql(STAMPS);
    folds.does("ROLLBACK");
    assert_eq!(database.sql(STAMPS), before);
    assert_ne!(database.sql("SELECT larder_v2_fold(1000)"), "0");
    assert_eq!(database.sql(STAMPS), before);
}

#[test]
fn a_role_without_rights_keeps_the_shop_neither_from_folding_nor_from_starting() {
    let Some(site) = site() else { return };
    let name = site.database.sql("SELECT current_database()");
    site.database.sql_as_administrator(&format!("CREATE ROLE guest_of_{name}"));
    let mut guest = site.database.open_shell();
    guest.does(&format!("SET ROLE guest_of_{name}"));
    // The numbers of all advisory locks of Larder.
    guest.does(
        "SELECT pg_advisory_lock(number) FROM generate_series(1818325600, 1818325610) AS number",
    );
    site.database.sql(&format!("{}; COMMIT", adds("READ COMMITTED", "One")));
    assert_ne!(site.database.sql("SELECT larder_v2_fold(1000)"), "0");
    site.another_instance().get("/cookbook").assert_sees("One");
    let locks = [
        "SELECT FROM cache_versions FOR KEY SHARE",
        "SELECT FROM cache_changes FOR KEY SHARE",
        "LOCK TABLE cache_versions IN ACCESS SHARE MODE",
        "LOCK TABLE __diesel_schema_migrations IN ROW SHARE MODE",
    ];
    for lock in locks {
        let as_guest = format!(
            "SET ROLE guest_of_{name}; DO $$ BEGIN {lock}; RAISE 'it is held'; \
             EXCEPTION WHEN insufficient_privilege THEN NULL; END $$",
            lock = lock.replacen("SELECT", "PERFORM", 1)
        );
        site.database.sql_as_administrator(&as_guest);
    }
    guest.does("SELECT pg_advisory_unlock_all()");
    site.database.sql_as_administrator(&format!("DROP ROLE guest_of_{name}"));
}

#[test]
fn folding_runs_no_operator_of_another_role() {
    let Some(site) = site() else { return };
    let name = site.database.sql("SELECT current_database()");
    // In databases that were made before Postgres 15, each role may create in `public`.
    site.database.sql_as_administrator(&format!(
        "CREATE ROLE maker_of_{name}; GRANT CREATE ON SCHEMA public TO maker_of_{name}; SET ROLE maker_of_{name}; \
         CREATE FUNCTION public.joined(text[], text[]) RETURNS text[] LANGUAGE plpgsql AS \
           $$ BEGIN RAISE 'it runs as %', current_user; END $$; \
         CREATE OPERATOR public.|| (FUNCTION = public.joined, LEFTARG = text[], RIGHTARG = text[])"
    ));
    site.database.sql("INSERT INTO foods (name) VALUES ('Flour')");
    assert_ne!(site.database.sql("SELECT larder_v2_fold(1000)"), "0");
    site.database.sql_as_administrator(&format!(
        "DROP OWNED BY maker_of_{name} CASCADE; DROP ROLE maker_of_{name}"
    ));
}

#[test]
fn tags_that_no_table_can_hold_do_not_stop_folding() {
    let Some(site) = site() else { return };
    let long = "t".repeat(601);
    let bump = |tag: &str| format!("SELECT cache_bump('teas', '{tag}')");
    assert!(!site.database.takes(&bump(&long)));
    // As long as it may be, in letters of four bytes that nothing compresses.
    let noise = (0..600_u32).map(|n| char::from_u32(0x2_0000 + n * 7_919 % 40_000).unwrap());
    assert!(site.database.takes(&bump(&noise.collect::<String>())));
    assert!(site.database.takes("SELECT cache_bump('teas', NULL)"));
    assert!(!site.database.takes("INSERT INTO cache_changes (tags, r) VALUES (NULL, 1)"));
    site.database.sql(&format!(
        "INSERT INTO cache_changes (tags, r) VALUES (ARRAY['teas', NULL, '{}'], 1)",
        "0123456789abcdef".repeat(100) + &long
    ));
    site.database.sql("SELECT larder_v2_fold(1000)");
    assert_eq!(site.database.sql(UNFOLDED), "0");
    assert_eq!(count_of(&site.database, "teas"), 3);
}

#[test]
fn a_missing_row_of_all_changes_keeps_nothing_from_folding() {
    let Some(site) = site() else { return };
    site.database.sql("SELECT larder_v2_fold(1000); DELETE FROM cache_versions WHERE tag = '*'");
    let mut folds = site.database.open_shell();
    site.database.sql("INSERT INTO foods (name) VALUES ('Flour')");
    assert_eq!(folds.does("BEGIN; SELECT larder_v2_fold(1000)").trim(), "1");
    site.database.sql("INSERT INTO foods (name) VALUES ('Salt')");
    // It has other rows, but waits for the first sum of the other process, and not for long.
    assert!(!site.database.takes("SELECT larder_v2_fold(1000)"));
    folds.does("COMMIT");
    assert_eq!(site.database.sql("SELECT larder_v2_fold(1000)"), "1");
    assert_eq!(count_of(&site.database, "*"), 2);
}

#[test]
fn the_migration_and_its_reverse_change_no_stamp() {
    let Some(site) = site() else { return };
    let database = site.database.clone();
    database.sql("INSERT INTO foods (name) VALUES ('Flour'), ('Salt')");
    // Migrations change the schema under the running shop, so its own stamps change: these are the database's.
    let stamps = database.sql(STAMPS);
    let migration = |way: &str| {
        let folder = "migrations/postgres/2026-11-28-100000-0000_stamps_without_waiting";
        let sql = std::fs::read_to_string(format!("{folder}/{way}.sql")).unwrap();
        database.sql(&format!("BEGIN; {sql}; COMMIT"));
    };
    migration("down");
    assert_eq!(database.sql_as_administrator(CALLABLE), "");
    let old = "SELECT tag, n, r FROM cache_versions ORDER BY tag";
    assert_eq!(database.sql(old), stamps);
    database.sql("UPDATE foods SET name = 'Pepper' WHERE id = 2");
    until("the older triggers are noticed", || {
        site.get("/cookbook");
        site.log().contains("the cache is off")
    });
    let stamps = database.sql(old);
    migration("up");
    assert_eq!(database.sql(STAMPS), stamps);
    until("the newer triggers are noticed", || {
        site.get("/cookbook");
        site.log().contains("the cache is on again")
    });
    database.sql("UPDATE foods SET name = 'Sugar' WHERE id = 2");
    assert_eq!(count_of(&database, "foods"), 3);
}

/// Returns the count of a tag's stamp.
fn count_of(database: &TestDatabase, tag: &str) -> u64 {
    let counts = format!("SELECT sum FROM ({STAMPS}) AS stamps WHERE tag = '{tag}'");
    database.sql(&counts).parse().unwrap_or(0)
}

//! Starts that cannot succeed: one helpful sentence, exit code 1, and nothing left behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::support::{
    Database, Ended, Program, TestDatabase, TestSite, free_port, larder, larder_at,
    on_both_databases, user,
};

on_both_databases! {
    an_occupied_port_is_named,
    a_wrong_setting_is_explained;
    by_hand:
    a_database_newer_than_the_program_is_left_alone,
    without_its_triggers_the_cache_is_off_and_the_log_says_so,
}

#[test]
fn a_wrong_url_is_explained_and_creates_nothing() {
    let urls = [
        "",
        "shop.sqlite3",
        "mysql://root@localhost/shop",
        "sqlite:/shop.sqlite3",
        "sqlite://",
        "postgress://localhost/shop",
        "http://localhost/shop",
        "postgres://[::1/shop",
        "postgres://127.0.0.1:notaport/shop",
    ];
    for url in urls {
        let folder = tempfile::tempdir().unwrap();
        let ended = start_in(folder.path(), &["serve", "--database", url]);
        assert_one_helpful_sentence(&ended);
        let helps = ended.err.contains("sqlite://") || ended.err.contains("postgres://");
        assert!(helps, "{url:?}: says what would be right: {}", ended.err);
        assert!(ended.out.is_empty(), "{url:?}: {}", ended.out);
        assert_is_empty(folder.path());
    }
}

#[test]
fn an_unreachable_server_is_named_and_creates_nothing() {
    for command in ["serve", "migrate", "seed"] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("postgres://ann:secret@127.0.0.1:{}/shop", free_port());
        let ended = start_in(folder.path(), &[command, "--database", &url]);
        assert_one_helpful_sentence(&ended);
        assert!(ended.err.contains("127.0.0.1"), "names the server: {}", ended.err);
        assert!(!ended.err.contains("secret"), "keeps the password: {}", ended.err);
        assert_is_empty(folder.path());
    }
}

#[test]
fn an_unknown_postgres_database_is_named() {
    if !Database::Postgres.is_here(false) {
        return;
    }
    let database = TestDatabase::create(Database::Postgres);
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().replace('?', "_that_does_not_exist?");
    let ended = start_in(folder.path(), &["serve", "--database", &url]);
    assert_one_helpful_sentence(&ended);
    assert!(ended.err.contains("that_does_not_exist"), "{}", ended.err);
    assert_is_empty(folder.path());
}

#[test]
fn an_impossible_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("note.txt");
    fs::write(&file, "just a note").unwrap();
    let inside_a_file = file.join("shop.sqlite3");
    let missing = folder.path().join("missing/shop.sqlite3");
    for path in [&inside_a_file, &missing, folder.path(), &file] {
        let url = format!("sqlite://{}", path.display());
        let ended = start_in(folder.path(), &["serve", "--database", &url]);
        assert_one_helpful_sentence(&ended);
        assert!(ended.err.contains(&*path.to_string_lossy()), "names it: {}", ended.err);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "just a note");
    assert!(!folder.path().join("missing").exists());
}

#[test]
fn a_read_only_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&shop, fs::Permissions::from_mode(0o555)).unwrap();
    let url = format!("sqlite://{}/larder.sqlite3", shop.display());
    // Root may write to a read-only folder, so root runs the program as an unprivileged user.
    let program = folder.path().join("larder");
    fs::copy(env!("CARGO_BIN_EXE_larder"), &program).unwrap();
    let mut command = larder_at(&program, &["serve", "--database", &url]);
    command.current_dir(&shop);
    if fs::metadata(folder.path()).unwrap().uid() == 0 {
        let (uid, gid) = user("nobody").expect("an unprivileged user");
        command.uid(uid).gid(gid);
    }
    let ended = Program::start(command).ends();
    assert_one_helpful_sentence(&ended);
    assert!(ended.err.contains("larder.sqlite3"), "names it: {}", ended.err);
    assert_is_empty(&shop);
}

#[test]
fn the_program_runs_from_any_folder_and_keeps_its_file_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = larder(&["serve", "--no-samples"]);
    command.current_dir(folder.path());
    let database = std::sync::Arc::new(TestDatabase::create(Database::Sqlite));
    let site = TestSite::of(Program::start(command), database);
    site.has_product("Tea");
    let style = site.get("/").tags("link").iter().find_map(|link| {
        let path = link.attribute("href")?;
        path.starts_with("/static/").then(|| path.to_owned())
    });
    site.get(&style.expect("a style sheet")).assert_status(200);
    assert!(folder.path().join("larder.sqlite3").is_file());
}

#[test]
fn help_names_every_command_flag_and_variable() {
    let general = run(larder(&["--help"]));
    assert!(general.status.success());
    for word in ["serve", "migrate", "seed", "cache", "compare"] {
        assert!(general.out.contains(word), "{word}: {}", general.out);
    }
    let serve = run(larder(&["serve", "--help"]));
    let settings = [
        "--bind",
        "LARDER_BIND",
        "--host",
        "LARDER_HOST",
        "--database",
        "DATABASE_URL",
        "--workers",
        "LARDER_WORKERS",
        "--redis",
        "REDIS_URL",
        "--clear-cache",
        "--page-size",
        "LARDER_PAGE_SIZE",
        "--cache",
        "LARDER_CACHE",
        "--toolbar",
        "LARDER_TOOLBAR",
        "--metrics",
        "LARDER_METRICS",
        "--access",
        "LARDER_ACCESS",
        "--log",
        "LARDER_LOG",
        "--no-samples",
        "LARDER_NO_SAMPLES",
    ];
    for word in settings {
        assert!(serve.out.contains(word), "{word}: {}", serve.out);
    }
    assert!(run(larder(&["seed", "--help"])).out.contains("--products"));
    let version = run(larder(&["--version"]));
    assert!(version.out.contains(env!("CARGO_PKG_VERSION")), "{}", version.out);
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    for arguments in [&["sell"][..], &["serve", "--no-such-flag"], &["seed", "--bind", "here"]] {
        let ended = run(larder(arguments));
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(!ended.err.is_empty());
    }
}

fn an_occupied_port_is_named(on: Database) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let database = TestDatabase::create(on);
    let bind = format!("127.0.0.1:{port}");
    let ended = run(larder(&["serve", "--database", &database.url(), "--bind", &bind]));
    assert_one_helpful_sentence(&ended);
    assert!(ended.err.contains(&bind), "names the address: {}", ended.err);
}

fn a_wrong_setting_is_explained(on: Database) {
    let database = TestDatabase::create(on);
    let cases = [
        ("--bind", "nowhere"),
        ("--bind", "127.0.0.1"),
        ("--bind", "127.0.0.1:99999"),
        ("--workers", "0"),
        ("--workers", "-1"),
        ("--page-size", "0"),
        ("--page-size", "1001"),
        ("--page-size", "many"),
        ("--freshness", "5"),
        ("--freshness", "1h"),
        ("--freshness", "-1ms"),
        ("--redis", "http://localhost"),
        ("--toolbar", "maybe"),
        ("--metrics", "everybody"),
        ("--access", "everybody"),
        ("--log", "xml"),
    ];
    for (flag, value) in cases {
        let mut command = larder(&["serve", "--database", &database.url()]);
        command.arg(format!("{flag}={value}"));
        let ended = run(command);
        assert_one_helpful_sentence(&ended);
        let names_it = ended.err.contains(value) || ended.err.contains(flag);
        assert!(names_it, "{flag}={value}: {}", ended.err);
    }
    if on == Database::Sqlite {
        assert_is_empty(database.folder());
    }
}

fn a_database_newer_than_the_program_is_left_alone(on: Database) {
    let site = TestSite::start(on);
    let database = site.database.clone();
    site.has_product("Tea");
    drop(site);
    database.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')");
    let before = database.sql("SELECT count(*) FROM products");
    for command in ["serve", "migrate", "seed"] {
        let ended = run(larder(&[command, "--database", &database.url()]));
        assert_one_helpful_sentence(&ended);
        assert!(ended.err.contains("newer"), "{command}: {}", ended.err);
    }
    assert_eq!(database.sql("SELECT count(*) FROM products"), before);
    database.sql("DELETE FROM __diesel_schema_migrations WHERE version = '99991231000000'");
    TestSite::open(database, &[]).get("/").assert_sees("Tea");
}

fn without_its_triggers_the_cache_is_off_and_the_log_says_so(on: Database) {
    let first = TestSite::start(on);
    first.has_product("Tea");
    let database = first.database.clone();
    drop(first);
    let trigger = database.sql_of_each(
        "SELECT min(name) FROM sqlite_master WHERE name LIKE 'products_cache_%'",
        "SELECT min(tgname) FROM pg_trigger WHERE tgname LIKE 'products_cache_%'",
    );
    database.sql_of_each(
        &format!("DROP TRIGGER {trigger}"),
        &format!("ALTER TABLE products DISABLE TRIGGER {trigger}"),
    );

    let site = TestSite::open(database, &[]);
    site.get("/");
    site.get("/").assert_cache("passed").assert_sees("Tea");
    site.wait_for_log("trigger");
    site.database.sql("UPDATE products SET title = 'Seen without triggers'");
    site.get("/").assert_sees("Seen without triggers");
    site.has_product("Coffee");
    site.get("/").assert_sees("Coffee");
}

#[track_caller]
fn run(command: Command) -> Ended {
    Program::start(command).ends()
}

#[track_caller]
fn start_in(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = larder(arguments);
    command.current_dir(folder);
    run(command)
}

/// Asserts exit code 1 and a single line on standard error that begins with `larder: `.
#[track_caller]
fn assert_one_helpful_sentence(ended: &Ended) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said: Vec<_> = ended.err.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(said.len(), 1, "one sentence: {}", ended.err);
    assert!(said[0].starts_with("larder: "), "{}", said[0]);
    assert!(!said[0].contains("panicked") && !said[0].contains("Error {"), "{}", said[0]);
    assert!(ended.out.is_empty(), "nothing was opened: {}", ended.out);
}

#[track_caller]
fn assert_is_empty(folder: &Path) {
    let entries = fs::read_dir(folder).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.is_empty(), "created by accident: {names:?}");
}

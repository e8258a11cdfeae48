//! TLS to Postgres and to Redis.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use crate::support::{
    Certificates, Database, Program, Redis, TestDatabase, TestSite, certificates_of_postgres,
    free_port, larder, until,
};

/// Starts a shop whose connections to Postgres have these parameters, at a host.
fn open(database: &Arc<TestDatabase>, host: &str, parameters: &str) -> TestSite {
    let mut command = larder(&["serve", "--no-samples", "--toolbar", "off", "--database"]);
    command.arg(database.url_at(host, parameters));
    TestSite::of(Program::start(command), database.clone())
}

/// Returns what the program says that cannot reach a database.
#[track_caller]
fn refusal(url: &str) -> String {
    let ended = Program::start(larder(&["migrate", "--database", url])).ends();
    assert_eq!(ended.status.code(), Some(1), "{url}: {}{}", ended.out, ended.err);
    ended.err
}

/// Returns the parameter that names the authority of Postgres.
fn its_authority() -> String {
    format!("sslrootcert={}", certificates_of_postgres().authority.display())
}

#[test]
fn a_shop_works_through_tls_to_postgres() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    let secure = format!("sslmode=verify-full&{}", its_authority());
    let site = open(&database, "localhost", &secure);
    let tea = site.has_product("Tea");
    site.edits(tea, &[("title", "Green tea")]).assert_sends_to("/");
    site.get("/").assert_sees("Green tea");
    database.sql("UPDATE products SET title = 'Black tea'");
    site.get("/").assert_sees("Black tea");
    let others = "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
                  WHERE datname = current_database() AND application_name = 'larder' AND ssl IS ";
    assert_ne!(database.sql_as_administrator(&format!("{others} TRUE")), "0");
    assert_eq!(database.sql_as_administrator(&format!("{others} NOT TRUE")), "0");

    // A connection that breaks is noticed and replaced, as one without TLS.
    database.sql_as_administrator(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'larder'",
    );
    site.get("/").assert_status(200).assert_sees("Black tea");
}

#[test]
fn as_much_of_a_certificate_is_checked_as_sslmode_says() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let database = TestDatabase::create(Database::Postgres);
    let folder = tempfile::tempdir().unwrap();
    let stranger = Certificates::issue(folder.path(), "localhost").authority;
    let stranger = format!("sslrootcert={}", stranger.display());
    let ours = its_authority();
    let own = certificates_of_postgres().certificate.display();
    let accepted = [
        ("127.0.0.1", "sslmode=prefer".to_owned()),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-ca&{ours}")),
        ("localhost", format!("sslmode=verify-full&{ours}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={own}")),
        ("127.0.0.1", format!("sslmode=disable&{stranger}")),
    ];
    for (host, parameters) in accepted {
        let url = database.url_at(host, &parameters);
        let ended = Program::start(larder(&["migrate", "--database", &url])).ends();
        assert!(ended.status.success(), "{url}: {}", ended.err);
    }
    let refused = [
        ("127.0.0.1", format!("sslmode=verify-full&{ours}"), "not valid for name"),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={own}"), "not valid for name"),
        // Both authorities have the same name, so the signature decides.
        ("localhost", format!("sslmode=verify-full&{stranger}"), "BadSignature"),
        ("localhost", format!("sslmode=verify-ca&{stranger}"), "BadSignature"),
        ("localhost", format!("sslmode=require&{stranger}"), "BadSignature"),
        ("localhost", "sslmode=verify-full".to_owned(), "UnknownIssuer"),
        ("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(), "/nowhere.pem"),
    ];
    for (host, parameters, reason) in refused {
        let said = refusal(&database.url_at(host, &parameters));
        assert!(said.contains(reason), "{host} {parameters}: {said}");
    }
    for (parameters, reason) in
        [("sslmode=full", "sslmode is"), ("sslcrl=x&sslmode=require", "sslcrl")]
    {
        let url = database.url_at("localhost", parameters);
        let ended = Program::start(larder(&["migrate", "--database", &url])).ends();
        assert!(!ended.status.success() && ended.err.contains(reason), "{url}: {}", ended.err);
    }
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut question = [0; 8];
            if stream.read_exact(&mut question).is_ok() {
                let _ = stream.write_all(b"N");
            }
        }
    });
    let said = refusal(&format!("postgres://ann:sesame@127.0.0.1:{port}/shop?sslmode=require"));
    assert!(said.contains("has no TLS") && !said.contains("sesame"), "{said}");
    let nowhere = free_port();
    let said = refusal(&format!("postgres://ann:sesame@127.0.0.1:{nowhere}/shop?sslmode=require"));
    assert!(said.contains("refused") && !said.contains("sesame"), "{said}");
}

#[test]
fn entries_are_shared_through_tls_to_redis_by_a_user_with_few_rights() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::issue(folder.path(), "localhost");
    let Some((redis, port)) = Redis::start_with_tls(&certificates, &[]) else { return };
    is_shared_through_tls(&redis, &certificates, "rediss", port);
}

/// The cluster names its server by the host of the certificate.
#[test]
fn entries_are_shared_through_tls_to_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::issue(folder.path(), "localhost");
    let bus = free_port().to_string();
    let flags = [
        ["--cluster-enabled", "yes"],
        ["--cluster-port", &bus],
        ["--tls-cluster", "yes"],
        ["--cluster-announce-hostname", "localhost"],
        ["--cluster-preferred-endpoint-type", "hostname"],
    ];
    let started = Redis::start_with_tls(&certificates, flags.as_flattened());
    let Some((redis, port)) = started else { return };
    redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("the cluster is well", || {
        redis.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
    });
    is_shared_through_tls(&redis, &certificates, "rediss-cluster", port);
}

fn is_shared_through_tls(redis: &Redis, certificates: &Certificates, scheme: &str, port: u16) {
    redis.command(&[
        "ACL",
        "SETUSER",
        "grocer",
        "on",
        ">sesame",
        "~*",
        "+@all",
        "-@admin",
        "-@dangerous",
        "+info",
    ]);
    let database = Arc::new(TestDatabase::create(Database::Sqlite));
    let open = |trusted: &Certificates| {
        let mut command = larder(&["serve", "--no-samples", "--toolbar", "off"]);
        command.args(["--database", &database.url()]);
        command.args(["--redis", &format!("{scheme}://grocer:sesame@localhost:{port}")]);
        command.env("SSL_CERT_FILE", &trusted.authority);
        TestSite::of(Program::start(command), database.clone())
    };
    let site = open(certificates);
    site.has_product("Tea");
    site.get("/").assert_sees("Tea");
    until("the page is shared", || {
        site.get("/");
        !redis.keys().is_empty()
    });
    let other = open(certificates);
    until("Redis is well", || other.get("/health/ready").html().contains("\"redis\":\"ok\""));

    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Certificates::issue(elsewhere.path(), "localhost");
    let suspicious = open(&stranger);
    assert!(suspicious.get("/health/ready").html().contains("\"redis\":\"failed\""));
    suspicious.get("/").assert_status(200).assert_sees("Tea");
}

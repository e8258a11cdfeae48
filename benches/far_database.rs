//! Page hits where Postgres is far away: what a client waits, and what a hit costs, strict and bounded.
//!
//! - A proxy in this program delays every byte between the shop and Postgres, each way. What one `SELECT 1` takes stands
//!   above the table: no answer can come sooner.
//! - What a write by another program costs, of which the shop reads what has changed, stands below it.
//! - Latencies include the load generator, which shares the machine with all servers: compare them with the delay, and
//!   with the shop on SQLite in the same run.
//! - Postgres is the server of `--postgres URL` (or `LARDER_BENCH_POSTGRES`). It has to run on this machine, since the
//!   processor time of its connections is what the kernel accounts.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Integer;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use harness::Figure;
use harness::load::{Client, Request};
use harness::server::{LARDER, Server};
use nix::sys::prctl::set_timerslack;
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const CONNECTIONS: [usize; 2] = [32, 256];

const DATABASE: &str = "larder_bench_far";

/// Selects the server processes of the shops.
const BACKENDS: &str = "SELECT pid FROM pg_stat_activity \
    WHERE datname = 'larder_bench_far' AND application_name = 'larder'";

#[derive(Parser)]
struct Args {
    /// Set by cargo when it runs benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
    /// A database on the server to measure; another is created beside it, and dropped.
    #[arg(long, env = "LARDER_BENCH_POSTGRES", value_name = "URL")]
    postgres: Option<String>,
    /// Milliseconds that each byte takes to Postgres, and back.
    #[arg(long, default_value_t = 5)]
    delay: u64,
    /// The bounded mode that is measured.
    #[arg(long, default_value = "250ms")]
    freshness: String,
    /// Requests for each figure.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    match &args.postgres {
        Some(url) if args.bench => measure(&args, url),
        None if args.bench => {
            println!("\nA far database is not measured: no --postgres URL.");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn measure(args: &Args, url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut postgres = PgConnection::establish(url)?;
    postgres.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    postgres.batch_execute(&format!("CREATE DATABASE {DATABASE}"))?;
    let (before, near) = server_in(url)?;
    // The first start fills the database, which takes long through the proxy.
    drop(Server::shop(LARDER, &["--database", &format!("{before}{near}/{DATABASE}")])?);
    let far = delaying(near, Duration::from_millis(args.delay))?;
    let far = format!("{before}{far}/{DATABASE}");
    let folder = tempfile::tempdir()?;
    let file = format!("sqlite://{}", folder.path().join("shop.sqlite3").display());
    let shop = |database: &str, freshness: &str| {
        let arguments = ["--database", database, "--freshness", freshness];
        let others = ["--workers", "2", "--toolbar", "off"];
        Server::shop(LARDER, &[arguments, others].concat())
    };
    let near = format!("{before}{near}/{DATABASE}");
    let subjects = [
        ("SQLite", "strict", shop(&file, "strict")?),
        ("Postgres, near", "strict", shop(&near, "strict")?),
        ("Postgres", "strict", shop(&far, "strict")?),
        ("Postgres", &*args.freshness, shop(&far, &args.freshness)?),
    ];
    println!(
        "\n## Page hits with Postgres {} ms away\n\nEach way; one statement takes {}. {} requests for each row.\n",
        args.delay,
        Figure(round_trip(&far)?),
        args.requests
    );
    println!(
        "| Connections | Database | Freshness | p50 | p99 | Processor, a hit | In Postgres, 1,000 hits |"
    );
    println!("| ---: | --- | --- | ---: | ---: | ---: | ---: |");
    for connections in CONNECTIONS {
        for (database, freshness, server) in &subjects {
            // Warms the page, the connections and the threads up.
            runtime.block_on(latencies(server.address, connections, args.requests / 10))?;
            is_a_hit(&runtime, server)?;
            let before = (server.cpu()?, in_postgres(&mut postgres)?);
            let took = runtime.block_on(latencies(server.address, connections, args.requests))?;
            let after = (server.cpu()?, in_postgres(&mut postgres)?);
            let hits = u32::try_from(took.len())?;
            let [p50, p99] = [50, 99].map(|percent| Figure(took[took.len() * percent / 100]));
            let [shop, queries] =
                [(after.0 - before.0) / hits, after.1.saturating_sub(before.1) * 1_000 / hits]
                    .map(Figure);
            println!(
                "| {connections} | {database} | {freshness} | {p50} | {p99} | {shop} | {queries} |"
            );
        }
    }
    let [(_, _, on_sqlite), (_, _, on_postgres), ..] = &subjects;
    println!("\n## A hit after a write by another program\n\nOf {TAGS} tags, one has changed.\n");
    println!("| Database | Processor, a hit | After a write | In Postgres |");
    println!("| --- | ---: | ---: | ---: |");
    let mut foreign = SqliteConnection::establish(&file)?;
    foreign.batch_execute(&many_in_sqlite())?;
    let write = || Ok(foreign.batch_execute(IN_SQLITE)?);
    let [hit, after, _] = after_writes(&runtime, on_sqlite, &mut postgres, write)?;
    println!("| SQLite | {hit} | {after} | |");
    let mut foreign = PgConnection::establish(&near)?;
    foreign.batch_execute(&many_in_postgres())?;
    let write = || Ok(foreign.batch_execute(IN_POSTGRES)?);
    let [hit, after, queries] = after_writes(&runtime, on_postgres, &mut postgres, write)?;
    println!("| Postgres, near | {hit} | {after} | {queries} |");
    drop((subjects, foreign));
    postgres.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    Ok(())
}

/// The tags of the table of stamps, about.
const TAGS: usize = 800;

/// Each changes the stamp of a tag on which the homepage does not depend.
const IN_SQLITE: &str =
    "UPDATE cache_versions SET n = n + 1, r = random() WHERE tag IN ('bench#1', '*')";
const IN_POSTGRES: &str = "SELECT cache_bump('bench#1')";

fn many_in_sqlite() -> String {
    format!(
        "PRAGMA busy_timeout = 5000; INSERT INTO cache_versions \
         WITH RECURSIVE tags(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM tags WHERE n < {TAGS}) \
         SELECT 'bench#' || n, 1, random() FROM tags"
    )
}

fn many_in_postgres() -> String {
    format!(
        "SELECT cache_bump(VARIADIC array_agg('bench#' || n)) FROM generate_series(1, {TAGS}) AS n; \
         SELECT larder_v2_fold(5000)"
    )
}

/// Returns the processor time of a hit, and of one after each `write`: in the shop, and in Postgres.
fn after_writes(
    runtime: &Runtime,
    server: &Server,
    postgres: &mut PgConnection,
    mut write: impl FnMut() -> Result<()>,
) -> Result<[Figure; 3]> {
    const ROUNDS: u32 = 1_000;
    let mut client = runtime.block_on(Client::connect(server.address))?;
    let mut hits = |write: &mut dyn FnMut() -> Result<()>| {
        let before = (server.cpu()?, in_postgres(postgres)?);
        for _ in 0..ROUNDS {
            write()?;
            runtime.block_on(client.ask(&Request::get("/")))?;
        }
        let after = (server.cpu()?, in_postgres(postgres)?);
        anyhow::Ok([after.0 - before.0, after.1.saturating_sub(before.1)].map(|all| all / ROUNDS))
    };
    let [hit, _] = hits(&mut || Ok(()))?;
    let [after, queries] = hits(&mut write)?;
    is_a_hit(runtime, server)?;
    Ok([hit, after, queries].map(Figure))
}

/// Returns how long the shortest statement takes.
fn round_trip(url: &str) -> Result<Duration> {
    let mut postgres = PgConnection::establish(url)?;
    let mut took = Vec::new();
    for _ in 0..201 {
        let began = Instant::now();
        postgres.batch_execute("SELECT 1")?;
        took.push(began.elapsed());
    }
    took.sort();
    Ok(took[took.len() / 2])
}

/// Requests the homepage on all connections; returns how long each request took, in order.
async fn latencies(
    address: SocketAddr,
    connections: usize,
    requests: usize,
) -> Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let mut client = Client::connect(address).await?;
        tasks.spawn(async move {
            let request = Request::get("/");
            let mut took = Vec::new();
            for _ in 0..(requests / connections).max(1) {
                let began = Instant::now();
                client.ask(&request).await?;
                took.push(began.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = tasks.join_next().await {
        all.extend(took??);
    }
    all.sort();
    Ok(all)
}

fn is_a_hit(runtime: &Runtime, server: &Server) -> Result<()> {
    let page = runtime.block_on(async {
        let mut client = Client::connect(server.address).await?;
        client.ask(&Request::get("/")).await
    })?;
    let status = page.header("cache-status").unwrap_or_default();
    ensure!(status.contains("hit"), "the page is {status:?}");
    Ok(())
}

/// Returns the processor time that the server processes of all shops have used.
fn in_postgres(postgres: &mut PgConnection) -> Result<Duration> {
    let mut all = Duration::ZERO;
    for backend in sql::<Integer>(BACKENDS).load::<i32>(postgres)? {
        let clock = clock_getcpuclockid(Pid::from_raw(backend));
        all += Duration::from(clock.context("Postgres is on this machine")?.now()?);
    }
    Ok(all)
}

/// Returns what stands before the address of the server in a URL, and the address.
fn server_in(url: &str) -> Result<(&str, SocketAddr)> {
    let start = url.find('@').or_else(|| url.find("//").map(|at| at + 1)).context("a URL")? + 1;
    let (before, rest) = url.split_at(start);
    let server = rest.split('/').next().unwrap_or_default().replace("localhost", "127.0.0.1");
    let server = if server.contains(':') { server } else { format!("{server}:5432") };
    Ok((before, server.parse().context("the address of Postgres")?))
}

/// Starts a proxy to `server` that delays each way; returns its address.
fn delaying(server: SocketAddr, delay: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> Result<()> {
        for shop in listener.incoming() {
            let (shop, database) = (shop?, TcpStream::connect(server)?);
            shop.set_nodelay(true)?;
            database.set_nodelay(true)?;
            pump(shop.try_clone()?, database.try_clone()?, delay);
            pump(database, shop, delay);
        }
        Ok(())
    });
    Ok(address)
}

/// Copies bytes from one end to the other, each `delay` after it has arrived.
fn pump(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (arrivals, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut piece = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if arrivals.send((Instant::now(), piece[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        // The kernel may otherwise let a thread sleep for 50 µs longer.
        let _ = set_timerslack(1);
        for (arrived, piece) in due {
            thread::sleep((arrived + delay).saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

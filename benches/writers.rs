//! Writers of a table on Postgres, with the triggers that change stamps and without.
//!
//! - pgbench updates single rows of two equal tables, in turns; one of them is covered.
//! - A source of stamps is asked meanwhile, as a site does it that is visited, so the changes are folded.
//! - Where Postgres waits for the disk at each commit, the disk hides what a trigger costs. So a part of the rounds does not
//!   wait.
//! - Postgres is the server of `--postgres URL` (or `LARDER_BENCH_POSTGRES`), and `pgbench` comes with it.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use harness::{Goal, Table, in_turns};
use larder_cache::stamps::StampSource;
use larder_sql::db::{Db, Url};
use larder_sql::{Table as Covered, triggers};
use tokio::runtime::Builder;

/// The duration of an update with triggers, in updates without: 0.85 of the throughput.
const WITH_TRIGGERS: Goal = Goal::Ratio(1.18);

const DATABASE: &str = "larder_bench_writers";

const COVERED: Covered = Covered::named("covered");

const ROWS: u32 = 100_000;

/// How long the source of stamps is left alone between two questions.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Parser)]
struct Args {
    /// Set by cargo when it runs benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
    /// A database on the server to measure; another is created beside it, and dropped.
    #[arg(long, env = "LARDER_BENCH_POSTGRES", value_name = "URL")]
    postgres: Option<String>,
    /// Where `pgbench` is.
    #[arg(long, env = "LARDER_BENCH_PGBENCH", default_value = "pgbench")]
    pgbench: PathBuf,
    /// Concurrent writers.
    #[arg(long, default_value_t = 16)]
    writers: u32,
    /// Updates by each writer in each round.
    #[arg(long, default_value_t = 2_000)]
    updates: u32,
    /// Rounds that count.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    match &args.postgres {
        Some(url) if args.bench => measure(&args, url),
        None if args.bench => {
            println!("\nWriters are not measured: no --postgres URL.");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn measure(args: &Args, url: &str) -> Result<()> {
    let mut postgres = PgConnection::establish(url)?;
    postgres.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?;
    postgres.batch_execute(&format!("CREATE DATABASE {DATABASE}"))?;
    let (server, _) = url.rsplit_once('/').context("the URL names a database")?;
    let url = format!("{server}/{DATABASE}");
    create_the_tables(&url)?;
    ask_for_stamps(larder_sql::open(&parsed(&url)?, &[COVERED]).map_err(Error::msg)?)?;
    let folder = tempfile::tempdir()?;
    let mut table = Table::titled(
        &format!("Updates on Postgres by {} writers", args.writers),
        "The duration of one update by all writers together.",
    );
    for (commit, what) in [("on", "waiting for the disk"), ("off", "not waiting for the disk")] {
        let tables = ["covered", "plain"];
        let [covered, plain] = in_turns(args.rounds, tables.len(), |turn| {
            update(args, folder.path(), &url, tables[turn], commit)
        })?
        .try_into()
        .expect("two subjects have two samples");
        let label = format!("with triggers, {what}");
        table.compare(WITH_TRIGGERS, (&label, &covered), ("without triggers", &plain));
    }
    table.print();
    Ok(())
}

fn create_the_tables(url: &str) -> Result<()> {
    let mut database = PgConnection::establish(url)?;
    for table in ["covered", "plain"] {
        database.batch_execute(&format!(
            "CREATE TABLE {table} (id integer PRIMARY KEY, price integer NOT NULL) WITH (fillfactor = 50);
             INSERT INTO {table} SELECT id, id FROM generate_series(1, {ROWS}) AS id"
        ))?;
    }
    Db::open(&parsed(url)?)
        .map_err(Error::msg)?
        .write_now(|conn| triggers::cover(conn, COVERED))?;
    Ok(())
}

fn parsed(url: &str) -> Result<Url> {
    url.parse().map_err(Error::msg)
}

/// Asks for the stamps until the program ends.
fn ask_for_stamps(stamps: Arc<dyn StampSource>) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        loop {
            if let Err(error) = runtime.block_on(stamps.current().get()) {
                eprintln!("the stamps are unavailable: {error}");
            }
            thread::sleep(PAUSE);
        }
    });
    Ok(())
}

/// Runs pgbench on a table; returns the duration of one update by all writers together.
fn update(args: &Args, folder: &Path, url: &str, table: &str, commit: &str) -> Result<Duration> {
    let script = folder.join(table);
    fs::write(
        &script,
        format!(
            "\\set id random(1, {ROWS})\nUPDATE {table} SET price = price + 1 WHERE id = :id;\n"
        ),
    )?;
    let output = Command::new(&args.pgbench)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={}", args.writers))
        .arg(format!("--transactions={}", args.updates))
        .arg("--file")
        .args([script.as_os_str(), url.as_ref()])
        .env("PGOPTIONS", format!("-c synchronous_commit={commit}"))
        .output()
        .with_context(|| format!("{} runs", args.pgbench.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    let rate =
        said.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench says a rate")?;
    let rate: f64 = rate.split(' ').next().unwrap_or_default().parse()?;
    Ok(Duration::from_secs_f64(1.0 / rate))
}

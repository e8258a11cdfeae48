//! The memory that the entries of a process take, compared with what the cache says, and with its limit.
//!
//! - The shop is asked for as many pages as the first column says, each once and in gzip: a page and the list on it are
//!   two entries. A larger number than fits shows what evictions leave.
//! - The figure is the resident memory of the server's process, less what it has taken before the first of these pages.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::fs;

use anyhow::{Context, Result};
use harness::load::{Client, Request};
use harness::server::{LARDER, Server};

const PAGES: [usize; 3] = [1_000, 10_000, 100_000];

/// The most that the process may take, in what the cache says or in its limit.
const GOAL: f64 = 1.25;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    if std::env::args().any(|argument| argument == "--bench") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        println!("\n## Memory of entries\n\nMiB; the goal is {GOAL} times what the cache says.\n");
        println!("| Pages | Entries | Resident | The cache says | Ratio | Limit | Ratio to it |");
        println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        for pages in PAGES {
            runtime.block_on(measure(pages))?;
        }
    }
    Ok(())
}

async fn measure(pages: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite://{}", folder.path().join("shop.sqlite3").display());
    let server =
        Server::shop(LARDER, &["--database", &database, "--workers", "2", "--toolbar", "off"])?;
    let mut client = Client::connect(server.address).await?;
    // What every page takes once: connections, statements, fragments.
    for _ in 0..1_000 {
        client.ask(&Request::get_zipped("/")).await?;
    }
    let before = resident(&server)?;
    for page in 0..pages {
        client.ask(&Request::get_zipped(&address(page))).await?;
    }
    let grown = resident(&server)?.saturating_sub(before) as f64;
    let figures = client.ask(&Request::get("/metrics")).await?;
    let figures = String::from_utf8(figures.body)?;
    let figure = |name: &str| -> Result<f64> {
        let of_name = |line: &&str| line.split([' ', '{']).next() == Some(name);
        let lines = figures.lines().filter(of_name);
        let numbers: Vec<f64> =
            lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        (!numbers.is_empty()).then(|| numbers.iter().sum()).context(format!("no metric {name}"))
    };
    let [said, limit, entries] = [
        figure("larder_cache_memory_bytes")?,
        figure("larder_cache_memory_limit_bytes")?,
        figure("larder_cache_memory_entries")?,
    ];
    let [resident, says, most] = [grown, said, limit].map(|bytes| bytes / (1 << 20) as f64);
    let (of_said, of_limit) = (grown / said, grown / limit);
    println!(
        "| {pages} | {entries} | {resident:.1} | {says:.1} | {of_said:.2} | {most:.0} | {of_limit:.2} |"
    );
    Ok(())
}

/// Returns an address of a page that no other number has: products since another day.
fn address(number: usize) -> String {
    let (year, month, day) = (number / 336 + 1, number / 28 % 12 + 1, number % 28 + 1);
    format!("/?since={year:04}-{month:02}-{day:02}")
}

/// Returns the resident memory of the server's process in bytes.
fn resident(server: &Server) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("the kernel says what is resident")?.parse::<u64>()? << 10)
}

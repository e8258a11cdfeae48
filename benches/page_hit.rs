//! The cost of a page hit, compared with actix-web answering the same bytes from memory.
//!
//! - Every server is a separate process with the same number of workers and the same load. The rounds
//!   take turns.
//! - The figure is processor time per request, user and system, as the kernel accounts it to the
//!   server's process. Requests per second are printed below; they vary more.
//! - `cargo bench --bench page_hit -- --help` lists the parameters.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use diesel::connection::{Connection, SimpleConnection};
use diesel::sqlite::SqliteConnection;
use harness::load::{self, Answer, Client, Request};
use harness::plain;
use harness::server::{LARDER, Server};
use harness::{Figure, Goal, Samples, Table, in_turns};
use larder::site::render::grouped;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The goal for a page hit, in static answers.
const HIT: Goal = Goal::Ratio(1.25);

/// The goal for building a page, in static answers: 150 µs, where a static answer takes 6.9 µs.
const COLD: Goal = Goal::Ratio(21.7);

/// The numbers of connections, few and many, at which a hit is measured.
const CONNECTIONS: [usize; 4] = [1, 32, 256, 2_000];

/// Writes in a second, by another program, of the busy shop.
const WRITES: u32 = 100;

#[derive(Parser)]
struct Args {
    /// Set by cargo when it runs benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve the page in this folder instead of measuring, as the server to compare with.
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
    /// Threads of each server.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Concurrent connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests in each round; a tenth of it where pages are built without a cache.
    #[arg(long, default_value_t = 40_000)]
    requests: usize,
    /// Measured rounds.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Products of the large catalogue.
    #[arg(long, default_value_t = 1_000_000)]
    products: u64,
    /// Another build of larder: compare only the page hits of this build and of all given ones.
    #[arg(long, value_name = "PROGRAM")]
    beside: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    match &args.serve {
        Some(folder) => actix_web::rt::System::new().block_on(plain::serve(folder, args.workers)),
        None if args.bench && args.beside.is_empty() => {
            measure_answers(&args)?;
            measure_scale(&args)
        }
        None if args.bench => measure_builds(&args),
        // `cargo test --all-targets` runs this program, too, but without `--bench`.
        None => Ok(()),
    }
}

/// Measures all kinds of answers of this build.
fn measure_answers(args: &Args) -> Result<()> {
    let rig = Rig::new(args)?;
    let [hit, timed] = [("all", "off"), ("all", "auto")].map(|(levels, toolbar)| {
        let server = rig.shop(Path::new(LARDER), levels, toolbar)?;
        rig.warm(&server, "hit").map(|page| (server, page))
    });
    let ((hit, page), (timed, _)) = (hit?, timed?);
    let cold = rig.shop(Path::new(LARDER), "off", "off")?;
    rig.warm(&cold, "fwd=bypass")?;
    let plain = rig.compared_with(&page)?;
    let etag = page.header("etag").context("a page has a validator")?;
    let again = |target| Request::get_again(target, etag);

    let subject = |name: &str, server, request| Subject::new(name, server, request, args.requests);
    let mut subjects = [
        subject("static body", &plain, Request::get("/")),
        subject("cached body", &plain, Request::get("/cached")),
        subject("cached body, three holes", &plain, Request::get("/holes")),
        subject("static body and headers", &plain, Request::get("/headers")),
        subject("page hit", &hit, Request::get("/")),
        subject("page hit, toolbar on", &timed, Request::get("/")),
        subject("static 304", &plain, again("/304")),
        subject("page hit, 304", &hit, again("/")),
        Subject::new("page made anew, cache off", &cold, Request::get("/"), args.requests / 10),
        subject("cached body, gzip", &plain, Request::get_zipped("/cached")),
        subject("cached body, three holes, gzip", &plain, Request::get_zipped("/holes")),
    ];
    let samples = rig.measure(&mut subjects)?;
    let mut table = rig.table(&format!("Page hits, page of {} bytes", page.body.len()));
    let row = |subject: usize| (subjects[subject].name.as_str(), &samples[subject]);
    let [body, cached, holes, headers, hit, timed, static_304, hit_304, cold] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8].map(row);
    let [cached_zipped, holes_zipped] = [9, 10].map(row);
    table.compare(HIT, hit, body);
    table.compare(HIT, timed, body);
    table.compare(Goal::None, hit, headers);
    table.compare(Goal::None, headers, body);
    table.compare(Goal::None, timed, hit);
    table.compare(Goal::None, holes, cached);
    table.compare(Goal::None, holes_zipped, cached_zipped);
    table.compare(Goal::None, holes_zipped, cached);
    table.compare(Goal::None, hit_304, static_304);
    table.compare(COLD, cold, body);
    table.print();
    print_rates(&subjects, &samples);
    Ok(())
}

/// Compares the page hits of several builds, each with a static answer of the bytes of its own page: a page may have grown
/// from one build to the next.
fn measure_builds(args: &Args) -> Result<()> {
    let rig = Rig::new(args)?;
    let programs = [PathBuf::from(LARDER)].into_iter().chain(args.beside.iter().cloned());
    let mut builds = Vec::new();
    for program in programs {
        let server = rig.shop(&program, "all", "off")?;
        let page = rig.warm(&server, "hit")?;
        let bytes = page.body.len();
        builds.push((program.display().to_string(), bytes, server, rig.compared_with(&page)?));
    }
    let subject =
        |name: String, server| Subject::new(&name, server, Request::get("/"), args.requests);
    let mut subjects = Vec::new();
    for (program, bytes, server, plain) in &builds {
        subjects.push(subject(format!("static body of {bytes} bytes"), plain));
        subjects.push(subject(program.clone(), server));
    }
    let samples = rig.measure(&mut subjects)?;
    let mut table = rig.table("Page hits of several builds");
    let row = |subject: usize| (subjects[subject].name.as_str(), &samples[subject]);
    for build in (0..subjects.len()).step_by(2) {
        table.compare(HIT, row(build + 1), row(build));
    }
    table.print();
    print_rates(&subjects, &samples);
    Ok(())
}

/// Measures page hits with few and many connections, among a million products, and while another program writes.
fn measure_scale(args: &Args) -> Result<()> {
    let rig = Rig::new(args)?;
    let few = rig.shop(Path::new(LARDER), "all", "off")?;
    let page = rig.warm(&few, "hit")?;
    let plain = rig.compared_with(&page)?;
    let file = rig.folder.path().join("many");
    let seeded = Command::new(LARDER)
        .args(["seed", "--products", &args.products.to_string()])
        .args(["--database", &format!("sqlite://{}", file.display())])
        .output()?;
    ensure!(seeded.status.success(), "{}", String::from_utf8_lossy(&seeded.stderr));
    let many = rig.shop_on(&file, Path::new(LARDER), "all", "off")?;
    rig.warm(&many, "hit")?;

    let subject = |name: &str, server| Subject::new(name, server, Request::get("/"), args.requests);
    let mut subjects = Vec::new();
    for connections in CONNECTIONS {
        let plain = subject(&format!("static body, connections: {connections}"), &plain);
        let hit = subject(&format!("page hit, connections: {connections}"), &few);
        subjects.extend([plain, hit].map(|it| Subject { connections: Some(connections), ..it }));
    }
    let most = grouped(args.products);
    subjects.push(subject("static body", &plain));
    subjects.push(subject(&format!("page hit, {most} products"), &many));
    let busy = subject(&format!("page hit, {most} products, {WRITES} writes a second"), &many);
    subjects.push(Subject { written: Some(&file), ..busy });
    let samples = rig.measure(&mut subjects)?;
    let mut table = rig.table(&format!("Page hits at scale, page of {} bytes", page.body.len()));
    let row = |subject: usize| (subjects[subject].name.as_str(), &samples[subject]);
    let last = 2 * CONNECTIONS.len();
    (0..last).step_by(2).for_each(|body| table.compare(HIT, row(body + 1), row(body)));
    table.compare(HIT, row(last + 1), row(last));
    table.compare(Goal::None, row(last + 2), row(last));
    table.print();
    print_rates(&subjects, &samples);
    Ok(())
}

/// Changes products until the flag is set, [`WRITES`] times in a second.
fn write(file: &Path, is_over: &AtomicBool) -> Result<()> {
    let mut database = SqliteConnection::establish(&file.to_string_lossy())?;
    database.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL")?;
    let began = Instant::now();
    for written in 1.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let product = written % 1_000 + 1;
        let update =
            format!("UPDATE products SET price_cents = 100 + {written} WHERE id = {product}");
        database.batch_execute(&update)?;
        thread::sleep((Duration::from_secs(1) / WRITES * written).saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// A server under load, and the request that it answers.
struct Subject<'s> {
    name: String,
    server: &'s Server,
    request: Request,
    requests: usize,
    /// Concurrent connections, if not as many as in other subjects.
    connections: Option<usize>,
    /// The SQLite file to which another program writes meanwhile.
    written: Option<&'s Path>,
    /// The duration of each round, from which requests per second are computed.
    elapsed: Vec<Duration>,
}

impl<'s> Subject<'s> {
    fn new(name: &str, server: &'s Server, request: Request, requests: usize) -> Self {
        let name = name.to_owned();
        Self { name, server, request, requests, connections: None, written: None, elapsed: vec![] }
    }

    /// Runs one round and returns the processor time per request.
    fn round(&mut self, rig: &Rig<'_>) -> Result<Duration> {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let writer = self.written.map(|file| scope.spawn(|| write(file, &is_over)));
            let took = self.load(rig);
            is_over.store(true, Ordering::Relaxed);
            writer.map_or(Ok(()), |writer| writer.join().expect("the writer does not panic"))?;
            took
        })
    }

    fn load(&mut self, rig: &Rig<'_>) -> Result<Duration> {
        let before = self.server.cpu()?;
        let connections = self.connections.unwrap_or(rig.args.connections);
        let load = load::run(self.server.address, &self.request, connections, self.requests);
        self.elapsed.push(rig.runtime.block_on(load)?);
        Ok((self.server.cpu()? - before) / u32::try_from(self.requests)?)
    }

    fn requests_per_second(&self) -> f64 {
        let elapsed: Samples = self.elapsed.iter().copied().skip(1).collect();
        self.requests as f64 / elapsed.median().as_secs_f64()
    }
}

/// The parameters and resources that all servers share.
struct Rig<'a> {
    args: &'a Args,
    folder: TempDir,
    runtime: Runtime,
}

impl<'a> Rig<'a> {
    fn new(args: &'a Args) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { args, folder: tempfile::tempdir()?, runtime })
    }

    /// Starts a shop with 1,000 products. All shops of one build use the same database: another build may refuse it.
    fn shop(&self, program: &Path, levels: &str, toolbar: &str) -> Result<Server> {
        let file = program.display().to_string().replace('/', "-");
        self.shop_on(&self.folder.path().join(file), program, levels, toolbar)
    }

    fn shop_on(&self, file: &Path, program: &Path, levels: &str, toolbar: &str) -> Result<Server> {
        let database = format!("sqlite://{}", file.display());
        let workers = self.args.workers.to_string();
        let asked = [("--database", database.as_str()), ("--workers", &workers)];
        let asked = asked.into_iter().chain([("--cache", levels), ("--toolbar", toolbar)]);
        let arguments: Vec<&str> = asked.flat_map(|(flag, value)| [flag, value]).collect();
        Server::shop(program, &arguments)
    }

    /// Requests the page twice and returns it, if its `Cache-Status` contains `wanted`.
    fn warm(&self, server: &Server, wanted: &str) -> Result<Answer> {
        let home = Request::get("/");
        let page = self.runtime.block_on(async {
            let mut client = Client::connect(server.address).await?;
            client.ask(&home).await?;
            client.ask(&home).await
        })?;
        let status = page.header("cache-status").unwrap_or_default();
        ensure!(status.contains(wanted), "the page is {status:?}, and not {wanted:?}");
        Ok(page)
    }

    /// Starts this program as the server to compare with, which answers `page`.
    fn compared_with(&self, page: &Answer) -> Result<Server> {
        fs::write(self.folder.path().join("head"), &page.head)?;
        fs::write(self.folder.path().join("body"), &page.body)?;
        let mut program = Command::new(std::env::current_exe()?);
        program.arg("--serve").arg(self.folder.path());
        program.args(["--workers", &self.args.workers.to_string()]);
        Server::start(program)
    }

    fn measure(&self, subjects: &mut [Subject<'_>]) -> Result<Vec<Samples>> {
        in_turns(self.args.rounds, subjects.len(), |turn| subjects[turn].round(self))
    }

    fn table(&self, title: &str) -> Table {
        let Args { workers, connections, requests, rounds, .. } = self.args;
        Table::titled(
            title,
            &format!(
                "Processor time of the server for each request: {workers} workers, {connections} \
                 connections, {rounds} rounds of {requests} requests."
            ),
        )
    }
}

fn print_rates(subjects: &[Subject<'_>], samples: &[Samples]) {
    println!("\nRequests per second, with the load made on the same machine:");
    for (subject, samples) in subjects.iter().zip(samples) {
        let (rate, cpu) = (subject.requests_per_second(), Figure(samples.median()));
        println!("{:>28}: {rate:>8.0}, {cpu:>8} each", subject.name);
    }
}

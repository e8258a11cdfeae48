//! The cost of building a catalogue page without a cache, with a thousand and with a million products.
//!
//! - The shop is the real program with `--cache off`, requested over one persistent connection. Queries
//!   use the connection pool, like those of the shop.
//! - The figure of "any page" is the median of the slowest page, among pages from all over the
//!   catalogue that include the first, the middle and the last.
//! - SQLite is measured in a temporary folder. Postgres is measured, too, if `--postgres URL` (or
//!   `LARDER_BENCH_POSTGRES`) names a database whose user may create others.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use harness::load::{Client, Request};
use harness::server::{LARDER, Server};
use harness::{Goal, Samples, Table, duel, in_turns};
use larder::app;
use larder::db::{Conn, Db, Migrate};
use larder::products::model::{LIST, ProductList};
use larder::products::{queries, service};
use larder::site::list::ListQuery;
use larder::site::render::grouped;
use larder::sql::Database;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The goal for building the first page (issue 2, point 6).
const FIRST: Duration = Duration::from_millis(5);

/// The goal for a search among all products (issue 21, point 7).
const SEARCH: Duration = Duration::from_millis(20);

/// The goal for any page.
const ANY: Duration = Duration::from_millis(100);

/// The number of products on a page, as in the shop.
const PAGE_SIZE: u64 = 25;

/// The goal for adding a million products.
const SEED: Duration = Duration::from_secs(60);

/// Rounds that start the shop and measure its first page.
const STARTS: usize = 9;

/// Rounds that request the first page.
const ROUNDS: usize = 301;

/// Rounds that measure the processor time of the first page, and requests in each of them.
const CPU_ROUNDS: usize = 15;
const CPU_VISITS: u32 = 20;

/// Rounds that request each random page and each search.
const VISITS: usize = 5;

/// The number of random pages, besides the first, the middle and the last.
const ANYWHERE: u64 = 100;

/// The searches, as queries: words in many, few and no titles, in other scripts, in any order, mistyped, as numbers and
/// beginnings; within prices; in each order; and on the last page, which takes longest.
const SEARCHES: [(&str, &str); 31] = [
    ("half of all titles", "q=g"),
    ("frequent word", "q=organic"),
    ("two frequent words", "q=organic+g"),
    ("three words", "q=tea+organic+250"),
    ("common word", "q=tea"),
    ("rare word", "q=yuzu"),
    ("no match", "q=zzzz"),
    ("mistyped", "q=choclate"),
    ("number", "q=500"),
    ("accents", "q=cr%C3%A8me"),
    ("Cyrillic, in capitals", "q=%D0%90%D0%99%D0%92%D0%90%D0%A0"),
    ("one Han character", "q=%E8%8C%B6"),
    ("one letter", "q=o"),
    ("two letters", "q=ch"),
    ("within prices", "q=tea&min=4&max=6"),
    ("within few prices", "q=organic&min=4&max=4.05"),
    ("prices alone", "min=4&max=6"),
    ("by title", "q=organic&sort=title"),
    ("by title, from the end", "q=organic&sort=-title"),
    ("common word by title", "q=tea&sort=title"),
    ("by price", "q=organic&sort=price"),
    ("common word by price", "q=tea&sort=price"),
    ("common word, dearest first", "q=cheese&sort=-price"),
    ("by creation", "q=tea&sort=created"),
    ("by change", "q=tea&sort=updated"),
    ("last page", "q=organic&page=40"),
    ("last page by price", "q=tea&sort=price&page=40"),
    ("last page by title", "q=cheese&sort=title&page=40"),
    ("last page by price, far away", "q=coffee&sort=price&page=40"),
    ("last page by title, far away", "q=organic&sort=title&page=40"),
    ("last page, dearest first", "q=g&sort=-price&page=40"),
];

#[derive(Parser)]
struct Args {
    /// Set by cargo when it runs benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
    /// A database on the server to measure; others are created beside it, and dropped.
    #[arg(long, env = "LARDER_BENCH_POSTGRES", value_name = "URL")]
    postgres: Option<String>,
    /// Products of the large catalogue.
    #[arg(long, default_value_t = 1_000_000)]
    products: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    if !args.bench {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    measure(&runtime, &args, &Place::Folder(tempfile::tempdir()?))?;
    match &args.postgres {
        Some(url) => measure(&runtime, &args, &Place::Server(url.clone())),
        None => {
            println!("\nPostgres is not measured: no --postgres URL.");
            Ok(())
        }
    }
}

fn measure(runtime: &Runtime, args: &Args, place: &Place) -> Result<()> {
    let mut table = Table::titled(
        &format!("Catalogue on {}", place.name()),
        &format!("Time until the answer is there, one request at a time, {PAGE_SIZE} on a page."),
    );
    let few = Shop::open(runtime, place, "few", 1_000)?;
    let many = Shop::open(runtime, place, "many", args.products)?;
    table.bound(SEED, &format!("adding {}", many.size()?), many.seeding);
    first_page(&mut table, &few, &many)?;
    any_page(&mut table, &many)?;
    searches(&mut table, &many)?;
    many.delete_a_tenth()?;
    first_page(&mut table, &few, &many)?;
    any_page(&mut table, &many)?;
    table.print();
    Ok(())
}

/// Compares the first page and its query between many and few products.
fn first_page(table: &mut Table, few: &Shop<'_>, many: &Shop<'_>) -> Result<()> {
    let first = Request::get("/");
    let (few_client, many_client) = (&mut few.connect()?, &mut many.connect()?);
    let (few_size, many_size) = (few.size()?, many.size()?);
    let mut compare = |goal, what: &str, [many, few]: &[Samples; 2]| {
        table.compare(goal, (&format!("{what}, {many_size}"), many), (&few_size, few));
    };
    let pages = duel(ROUNDS, || many.visit(many_client, &first), || few.visit(few_client, &first))?;
    compare(Goal::Time(FIRST), "first page", &pages);
    let cpu = duel(CPU_ROUNDS, || many.cpu(many_client, &first), || few.cpu(few_client, &first))?;
    compare(Goal::None, "its processor time", &cpu);
    let queries = duel(ROUNDS, || many.query(), || few.query())?;
    compare(Goal::Time(FIRST), "its query alone", &queries);
    let starts = duel(STARTS, || many.first_visit(), || few.first_visit())?;
    compare(Goal::None, "first page after a start", &starts);
    Ok(())
}

/// Compares pages from all over the catalogue with the first page.
fn any_page(table: &mut Table, shop: &Shop<'_>) -> Result<()> {
    let last = shop.list(1)?.total.div_ceil(PAGE_SIZE);
    // Pseudo-random pages, far apart, the same in each run.
    let anywhere = (1..=ANYWHERE).map(|number| 1 + number * 6_180_339_887 % last);
    let pages = [1, last.div_ceil(2), last].into_iter().chain(anywhere);
    let requests: Vec<_> = pages.map(|page| Request::get(&format!("/?page={page}"))).collect();
    let samples = shop.visit_all(&requests)?;
    let [first, middle, end, anywhere @ ..] = &samples[..] else { return Ok(()) };
    let slowest = anywhere.iter().max_by_key(|page| page.median()).unwrap_or(end);
    let slowest_name = format!("slowest of {ANYWHERE} pages at random");
    let size = shop.size()?;
    for (name, samples) in
        [("middle page", middle), ("last page", end), (slowest_name.as_str(), slowest)]
    {
        let name = format!("{name}, {size}");
        table.compare(Goal::Time(ANY), (&name, samples), ("first page", first));
    }
    Ok(())
}

fn searches(table: &mut Table, shop: &Shop<'_>) -> Result<()> {
    let searches = SEARCHES.map(|(_, query)| Request::get(&format!("/?{query}")));
    let requests: Vec<_> = [Request::get("/")].into_iter().chain(searches).collect();
    let samples = shop.visit_all(&requests)?;
    let [first, searches @ ..] = &samples[..] else { return Ok(()) };
    for ((name, query), samples) in SEARCHES.iter().zip(searches) {
        let matches = shop.matches(query)?;
        let name = format!("search, {name}: {matches} of {}", shop.size()?);
        table.compare(Goal::Time(SEARCH), (&name, samples), ("first page", first));
    }
    Ok(())
}

/// A shop with its cache off, and its database.
struct Shop<'r> {
    runtime: &'r Runtime,
    url: String,
    db: Db,
    database: Database,
    server: Server,
    /// How long it took to add the products.
    seeding: Duration,
}

impl<'r> Shop<'r> {
    /// Creates a database with `products` sample products, and starts a shop on it.
    fn open(runtime: &'r Runtime, place: &Place, name: &str, products: u64) -> Result<Self> {
        let url = place.create(name)?;
        let db = Db::open(&url.parse().map_err(Error::msg)?).map_err(Error::msg)?;
        db.migrate()?;
        let started = Instant::now();
        service::seed(&db, products, |_| ())?;
        let seeding = started.elapsed();
        place.settle(&url)?;
        // As the shop does in the background, before it finds pages by the counts.
        let database = Database::new(db.clone(), app::TABLES);
        runtime.block_on(database.read(queries::check_counts))?;
        Ok(Self { runtime, server: start(&url)?, url, db, database, seeding })
    }

    /// Returns the number of products as text.
    fn size(&self) -> Result<String> {
        Ok(format!("{} products", grouped(self.list(1)?.total)))
    }

    /// Loads a page of the catalogue from the database, without the shop.
    fn list(&self, page: u64) -> Result<ProductList> {
        let list = self.database.read(move |read| queries::list(read, page, PAGE_SIZE));
        Ok(self.runtime.block_on(list)?.0)
    }

    /// Returns the number of products that the query finds, as text.
    fn matches(&self, query: &str) -> Result<String> {
        let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let query = ListQuery::parse(&LIST, &parameters).map_err(Error::msg)?;
        let list = self.database.read(move |read| queries::search(read, &query, PAGE_SIZE));
        let (list, _) = self.runtime.block_on(list)?;
        Ok(format!("{}{}", if list.has_more { "more than " } else { "" }, grouped(list.total)))
    }

    /// Measures the query of the first page.
    fn query(&self) -> Result<Duration> {
        let started = Instant::now();
        ensure!(!self.list(1)?.products.is_empty(), "the shop is empty");
        Ok(started.elapsed())
    }

    fn connect(&self) -> Result<Client> {
        self.runtime.block_on(Client::connect(self.server.address))
    }

    /// Measures how long the shop takes to answer.
    fn visit(&self, client: &mut Client, request: &Request) -> Result<Duration> {
        let started = Instant::now();
        self.runtime.block_on(client.ask(request))?;
        Ok(started.elapsed())
    }

    /// Measures the processor time that the shop uses for an answer.
    fn cpu(&self, client: &mut Client, request: &Request) -> Result<Duration> {
        let before = self.server.cpu()?;
        for _ in 0..CPU_VISITS {
            self.visit(client, request)?;
        }
        Ok((self.server.cpu()? - before) / CPU_VISITS)
    }

    /// Measures all requests in turns.
    fn visit_all(&self, requests: &[Request]) -> Result<Vec<Samples>> {
        let mut client = self.connect()?;
        in_turns(VISITS, requests.len(), |turn| self.visit(&mut client, &requests[turn]))
    }

    /// Starts another shop, and measures its first answer.
    fn first_visit(&self) -> Result<Duration> {
        let server = start(&self.url)?;
        let mut client = self.runtime.block_on(Client::connect(server.address))?;
        self.visit(&mut client, &Request::get("/"))
    }

    /// Deletes about a tenth of the products at random, which leaves gaps in the IDs.
    fn delete_a_tenth(&self) -> Result<()> {
        let delete = |conn: &mut Conn| match conn {
            Conn::Sqlite(sqlite) => {
                sql_query("DELETE FROM products WHERE random() % 10 = 0").execute(sqlite)
            }
            Conn::Postgres(postgres) => {
                sql_query("DELETE FROM products WHERE random() < 0.1").execute(postgres)
            }
        };
        self.db.write_now(delete)?;
        Ok(())
    }
}

/// Starts the shop without a cache.
fn start(url: &str) -> Result<Server> {
    Server::shop(LARDER, &["--database", url, "--no-samples", "--cache", "off", "--toolbar", "off"])
}

/// Where databases are created.
enum Place {
    /// SQLite files, deleted with the folder.
    Folder(TempDir),
    /// A Postgres server, reached by the URL of one of its databases.
    Server(String),
}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "SQLite",
            Self::Server(_) => "Postgres",
        }
    }

    /// Creates an empty database and returns its URL.
    fn create(&self, name: &str) -> Result<String> {
        match self {
            Self::Folder(folder) => Ok(format!("sqlite://{}", folder.path().join(name).display())),
            Self::Server(url) => {
                let mut server = PgConnection::establish(url)?;
                server.batch_execute(&drop_database(name))?;
                server.batch_execute(&format!("CREATE DATABASE larder_bench_{name}"))?;
                sibling(url, name)
            }
        }
    }

    /// Vacuums and analyzes a Postgres database, which autovacuum would do only after a minute or so.
    fn settle(&self, url: &str) -> Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Server(_) => Ok(PgConnection::establish(url)?.batch_execute("VACUUM ANALYZE")?),
        }
    }
}

impl Drop for Place {
    /// Drops the databases. If that fails, the next run replaces them.
    fn drop(&mut self) {
        if let Self::Server(url) = self
            && let Ok(mut server) = PgConnection::establish(url)
        {
            for name in ["few", "searched", "many"] {
                let _ = server.batch_execute(&drop_database(name));
            }
        }
    }
}

fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS larder_bench_{name} WITH (FORCE)")
}

/// Returns the URL of another database on the same server.
fn sibling(url: &str, name: &str) -> Result<String> {
    let (url, options) = url.split_once('?').map_or((url, None), |(url, rest)| (url, Some(rest)));
    let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
    let options = options.map(|options| format!("?{options}")).unwrap_or_default();
    Ok(format!("{server}/larder_bench_{name}{options}"))
}

//! The cost of a hit in Redis, compared with bare commands on a connection like the store's own.
//!
//! - The server is a private `redis-server` in a temporary folder. If it is not installed, the benchmark
//!   says so and measures nothing.
//! - The local tier is off, so each lookup goes to Redis: the entry is requested under its sealed key,
//!   authenticated, checked for freshness and decoded.
//! - The compared subjects take turns within one run.

#[allow(dead_code, reason = "each benchmark uses a part of it")]
mod harness;

use std::convert::Infallible;
use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{App, HttpResponse, test, web};
use anyhow::{Context, Result};
use askama::Template;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{Client, cmd};
use harness::{Goal, Table, duel};
use larder::cache::fragment::{Digest, Fragment, filters};
use larder::cache::{Builder, Cache, InProcess, Key, Policy, Secret, page, store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// The goal for a hit in Redis, in bare `GET`s.
const HIT: Goal = Goal::Ratio(1.3);

/// The goal for twenty fragments, in bare `GET`s.
const FRAGMENTS: Goal = Goal::Ratio(2.0);

const HOUR: Policy = Policy::fresh_for(Duration::from_secs(60 * 60));

/// The goal for a page that another instance has built, in bare `GET`s of its body.
const PAGE: Goal = Goal::Ratio(1.5);

/// Lookups in each round.
const CALLS: u32 = 2_000;

const ROUNDS: usize = 15;

/// The stored value: as many bytes as a list of 25 products.
type Value = Vec<u8>;

const SIZE: usize = 2_000;

/// The products on the page, which make it as long as the shop's homepage: 16.9 kB.
const PRODUCTS: u64 = 98;

fn main() -> Result<()> {
    // `cargo test --all-targets` runs this program, too, but without `--bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let Some(server) = Redis::start()? else {
        println!("redis-server is not installed: entries in Redis are not measured.");
        return Ok(());
    };
    let bench = Bench::new(&server)?;
    let mut table =
        Table::titled("Entries in Redis", "Time for each look-up, one after the other.");
    bench.hits(&mut table)?;
    bench.fragments(&mut table)?;
    bench.pages(&mut table)?;
    table.print();
    Ok(())
}

/// The number of fragments on the page.
const PARTS: u64 = 20;

/// A page of fragments.
#[derive(Template)]
#[template(
    source = "{% for part in 0..PARTS %}{% filter cached(Parts::part(*part)) %}{{ text }}{% endfilter %}{% endfor %}",
    ext = "html"
)]
struct Parts {
    text: String,
}

impl Parts {
    fn part(number: u64) -> Fragment {
        let template = Digest::of(b"in this file");
        Fragment::new("bench.part", template, HOUR).vary_on("n", number).reads_data()
    }
}

/// A cache without a local tier, and a bare connection of the Redis client library.
struct Bench {
    runtime: Runtime,
    /// What a page is built in.
    tasks: LocalSet,
    cache: Cache,
    connection: MultiplexedConnection,
}

impl Bench {
    fn new(server: &Redis) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let url = server.url();
        let store = store::redis(&url, Duration::from_millis(80)).map_err(anyhow::Error::msg)?;
        let options =
            Builder::default().memory(0).shared(store, &Secret::random()).share_by_lifetime();
        let cache = options.open(Arc::new(InProcess::new()));
        let client = Client::open(url.as_str())?;
        let connection = runtime.block_on(client.get_multiplexed_async_connection())?;
        Ok(Self { runtime, tasks: LocalSet::new(), cache, connection })
    }

    fn hits(&self, table: &mut Table) -> Result<()> {
        let key = Key::named("bench.list").part("page", 1u64).build();
        self.until_it_is_shared(async || self.get(&key).await.1)?;
        self.set_bare(&[7; SIZE])?;
        let [hit, bare] = duel(
            ROUNDS,
            || self.timed(async || assert!(!self.get(&key).await.1, "it is in Redis")),
            || self.timed(async || self.get_bare(SIZE).await),
        )?;
        table.compare(HIT, ("get_or_set, hit in Redis", &hit), ("bare GET", &bare));
        Ok(())
    }

    fn fragments(&self, table: &mut Table) -> Result<()> {
        self.until_it_is_shared(async || self.fetch_fragments().await)?;
        let [fragments, bare] = duel(
            ROUNDS,
            || self.timed(async || assert!(!self.fetch_fragments().await, "they are in Redis")),
            || self.timed(async || self.get_bare(SIZE).await),
        )?;
        table.compare(FRAGMENTS, ("twenty fragments, one MGET", &fragments), ("bare GET", &bare));
        Ok(())
    }

    /// The local tier is off, so each view of the page is the first one of an instance.
    fn pages(&self, table: &mut Table) -> Result<()> {
        let is_made = Arc::new(AtomicBool::new(false));
        let made = is_made.clone();
        let handler = move || {
            made.store(true, Ordering::Relaxed);
            async { HttpResponse::Ok().content_type("text/html").body(body()) }
        };
        let site = App::new()
            .app_data(Data::new(self.cache.clone()))
            .service(web::resource("/").wrap(page::cached(HOUR)).get(handler));
        let site = self.tasks.block_on(&self.runtime, test::init_service(site));
        let view = async || {
            let request = test::TestRequest::get().uri("/").to_request();
            let answer = test::call_service(&site, request).await;
            assert_eq!(test::read_body(answer).await.len(), body().len());
            is_made.swap(false, Ordering::Relaxed)
        };
        self.until_it_is_shared(view)?;
        self.set_bare(body())?;
        let [first, bare] = duel(
            ROUNDS,
            || self.timed(async || assert!(!view().await, "it is in Redis")),
            || self.timed(async || self.get_bare(body().len()).await),
        )?;
        table.compare(PAGE, ("page, first view", &first), ("bare GET of its body", &bare));
        Ok(())
    }

    /// Returns the value and whether it had to be loaded.
    async fn get(&self, key: &Key) -> (Arc<Value>, bool) {
        let mut is_made = false;
        let load = async || {
            is_made = true;
            Ok::<_, Infallible>(vec![7; SIZE])
        };
        let Ok(value) = self.cache.get_or_set(key, &HOUR, load).await;
        (black_box(value), is_made)
    }

    /// Fetches twenty fragments that read data; returns whether any had to be built.
    async fn fetch_fragments(&self) -> bool {
        let mut parts = self.cache.prefetch((0..PARTS).map(Parts::part)).await;
        let mut is_made = false;
        for number in 0..PARTS {
            let load = async || Ok::<_, Infallible>(());
            let Ok(made) = parts.load(Parts::part(number), load).await;
            is_made |= made.is_some();
        }
        if is_made {
            let page = Parts { text: "x".repeat(SIZE / 20) };
            black_box(self.cache.render_with(&page, parts).expect("the template is whole"));
        }
        is_made
    }

    fn set_bare(&self, bytes: &[u8]) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut set = cmd("SET");
        let set = set.arg("bare").arg(bytes).exec_async(&mut connection);
        Ok(self.tasks.block_on(&self.runtime, set)?)
    }

    async fn get_bare(&self, length: usize) {
        let mut connection = self.connection.clone();
        let found: Value = cmd("GET").arg("bare").query_async(&mut connection).await.expect("GET");
        assert_eq!(black_box(found).len(), length);
    }

    /// Repeats `ask` until it loads nothing, since entries are written to Redis in the background.
    fn until_it_is_shared(&self, ask: impl AsyncFn() -> bool) -> Result<()> {
        for _ in 0..100 {
            let is_made = self.tasks.block_on(&self.runtime, async {
                let is_made = ask().await;
                tokio::time::sleep(Duration::from_millis(10)).await;
                is_made
            });
            if !is_made {
                return Ok(());
            }
        }
        anyhow::bail!("it does not arrive in Redis")
    }

    /// Returns the mean duration of one call.
    fn timed(&self, call: impl AsyncFn()) -> Result<Duration> {
        let started = Instant::now();
        self.tasks.block_on(&self.runtime, async {
            for _ in 0..CALLS {
                call().await;
            }
        });
        Ok(started.elapsed() / CALLS)
    }
}

/// Returns a page like the shop's homepage.
fn body() -> &'static [u8] {
    static PAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut random = 1_u64;
        let row = |number| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(number);
            let (price, stock) = (random >> 33 & 0xFFF, random >> 50);
            format!(
                "<tr><td><a href=\"/products/{number}/edit\">Tea {random:016x}</a></td><td>{stock} in stock</td>\
                 <td class=\"price\">${price}.99</td><td><a href=\"/products/{number}/delete\">Delete</a></td></tr>\n"
            )
        };
        (0..PRODUCTS).map(row).collect::<String>().into_bytes()
    });
    &PAGE
}

/// A private Redis server, killed when this is dropped.
struct Redis {
    child: Child,
    folder: TempDir,
}

impl Redis {
    /// Starts a server; returns `None` if `redis-server` is not installed.
    fn start() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let mut program = Command::new("redis-server");
        program.args(["--port", "0", "--save", "", "--unixsocket"]);
        program.arg(folder.path().join("socket")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = match program.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("start redis-server"),
        };
        let server = Self { child, folder };
        let answers = || Client::open(server.url()).is_ok_and(|it| it.get_connection().is_ok());
        let deadline = Instant::now() + Duration::from_secs(10);
        while !answers() {
            anyhow::ensure!(Instant::now() < deadline, "redis-server does not answer");
            std::thread::yield_now();
        }
        Ok(Some(server))
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("socket").display())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

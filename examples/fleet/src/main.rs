//! One of several instances of a shop window, on Postgres, with a Redis through which they share pages.
//!
//! `./run` in this folder starts Postgres, Redis, two instances and prints what to try. By hand:
//! `SECRET=… cargo run -- 8088 postgres://ann@localhost/shop redis://127.0.0.1/` for each instance.

use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpServer, Responder, web};
use larder_cache::page::limit_store_time;
use larder_cache::{Builder, Cache, Policy, Secret, page, store};
use larder_sql::Table;
use larder_sql::sqlx::{begin, cover, watch};
use sqlx::PgPool;

const STOCK: Table = Table::named("stock");
const TABLES: &[Table] = &[STOCK];
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

const CREATE: &str = "CREATE TABLE IF NOT EXISTS stock (id bigint PRIMARY KEY, tea text NOT NULL, pots bigint NOT NULL);
    INSERT INTO stock VALUES (1, 'Assam', 10), (2, 'Oolong', 20) ON CONFLICT DO NOTHING";

/// Shows the stock. Nothing here knows who writes to it.
async fn index(db: web::Data<PgPool>) -> actix_web::Result<impl Responder> {
    let rows = async {
        let mut read = begin(&db).await?;
        let rows = sqlx::query_as("SELECT tea, pots FROM stock ORDER BY id");
        rows.fetch_all(read.reads(STOCK).await?).await
    };
    let rows: Vec<(String, i64)> = rows.await.map_err(ErrorInternalServerError)?;
    let lines = rows.iter().map(|(tea, pots)| format!("{tea}: {pots}\n"));
    Ok(lines.collect::<String>())
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/").wrap(page::cached(HOUR)).get(index)
}

/// Opens the database and the cache, which shares its entries through Redis.
async fn open(
    database: &str,
    redis: &str,
    secret: &Secret,
) -> Result<(PgPool, Cache), Box<dyn std::error::Error>> {
    let db = PgPool::connect(database).await?;
    // Instances that start together do this one after the other.
    let mut start = db.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(7)").execute(&mut *start).await?;
    sqlx::raw_sql(CREATE).execute(&mut *start).await?;
    start.commit().await?;
    cover(&db, TABLES).await?;
    // What a request waits for Redis at most, in milliseconds.
    let patience = std::env::var("REDIS_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
    let patience = Duration::from_millis(patience);
    let redis = store::redis(redis, patience)?;
    let builder = Builder::default().name("fleet").shared(redis, secret).store_budget(patience);
    let cache = builder.open(watch(&db, TABLES).await?);
    Ok((db, cache))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, database, redis] = &arguments[..] else { return Err("PORT DATABASE REDIS".into()) };
    // The same for all instances; who can write to Redis must not know it.
    let secret = std::env::var("SECRET")?;
    let secret = secret.as_bytes().try_into().map_err(|_| "SECRET has 32 letters")?;
    let (db, cache) = open(database, redis, &Secret::new(secret)).await?;
    let (db, cache) = (web::Data::new(db), web::Data::new(cache));
    let app = move || {
        let app = App::new().app_data(cache.clone()).app_data(db.clone());
        app.service(pages()).wrap_fn(limit_store_time)
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", port.parse()?))?;
    println!("http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}

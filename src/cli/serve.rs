//! `larder serve`: serves the shop.

use std::io::{BufWriter, IsTerminal, Write};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogConfig, LogFormat};
use crate::server::{ServeConfig, Server, StopSignals};
use crate::site::secrets::hide;
use crate::toolbar;

/// Serves until the process receives a stop signal.
pub fn run(config: &ServeConfig) -> Result<(), String> {
    let _log = start_log(&config.log);
    actix_web::rt::System::new().block_on(async {
        // Listens before the shop is announced, so that no stop signal is lost.
        let told = StopSignals::listen()?;
        let server = Server::start(config).await?;
        announce(&server);
        server.run(told).await
    })
}

/// Prints the shop's address on a line of its own, which programs can parse, too.
fn announce(server: &Server) {
    let mut out = std::io::stdout().lock();
    // An error is ignored: the reader may have closed the pipe.
    let _ = writeln!(out, "Larder is open at http://{}", server.address());
    let _ = out.flush();
}

/// Starts the log. Dropping the returned guard writes the lines that are left.
///
/// A separate thread writes the lines, so that no request waits for a terminal or a file. No line is lost:
/// when lines come faster than they can be written, requests wait.
fn start_log(config: &LogConfig) -> WorkerGuard {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,larder=info"));
    // The server itself logs why a connection ended (`server::stream`).
    let filter = match "actix_http::h1=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .thread_name("larder-log")
        .finish(BufWriter::new(std::io::stderr()));
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(move || WithoutSecrets(writer.clone()));
    let log = match config.log {
        LogFormat::Text => log.with_target(false).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(log).with(toolbar::Lines).init();
    guard
}

/// Writes each line at once and whole, without the values that follow the names of secrets.
struct WithoutSecrets<W>(W);

impl<W: Write> Write for WithoutSecrets<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(hide(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

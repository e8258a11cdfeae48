//! `larder serve`

use std::io::{BufWriter, IsTerminal, Write};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogConfig, LogFormat};
use crate::server::{ServeConfig, Server, StopSignals};
use crate::site::secrets::hide;
use crate::toolbar;

/// Serves until the program is told to stop.
pub fn run(config: &ServeConfig) -> Result<(), String> {
    let _log = start_log(&config.log);
    actix_web::rt::System::new().block_on(async {
        // Before anybody can know that there is a shop, so that nobody can tell it to stop in vain.
        let told = StopSignals::listen()?;
        let server = Server::start(config).await?;
        announce(&server);
        server.run(told).await
    })
}

/// Says where the shop is, on a line of its own that programs can read, too.
fn announce(server: &Server) {
    let mut out = std::io::stdout().lock();
    // Whoever closed our output does not want to know.
    let _ = writeln!(out, "Larder is open at http://{}", server.address());
    let _ = out.flush();
}

/// Lines are written on a thread of their own, so that no request waits for a terminal or a file. All of
/// them are: where they come faster than they can be written, requests wait after all. Until what is
/// answered is dropped, which writes what is left.
fn start_log(config: &LogConfig) -> WorkerGuard {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,larder=info"));
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

/// Writes lines, each at once and whole, without what follows the names of secrets in them.
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

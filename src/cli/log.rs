//! The log: each event is one line, as text or JSON.
//!
//! - Secrets are hidden in each field by itself, before the line is written: no value changes another one, or the form
//!   of the line.
//! - Control characters are escaped.
//! - A separate thread writes the lines, so that no request waits for a terminal or a file. No line is lost: when lines
//!   come faster than they can be written, requests wait.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::{BufWriter, IsTerminal};

use larder_panel::Lines;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::{self, FormatTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogConfig, LogFormat};
use crate::site::secrets::of_field;

/// The lines that are written if `RUST_LOG` is not set.
const DEFAULT: &str = "warn,larder=info";

/// Starts the log. Dropping the returned guard writes the lines that are left.
pub fn start(config: &LogConfig) -> WorkerGuard {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| DEFAULT.to_owned());
    let parsed = wanted.parse();
    let is_understood = parsed.is_ok();
    let filter = parsed
        .unwrap_or_else(|_| DEFAULT.parse::<Targets>().expect("the default is valid"))
        // The server itself logs why a connection ended (`server::stream`). The client would log the bytes of its
        // requests, with their tokens.
        .with_targets(
            ["actix_http::h1", "ureq_proto::util"].map(|target| (target, LevelFilter::OFF)),
        );
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .thread_name("larder-log")
        .finish(BufWriter::new(std::io::stderr()));
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    let log = match config.log {
        LogFormat::Text => {
            log.fmt_fields(debug_fn(write_field).delimited(" ")).with_target(false).boxed()
        }
        LogFormat::Json => log.event_format(Json).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(log).with(Lines).init();
    if !is_understood {
        tracing::warn!("RUST_LOG is not understood; the log has the lines of {DEFAULT}");
    }
    guard
}

/// The largest buffer that a thread keeps for values, in bytes.
const LARGEST: usize = 4 << 10;

thread_local! {
    /// The value that is being written.
    static VALUE: Cell<String> = const { Cell::new(String::new()) };
}

/// Writes a field of a line of text.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    // A buffer of the thread's own: each line has about ten fields.
    let mut text = VALUE.take();
    text.clear();
    write!(text, "{value:?}")?;
    let written = write_text(writer, field, &of_field(field.name(), &text));
    if text.capacity() <= LARGEST {
        VALUE.set(text);
    }
    written
}

fn write_text(writer: &mut Writer<'_>, field: &Field, value: &str) -> fmt::Result {
    match (field.name(), writer.has_ansi_escapes()) {
        ("message", _) => {}
        (name, true) => write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?,
        (name, false) => write!(writer, "{name}=")?,
    }
    if value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return writer.write_str(value);
    }
    value.chars().try_for_each(|letter| match letter.is_control() {
        true => write!(writer, "{}", letter.escape_default()),
        false => writer.write_char(letter),
    })
}

/// Formats an event as a JSON object.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut now = String::new();
        time::SystemTime.format_time(&mut Writer::new(&mut now))?;
        let level = event.metadata().level().as_str();
        let mut members = Members(vec![("timestamp", now.into()), ("level", level.into())]);
        event.record(&mut members);
        members.0.push(("target", event.metadata().target().into()));
        let line = serde_json::to_string(&members).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// The members of a line in JSON, in their order.
struct Members(Vec<(&'static str, Value)>);

impl Visit for Members {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), of_field(field.name(), value).into_owned().into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

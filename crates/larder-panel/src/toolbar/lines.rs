//! Records the log lines of the running request.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::record::LogLine;
use super::recorder;
use crate::secrets::of_field;

/// The longest line that is recorded, in characters. It is cut further when its secrets are hidden.
const LONGEST: usize = 10_000;

/// Passes each log line to the recording of its request; does nothing outside of one.
#[derive(Debug, Default)]
pub struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        recorder::line(|at| {
            let mut text = Text::default();
            event.record(&mut text);
            let metadata = event.metadata();
            LogLine {
                at,
                level: metadata.level().to_string(),
                target: metadata.target().to_owned(),
                message: format!("{}{}", text.message, text.fields).chars().take(LONGEST).collect(),
            }
        });
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let value = of_field(field.name(), value);
        // Writing to a `String` cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[tokio::test]
    async fn what_is_logged_belongs_to_the_request_that_is_running() {
        let _log = tracing::subscriber::set_default(tracing_subscriber::registry().with(Lines));
        tracing::info!("before");
        let work = async { tracing::warn!(tea = "green", cups = 2, "it is hot") };
        let ((), recorded) = recorder::record(0, Instant::now(), work).await;
        let [line] = &recorded.lines[..] else { panic!("{recorded:?}") };
        assert_eq!(
            (line.level.as_str(), line.message.as_str()),
            ("WARN", "it is hot tea=green cups=2")
        );
    }
}

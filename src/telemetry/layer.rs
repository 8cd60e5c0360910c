//! The `tracing` layer: every event becomes one [`LogRecord`] in the ring and one JSON line for each writer.

use std::fmt::Debug;
use std::io::Write as _;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::redact::{BLOT, is_secret_name, redact};
use super::ring::{LogLevel, LogRecord, LogRing};
use crate::clock::Clock;
use crate::domain::time::UtcMs;

/// Longest message or field, in characters: one record can't fill the ring's memory.
const LONGEST: usize = 4_096;

/// Makes records of events. A record carries the `cycle` of its event, or else of the nearest span that has one.
pub struct RecordLayer {
    ring: Arc<LogRing>,
    clock: Arc<dyn Clock>,
    writers: Vec<NonBlocking>,
}

impl RecordLayer {
    #[must_use]
    pub fn new(ring: Arc<LogRing>, clock: Arc<dyn Clock>, writers: Vec<NonBlocking>) -> Self {
        Self { ring, clock, writers }
    }
}

/// Cycle of a span, kept in its extensions.
struct Cycle(u64);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RecordLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        remember(fields.cycle, id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        remember(fields.cycle, id, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let cycle = fields.cycle.or_else(|| {
            context.event_scope(event)?.find_map(|span| span.extensions().get::<Cycle>().map(|cycle| cycle.0))
        });
        let module = fields.target.as_deref().unwrap_or_else(|| event.metadata().target());
        let record = LogRecord {
            sequence: 0,
            at: self.clock.now(),
            level: level(*event.metadata().level()),
            target: room(module).to_owned(),
            message: fields.message.clone(),
            cycle,
            fields: fields.values.iter().map(|(name, value)| (name.clone(), one_line(value))).collect(),
        };
        if !self.writers.is_empty() {
            let line = json_line(&record, module, &fields.values);
            for writer in &self.writers {
                // Never blocks and never fails: a line that finds no room is counted by the writer.
                drop(writer.clone().write_all(&line));
            }
        }
        self.ring.push(LogRecord { message: printable(&record.message), ..record });
    }
}

fn remember<S: Subscriber + for<'a> LookupSpan<'a>>(cycle: Option<u64>, id: &Id, context: &Context<'_, S>) {
    if let (Some(cycle), Some(span)) = (cycle, context.span(id)) {
        span.extensions_mut().replace(Cycle(cycle));
    }
}

/// Whether a callsite belongs to this program, not to a library it uses.
#[must_use]
pub fn is_ours(metadata: &Metadata<'_>) -> bool {
    let path = metadata.module_path().unwrap_or_else(|| metadata.target());
    matches!(path.split("::").next(), Some("cryptosmarttrader" | "cst"))
}

/// `cryptosmarttrader::decision::engine` → `decision`; anything else keeps its first word.
fn room(module: &str) -> &str {
    let mut words = module.split("::");
    match (words.next(), words.next()) {
        (Some("cryptosmarttrader"), Some(room)) => room,
        (Some("cryptosmarttrader" | "cst"), _) => "main",
        (Some(first), _) => first,
        (None, _) => module,
    }
}

const fn level(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}

/// A record as a line of the log file.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    level: LogLevel,
    target: &'a str,
    module: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle: Option<u64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

fn json_line(record: &LogRecord, module: &str, fields: &[(String, Value)]) -> Vec<u8> {
    let line = Line {
        at: millisecond_text(record.at),
        level: record.level,
        target: &record.target,
        module,
        message: &record.message,
        cycle: record.cycle,
        fields: fields.iter().cloned().collect(),
    };
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn millisecond_text(at: UtcMs) -> String {
    let text = jiff::Timestamp::from_millisecond(at.0).map(|t| t.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    text.unwrap_or_else(|_| at.to_string())
}

/// For the ring: no control characters, which could move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

/// Fields of one event or span.
#[derive(Default)]
struct Fields {
    message: String,
    cycle: Option<u64>,
    /// True origin of a record that came through the `log` crate.
    target: Option<String>,
    values: Vec<(String, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let value = match value {
            Value::String(text) => Value::String(clip(&redact(&text))),
            other => other,
        };
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            ("cycle", Value::Number(number)) if number.is_u64() => self.cycle = number.as_u64(),
            ("log.target", Value::String(target)) => self.target = Some(target),
            ("log.module_path" | "log.file" | "log.line", _) => {}
            (name, _) if is_secret_name(name) => self.values.push((name.to_owned(), Value::from(BLOT))),
            (name, value) => self.values.push((name.to_owned(), value)),
        }
    }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN or infinity; their names are still readable.
        let number = serde_json::Number::from_f64(value).map(Value::Number);
        self.put(field, number.unwrap_or_else(|| Value::from(value.to_string())));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        self.put(field, Value::from(text));
    }
}

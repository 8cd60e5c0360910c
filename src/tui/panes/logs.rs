//! The newest log records, structured.

use std::sync::Arc;

use super::{Cx, Pane, PaneId, filter_text, list, scroll};
use crate::telemetry::ring::{LogLevel, LogRecord};
use crate::tui::format;
use crate::tui::keymap::Context;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, number, rest, text};

pub struct Logs;
pub struct Detail;
pub struct Strip;

const COLUMNS: [Column; 5] =
    [text("TIME", 8, 1), text("LEVEL", 5, 0), text("TARGET", 14, 3), number("CYCLE", 5, 4), rest("MESSAGE", 20, 0)];

const fn level(level: LogLevel) -> (&'static str, Role) {
    match level {
        LogLevel::Trace => ("TRACE", Role::Muted),
        LogLevel::Debug => ("DEBUG", Role::Muted),
        LogLevel::Info => ("INFO", Role::Text),
        LogLevel::Warn => ("WARN", Role::Warn),
        LogLevel::Error => ("ERROR", Role::Danger),
    }
}

/// Level of `L`: the names in the order it steps through; `None` shows all.
pub(in crate::tui) const LEVELS: [Option<LogLevel>; 5] =
    [None, Some(LogLevel::Debug), Some(LogLevel::Info), Some(LogLevel::Warn), Some(LogLevel::Error)];

fn fields(r: &LogRecord) -> String {
    r.fields.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
}

/// Newest first.
fn shown<'a>(cx: &Cx<'a>) -> Vec<&'a Arc<LogRecord>> {
    let filter = &cx.state(PaneId::Logs).filter;
    let words = |r: &LogRecord| {
        let cycle = r.cycle.map(|c| format!("cycle={c}")).unwrap_or_default();
        format!("{} {} {} {cycle} {}", level(r.level).0, r.target, r.message, fields(r))
    };
    cx.view
        .logs
        .iter()
        .rev()
        .filter(|r| cx.view.log_level.is_none_or(|least| r.level >= least))
        .filter(|r| filter.is_empty() || filter.keeps(&words(r), None))
        .collect()
}

const NONE: &str = "no records yet; L changes the least severity shown";

fn row(cx: &Cx<'_>, r: &LogRecord) -> Vec<Ink> {
    let (name, role) = level(r.level);
    let message = Ink::text(r.message.clone());
    let fields = fields(r);
    vec![
        Ink::muted(cx.zone().clock(r.at)),
        Ink::of(name, role),
        Ink::muted(r.target.clone()),
        Ink::muted(r.cycle.map_or_else(|| format::NA.to_owned(), format::count)),
        if fields.is_empty() { message } else { message.add(format!("  {fields}"), Role::Muted) },
    ]
}

impl Pane for Logs {
    fn id(&self) -> PaneId {
        PaneId::Logs
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let least = cx.view.log_level.map_or("all levels".to_owned(), |l| format!("{} and above", level(l).0));
        let follow = if cx.state(self.id()).key.is_none() { "following" } else { "held, F follows" };
        format!("Logs {}  {least}  {follow}{}", format::count(cx.view.logs.len() as u64), filter_text(cx, self.id()))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "L level  F follow  newest first".to_owned()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Logs)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        shown(cx).iter().map(|r| r.sequence.to_string()).collect()
    }

    fn filters(&self) -> bool {
        true
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let records = shown(cx);
        list(self, pen, cx, &COLUMNS, NONE, |i| records.get(i).map(|r| row(cx, r)).unwrap_or_default());
    }
}

impl Detail {
    fn record<'a>(cx: &Cx<'a>) -> Option<&'a Arc<LogRecord>> {
        let records = shown(cx);
        cx.selected(&Logs).and_then(|i| records.get(i).copied())
    }
}

impl Pane for Detail {
    fn id(&self) -> PaneId {
        PaneId::LogDetail
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        Self::record(cx).map_or_else(|| "Record".to_owned(), |r| format!("Record {}", r.sequence))
    }

    fn lines(&self, cx: &Cx<'_>, width: usize) -> Option<Vec<Ink>> {
        let Some(r) = Self::record(cx) else { return Some(vec![Ink::muted(format!(" {NONE}"))]) };
        let (name, role) = level(r.level);
        let when =
            format!(" {} {} {}  {}", cx.zone().date(r.at), cx.zone().clock(r.at), cx.zone().name(r.at), r.target);
        let mut out = vec![Ink::of(format!(" {name}"), role).add(when, Role::Muted)];
        let room = width.saturating_sub(2).max(8);
        out.extend(wrap(&r.message, room).into_iter().map(|l| Ink::text(format!(" {l}"))));
        if let Some(cycle) = r.cycle {
            out.push(Ink::muted(format!(" cycle={cycle}")));
        }
        for (key, value) in &r.fields {
            out.extend(wrap(&format!("{key}={value}"), room).into_iter().map(|l| Ink::muted(format!(" {l}"))));
        }
        Some(out)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        scroll(self, pen, cx);
    }
}

impl Pane for Strip {
    fn id(&self) -> PaneId {
        PaneId::LogStrip
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "Log".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let height = pen.height() as usize;
        if cx.view.logs.is_empty() {
            super::say(pen, 0, "no records yet");
        }
        let newest = cx.view.logs.iter().rev().filter(|r| r.level >= LogLevel::Info).take(height);
        for (y, r) in newest.enumerate() {
            let (name, role) = level(r.level);
            let head = Ink::muted(format!(" {} ", cx.zone().clock(r.at))).add(format!("{name:<5} "), role);
            pen.ink(
                0,
                y as u16,
                head.add(format!("{:<13} ", r.target), Role::Muted).add(r.message.clone(), Role::Text),
            );
        }
    }
}

//! `cst data fetch`: candles or trades from REST, paced as the exchange wants it.

use std::ops::ControlFlow;
use std::path::Path;

use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::{fetched, lake_folder};
use crate::cli::args::{Cli, FetchArgs};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, kraken, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::{DAY_MS, UtcMs};
use crate::kraken::history::{fetch_ohlc, fetch_trades};
use crate::kraken::rest::Client;
use crate::kraken::wire::Stamp;
use crate::store::import::{Options, import};

pub(in crate::cli) fn fetch(cli: &Cli, args: &FetchArgs) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings;
    let client = kraken::client(&settings, &home, false)?;
    let folder = home.dir.join("data").join("fetched");
    let lake = lake_folder(cli)?;
    let interrupt = Interrupt::listen()?;
    kraken::block_on(async {
        let mut done = Vec::new();
        for pair in &args.pairs {
            if interrupt.asked() {
                break;
            }
            done.push(if args.trades {
                trades(cli, args, &client, pair, &folder.join("trades"), &lake, &interrupt).await?
            } else {
                candles(cli, &client, pair, Interval(args.interval), &folder, &lake).await?
            });
        }
        if cli.json {
            return print_json(&done);
        }
        let text: Vec<&str> = done.iter().filter_map(|d| d.get("text").and_then(Value::as_str)).collect();
        print(&text.join("\n"))
    })
}

async fn trades(
    cli: &Cli,
    args: &FetchArgs,
    client: &Client,
    pair: &Pair,
    folder: &Path,
    lake: &Path,
    interrupt: &Interrupt,
) -> Result<Value, color_eyre::Report> {
    let now = SystemClock::new().now();
    let instant = |text: &Option<String>, or: UtcMs| match text {
        Some(text) => UtcMs::parse(text).map_err(|e| eyre!("'{text}' is not an instant: {e}")),
        None => Ok(or),
    };
    let (since, until) = (instant(&args.since, now.plus(-DAY_MS))?, instant(&args.until, now)?);
    let mut line = ProgressLine::new(cli.json);
    let state = fetch_trades(client, pair, Stamp::from_ms(since), Stamp::from_ms(until), folder, |p| {
        line.show(format!("{pair}: {} trades in {} pages, up to {}, {} gaps", p.rows, p.pages, p.at, p.gaps));
        if interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    line.show(format!("{pair}: {} trades into the lake", state.rows));
    let merged = fetched::merge(folder, pair, lake, interrupt)?;
    line.clear();
    let place = folder.join(pair.file_stem());
    let mut text = format!(
        "{pair}: {} trades up to {} in '{}', {} gaps in their ids; {} new in the lake",
        state.rows,
        Stamp(state.cursor),
        place.display(),
        state.gap_count,
        merged.new
    );
    if merged.rejected > 0 {
        text.push_str(&format!(", {} that it refuses (listed in its folder of rejected rows)", merged.rejected));
    }
    if interrupt.asked() {
        text.push_str("; stopped: the same command goes on from here");
    }
    Ok(json!({
        "pair": pair, "trades": state.rows, "pages": state.pages, "gaps": state.gap_count, "up_to": Stamp(state.cursor).to_string(),
        "folder": place, "new_in_lake": merged.new, "rejected": merged.rejected, "stopped": interrupt.asked(), "text": text,
    }))
}

async fn candles(
    cli: &Cli,
    client: &Client,
    pair: &Pair,
    interval: Interval,
    folder: &Path,
    lake: &Path,
) -> Result<Value, color_eyre::Report> {
    let mut line = ProgressLine::new(cli.json);
    line.show(format!("{pair}: the newest candles of {interval}"));
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}_{}.csv", pair.file_stem(), interval.0));
    let report = fetch_ohlc(client, pair, interval, &file).await?;
    let mut options = Options::new(SystemClock::new().now());
    options.pair = Some(pair.clone());
    options.interval = Some(interval);
    // What the exchange says now is newer than what it said before.
    options.replace = true;
    let outcomes = import(&file, lake, &options, &mut |_| ControlFlow::Continue(()))?;
    line.clear();
    let mut new = 0;
    for outcome in outcomes {
        new += outcome.result?.accepted;
    }
    let hole = report.hole_from.map(|from| format!("; nothing from {from} on, Kraken keeps the newest 720 only"));
    let text = format!(
        "{pair} {interval}: {} candles fetched, {new} new in the lake{}",
        report.rows,
        hole.clone().unwrap_or_default()
    );
    Ok(json!({
        "pair": pair, "interval": interval, "candles": report.rows, "added": report.added, "changed": report.changed, "new_in_lake": new,
        "hole_from": report.hole_from.map(|t| t.to_string()), "file": file, "text": text,
    }))
}

//! `cst data record`: live frames into a compact file, as they came.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use crate::cli::args::{Cli, RecordArgs};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, kraken, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::kraken::driver::{self, DriverSettings, RawFrame};
use crate::kraken::link::{LinkPlan, LinkSettings};
use crate::store::frames::{FrameWriter, Header, Origin, Policy};

/// Frames that may wait for the disk.
const WAITING: usize = 16_384;

pub(in crate::cli) fn record(cli: &Cli, args: &RecordArgs) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings;
    let pairs = if args.pairs.is_empty() { settings.kraken.pairs.clone() } else { args.pairs.clone() };
    let folder = args.out.clone().unwrap_or_else(|| home.dir.join("data").join("frames"));
    let client = Arc::new(kraken::client(&settings, &home, false)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let origin = if client.is_kraken() { Origin::Live } else { Origin::StandIn };
    let header = Header {
        venue: "kraken".to_owned(),
        url: settings.kraken.ws_url.clone(),
        started_at: clock.now(),
        program: concat!("cst ", env!("CARGO_PKG_VERSION")).to_owned(),
        symbols: pairs.iter().map(ToString::to_string).collect(),
        origin,
    };
    let depth = settings.kraken.book_depth.levels();
    let plan = LinkPlan {
        ticker: true,
        trades: true,
        books: depth.into_iter().flat_map(|d| pairs.iter().map(move |p| (p.clone(), d))).collect(),
        candles: Vec::new(),
        candles_from_trades: false,
        seed: u64::from(std::process::id()),
        pairs,
    };
    let interrupt = Interrupt::listen()?;
    let mut writer = FrameWriter::create(&folder, header, Policy::default())?;
    let path = writer.path().to_owned();
    let end = args.seconds.map(|s| clock.monotonic_ms() + s as f64 * 1_000.0);
    kraken::block_on(async {
        let (tap, mut frames) = mpsc::channel::<RawFrame>(WAITING);
        let driver =
            DriverSettings { url: settings.kraken.ws_url.clone(), tap: Some(tap), ..DriverSettings::default() };
        let (link, mut events) = driver::start(plan, LinkSettings::default(), driver, Arc::clone(&clock), client)?;
        let status = link.status();
        let mut line = ProgressLine::new(cli.json);
        let mut look = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                Some((at, conn, frame)) = frames.recv() => writer.append(at.0.saturating_mul(1_000), conn.0, &frame)?,
                // What they say is in the frames; reading them keeps the link going.
                Some(_) = events.recv() => {}
                _ = look.tick() => {
                    writer.tick(clock.now().0.saturating_mul(1_000))?;
                    let s = status.borrow();
                    let doubtful = s.pairs.iter().filter(|p| p.doubt.is_some()).count();
                    line.show(format!("{} frames, {} reconnects, {doubtful} of {} pairs not proven", s.counters.frames, s.counters.reconnects, s.pairs.len()));
                    if interrupt.asked() || end.is_some_and(|end| clock.monotonic_ms() >= end) {
                        break;
                    }
                }
            }
        }
        link.stop().await;
        while let Ok((at, conn, frame)) = frames.try_recv() {
            writer.append(at.0.saturating_mul(1_000), conn.0, &frame)?;
        }
        line.clear();
        let done = writer.finish()?;
        if cli.json {
            return print_json(
                &json!({ "file": path, "frames": done.frames, "bytes": done.bytes, "stored": done.file_bytes }),
            );
        }
        print(&format!(
            "{} frames, {} bytes as they came, {} stored in '{}'",
            done.frames,
            done.bytes,
            done.file_bytes,
            path.display()
        ))
    })
}

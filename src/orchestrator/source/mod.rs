//! Where batches come from: a task per source turns the link's events into batches and hands them to the feed.
//!
//! Live data and recordings take the same way: over a WebSocket of Kraken's protocol into the link, from there into batches. A recording is played
//! by the stand-in exchange, whose clock moves when a batch is wanted.

mod batcher;
mod flow;
mod inspector;
pub(super) mod live;
pub(super) mod replay;
mod tape;
mod view;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::feed::Delivery;
use crate::domain::flow::FlowView;
use crate::domain::link::LinkView;
use crate::kraken::link::LinkStatus;
use view::link_view;

/// Batches that wait for the feed.
const AHEAD: usize = 4;

/// A running source. It ends when this is dropped.
pub(super) struct Source {
    pub(super) deliveries: mpsc::Receiver<Delivery>,
    pub(super) link: LinkPicture,
}

/// The link as the screen shows it.
pub(super) struct LinkPicture {
    status: watch::Receiver<LinkStatus>,
    /// Order flow as it stands; `None` where no trades and no books are watched.
    flow: Option<watch::Receiver<Arc<Vec<FlowView>>>>,
    url: String,
    real: bool,
}

impl LinkPicture {
    /// The link's picture, if it has changed since the last call.
    pub(super) fn news(&mut self) -> Option<Arc<LinkView>> {
        if !self.status.has_changed().unwrap_or(false) {
            return None;
        }
        let status = self.status.borrow_and_update();
        Some(Arc::new(link_view(&status, &self.url, self.real)))
    }

    /// The order flow of every pair, if it may have changed since the last call.
    pub(super) fn flow_news(&mut self) -> Option<Arc<Vec<FlowView>>> {
        let flow = self.flow.as_mut()?;
        flow.has_changed().unwrap_or(false).then(|| Arc::clone(&flow.borrow_and_update()))
    }

    /// Why there is no order flow; `None` where it is recorded.
    pub(super) fn flow_absent(&self) -> Option<String> {
        self.flow.is_none().then(|| "no order flow: the recording holds candles, no trades and no books".to_owned())
    }
}

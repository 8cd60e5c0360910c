//! The agent's ends of its channels: orders in, events out. Sending never makes the loop deaf to orders.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::AgentEvent;
use super::handle::Order;

#[derive(Debug)]
pub(super) struct Lines {
    orders: mpsc::Receiver<Order>,
    /// Somebody can still give orders.
    open: bool,
    events: mpsc::Sender<AgentEvent>,
    /// Events that found the channel full. While there are any no new ask is taken, so this stays as small as one ask's events.
    outbox: VecDeque<AgentEvent>,
    /// Nobody listens any more.
    unheard: bool,
}

/// Why [`Lines::attend`] came back.
#[derive(Debug)]
pub(super) enum Attended {
    Order(Order),
    /// A waiting event went out, or one end was closed.
    Moved,
}

impl Lines {
    pub(super) const fn new(orders: mpsc::Receiver<Order>, events: mpsc::Sender<AgentEvent>) -> Self {
        Self { orders, open: true, events, outbox: VecDeque::new(), unheard: false }
    }

    pub(super) fn emit(&mut self, event: AgentEvent) {
        if !self.outbox.is_empty() {
            self.outbox.push_back(event);
            return;
        }
        match self.events.try_send(event) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(event)) => self.outbox.push_back(event),
            Err(mpsc::error::TrySendError::Closed(_)) => self.unheard = true,
        }
    }

    /// All events are out.
    pub(super) fn is_clear(&self) -> bool {
        self.outbox.is_empty()
    }

    pub(super) const fn is_unheard(&self) -> bool {
        self.unheard
    }

    /// Waits for an order, and meanwhile hands out waiting events. May be dropped at any time without losing either.
    pub(super) async fn attend(&mut self) -> Attended {
        tokio::select! {
            biased;
            order = self.orders.recv(), if self.open => match order {
                Some(order) => Attended::Order(order),
                None => {
                    self.open = false;
                    Attended::Moved
                }
            },
            permit = self.events.reserve(), if !self.outbox.is_empty() => {
                match permit {
                    Ok(permit) => if let Some(event) = self.outbox.pop_front() { permit.send(event) },
                    Err(_) => {
                        self.outbox.clear();
                        self.unheard = true;
                    }
                }
                Attended::Moved
            }
            () = self.events.closed(), if !self.unheard => {
                self.unheard = true;
                Attended::Moved
            }
            else => std::future::pending().await,
        }
    }

    /// Hands out everything that waits; gives up when nobody listens.
    pub(super) async fn flush(&mut self) {
        while let Some(event) = self.outbox.pop_front() {
            if self.events.send(event).await.is_err() {
                self.unheard = true;
                self.outbox.clear();
            }
        }
    }
}

//! A new order, typed so that a trigger can never be taken for a limit.

use std::fmt;

use rust_decimal::Decimal;

use super::super::call::BadRequest;
use super::super::fields::{Field, Fields};
use crate::domain::money::{Price, Qty};
use crate::domain::order::Side;

/// What to buy or sell. Margin is out of scope: there is no field for it. The fee is always asked in the quote currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub side: Side,
    /// Base units.
    pub volume: Qty,
    pub kind: Kind,
    pub tag: Option<Tag>,
    pub life: Life,
    /// Unix seconds at which it becomes active; at once when `None`.
    pub start: Option<i64>,
    pub self_trade: SelfTrade,
    /// One more order for each fill of this one.
    pub close: Option<CloseOrder>,
}

/// Every price of an order has its own name here; the wire's `price` and `price2` change meaning with the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Market,
    Limit {
        limit: Price,
        post_only: bool,
    },
    /// `display`: at least a fifteenth of the volume.
    Iceberg {
        limit: Price,
        display: Qty,
        post_only: bool,
    },
    StopLoss {
        trigger: Trigger,
    },
    TakeProfit {
        trigger: Trigger,
    },
    StopLossLimit {
        trigger: Trigger,
        limit: Price,
    },
    TakeProfitLimit {
        trigger: Trigger,
        limit: Price,
    },
    TrailingStop {
        distance: Offset,
        by: Reference,
    },
    /// `limit` is measured from the trigger.
    TrailingStopLimit {
        distance: Offset,
        limit: LimitOffset,
        by: Reference,
    },
}

/// The price that sets an order off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    pub price: Price,
    pub by: Reference,
}

/// Which price is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    #[default]
    Last,
    Index,
}

/// Distance of a trailing stop; above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    pub value: Decimal,
    /// Of the price, else in quote units.
    pub percent: bool,
}

/// Signed distance of a limit from its trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOffset(pub Offset);

/// How long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Life {
    #[default]
    UntilCancelled,
    ImmediateOrCancel,
    FillOrKill,
    /// Unix seconds.
    Until(i64),
}

/// What happens when it would meet an own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelfTrade {
    #[default]
    CancelNewest,
    CancelOldest,
    CancelBoth,
}

/// Our name for the order: one or the other, never both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    Client(ClientOrderId),
    /// Need not be unique.
    UserRef(i32),
}

/// An id in one of the forms the exchange accepts; unique among open orders only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOrderId(String);

impl ClientOrderId {
    /// # Errors
    /// [`BadRequest`] unless it is a UUID with dashes, 32 hex digits, or up to 18 visible ASCII characters.
    pub fn new(text: impl Into<String>) -> Result<Self, BadRequest> {
        let text = text.into();
        let hex = |t: &str, n: usize| t.len() == n && t.chars().all(|c| c.is_ascii_hexdigit());
        let parts: Vec<&str> = text.split('-').collect();
        let uuid = parts.len() == 5 && parts.iter().zip([8, 4, 4, 4, 12]).all(|(part, n)| hex(part, n));
        let free = (1..=18).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
        if uuid || hex(&text, 32) || free {
            Ok(Self(text))
        } else {
            Err(BadRequest::new("cl_ord_id", "a UUID, 32 hex digits or up to 18 visible ASCII characters", text))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A conditional close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseOrder {
    Limit { limit: Price },
    StopLoss { trigger: Price },
    TakeProfit { trigger: Price },
    StopLossLimit { trigger: Price, limit: Price },
    TakeProfitLimit { trigger: Price, limit: Price },
}

impl CloseOrder {
    fn table(self) -> Fields {
        let (kind, price, price2) = match self {
            Self::Limit { limit } => ("limit", limit, None),
            Self::StopLoss { trigger } => ("stop-loss", trigger, None),
            Self::TakeProfit { trigger } => ("take-profit", trigger, None),
            Self::StopLossLimit { trigger, limit } => ("stop-loss-limit", trigger, Some(limit)),
            Self::TakeProfitLimit { trigger, limit } => ("take-profit-limit", trigger, Some(limit)),
        };
        Fields::new().text("ordertype", kind).text("price", price).maybe("price2", price2)
    }
}

impl Offset {
    fn text(self, sign: &str) -> String {
        format!("{sign}{}{}", self.value.abs().normalize(), if self.percent { "%" } else { "" })
    }

    fn check(self) -> Result<Self, BadRequest> {
        if self.value > Decimal::ZERO {
            Ok(self)
        } else {
            Err(BadRequest::new("the distance of a trailing stop", "above 0", self.value))
        }
    }
}

impl LimitOffset {
    fn text(self) -> String {
        self.0.text(if self.0.value.is_sign_negative() { "-" } else { "+" })
    }
}

impl Reference {
    const fn text(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Index => "index",
        }
    }
}

impl Kind {
    /// Appends `ordertype` and what belongs to it.
    fn append(&self, fields: Fields, volume: Qty) -> Result<Fields, BadRequest> {
        let triggered = |fields: Fields, name: &str, trigger: &Trigger, limit: Option<Price>| {
            fields
                .text("ordertype", name)
                .text("price", trigger.price)
                .maybe("price2", limit)
                .text("trigger", trigger.by.text())
        };
        Ok(match self {
            Self::Market => fields.text("ordertype", "market"),
            Self::Limit { limit, .. } => fields.text("ordertype", "limit").text("price", limit),
            Self::Iceberg { limit, display, .. } => {
                let least = volume.get().checked_div(Decimal::from(15)).unwrap_or(volume.get());
                if display.get() < least || *display > volume || display.is_zero() {
                    return Err(BadRequest::new(
                        "displayvol",
                        "from a fifteenth of the volume up to all of it",
                        display,
                    ));
                }
                fields.text("ordertype", "iceberg").text("price", limit).text("displayvol", display)
            }
            Self::StopLoss { trigger } => triggered(fields, "stop-loss", trigger, None),
            Self::TakeProfit { trigger } => triggered(fields, "take-profit", trigger, None),
            Self::StopLossLimit { trigger, limit } => triggered(fields, "stop-loss-limit", trigger, Some(*limit)),
            Self::TakeProfitLimit { trigger, limit } => triggered(fields, "take-profit-limit", trigger, Some(*limit)),
            Self::TrailingStop { distance, by } => fields
                .text("ordertype", "trailing-stop")
                .text("price", distance.check()?.text("+"))
                .text("trigger", by.text()),
            Self::TrailingStopLimit { distance, limit, by } => fields
                .text("ordertype", "trailing-stop-limit")
                .text("price", distance.check()?.text("+"))
                .text("price2", limit.text())
                .text("trigger", by.text()),
        })
    }

    const fn post_only(&self) -> bool {
        matches!(self, Self::Limit { post_only: true, .. } | Self::Iceberg { post_only: true, .. })
    }
}

impl NewOrder {
    /// Appends all but the pair, the deadline and `validate`.
    pub(super) fn append(&self, fields: Fields) -> Result<Fields, BadRequest> {
        if self.volume.is_zero() {
            return Err(BadRequest::new("volume", "above 0", self.volume));
        }
        if self.kind.post_only() && matches!(self.life, Life::ImmediateOrCancel | Life::FillOrKill) {
            return Err(BadRequest::new("a post-only order", "able to rest in the book", "an immediate one"));
        }
        let fields = fields.text(
            "type",
            match self.side {
                Side::Buy => "buy",
                Side::Sell => "sell",
            },
        );
        let fields = self.kind.append(fields, self.volume)?.text("volume", self.volume);
        let fields = fields.text("oflags", if self.kind.post_only() { "fciq,post" } else { "fciq" });
        let fields = match &self.tag {
            Some(Tag::Client(id)) => fields.text("cl_ord_id", id),
            Some(Tag::UserRef(number)) => fields.text("userref", number),
            None => fields,
        };
        let fields = match self.life {
            Life::UntilCancelled => fields,
            Life::ImmediateOrCancel => fields.text("timeinforce", "IOC"),
            Life::FillOrKill => fields.text("timeinforce", "FOK"),
            Life::Until(seconds) => fields.text("timeinforce", "GTD").text("expiretm", seconds),
        };
        let fields = fields.maybe("starttm", self.start);
        let fields = match self.self_trade {
            SelfTrade::CancelNewest => fields,
            SelfTrade::CancelOldest => fields.text("stptype", "cancel-oldest"),
            SelfTrade::CancelBoth => fields.text("stptype", "cancel-both"),
        };
        Ok(match self.close {
            Some(close) => fields.with("close", Field::Table(close.table())),
            None => fields,
        })
    }
}

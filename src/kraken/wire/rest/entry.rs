//! Private calls that change orders, as typed bodies. Nothing in this room sends them.

mod order;
#[cfg(test)]
mod tests;

pub use order::{
    ClientOrderId, CloseOrder, Kind, Life, LimitOffset, NewOrder, Offset, Reference, SelfTrade, Tag, Trigger,
};

use super::call::{BadRequest, Encoding, PrivateCall};
use super::fields::{Field, Fields};
use super::reply::{AddOrderBatchReply, AddOrderReply, AmendOrderReply, CancelAllOrdersAfterReply, CancelReply};
use crate::domain::money::{Price, Qty};
use crate::kraken::wire::Stamp;

/// One order. The engine refuses it after `deadline` (server time, 2 to 60 s ahead).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOrder {
    /// Pair id or altname.
    pub pair: String,
    pub order: NewOrder,
    pub deadline: Stamp,
    /// Checks the inputs and places nothing.
    pub validate: bool,
}

impl PrivateCall for AddOrder {
    const NAME: &'static str = "AddOrder";
    const IS_ORDER: bool = true;
    type Reply = AddOrderReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        let fields = Fields::new().text("pair", &self.pair);
        Ok(self.order.append(fields)?.text("deadline", self.deadline).flag_if("validate", self.validate))
    }
}

/// 2 to 15 orders of one pair; validation refuses all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOrderBatch {
    pub pair: String,
    pub orders: Vec<NewOrder>,
    pub deadline: Stamp,
    pub validate: bool,
}

impl PrivateCall for AddOrderBatch {
    const NAME: &'static str = "AddOrderBatch";
    const ENCODING: Encoding = Encoding::Json;
    const IS_ORDER: bool = true;
    type Reply = AddOrderBatchReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        if !(2..=15).contains(&self.orders.len()) {
            return Err(BadRequest::new("orders of a batch", "2 to 15", self.orders.len()));
        }
        let orders: Result<Vec<_>, _> = self.orders.iter().map(|o| o.append(Fields::new()).map(Field::Table)).collect();
        Ok(Fields::new()
            .text("pair", &self.pair)
            .with("orders", Field::List(orders?))
            .text("deadline", self.deadline)
            .flag_if("validate", self.validate))
    }
}

/// Which order is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Txid(String),
    Client(ClientOrderId),
}

impl Target {
    fn append(&self, fields: Fields) -> Fields {
        match self {
            Self::Txid(id) => fields.text("txid", id),
            Self::Client(id) => fields.text("cl_ord_id", id),
        }
    }
}

/// Changes an order in place; its ids stay, and its queue place where rules allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendOrder {
    pub target: Target,
    /// The new **total**; below what is filled it ends the order.
    pub order_qty: Option<Qty>,
    pub display_qty: Option<Qty>,
    pub limit_price: Option<Price>,
    pub trigger_price: Option<Price>,
    pub post_only: bool,
    pub deadline: Stamp,
}

impl PrivateCall for AmendOrder {
    const NAME: &'static str = "AmendOrder";
    const IS_ORDER: bool = true;
    type Reply = AmendOrderReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        let prices = [self.limit_price, self.trigger_price];
        let quantities = [self.order_qty, self.display_qty];
        if prices.iter().all(Option::is_none) && quantities.iter().all(Option::is_none) {
            return Err(BadRequest::new("an amendment", "of a quantity or a price", "neither"));
        }
        if quantities.iter().flatten().any(|q| q.is_zero()) {
            return Err(BadRequest::new("a quantity", "above 0", "0"));
        }
        Ok(self
            .target
            .append(Fields::new())
            .maybe("order_qty", self.order_qty)
            .maybe("display_qty", self.display_qty)
            .maybe("limit_price", self.limit_price)
            .maybe("trigger_price", self.trigger_price)
            .flag_if("post_only", self.post_only)
            .text("deadline", self.deadline))
    }
}

/// Cancels one order, or all with one user reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelOrder {
    One(Target),
    UserRef(i32),
}

impl PrivateCall for CancelOrder {
    const NAME: &'static str = "CancelOrder";
    const IS_ORDER: bool = true;
    type Reply = CancelReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        Ok(match self {
            Self::One(target) => target.append(Fields::new()),
            Self::UserRef(number) => Fields::new().text("txid", number),
        })
    }
}

/// Cancels up to 50 orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CancelOrderBatch {
    /// Order ids or user references.
    pub orders: Vec<String>,
    pub cl_ord_ids: Vec<ClientOrderId>,
}

impl PrivateCall for CancelOrderBatch {
    const NAME: &'static str = "CancelOrderBatch";
    const ENCODING: Encoding = Encoding::Json;
    const IS_ORDER: bool = true;
    type Reply = CancelReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        let count = self.orders.len().saturating_add(self.cl_ord_ids.len());
        if !(1..=50).contains(&count) {
            return Err(BadRequest::new("orders of a batch", "1 to 50", count));
        }
        let list = |texts: Vec<String>| Field::List(texts.into_iter().map(Field::Text).collect());
        let mut fields = Fields::new();
        if !self.orders.is_empty() {
            fields = fields.with("orders", list(self.orders.clone()));
        }
        if !self.cl_ord_ids.is_empty() {
            fields = fields.with("cl_ord_ids", list(self.cl_ord_ids.iter().map(ToString::to_string).collect()));
        }
        Ok(fields)
    }
}

/// Cancels every order of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelAll;

impl PrivateCall for CancelAll {
    const NAME: &'static str = "CancelAll";
    const IS_ORDER: bool = true;
    type Reply = CancelReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        Ok(Fields::new())
    }
}

/// Dead man's switch of the whole account: cancels every order, those placed by hand too, unless renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelAllOrdersAfter {
    /// 0 switches it off; below a day.
    pub timeout_s: u32,
}

impl PrivateCall for CancelAllOrdersAfter {
    const NAME: &'static str = "CancelAllOrdersAfter";
    const IS_ORDER: bool = true;
    type Reply = CancelAllOrdersAfterReply;

    fn fields(&self) -> Result<Fields, BadRequest> {
        if self.timeout_s >= 86_400 {
            return Err(BadRequest::new("timeout", "below 86400 s", self.timeout_s));
        }
        Ok(Fields::new().text("timeout", self.timeout_s))
    }
}

//! Private calls that read.

use super::account::{
    ApiKeyInfo, Balance, BalanceEx, Ledgers as LedgersPage, TradeBalance as Totals, TradeVolume as Volume,
};
use super::call::{BadRequest, PrivateCall, ReadCall};
use super::fields::{Field, Fields};
use super::order;

/// Most ids in one [`QueryOrders`].
pub const ORDERS_MAX: usize = 50;
/// Most ids in one [`QueryTrades`].
pub const TRADES_MAX: usize = 20;

macro_rules! call {
    ($name:ident, $text:literal => $reply:ty, |$this:ident| $fields:expr) => {
        impl PrivateCall for $name {
            const NAME: &'static str = $text;
            type Reply = $reply;

            fn fields(&self) -> Result<Fields, BadRequest> {
                let $this = self;
                $fields
            }
        }
        impl ReadCall for $name {}
    };
}

/// Totals by asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GetBalance;
call!(GetBalance, "Balance" => Balance, |_this| Ok(Fields::new()));

/// Totals and holds by asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GetBalanceEx;
call!(GetBalanceEx, "BalanceEx" => BalanceEx, |_this| Ok(Fields::new()));

/// The account in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetTradeBalance {
    /// `ZUSD` when `None`.
    pub asset: Option<String>,
}
call!(GetTradeBalance, "TradeBalance" => Totals, |this| Ok(Fields::new().maybe("asset", this.asset.as_ref())));

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Whether fills are listed.
    pub trades: bool,
    pub userref: Option<i32>,
    pub cl_ord_id: Option<String>,
}
call!(OpenOrders, "OpenOrders" => order::OpenOrders, |this| Ok(
    Fields::new().flag_if("trades", this.trades).maybe("userref", this.userref).maybe("cl_ord_id", this.cl_ord_id.as_ref())
));

/// Fills of a taker order are listed one by one (`consolidate_taker=false`), here and in [`TradesHistory`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClosedOrders {
    pub trades: bool,
    pub userref: Option<i32>,
    pub cl_ord_id: Option<String>,
    /// Unix seconds, exclusive.
    pub start: Option<i64>,
    /// Unix seconds, inclusive.
    pub end: Option<i64>,
    /// Rows to skip; new rows shift pages, so stop on overlap, not on count.
    pub ofs: Option<u64>,
    pub without_count: bool,
}
call!(ClosedOrders, "ClosedOrders" => order::ClosedOrders, |this| Ok(
    Fields::new()
        .flag_if("trades", this.trades)
        .maybe("userref", this.userref)
        .maybe("cl_ord_id", this.cl_ord_id.as_ref())
        .maybe("start", this.start)
        .maybe("end", this.end)
        .maybe("ofs", this.ofs)
        .with("consolidate_taker", Field::Flag(false))
        .flag_if("without_count", this.without_count)
));

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryOrders {
    pub txid: Vec<String>,
    pub trades: bool,
    pub userref: Option<i32>,
}
call!(QueryOrders, "QueryOrders" => order::Orders, |this| Ok(
    Fields::new()
        .commas("txid", counted("order ids", &this.txid, ORDERS_MAX)?)
        .flag_if("trades", this.trades)
        .maybe("userref", this.userref)
        .with("consolidate_taker", Field::Flag(false))
));

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradesHistory {
    pub trades: bool,
    /// Unix seconds, exclusive.
    pub start: Option<i64>,
    /// Unix seconds, inclusive.
    pub end: Option<i64>,
    pub ofs: Option<u64>,
    pub ledgers: bool,
    pub without_count: bool,
    /// 1 to 100; the exchange gives 50 when `None`.
    pub limit: Option<u8>,
}
call!(TradesHistory, "TradesHistory" => order::TradesHistory, |this| {
    if let Some(limit) = this.limit.filter(|l| !(1..=100).contains(l)) {
        return Err(BadRequest::new("limit", "within 1..=100", limit));
    }
    Ok(Fields::new()
        .flag_if("trades", this.trades)
        .maybe("start", this.start)
        .maybe("end", this.end)
        .maybe("ofs", this.ofs)
        .with("consolidate_taker", Field::Flag(false))
        .flag_if("ledgers", this.ledgers)
        .flag_if("without_count", this.without_count)
        .maybe("limit", this.limit))
});

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryTrades {
    pub txid: Vec<String>,
    pub trades: bool,
}
call!(QueryTrades, "QueryTrades" => order::Fills, |this| Ok(
    Fields::new().commas("txid", counted("trade ids", &this.txid, TRADES_MAX)?).flag_if("trades", this.trades)
));

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledgers {
    /// Asset ids; all when empty.
    pub assets: Vec<String>,
    /// Unix seconds, exclusive.
    pub start: Option<i64>,
    /// Unix seconds, inclusive.
    pub end: Option<i64>,
    pub ofs: Option<u64>,
    pub without_count: bool,
}
call!(Ledgers, "Ledgers" => LedgersPage, |this| Ok(
    Fields::new()
        .commas("asset", &this.assets)
        .maybe("start", this.start)
        .maybe("end", this.end)
        .maybe("ofs", this.ofs)
        .flag_if("without_count", this.without_count)
));

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TradeVolume {
    /// Pair ids or altnames; without them only the volume is told.
    pub pairs: Vec<String>,
}
call!(TradeVolume, "TradeVolume" => Volume, |this| Ok(Fields::new().commas("pair", &this.pairs)));

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GetWebSocketsToken;
call!(GetWebSocketsToken, "GetWebSocketsToken" => super::account::WebSocketsToken, |_this| Ok(Fields::new()));

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GetApiKeyInfo;
call!(GetApiKeyInfo, "GetApiKeyInfo" => ApiKeyInfo, |_this| Ok(Fields::new()));

fn counted<'a>(what: &'static str, ids: &'a [String], max: usize) -> Result<&'a [String], BadRequest> {
    if (1..=max).contains(&ids.len()) {
        Ok(ids)
    } else {
        Err(BadRequest::new(what, if max == ORDERS_MAX { "1 to 50" } else { "1 to 20" }, ids.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_as_documented() {
        let body = |b: Result<String, BadRequest>| b.expect("a body");
        assert_eq!(body(GetBalance.body(1)), "nonce=1");
        let usd = GetTradeBalance { asset: Some("ZUSD".to_owned()) };
        assert_eq!(body(usd.body(1)), "nonce=1&asset=ZUSD");
        let open = OpenOrders { trades: true, userref: Some(-5), cl_ord_id: Some("a-1".to_owned()) };
        assert_eq!(body(open.body(1)), "nonce=1&trades=true&userref=-5&cl_ord_id=a-1");
        let closed = ClosedOrders { start: Some(10), end: Some(20), ofs: Some(50), ..Default::default() };
        assert_eq!(body(closed.body(1)), "nonce=1&start=10&end=20&ofs=50&consolidate_taker=false");
        let two = vec!["OA".to_owned(), "OB".to_owned()];
        let orders = QueryOrders { txid: two.clone(), trades: true, userref: None };
        assert_eq!(body(orders.body(1)), "nonce=1&txid=OA%2COB&trades=true&consolidate_taker=false");
        let history = TradesHistory { limit: Some(100), without_count: true, ..Default::default() };
        assert_eq!(body(history.body(1)), "nonce=1&consolidate_taker=false&without_count=true&limit=100");
        assert_eq!(body(QueryTrades { txid: two.clone(), trades: false }.body(1)), "nonce=1&txid=OA%2COB");
        assert_eq!(body(Ledgers { assets: two.clone(), ..Default::default() }.body(1)), "nonce=1&asset=OA%2COB");
        assert_eq!(body(TradeVolume { pairs: two }.body(1)), "nonce=1&pair=OA%2COB");
        assert_eq!(GetWebSocketsToken::path(), "/0/private/GetWebSocketsToken");
        assert_eq!(body(GetApiKeyInfo.body(1)), "nonce=1");
    }

    #[test]
    fn what_the_exchange_would_refuse_is_not_sent() {
        let many = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert!(QueryOrders { txid: many(51), ..Default::default() }.body(1).is_err());
        assert!(QueryOrders { txid: many(50), ..Default::default() }.body(1).is_ok());
        assert!(QueryOrders::default().body(1).is_err());
        assert!(QueryTrades { txid: many(21), trades: false }.body(1).is_err());
        assert!(TradesHistory { limit: Some(0), ..Default::default() }.body(1).is_err());
        assert!(TradesHistory { limit: Some(101), ..Default::default() }.body(1).is_err());
    }
}

//! What each private call costs and needs.

use super::keys::Permission;

/// Points of the call counter.
#[must_use]
pub fn cost(call: &str) -> u32 {
    match call {
        "AddOrder" | "AmendOrder" | "EditOrder" | "CancelOrder" | "AddOrderBatch" | "CancelOrderBatch" => 0,
        "Ledgers" | "TradesHistory" | "ClosedOrders" => 4,
        _ => 1,
    }
}

/// Any of these permissions is enough; none is needed if the list is empty.
#[must_use]
pub fn permissions(call: &str) -> &'static [Permission] {
    match call {
        "Balance" | "BalanceEx" | "TradeBalance" | "TradeVolume" => &[Permission::QueryFunds],
        "OpenOrders" | "OpenPositions" => &[Permission::QueryOpenTrades],
        "ClosedOrders" | "TradesHistory" | "QueryTrades" => &[Permission::QueryClosedTrades],
        "QueryOrders" => &[Permission::QueryOpenTrades, Permission::QueryClosedTrades],
        "Ledgers" | "QueryLedgers" => &[Permission::QueryLedger],
        "GetWebSocketsToken" => &[Permission::CreateWsToken],
        "AddOrder" | "AddOrderBatch" | "AmendOrder" | "EditOrder" => &[Permission::ModifyTrades],
        "CancelOrder" | "CancelOrderBatch" | "CancelAll" | "CancelAllOrdersAfter" => {
            &[Permission::ModifyTrades, Permission::CloseTrades]
        }
        _ => &[],
    }
}

/// What a private channel needs.
#[must_use]
pub fn channel_permissions(channel: &str) -> &'static [Permission] {
    match channel {
        "balances" => &[Permission::QueryFunds],
        _ => &[Permission::QueryOpenTrades, Permission::QueryClosedTrades],
    }
}

/// The same for a method of the WebSocket; `None` when there is no such method.
#[must_use]
pub fn method_permissions(method: &str) -> Option<&'static [Permission]> {
    match method {
        "add_order" | "amend_order" | "edit_order" | "batch_add" => Some(&[Permission::ModifyTrades]),
        "cancel_order" | "batch_cancel" | "cancel_all" | "cancel_all_orders_after" => {
            Some(&[Permission::ModifyTrades, Permission::CloseTrades])
        }
        _ => None,
    }
}

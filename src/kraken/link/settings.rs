//! The link's numbers: limits of the exchange and the waits that follow from them.

/// How the link behaves. The defaults stay inside the limits that Kraken publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSettings {
    /// Most pairs on one connection for `ticker`, `trade` and `ohlc`.
    pub pairs_per_connection: usize,
    /// Most books on one connection; books have connections of their own.
    pub books_per_connection: usize,
    /// Tickers at each change of the best prices, not only at trades.
    pub ticker_quotes: bool,
    /// The best levels of every book after each of its frames, for what computes order flow.
    pub tell_depth: bool,
    /// Most symbols in one subscribe request.
    pub symbols_per_request: usize,
    /// Subscribe and unsubscribe requests within one second, over all connections.
    pub requests_per_second: u32,
    /// Connect attempts within ten minutes, over all connections. The exchange bans an address at about 150.
    pub connects_per_10_min: u32,
    /// Sockets that may be opening at once.
    pub connects_at_once: usize,
    /// Reconnects in a row that are tried at once; later ones wait 5 to 30 seconds.
    pub quick_reconnects: u32,
    /// Wait after the exchange banned this address or answered 429.
    pub ban_wait_ms: i64,
    /// Shortest wait before a reconnect while the exchange is in maintenance.
    pub maintenance_wait_ms: i64,
    /// From the request to connect until the first frame.
    pub connect_timeout_ms: i64,
    /// A connection without a frame for this long is dead.
    pub silence_ms: i64,
    /// A connection without a frame for this long is asked for a sign of life.
    pub ping_after_ms: i64,
    /// Wait for the answer to a subscribe request.
    pub ack_timeout_ms: i64,
    /// Wait for a first picture after the acknowledgement.
    pub snapshot_timeout_ms: i64,
    /// Tries of one subscription before it rests for a minute.
    pub subscribe_tries: u32,
    /// Start-up waits this long for a list of instruments before it subscribes without one.
    pub listing_wait_ms: i64,
    /// How often AssetPairs is read anew.
    pub listing_refresh_ms: i64,
    /// A candle is closed by the clock this long after its end, when the exchange answered a ping since.
    pub candle_grace_ms: i64,
    /// A closed candle waits this long for the exchange's own values.
    pub compare_wait_ms: i64,
    /// A jump in trade ids waits this long for the missing ones to come by themselves.
    pub reorder_wait_ms: i64,
    /// Live trades of one pair that are kept while older ones are fetched.
    pub trade_buffer: usize,
    /// Rows of a full page of REST Trades.
    pub trades_page: usize,
    /// Pages that one refill may take; beyond it the trades are given up, and said so.
    pub refill_pages: u32,
    /// Questions to REST again when its pages end before the missing trades came.
    pub refill_tries: u32,
    /// Least time between two questions to REST.
    pub rest_gap_ms: i64,
    /// Questions to REST on their way at once.
    pub rest_at_once: usize,
    /// A question without an answer for this long is asked again.
    pub rest_timeout_ms: i64,
    /// A step of the clock by more than this is told as a jump. A clock that is moved by hand leaps.
    pub clock_jump_ms: i64,
    /// Longer frames are refused unread.
    pub largest_frame: usize,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            pairs_per_connection: 250,
            books_per_connection: 50,
            ticker_quotes: true,
            tell_depth: false,
            symbols_per_request: 50,
            requests_per_second: 18,
            connects_per_10_min: 120,
            connects_at_once: 8,
            quick_reconnects: 3,
            ban_wait_ms: 600_000,
            maintenance_wait_ms: 5_000,
            connect_timeout_ms: 10_000,
            silence_ms: 10_000,
            ping_after_ms: 3_000,
            ack_timeout_ms: 5_000,
            snapshot_timeout_ms: 5_000,
            subscribe_tries: 5,
            listing_wait_ms: 10_000,
            listing_refresh_ms: 3_600_000,
            candle_grace_ms: 2_000,
            compare_wait_ms: 2_000,
            reorder_wait_ms: 250,
            trade_buffer: 20_000,
            trades_page: 1_000,
            refill_pages: 200,
            refill_tries: 6,
            rest_gap_ms: 1_000,
            rest_at_once: 2,
            rest_timeout_ms: 150_000,
            clock_jump_ms: 60_000,
            largest_frame: 4 * 1024 * 1024,
        }
    }
}

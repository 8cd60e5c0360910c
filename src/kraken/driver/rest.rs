//! Where answers of REST come from.

use futures_util::future::BoxFuture;

use crate::kraken::link::{RestAnswer, RestQuery, RestTrouble};
use crate::kraken::rest::Client;

/// An answer on its way.
pub type RestFuture<'a> = BoxFuture<'a, Result<RestAnswer, RestTrouble>>;

/// Answers the link's questions: the client of the exchange, or whatever stands in for it.
pub trait RestSource: Send + Sync + 'static {
    /// One question, one answer. The link paces its questions and asks again by itself.
    fn ask(&self, query: RestQuery) -> RestFuture<'_>;
}

impl RestSource for Client {
    fn ask(&self, query: RestQuery) -> RestFuture<'_> {
        Box::pin(self.answer(query))
    }
}

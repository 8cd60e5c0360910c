//! Order books kept from Kraken's `book` channel.
//!
//! Serves the link. In: book frames, as bytes ([`Books::on_frame`]) or decoded ([`Books::on_rows`]); out: whether the best levels changed, or
//! a [`BookFault`]. Always true: prices and quantities are whole ticks of the pair's precision and never rounded; a book is shown only after
//! the exchange's checksum was found over it; after a fault it is empty until the next snapshot.

mod books;
mod fast;
mod fault;
mod index;
mod ladder;
mod level;
mod order_book;
mod stamp;
pub mod throughput;
mod ticks;

#[cfg(test)]
mod tests;

pub use books::{BookOutcome, Books};
pub use fault::BookFault;
pub use order_book::{Book, BookSide, Precision};

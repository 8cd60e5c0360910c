//! What travels between Kraken and us, typed. Numbers keep the decimal that was written, texts that we do not know stay texts, and fields
//! that we do not know are ignored.

pub mod number;
pub mod open_enum;
pub mod rest;
pub mod stamp;
pub mod ws;

pub use number::Number;
pub use stamp::Stamp;

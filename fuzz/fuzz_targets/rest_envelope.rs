//! Any HTTP status and body as an answer of REST: a result or a typed error, never a panic.
#![no_main]

use cryptosmarttrader::kraken::wire::rest;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|answer: (u16, &[u8])| {
    let (status, body) = answer;
    match rest::read::<Value>("Fuzz", status, body) {
        Ok(answer) => assert!((200..300).contains(&status), "status {status} gave {:?}", answer.value),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

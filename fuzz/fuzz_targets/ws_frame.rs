//! Any bytes as a WebSocket frame: read or refused, never a panic; a refusal is short and safe to show.
#![no_main]

use cryptosmarttrader::kraken::wire::ws::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    if let Err(refusal) = decode(frame) {
        let text = refusal.to_string();
        assert!(text.chars().count() < 500 && !text.contains(char::is_control), "{text:?}");
    }
});

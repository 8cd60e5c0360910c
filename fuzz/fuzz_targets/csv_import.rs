//! Any bytes as a file of market data in each text format: rows taken or rejected with a reason, none lost, never a panic.
#![no_main]

use cryptosmarttrader::store::import::{Format, parse_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: (u8, &[u8])| {
    let (which, bytes) = file;
    let format = match which % 3 {
        0 => Format::Csv,
        1 => Format::Json,
        _ => Format::Jsonl,
    };
    let report = parse_bytes(format, bytes);
    if report.refused.is_none() {
        assert_eq!(report.read, report.accepted + report.identical + report.replaced + report.rejected_total());
    }
});

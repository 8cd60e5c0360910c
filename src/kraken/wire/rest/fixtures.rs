//! Every recorded REST answer is read by its type, or left out for a reason that stands here. The folders are walked: a file that nobody names
//! fails the test.

mod account;
mod market;
mod trading;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::call::PrivateCall;
use crate::kraken::error::{ApiError, KrakenError, Remedy};

/// What becomes of one file.
enum Use {
    /// Read by its type, with something asserted about it.
    Read(fn(&Recorded)),
    /// Not read, and why.
    LeftOut(&'static str),
}

/// One file: for endpoints the path it answers, and the body.
struct Recorded {
    path: Option<String>,
    body: String,
}

impl Recorded {
    fn open(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).expect("a fixture").replace('\r', "");
        let text = text.trim_start_matches('\u{feff}');
        // "GET or POST", the path, whether it is signed, then the answer
        let lines: Vec<&str> = text.splitn(4, '\n').collect();
        match lines.as_slice() {
            ["GET" | "POST", path, "true" | "false", body] => {
                Self { path: Some((*path).trim().to_owned()), body: (*body).to_owned() }
            }
            _ => Self { path: None, body: text.to_owned() },
        }
    }

    fn read<T: DeserializeOwned>(&self) -> T {
        let answer = super::read("Fixture", 200, self.body.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        assert!(answer.warnings.is_empty());
        answer.value
    }

    /// Reads the reply of a call, and checks that the recording is of that call.
    fn reply<C: PrivateCall>(&self) -> C::Reply {
        if let Some(path) = &self.path {
            assert_eq!(*path, C::path());
        }
        self.read()
    }

    fn public<T: DeserializeOwned>(&self, name: &str) -> T {
        if let Some(path) = &self.path {
            assert_eq!(*path, format!("/0/public/{name}"));
        }
        self.read()
    }
}

type Table = Vec<(&'static str, Use)>;

const MONEY: &str = "deposits, withdrawals and transfers are not used: no key that may move money is accepted";
const EARN: &str = "earning is not used";
const MARGIN: &str = "positions on margin are not used";
const EXPORT: &str = "the export of reports is not used: history comes from trades and the ledger";
const SUB: &str = "sub-accounts are not used";

/// Files of WebSocket messages, by the beginning of their names: read by the tests of that side.
const WEBSOCKET: [&str; 9] = [
    "kraken_async_rs/kraken_wss_client__",
    "kraken_async_rs/wss_messages__",
    "kraken_async_rs/base_messages__",
    "kraken_async_rs/admin_messages__",
    "kraken_async_rs/market_data_messages__",
    "kraken_async_rs/user_data_messages__",
    "kraken_net/Socket__",
    "kraken_net/Subscriptions__",
    "nautilus/ws_",
];
const WEBSOCKET_TOO: [&str; 2] = ["kraken_net/JsonResponses__Socket__", "kraken_data_recorder/ws_"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kraken")
}

fn errors() -> Table {
    fn refused(recorded: &Recorded, text: &str, remedy: Remedy) {
        let answer = super::read::<serde::de::IgnoredAny>("Fixture", 200, recorded.body.as_bytes());
        let Err(KrakenError::Api { errors, .. }) = answer else { panic!("{}", recorded.body) };
        assert_eq!(errors, [ApiError::parse(text)]);
        assert_eq!(errors[0].to_string(), text);
        assert_eq!(errors[0].remedy(false), remedy, "{text}");
    }
    use Remedy as R;
    const WAIT: R = R::Wait { scope: crate::kraken::error::LimitScope::Calls, until: None };
    const PAIR: R = R::Wait { scope: crate::kraken::error::LimitScope::Pair, until: None };
    const MEND: R = R::Halt { minutes: None };
    vec![
        ("errors.json", Use::Read(|r| refused(r, "EGeneral:Permission denied", MEND))),
        ("errors_2.json", Use::Read(|r| refused(r, "EAPI:Invalid key", MEND))),
        ("errors_3.json", Use::Read(|r| refused(r, "EQuery:Unknown asset pair", R::ReadSymbols))),
        ("rest_error_envelope.json", Use::Read(|r| refused(r, "EGeneral:Permission denied", MEND))),
        ("rest_error_envelope_10.json", Use::Read(|r| refused(r, "EAPI:Rate limit exceeded", WAIT))),
        ("rest_error_envelope_11.json", Use::Read(|r| refused(r, "EOrder:Rate limit exceeded", PAIR))),
        (
            "rest_error_envelope_12.json",
            Use::Read(|r| refused(r, "EGeneral:Temporary lockout", R::Halt { minutes: Some(15) })),
        ),
        ("rest_error_envelope_13.json", Use::Read(|r| refused(r, "EService:Unavailable", R::Retry))),
        ("rest_error_envelope_14.json", Use::Read(|r| refused(r, "EService:Busy", R::Retry))),
        ("rest_error_envelope_15.json", Use::Read(|r| refused(r, "EGeneral:Internal error", R::Retry))),
        ("rest_error_envelope_16.json", Use::Read(|r| refused(r, "ETrade:Locked", R::Final))),
        ("rest_error_envelope_17.json", Use::Read(|r| refused(r, "EAPI:Feature disabled", R::Final))),
        ("rest_error_envelope_2.json", Use::Read(|r| refused(r, "EAPI:Invalid key", MEND))),
        ("rest_error_envelope_3.json", Use::Read(|r| refused(r, "EQuery:Unknown asset pair", R::ReadSymbols))),
        ("rest_error_envelope_4.json", Use::Read(|r| refused(r, "EGeneral:Invalid arguments:type", R::OurMistake))),
        ("rest_error_envelope_5.json", Use::Read(|r| refused(r, "EAPI:Invalid signature", MEND))),
        ("rest_error_envelope_6.json", Use::Read(|r| refused(r, "EAPI:Invalid nonce", R::FreshNonceOnce))),
        ("rest_error_envelope_7.json", Use::Read(|r| refused(r, "ESession:Invalid session", R::NewSession))),
        ("rest_error_envelope_8.json", Use::Read(|r| refused(r, "EAPI:Bad request", MEND))),
        ("rest_error_envelope_9.json", Use::Read(|r| refused(r, "EGeneral:Unknown Method", R::OurMistake))),
        (
            "paginated_closed_orders__get_closed_orders_error_json.json",
            Use::Read(|r| refused(r, "Something went wrong", R::Final)),
        ),
    ]
}

/// Every table, by folder.
fn tables() -> Vec<(&'static str, Table)> {
    vec![
        ("kraken_async_rs", errors()),
        ("kraken_async_rs", market::kraken_async_rs()),
        ("kraken_async_rs", account::kraken_async_rs()),
        ("kraken_async_rs", trading::kraken_async_rs()),
        ("kraken_net", market::kraken_net()),
        ("kraken_net", account::kraken_net()),
        ("kraken_net", trading::kraken_net()),
        ("nautilus", market::nautilus()),
        ("nautilus", account::nautilus()),
        ("nautilus", trading::nautilus()),
        ("cryptofeed_ws_v1", market::cryptofeed()),
        (
            "kraken_cli",
            vec![(
                "error-catalog.json",
                Use::LeftOut("no answer of the exchange: compared with our errors where they live"),
            )],
        ),
    ]
}

#[test]
fn every_rest_file_is_read_or_left_out_for_a_reason() {
    let mut named = BTreeMap::new();
    for (folder, table) in tables() {
        for (file, what) in table {
            assert!(named.insert(format!("{folder}/{file}"), what).is_none(), "{folder}/{file} is named twice");
        }
    }
    let root = folder();
    let folders: BTreeSet<&str> =
        tables().into_iter().map(|(folder, _)| folder).chain(["kraken_data_recorder"]).collect();
    let websocket = |name: &str| WEBSOCKET.iter().chain(&WEBSOCKET_TOO).any(|start| name.starts_with(start));
    let (mut read, mut left_out, mut failed) = (0, 0, Vec::new());
    for folder in folders {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
            let file = entry.expect("a file").path();
            let name = format!("{folder}/{}", file.file_name().expect("a name").to_string_lossy());
            match named.remove(&name) {
                Some(Use::Read(check)) => {
                    let outcome = std::panic::catch_unwind(|| check(&Recorded::open(&file)));
                    if outcome.is_err() {
                        failed.push(name);
                    }
                    read += 1;
                }
                Some(Use::LeftOut(why)) => {
                    assert!(why.len() > 10);
                    left_out += 1;
                }
                None if name.ends_with("README.md") => {}
                // the other capture files of this folder are read by the WebSocket side
                None => {
                    assert!(websocket(&name) || name.starts_with("cryptofeed_ws_v1/KRAKEN.ws"), "nobody reads {name}")
                }
            }
        }
    }
    assert!(named.is_empty(), "no such files: {:?}", named.keys().collect::<Vec<_>>());
    assert!(failed.is_empty(), "{failed:?}, see above");
    assert_eq!((read, left_out), (120, 51));
}

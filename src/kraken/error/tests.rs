//! The whole error catalogue, row by row.

use super::*;

const CALLS: Remedy = Remedy::Wait { scope: LimitScope::Calls, until: None };
const PAIR: Remedy = Remedy::Wait { scope: LimitScope::Pair, until: None };
const MEND: Remedy = Remedy::Halt { minutes: None };
const LOCKOUT: Remedy = Remedy::Halt { minutes: Some(15) };
const UNSURE: Remedy = Remedy::UnknownOutcome;

/// Text, remedy for a read, remedy for an order.
fn catalogue() -> Vec<(&'static str, Remedy, Remedy)> {
    let same = |text, remedy: Remedy| (text, remedy.clone(), remedy);
    let throttled = Remedy::Wait { scope: LimitScope::Calls, until: Some(1_756_000_000) };
    vec![
        ("EService:Unavailable", Remedy::Retry, UNSURE),
        ("EService:Busy", Remedy::Retry, UNSURE),
        ("EGeneral:Internal error", Remedy::Retry, UNSURE),
        ("EGeneral:Internal error:1234", Remedy::Retry, UNSURE),
        ("EDatabase:Internal error", Remedy::Retry, UNSURE),
        ("EService:Deadline elapsed", Remedy::Retry, Remedy::ReconcileOnce),
        same("EService:Market in cancel_only mode", Remedy::PairMode(PairStatus::CancelOnly)),
        same("EService:Market in post_only mode", Remedy::PairMode(PairStatus::PostOnly)),
        same("EService:Market in limit_only mode", Remedy::PairMode(PairStatus::LimitOnly)),
        same("EService:Throttled:1756000000", throttled.clone()),
        same("EService: Throttled: 1756000000", throttled),
        same("EService: Throttled: soon", CALLS),
        same("EAPI:Rate limit exceeded", CALLS),
        same("EGeneral:Too many requests", CALLS),
        same("EAuth:Rate limit exceeded", CALLS),
        same("EAuth:Too many requests", CALLS),
        same("Exceeded msg rate", CALLS),
        same("EOrder:Rate limit exceeded", PAIR),
        same("EOrder:Domain rate limit exceeded", PAIR),
        same("EOrder:Orders limit exceeded", Remedy::TooManyOpen),
        same("EOrder:Scheduled orders limit exceeded", Remedy::TooManyOpen),
        same("EOrder:Positions limit exceeded", Remedy::TooManyOpen),
        same("EAPI:Invalid nonce", Remedy::FreshNonceOnce),
        same("EGeneral:Temporary lockout", LOCKOUT),
        same("EAuth:Account temporary disabled", LOCKOUT),
        same("EAPI:Invalid key", MEND),
        same("EAPI:Invalid signature", MEND),
        same("EAPI:Bad request", MEND),
        same("EAuth:Failed", MEND),
        same("EAuth:Account unconfirmed", MEND),
        same("EAccount:Invalid permissions", MEND),
        same("EGeneral:Permission denied", MEND),
        same("ESession:Invalid session", Remedy::NewSession),
        same("EGeneral:Invalid arguments", Remedy::OurMistake),
        same("EGeneral:Invalid arguments:type", Remedy::OurMistake),
        same("EGeneral:Unknown method", Remedy::OurMistake),
        same("EGeneral:Unknown Method", Remedy::OurMistake),
        same("EFunding:Unknown withdraw key", Remedy::OurMistake),
        same("EOrder:Insufficient funds", Remedy::ReadBalances),
        same("EOrder:Order minimum not met", Remedy::ReadPairRules),
        same("EOrder:Cost minimum not met", Remedy::ReadPairRules),
        same("EOrder:Tick size check failed", Remedy::ReadPairRules),
        same("EOrder:Invalid price", Remedy::ReadPairRules),
        same("EOrder:Invalid price:XBTUSD price can only be specified up to 1 decimals.", Remedy::ReadPairRules),
        same("EOrder:Invalid order", Remedy::ReadPairRules),
        same("EOrder:Post only order", Remedy::Requote),
        same("EOrder:Unknown order", Remedy::OrderGone),
        same("EOrder:Cannot open position", Remedy::Final),
        same("EOrder:Cannot open opposing position", Remedy::Final),
        same("EOrder:Margin allowance exceeded", Remedy::Final),
        same("EOrder:Margin level too low", Remedy::Final),
        same("EOrder:Insufficient margin", Remedy::Final),
        same("EOrder:Reduce only:No position exists", Remedy::Final),
        same("EOrder:Unknown position", Remedy::Final),
        same("EBM:limit exceeded:CAL", Remedy::Final),
        same("ETrade:Invalid request", Remedy::Final),
        same("ETrade:User Locked", Remedy::Final),
        same("EQuery:Unknown asset pair", Remedy::ReadSymbols),
        same("EQuery:Invalid asset pair", Remedy::ReadSymbols),
        same("EQuery:Unknown asset", Remedy::ReadSymbols),
        // everything else: a read is over, an order is unsure
        ("EAPI:Feature disabled", Remedy::Final, UNSURE),
        ("ETrade:Locked", Remedy::Final, UNSURE),
        ("EOrder:Something new", Remedy::Final, UNSURE),
        ("ENovel:Thing", Remedy::Final, UNSURE),
        ("Something went wrong", Remedy::Final, UNSURE),
        ("", Remedy::Final, UNSURE),
    ]
}

#[test]
fn every_row_of_the_catalogue_has_its_remedy() {
    for (text, read, order) in catalogue() {
        let error = ApiError::parse(text);
        assert_eq!(error.remedy(false), read, "{text} as a read");
        assert_eq!(error.remedy(true), order, "{text} as an order");
        assert_eq!(error.severity, Severity::Error, "{text}");
    }
}

#[test]
fn texts_are_taken_apart_and_put_together() {
    let e = ApiError::parse(" EService: Throttled: 1756000000 ");
    assert_eq!(
        (&e.category, e.message.as_str(), e.extra.as_deref()),
        (&Category::Service, "Throttled", Some("1756000000"))
    );
    assert_eq!(e.to_string(), "EService:Throttled:1756000000");
    assert_eq!(ApiError::parse("WGeneral:Deprecated").severity, Severity::Warning);
    assert_eq!(ApiError::parse("ENovel:Thing").category, Category::Unknown("Novel".to_owned()));
    for plain in ["Currency pair not supported XBT/USD", "Error: none", "E:x", "Élan:x", ":", "E"] {
        let e = ApiError::parse(plain);
        assert_eq!((e.category, e.severity, e.message.as_str()), (Category::Plain, Severity::Error, plain));
    }
    assert_eq!(ApiError::parse("EOrder:Invalid price:a:b").extra.as_deref(), Some("a:b"));
}

#[test]
fn the_gravest_of_several_errors_counts() {
    let of = |texts: &[&str]| KrakenError::Api {
        call: "AddOrder",
        errors: texts.iter().map(|t| ApiError::parse(t)).collect(),
    };
    let both = of(&["EOrder:Insufficient funds", "EGeneral:Temporary lockout"]);
    assert_eq!(both.remedy(true), LOCKOUT);
    assert_eq!(both.class(), ErrorClass::System);
    assert_eq!(of(&["EAPI:Rate limit exceeded", "EService:Busy"]).remedy(true), UNSURE);
    assert_eq!(of(&["EAPI:Invalid nonce", "EQuery:Unknown asset"]).remedy(false), Remedy::FreshNonceOnce);
    assert!(both.to_string().contains("EOrder:Insufficient funds; EGeneral:Temporary lockout"));
}

#[test]
fn transport_errors_leave_orders_unsure_and_reads_repeatable() {
    let call = "AddOrder";
    let why = String::new();
    let unsure = [
        KrakenError::Timeout { call, ms: 1 },
        KrakenError::Broken { call, why: why.clone() },
        KrakenError::Gateway { call, status: 520, html: true, excerpt: why.clone() },
        KrakenError::Empty { call, status: 200 },
        KrakenError::NotJson { call, why: why.clone(), excerpt: why.clone() },
    ];
    for error in unsure {
        assert_eq!((error.remedy(false), error.remedy(true)), (Remedy::Retry, UNSURE), "{error}");
        assert!(error.remedy(false).repeats_read() && error.remedy(true).repeats_cancel());
    }
    for error in [KrakenError::Shape { call, why: why.clone() }, KrakenError::TooLarge { call, limit: 1 }] {
        assert_eq!((error.remedy(false), error.remedy(true)), (Remedy::Final, UNSURE), "{error}");
        assert_eq!(error.class(), ErrorClass::Data);
    }
    // nothing left this machine: an order may be sent again
    assert_eq!(KrakenError::NotSent { call, why }.remedy(true), Remedy::Retry);
    assert!(!MEND.repeats_cancel() && !MEND.repeats_read() && !PAIR.repeats_read() && CALLS.repeats_read());
}

#[test]
fn the_catalogue_of_the_exchanges_own_client_agrees() {
    #[derive(serde::Deserialize)]
    struct Catalogue {
        categories: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        category: String,
        retryable: bool,
        example_envelope: Envelope,
    }
    #[derive(serde::Deserialize)]
    struct Envelope {
        message: String,
    }
    let text = include_str!("../../../tests/fixtures/kraken/kraken_cli/error-catalog.json");
    let catalogue: Catalogue = serde_json::from_str(text).expect("the catalogue");
    let call = "Time";
    for entry in &catalogue.categories {
        // the exchange's text stands at the end or in brackets
        let message = &entry.example_envelope.message;
        let code = message.split(['(', ')', ' ']).find(|w| w.starts_with('E') && w.contains(':')).unwrap_or_default();
        let code = message.find(code).map_or("", |at| &message[at..]).trim_end_matches(['.', ')']);
        let remedy = match entry.category.as_str() {
            "api" | "auth" | "rate_limit" => ApiError::parse(code).remedy(false),
            "network" | "websocket" => KrakenError::NotSent { call, why: message.clone() }.remedy(false),
            // their client does not look into a page; we know the gateway's from the exchange's
            "parse" => KrakenError::Shape { call, why: message.clone() }.remedy(false),
            "validation" => KrakenError::Request { call, why: message.clone() }.remedy(false),
            "config" | "io" => KrakenError::Key(message.clone()).remedy(false),
            other => panic!("category {other} is new"),
        };
        assert_eq!(remedy.repeats_read(), entry.retryable, "{}: {remedy:?}", entry.category);
    }
    assert_eq!(catalogue.categories.len(), 9);
}

#[test]
fn excerpts_are_one_short_line() {
    assert_eq!(excerpt("a\n  b\tc"), "a b c");
    let long = excerpt(&"é ".repeat(400));
    assert!(long.chars().count() <= 161 && long.ends_with('…'), "{long}");
}

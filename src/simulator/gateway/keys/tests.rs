use super::super::body;
use super::*;

const NOW: SimNs = SimNs(1_616_492_376_594_000_000);

fn call(path: &str, body: &str, sign: &str) -> RestCall {
    RestCall {
        method: "POST".into(),
        path: path.into(),
        api_key: Some("STANDIN-OWN".into()),
        api_sign: Some(sign.into()),
        body: body.as_bytes().to_vec(),
        ..RestCall::default()
    }
}

fn try_call(ring: &mut Keyring, now: SimNs, call: &RestCall) -> Result<Caller, String> {
    let params = body::parameters(&call.query, None, &call.body).unwrap();
    ring.authenticate(now, call, &params)
}

fn ring() -> Keyring {
    Keyring::new(&ClientKey::usual(), 20, |_| Tier::Intermediate).unwrap()
}

/// A form signed by the secret of the named key, by the formula written out once more.
fn signed_form(key: &ClientKey, path: &str, nonce: u64, rest: &str) -> RestCall {
    let body = format!("nonce={nonce}{rest}");
    let mut message = path.as_bytes().to_vec();
    message.extend(Sha256::digest(format!("{nonce}{body}")));
    let mut mac = Hmac::<Sha512>::new_from_slice(&STANDARD.decode(&key.secret).unwrap()).unwrap();
    mac.update(&message);
    RestCall { api_key: Some(key.key.clone()), ..call(path, &body, &STANDARD.encode(mac.finalize().into_bytes())) }
}

fn named(name: &str) -> ClientKey {
    ClientKey::usual().into_iter().find(|k| k.name == name).unwrap()
}

#[test]
fn the_three_vectors_are_accepted_and_a_changed_byte_is_not() {
    let vectors = [
        (
            "/0/private/AddOrder",
            "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            "/0/private/CancelOrderBatch",
            r#"{"nonce":"1616492376594","orders":["OUF4EM-FRGI2-MQMWZD","OMMDB2-FSB6Z-7W3HPO"]}"#,
            "kxwOt+y/2W6wIXq2fmX/SUM0P5KYGfn3CBPtaDKFQa58l59Mu6DRXMlpiLz1L0MB0hmrHY9H0FMOfOyURaQZOA==",
        ),
        (
            "/0/private/AddOrder",
            "nonce=1616492376595&ordertype=trailing-stop&pair=XBTUSD&price=%2B2%25&type=sell&volume=0.001",
            "onqP6OlM+/vuxt/DQk0KfPwE9h6ikHG/Lm59Rn1T2assXDKm5qeoMxxXhJwv+r7u6y+fEvEv/UbbgDEn1zZn/A==",
        ),
    ];
    for (path, body, sign) in vectors {
        assert_eq!(
            try_call(&mut ring(), NOW, &call(path, body, sign)),
            Ok(Caller { key: "STANDIN-OWN".into(), account: 1 })
        );
        let changed = body.replace('1', "2");
        assert_eq!(try_call(&mut ring(), NOW, &call(path, &changed, sign)), Err("EAPI:Invalid signature".into()));
        assert_eq!(
            try_call(&mut ring(), NOW, &call("/0/private/Balance", body, sign)),
            Err("EAPI:Invalid signature".into())
        );
    }
}

#[test]
fn nonces_rise_per_key_and_a_window_tolerates_disorder_once() {
    let (mut ring, own, window) = (ring(), named("own"), named("window"));
    let path = "/0/private/Balance";
    assert!(try_call(&mut ring, NOW, &signed_form(&own, path, 10, "")).is_ok());
    for late in [10, 9, 0] {
        assert_eq!(try_call(&mut ring, NOW, &signed_form(&own, path, late, "")), Err("EAPI:Invalid nonce".into()));
    }
    assert!(try_call(&mut ring, NOW, &signed_form(&own, path, 11, "")).is_ok());
    let far = 100_000_000_000;
    assert!(try_call(&mut ring, NOW, &signed_form(&window, path, far, "")).is_ok());
    assert!(try_call(&mut ring, NOW, &signed_form(&window, path, far - 5, "")).is_ok());
    assert!(try_call(&mut ring, NOW, &signed_form(&window, path, far - 5, "")).is_err(), "seen before");
    assert!(
        try_call(&mut ring, NOW, &signed_form(&window, path, far - 10_000_000_000, "")).is_err(),
        "behind the window"
    );
}

#[test]
fn unknown_keys_and_many_failures_lock_out() {
    let (mut ring, own) = (ring(), named("own"));
    let stranger = RestCall { api_key: Some("A-REAL-KEY".into()), ..signed_form(&own, "/0/private/Balance", 1, "") };
    for _ in 0..20 {
        assert_eq!(try_call(&mut ring, NOW, &stranger), Err("EAPI:Invalid key".into()));
    }
    assert_eq!(try_call(&mut ring, NOW, &stranger), Err("EGeneral:Temporary lockout".into()));
    assert_eq!(ring.name(stranger.api_key.as_deref()), "unknown key");
    assert!(try_call(&mut ring, NOW, &signed_form(&own, "/0/private/Balance", 1, "")).is_ok(), "own key is not locked");
    for _ in 0..20 {
        assert_eq!(
            try_call(&mut ring, NOW, &signed_form(&own, "/0/private/Balance", 1, "")),
            Err("EAPI:Invalid nonce".into())
        );
    }
    let good = signed_form(&own, "/0/private/Balance", 2, "");
    assert_eq!(try_call(&mut ring, NOW, &good), Err("EGeneral:Temporary lockout".into()));
    assert!(try_call(&mut ring, NOW.plus_ms(15 * 60_000), &good).is_ok());
}

#[test]
fn a_second_factor_is_asked_for_and_permissions_are_told_apart() {
    let (mut ring, otp) = (ring(), named("otp"));
    let path = "/0/private/Balance";
    assert_eq!(try_call(&mut ring, NOW, &signed_form(&otp, path, 1, "")), Err("EAuth:Failed".into()));
    assert!(try_call(&mut ring, NOW, &signed_form(&otp, path, 2, "&otp=123456")).is_ok());
    assert!(
        ring.allows("STANDIN-READER", &[Permission::QueryFunds])
            && !ring.allows("STANDIN-READER", &[Permission::CreateWsToken])
    );
    let info = ring.info("STANDIN-WITHDRAW").unwrap();
    assert!(info["permissions"].as_array().unwrap().contains(&json!("withdraw-funds")));
    assert!(!info.to_string().contains(&named("withdraw").secret));
}

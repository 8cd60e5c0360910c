//! Where the exchange is and how it is asked.

use std::net::IpAddr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::kraken::error::KrakenError;
use crate::kraken::limits::Tier;

/// Host of the exchange.
const KRAKEN: &str = "api.kraken.com";

/// Settings of the REST client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestSettings {
    /// Address without a path. Plain `http` only on this machine.
    pub base_url: String,
    /// Deadline of one call, in ms.
    pub timeout_ms: u64,
    /// Largest answer that is read, in bytes.
    pub max_body_bytes: usize,
    /// Tries after the first, for reads.
    pub retries: u32,
    /// Between two public calls, in ms. Below 1000 only on this machine: the exchange allows about one a second.
    pub public_pace_ms: u64,
    /// Verification level of the account.
    pub tier: Tier,
}

impl Default for RestSettings {
    fn default() -> Self {
        Self {
            base_url: format!("https://{KRAKEN}"),
            timeout_ms: 15_000,
            max_body_bytes: 16 * 1024 * 1024,
            retries: 3,
            public_pace_ms: 1_000,
            tier: Tier::Starter,
        }
    }
}

impl RestSettings {
    /// The checked address.
    ///
    /// # Errors
    /// [`KrakenError::Setting`] with the key, the value and the rule.
    pub fn checked(&self) -> Result<Url, KrakenError> {
        let wrong = |key, value: &dyn ToString, rule| KrakenError::Setting { key, value: value.to_string(), rule };
        let rule =
            "an address like https://api.kraken.com; plain http only on this machine, no user, path, query or fragment";
        let url = Url::parse(&self.base_url).map_err(|_| wrong("kraken.rest.base_url", &"(not an address)", rule))?;
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            // such an address may hold a password: it is not repeated
            return Err(wrong("kraken.rest.base_url", &"(not shown)", rule));
        }
        let local = is_this_machine(&url);
        if !(url.scheme() == "https" || (url.scheme() == "http" && local)) {
            return Err(wrong("kraken.rest.base_url", &self.base_url, rule));
        }
        if !(100..=120_000).contains(&self.timeout_ms) {
            return Err(wrong("kraken.rest.timeout_ms", &self.timeout_ms, "within 100..120000"));
        }
        if !(1_024..=256 * 1_024 * 1_024).contains(&self.max_body_bytes) {
            return Err(wrong("kraken.rest.max_body_bytes", &self.max_body_bytes, "within 1 KiB..256 MiB"));
        }
        if self.retries > 10 {
            return Err(wrong("kraken.rest.retries", &self.retries, "within 0..10"));
        }
        if self.public_pace_ms > 60_000 || (self.public_pace_ms < 1_000 && !local) {
            let rule = "within 1000..60000; below 1000 only for an exchange on this machine";
            return Err(wrong("kraken.rest.public_pace_ms", &self.public_pace_ms, rule));
        }
        Ok(url)
    }

    /// Whether the address is the exchange's own.
    #[must_use]
    pub fn is_kraken(&self) -> bool {
        Url::parse(&self.base_url).is_ok_and(|url| url.scheme() == "https" && url.host_str() == Some(KRAKEN))
    }
}

/// Whether an address never leaves this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_addresses_pass() {
        let with = |base_url: &str| RestSettings { base_url: base_url.to_owned(), ..RestSettings::default() };
        for good in [
            "https://api.kraken.com",
            "https://api.kraken.com/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(with(good).checked().is_ok(), "{good}");
        }
        for bad in [
            "http://api.kraken.com",
            "http://127.0.0.1.evil.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:secret@api.kraken.com",
            "https://api.kraken.com/0/private",
            "https://api.kraken.com?x=1",
            "api.kraken.com",
            "",
        ] {
            let error = with(bad).checked().expect_err(bad).to_string();
            assert!(error.contains("base_url") && !error.contains("secret"), "{error}");
        }
        assert!(RestSettings::default().is_kraken() && !with("https://api.kraken.com.evil.com").is_kraken());
    }

    #[test]
    fn numbers_have_ranges_and_the_pace_is_the_exchanges() {
        let good = RestSettings::default();
        let local = RestSettings { base_url: "http://127.0.0.1:1".to_owned(), public_pace_ms: 0, ..good.clone() };
        assert!(local.checked().is_ok());
        for bad in [
            RestSettings { timeout_ms: 99, ..good.clone() },
            RestSettings { timeout_ms: 120_001, ..good.clone() },
            RestSettings { max_body_bytes: 10, ..good.clone() },
            RestSettings { retries: 11, ..good.clone() },
            RestSettings { public_pace_ms: 999, ..good.clone() },
            RestSettings { public_pace_ms: 60_001, ..good },
        ] {
            assert!(matches!(bad.checked(), Err(KrakenError::Setting { .. })), "{bad:?}");
        }
    }
}

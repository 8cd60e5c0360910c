//! Signatures of private REST calls.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256, Sha512};

/// A key and its secret. Neither is ever shown.
#[derive(Clone)]
pub struct ApiKey {
    key: SecretString,
    secret: SecretSlice<u8>,
}

/// A key or secret that cannot be one. It is not repeated in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error(
        "the API key is empty or holds characters other than letters, digits, '+', '/' and '='; copy it again from the exchange"
    )]
    Key,
    #[error("the API secret is not base64; copy the whole 'private key' again from the exchange")]
    Secret,
}

impl ApiKey {
    /// `secret` is the base64 text that the exchange shows once. White space around both is ignored.
    ///
    /// # Errors
    /// [`BadKey`] when either cannot be what the exchange hands out.
    pub fn new(key: &SecretString, secret: &SecretString) -> Result<Self, BadKey> {
        let name = key.expose_secret().trim();
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        if name.is_empty() || !name.chars().all(sound) {
            return Err(BadKey::Key);
        }
        let bytes = STANDARD.decode(secret.expose_secret().trim()).map_err(|_| BadKey::Secret)?;
        if bytes.is_empty() {
            return Err(BadKey::Secret);
        }
        Ok(Self { key: SecretString::from(name), secret: SecretSlice::from(bytes) })
    }

    /// Value of the `API-Key` header.
    #[must_use]
    pub const fn key(&self) -> &SecretString {
        &self.key
    }

    /// Value of the `API-Sign` header: base64 of HMAC-SHA512(secret, path ++ SHA256(nonce ++ body)). `path` is like
    /// `/0/private/Balance`, `body` the exact bytes that are sent, with the same nonce inside.
    #[must_use]
    pub fn sign(&self, path: &str, nonce: u64, body: &[u8]) -> String {
        let mut digest = Sha256::new();
        digest.update(nonce.to_string().as_bytes());
        digest.update(body);
        let digest = digest.finalize();
        // HMAC takes keys of any length: this cannot fail
        let mac = Hmac::<Sha512>::new_from_slice(self.secret.expose_secret()).map(|mut mac| {
            mac.update(path.as_bytes());
            mac.update(&digest);
            Zeroizing::new(mac.finalize().into_bytes().to_vec())
        });
        mac.map(|bytes| STANDARD.encode(&*bytes)).unwrap_or_default()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

    fn key() -> ApiKey {
        ApiKey::new(&SecretString::from("test"), &SecretString::from(format!(" {SECRET}\n"))).expect("a key")
    }

    #[test]
    fn the_published_and_derived_vectors_hold() {
        for (path, nonce, body, signature) in [
            (
                "/0/private/AddOrder",
                1_616_492_376_594,
                "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
                "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
            ),
            (
                "/0/private/CancelOrderBatch",
                1_616_492_376_594,
                r#"{"nonce":"1616492376594","orders":["OUF4EM-FRGI2-MQMWZD","OMMDB2-FSB6Z-7W3HPO"]}"#,
                "kxwOt+y/2W6wIXq2fmX/SUM0P5KYGfn3CBPtaDKFQa58l59Mu6DRXMlpiLz1L0MB0hmrHY9H0FMOfOyURaQZOA==",
            ),
            (
                "/0/private/AddOrder",
                1_616_492_376_595,
                "nonce=1616492376595&ordertype=trailing-stop&pair=XBTUSD&price=%2B2%25&type=sell&volume=0.001",
                "onqP6OlM+/vuxt/DQk0KfPwE9h6ikHG/Lm59Rn1T2assXDKm5qeoMxxXhJwv+r7u6y+fEvEv/UbbgDEn1zZn/A==",
            ),
        ] {
            assert_eq!(key().sign(path, nonce, body.as_bytes()), signature, "{body}");
        }
    }

    #[test]
    fn keys_are_checked_and_never_shown() {
        assert_eq!(format!("{:?}", key()), "ApiKey(not shown)");
        let new = |k: &str, s: &str| ApiKey::new(&SecretString::from(k), &SecretString::from(s)).map(|_| ());
        for bad in ["", " ", "a b", "a\nb", "clé"] {
            assert_eq!(new(bad, SECRET), Err(BadKey::Key), "{bad}");
        }
        for bad in ["", "not base64!", "kQH5HW", "="] {
            assert_eq!(new("test", bad), Err(BadKey::Secret), "{bad}");
        }
        assert!(!BadKey::Secret.to_string().contains("kQH5"));
    }
}

//! Blots secrets out of log records. The program never logs one on purpose; this is the net below.

use std::borrow::Cow;

/// What stands where a secret stood.
pub const BLOT: &str = "[redacted]";

/// Whether a field of this name holds a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.split(['_', '.', '-']).any(|part| {
        matches!(part, "secret" | "password" | "passphrase" | "authorization" | "signature" | "token" | "apikey")
    }) || ["api_key", "openai_key", "private_key", "api-key"].iter().any(|ending| name.ends_with(ending))
}

/// `text` without words that look like keys: `sk-…` and whatever follows `Bearer`.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    if !text.contains("sk-") && !text.contains("earer ") {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut after_bearer = false;
    for piece in text.split_inclusive(|c: char| !is_key_character(c)) {
        let word = piece.trim_end_matches(|c| !is_key_character(c));
        let rest = piece.get(word.len()..).unwrap_or_default();
        let secret = !word.is_empty() && (after_bearer || (word.starts_with("sk-") && word.len() > 10));
        clean.push_str(if secret { BLOT } else { word });
        clean.push_str(rest);
        if !word.is_empty() {
            after_bearer = word.eq_ignore_ascii_case("bearer");
        }
    }
    Cow::Owned(clean)
}

const fn is_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_are_known_and_others_are_not() {
        for name in [
            "api_key",
            "OPENAI_API_KEY",
            "openai_key",
            "secret",
            "kraken.secret",
            "password",
            "Authorization",
            "x-api-key",
            "token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["key", "tokens", "max_tokens_per_run", "keys", "message", "pair", "secretary"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn keys_in_texts_are_blotted_out() {
        for (text, wanted) in [
            ("nothing here", "nothing here"),
            ("task-force risk-manager sk-1", "task-force risk-manager sk-1"),
            ("key sk-abcDEF1234567890, again", "key [redacted], again"),
            ("{\"k\":\"sk-proj-abc_def-123456\"}", "{\"k\":\"[redacted]\"}"),
            ("Authorization: Bearer abc.def-1 end", "Authorization: Bearer [redacted] end"),
            ("bearer  x", "bearer  [redacted]"),
            ("préfixe sk-abcDEF1234567890é", "préfixe [redacted]é"),
        ] {
            assert_eq!(redact(text), wanted);
        }
    }
}

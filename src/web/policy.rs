//! The page's content security policy: its own style and script by their hashes, its own summary, and nothing else.

use axum::http::HeaderValue;
use sha2::{Digest, Sha256};

/// The page does not have exactly one style and one script of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the page must have exactly one <{0}> element, without attributes")]
pub struct BadPage(&'static str);

/// The policy for a page.
pub(super) fn of(page: &str) -> Result<HeaderValue, BadPage> {
    let style = hash(inside(page, "style", "<style>", "</style>")?);
    let script = hash(inside(page, "script", "<script>", "</script>")?);
    let policy = format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).map_err(|_| BadPage("head"))
}

fn inside<'a>(page: &'a str, name: &'static str, open: &str, close: &str) -> Result<&'a str, BadPage> {
    let (_, rest) = page.split_once(open).ok_or(BadPage(name))?;
    let (content, after) = rest.split_once(close).ok_or(BadPage(name))?;
    if after.contains(open) { Err(BadPage(name)) } else { Ok(content) }
}

fn hash(content: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(content.as_bytes())))
}

/// Base64 with padding (RFC 4648 § 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let index = (group >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(index as usize).filter(|_| place <= chunk.len());
            text.push(letter.map_or('=', |b| char::from(*b)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_by_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xFB, 0xFF]), "+/8=");
    }

    #[test]
    fn hashes_as_browsers_do() {
        // The example of the Content Security Policy specification, level 2, § 5.2.
        assert_eq!(hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn a_page_with_more_than_its_own_is_refused() {
        let page = "<style>a{}</style><script>1</script>";
        assert!(of(page).is_ok());
        assert_eq!(of("<style></style>"), Err(BadPage("script")));
        assert_eq!(of(&format!("{page}<script>2</script>")), Err(BadPage("script")));
    }
}

//! Why a frame means nothing.

/// Longest piece of a frame that is quoted in an error.
const QUOTED: usize = 60;

/// A frame that cannot be read. The texts are safe to show: short and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {bytes} bytes, more than the {limit} allowed")]
    TooLarge { bytes: usize, limit: usize },
    /// A page of a proxy, most likely.
    #[error("a web page instead of a message: '{start}'")]
    Html { start: String },
    #[error("not JSON ({why}): '{start}'")]
    NotJson { start: String, why: String },
    /// The text ends in the middle of a value.
    #[error("cut off after {bytes} bytes")]
    Truncated { bytes: usize },
    /// An array, or an object with `event`: the older protocol, which this program does not speak.
    #[error("a message of WebSocket v1, which is not spoken: '{start}'")]
    VersionOne { start: String },
    /// An object without channel, method and error.
    #[error("a message without channel or method: '{start}'")]
    Nameless { start: String },
    /// A known channel or method whose contents are not what they should be.
    #[error("'{channel}' with unexpected contents: {why}")]
    WrongType { channel: String, why: String },
}

impl FrameError {
    /// The first characters of `bytes` in a form that is safe to show.
    pub(super) fn start(bytes: &[u8]) -> String {
        let head = bytes.get(..bytes.len().min(QUOTED)).unwrap_or_default();
        String::from_utf8_lossy(head).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    pub(super) fn wrong(channel: &str, why: impl ToString) -> Self {
        let show = |text: &str, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect();
        Self::WrongType { channel: show(channel, QUOTED), why: show(&why.to_string(), 4 * QUOTED) }
    }
}

//! Texts from outside: recorded headlines, and a language model that may score them.
//!
//! Serves whoever starts a session: it reads the headlines, has them scored if a model is configured, and hands both to the
//! Sentiment brain. In: a folder of JSON lines; settings and a key. Out: `NewsText` and `TextScore`. Always true: every text is cleaned
//! before anything sees it, a bad line or answer is named and left out, a missing folder or model only means less to say, and the key
//! is in no error, log or file.

pub mod language_model;
pub mod news;

pub use language_model::{LanguageModel, LanguageModelError, LanguageModelSettings, ScoreReport};
pub use news::{NewsError, RecordedNews, RejectedLine, read_news};

//! Scores of headlines by a language model behind the chat completions API (OpenAI, Ollama, llama.cpp).
//!
//! Optional: without it the lexicon scores. One text per call, so that no headline can speak about another. The model has no tools and no
//! secrets, its answer can only be a value of a fixed schema, and that value only ever becomes a bounded score. A model knows the past it was
//! trained on: its scores of texts from before its training ended do not belong into a backtest.

mod answer;
mod error;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::Config;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::answer::{ANSWER_TOKENS, Completion, PROMPT_VERSION, Question, Reply, Verdict};
pub use self::error::LanguageModelError;
use self::store::Store;
use crate::domain::UtcMs;
use crate::signals::{NewsText, TextScore};

/// So many failures of the network in a row end a run: a dead server costs seconds, not hours.
const FAILURES_MAX: u32 = 3;

/// Where the model is and what it may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageModelSettings {
    /// Address up to and including the version: `https://api.openai.com/v1`. Plain `http` only on this machine.
    pub base_url: String,
    /// A pinned model name.
    pub model: String,
    /// Tokens that one run may spend, less what earlier runs spent on the same UTC day.
    pub max_tokens_per_run: u64,
    /// Deadline of one call, in ms.
    pub timeout_ms: u64,
}

impl Default for LanguageModelSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            model: "gpt-4o-mini-2024-07-18".to_owned(),
            max_tokens_per_run: 100_000,
            timeout_ms: 20_000,
        }
    }
}

/// What became of the texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoreReport {
    /// By text id.
    pub scores: BTreeMap<String, TextScore>,
    /// Text id and why it has no score; the lexicon will score it.
    pub failed: Vec<(String, String)>,
    /// Tokens spent by this call, reservations that could not be settled included.
    pub tokens_used: u64,
    /// What ended the run before all texts were asked about.
    pub stopped: Option<LanguageModelError>,
}

/// A server that speaks the chat completions API, with the answers and the budget on disk.
pub struct LanguageModel {
    client: Client<Endpoint>,
    settings: LanguageModelSettings,
    store: Store,
}

/// Address and key. Unlike the client's own configuration it reads no environment and cannot panic on an odd key.
struct Endpoint {
    base: String,
    headers: HeaderMap,
    key: SecretString,
}

impl Config for Endpoint {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// Why one text has no score.
enum Failure {
    /// The model was heard and its answer dropped.
    Dropped(String),
    /// The model was not heard.
    Transport(LanguageModelError),
}

impl LanguageModel {
    /// Opens the store at `store` (created on first use) and builds the client; nothing is sent yet. `now` decides which day's budget counts.
    ///
    /// # Errors
    /// [`LanguageModelError`] for a setting out of range, a key that no header can carry, or a store that cannot be read.
    pub fn open(
        settings: LanguageModelSettings,
        key: &SecretString,
        store: PathBuf,
        now: UtcMs,
    ) -> Result<Self, LanguageModelError> {
        // someone else may have installed a provider; any will do
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let url = checked(&settings)?;
        let mut http = reqwest::Client::builder()
            .timeout(Duration::from_millis(settings.timeout_ms))
            .redirect(reqwest::redirect::Policy::none());
        if is_this_machine(&url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| LanguageModelError::Unreachable(e.without_url().to_string()))?;
        let endpoint = endpoint(&settings.base_url, key)?;
        let store = Store::open(store, now, settings.max_tokens_per_run)?;
        Ok(Self { client: Client::build(http, endpoint), settings, store })
    }

    /// Scores texts one after the other; answered texts come from the store without a call. Stops at an error that the next text would
    /// meet as well; the rest is then listed as failed.
    pub async fn score(&mut self, texts: &[NewsText]) -> ScoreReport {
        let mut report = ScoreReport::default();
        let before = self.store.tokens();
        let mut failures = 0;
        let mut rest = texts.iter();
        for text in rest.by_ref() {
            match self.score_one(text).await {
                Ok(verdict) => {
                    failures = 0;
                    report.scores.insert(text.id.clone(), verdict.score(&self.settings.model));
                }
                Err(Failure::Dropped(why)) => {
                    failures = 0;
                    report.failed.push((text.id.clone(), why));
                }
                Err(Failure::Transport(error)) => {
                    failures += 1;
                    report.failed.push((text.id.clone(), error.to_string()));
                    if !error.may_pass() || failures >= FAILURES_MAX {
                        report.stopped = Some(error);
                        break;
                    }
                }
            }
        }
        report.failed.extend(rest.map(|text| (text.id.clone(), "not asked: the run had stopped".to_owned())));
        report.tokens_used = self.store.tokens().saturating_sub(before);
        report
    }

    async fn score_one(&mut self, text: &NewsText) -> Result<Verdict, Failure> {
        let question = Question::about(text).ok_or_else(|| Failure::Dropped("no readable text".to_owned()))?;
        let key = self.cache_key(&question);
        if let Some(known) = self.store.answer(&key).filter(|v| question.holds(v).is_ok()) {
            return Ok(known.clone());
        }
        let verdict = self.ask_twice(&question).await?;
        self.store.remember(key, verdict.clone());
        self.store.save().await.map_err(Failure::Transport)?;
        Ok(verdict)
    }

    /// One question and, if the answer breaks the rules, one repair.
    async fn ask_twice(&mut self, question: &Question) -> Result<Verdict, Failure> {
        let mut messages = question.messages();
        let mut violation = String::new();
        for _attempt in 0..2 {
            match self.call(question, &messages).await.map_err(Failure::Transport)? {
                Reply::Refusal => return Err(Failure::Dropped("the model declined to answer".to_owned())),
                Reply::Nothing(why) => why.clone_into(&mut violation),
                Reply::Content(content) => match question.check(&content) {
                    Ok(verdict) => return Ok(verdict),
                    Err(why) => {
                        messages = question.repair(&content, &why);
                        violation = why;
                    }
                },
            }
        }
        Err(Failure::Dropped(format!("answered twice against the rules: {violation}")))
    }

    /// One call within the budget and the deadline. The reservation is on disk before anything is sent, so that a crash forgets no cost. The
    /// client repeats a call up to three times by itself after 429, 5xx or a failed connection; the deadline covers all of them.
    async fn call(&mut self, question: &Question, messages: &[Value]) -> Result<Reply, LanguageModelError> {
        let body = question.body(&self.settings.model, messages);
        let reserved = reservation(&body);
        self.store.reserve(reserved)?;
        self.store.save().await?;
        let deadline = Duration::from_millis(self.settings.timeout_ms);
        let chat = self.client.chat();
        let answered = match tokio::time::timeout(deadline, chat.create_byot::<_, Completion>(body)).await {
            Ok(answered) => answered.map_err(|e| {
                let secret = self.client.config().key.expose_secret();
                LanguageModelError::from_transport(e, self.settings.timeout_ms, secret)
            }),
            Err(_) => Err(LanguageModelError::Timeout(self.settings.timeout_ms)),
        };
        match answered {
            Ok(completion) => {
                // without a word on usage the reservation, an upper bound, stands
                self.store.settle(reserved, completion.tokens().unwrap_or(reserved));
                self.store.save().await?;
                Ok(completion.into_reply())
            }
            Err(error) => {
                if error.is_free() {
                    self.store.settle(reserved, 0);
                    self.store.save().await?;
                }
                Err(error)
            }
        }
    }

    fn cache_key(&self, question: &Question) -> String {
        let parts = [self.settings.model.as_str(), PROMPT_VERSION, &question.assets.join(","), &question.text];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A token is at least one byte, so the bytes of the body bound its tokens from above.
fn reservation(body: &Value) -> u64 {
    (body.to_string().len() as u64).saturating_add(ANSWER_TOKENS)
}

fn checked(settings: &LanguageModelSettings) -> Result<Url, LanguageModelError> {
    let wrong = |key, value: &dyn ToString, rule| LanguageModelError::Setting { key, value: value.to_string(), rule };
    if settings.model.trim().is_empty() {
        return Err(wrong("model", &settings.model, "the name of a model"));
    }
    if !(100..=120_000).contains(&settings.timeout_ms) {
        return Err(wrong("timeout_ms", &settings.timeout_ms, "within 100..120000"));
    }
    let rule = "an address like https://api.openai.com/v1; plain http only on this machine, no user, query or fragment";
    let url = Url::parse(&settings.base_url).map_err(|_| wrong("base_url", &settings.base_url, rule))?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !bare {
        // such an address may hold a password: it is not repeated
        return Err(wrong("base_url", &"(not shown)", rule));
    }
    if url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(&url)) {
        Ok(url)
    } else {
        Err(wrong("base_url", &settings.base_url, rule))
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn endpoint(base_url: &str, key: &SecretString) -> Result<Endpoint, LanguageModelError> {
    let key = SecretString::from(key.expose_secret().trim());
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| LanguageModelError::KeyText)?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    Ok(Endpoint { base: base_url.trim_end_matches('/').to_owned(), headers, key })
}

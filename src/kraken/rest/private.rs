//! Reads of the account: one at a time, signed, with a fresh nonce each.

use std::path::PathBuf;
use std::time::Duration;

use super::transport::Signed;
use super::{Client, PATIENCE_MS, asked_to_wait, out_of_patience};
use crate::domain::time::{MINUTE_MS, UtcMs};
use crate::kraken::error::{KrakenError, Remedy};
use crate::kraken::keys::{self, Purpose};
use crate::kraken::limits::{Budget, RestLimits, Tier};
use crate::kraken::nonce::Nonces;
use crate::kraken::sign::ApiKey;
use crate::kraken::wire::rest::account::ApiKeyInfo;
use crate::kraken::wire::rest::query::GetApiKeyInfo;
use crate::kraken::wire::rest::{ReadCall, read};

/// A key and the nonces that belong to it. Opened once per key and machine.
#[derive(Debug)]
pub struct Access {
    key: ApiKey,
    nonces: Nonces,
}

impl Access {
    /// `nonce_file` belongs to this key alone.
    ///
    /// # Errors
    /// [`KrakenError::Nonce`] when another process uses the key, or the file cannot be used.
    pub fn open(key: ApiKey, nonce_file: PathBuf) -> Result<Self, KrakenError> {
        Ok(Self { key, nonces: Nonces::open(nonce_file)? })
    }
}

/// State of the serial queue.
pub(super) struct Account {
    access: Access,
    limits: RestLimits,
    /// Until when no call may leave (`None`: until a person resumes), and why.
    halted: Option<(Option<UtcMs>, String)>,
}

impl Account {
    pub(super) const fn new(access: Access, tier: Tier) -> Self {
        Self { access, limits: RestLimits::new(tier), halted: None }
    }

    fn may_call(&mut self, now: UtcMs) -> Result<(), KrakenError> {
        match &self.halted {
            None => Ok(()),
            Some((Some(until), _)) if *until <= now => {
                self.halted = None;
                Ok(())
            }
            Some((until, why)) => {
                let end = until.map_or_else(|| "until it is mended and resumed".to_owned(), |t| format!("until {t}"));
                Err(KrakenError::Halted { why: format!("{why} ({end})") })
            }
        }
    }

    fn learn(&mut self, error: &KrakenError, now: UtcMs) {
        let remedy = error.remedy(false);
        if let Remedy::Halt { minutes } = remedy {
            let until = minutes.map(|m| now.plus(i64::from(m).saturating_mul(MINUTE_MS)));
            self.halted = Some((until, error.to_string()));
        } else if let Some(until) = asked_to_wait(&remedy, now, 0) {
            self.limits.complained(now, Some(until));
        }
    }
}

impl Client {
    /// Asks for something of the account. Retries by itself where that is safe: these calls change nothing.
    ///
    /// # Errors
    /// [`KrakenError`]; after an error that halts, every later call answers [`KrakenError::Halted`] without asking.
    pub async fn read<C: ReadCall>(&self, call: &C) -> Result<C::Reply, KrakenError> {
        let (mut retry, mut nonce_retried) = (0, false);
        loop {
            match self.read_once(call).await {
                Ok(reply) => return Ok(reply),
                Err(error) if error.remedy(false) == Remedy::FreshNonceOnce && !nonce_retried => nonce_retried = true,
                Err(error) => {
                    self.may_retry(error, retry).await?;
                    retry = retry.saturating_add(1);
                }
            }
        }
    }

    /// The lock is held from the nonce to the answer: nonces must arrive in order.
    async fn read_once<C: ReadCall>(&self, call: &C) -> Result<C::Reply, KrakenError> {
        let name = C::NAME;
        let account = self.account.as_ref().ok_or_else(|| KrakenError::Key("no API key is set".to_owned()))?;
        let mut account = account.lock().await;
        account.may_call(self.now())?;
        while let Err(wait) = account.limits.take(self.now(), name) {
            if wait > PATIENCE_MS {
                return Err(out_of_patience(wait));
            }
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let nonce = account.access.nonces.next(self.now())?;
        let body = call.body(nonce).map_err(|e| KrakenError::Request { call: name, why: e.to_string() })?;
        let (path, content_type) = (C::path(), C::ENCODING.content_type());
        let signed = Signed { call: name, path, content_type, body, nonce, key: &account.access.key };
        let answer = match self.transport.post(signed).await {
            Ok(raw) => read(name, raw.status, &raw.body),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            account.learn(error, self.now());
        }
        answer.map(|answer| answer.value)
    }

    /// Reads what the key may do and refuses one that is wrong for the purpose.
    ///
    /// # Errors
    /// [`KrakenError::Key`] with the fix in words, or why it could not be asked.
    pub async fn check_key(&self, purpose: Purpose) -> Result<ApiKeyInfo, KrakenError> {
        let info = self.read(&GetApiKeyInfo).await?;
        keys::check(&info, purpose)?;
        Ok(info)
    }

    /// A person says that key or account are mended.
    pub async fn resume(&self) {
        if let Some(account) = &self.account {
            account.lock().await.halted = None;
        }
    }

    /// State of the key's counter, for the screen; `None` without a key.
    pub async fn budget(&self) -> Option<Budget> {
        match &self.account {
            Some(account) => Some(account.lock().await.limits.budget(self.now())),
            None => None,
        }
    }
}

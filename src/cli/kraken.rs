//! The REST client that commands share.

use std::sync::Arc;

use super::Outcome;
use crate::clock::{Clock, SystemClock};
use crate::config::{Home, Secrets, Settings};
use crate::kraken::rest::{Access, Client, RestSettings};
use crate::kraken::sign::ApiKey;

/// A client of the configured address; with the key, if there is one and `private` is wanted.
pub(super) fn client(settings: &Settings, home: &Home, private: bool) -> Result<Client, color_eyre::Report> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // Jitter only has to differ between processes.
    let seed = u64::from(std::process::id());
    let rest = RestSettings { base_url: settings.kraken.rest_url.clone(), ..RestSettings::default() };
    let client = Client::new(rest, clock, seed)?;
    if !private {
        return Ok(client);
    }
    let secrets = Secrets::load(&home.dir, |name| std::env::var(name).ok())?;
    let Some((key, secret)) = secrets.kraken() else { return Ok(client) };
    let access = Access::open(ApiKey::new(key, secret)?, home.dir.join("data").join("kraken-nonce"))?;
    Ok(client.with_access(access))
}

/// Runs asynchronous work of a command to its end.
pub(super) fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(work)
}

//! One WebSocket: frames of the exchange out, messages of the client in.

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::core::{Command, Outgoing};
use super::listen::ResetSwitch;
use crate::simulator::gateway::{ConnKey, Ending};

/// Frames written with one flush at most.
const BATCH: usize = 256;

/// Runs until either side ends it. `abort` (a client that does not read, or the end of the server) drops it at once.
pub async fn run(
    mut socket: WebSocket,
    conn: ConnKey,
    mut queue: mpsc::Receiver<Outgoing>,
    commands: mpsc::Sender<Command>,
    switch: ResetSwitch,
    abort: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = abort.cancelled() => { switch.reset(); break }
            n = queue.recv_many(&mut batch, BATCH) => {
                if n == 0 { break }
                let ended = tokio::select! {
                    () = abort.cancelled() => { switch.reset(); break }
                    ended = write(&mut socket, &mut batch) => ended,
                };
                match ended {
                    Ok(None) => {}
                    Ok(Some(Ending::HalfOpen)) => {
                        // Neither read nor written any more: the client sees an open, silent connection.
                        abort.cancelled().await;
                        break;
                    }
                    Ok(Some(Ending::Reset)) => { switch.reset(); break }
                    Ok(Some(Ending::Clean)) | Err(_) => break,
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => if commands.send(Command::Text { conn, text }).await.is_err() { break },
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            }
        }
    }
    // The exchange is gone only when the server ends.
    drop(commands.send(Command::Closed { conn }).await);
}

/// Writes a batch with one flush; how the socket is to end, if so.
async fn write(socket: &mut WebSocket, batch: &mut Vec<Outgoing>) -> Result<Option<Ending>, axum::Error> {
    for item in batch.drain(..) {
        match item {
            Outgoing::Text(text) => socket.feed(Message::Text(text)).await?,
            Outgoing::End(Ending::Clean) => {
                let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
                socket.send(Message::Close(Some(frame))).await?;
                return Ok(Some(Ending::Clean));
            }
            Outgoing::End(how) => {
                socket.flush().await?;
                return Ok(Some(how));
            }
        }
    }
    socket.flush().await?;
    Ok(None)
}

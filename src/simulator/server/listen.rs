//! Listeners whose connections can be reset, plain and over TLS.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept (too many open files and the like).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A client that does not finish its handshake in this time is dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Resets a connection instead of closing it.
#[derive(Debug, Clone, Default)]
pub struct ResetSwitch(Arc<AtomicBool>);

impl ResetSwitch {
    /// From now on nothing can be written; when the connection is dropped, its peer gets a reset.
    pub fn reset(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A TCP connection with a reset switch.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    switch: ResetSwitch,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "frames may be sent late: TCP_NODELAY was refused");
        }
        Self { stream, switch: ResetSwitch::default() }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.switch.is_set()
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection is closed where a reset was wanted");
        }
    }
}

fn cut() -> std::io::Error {
    std::io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.switch.is_set() { Poll::Ready(Err(cut())) } else { Pin::new(&mut self.stream).poll_read(cx, buf) }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.switch.is_set() { Poll::Ready(Err(cut())) } else { Pin::new(&mut self.stream).poll_write(cx, buf) }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        if self.switch.is_set() {
            Poll::Ready(Err(cut()))
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if self.switch.is_set() { Poll::Ready(Err(cut())) } else { Pin::new(&mut self.stream).poll_shutdown(cx) }
    }
}

/// What handlers know of the connection they serve.
#[derive(Debug, Clone)]
pub struct Peer {
    pub switch: ResetSwitch,
}

/// Accepts plain connections.
#[derive(Debug)]
pub struct Plain {
    pub socket: TcpListener,
    pub address: SocketAddr,
}

impl Listener for Plain {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        accept(&self.socket).await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Plain>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Plain>) -> Self {
        Self { switch: stream.io().switch.clone() }
    }
}

async fn accept(socket: &TcpListener) -> (Wire, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, from)) => return (Wire::new(stream), from),
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Accepts TLS connections; handshakes run beside each other.
#[derive(Debug)]
pub struct Tls {
    ready: mpsc::Receiver<(TlsStream<Wire>, SocketAddr)>,
    address: SocketAddr,
}

impl Tls {
    pub fn new(socket: TcpListener, address: SocketAddr, acceptor: TlsAcceptor, stop: CancellationToken) -> Self {
        let (done, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let (wire, from) = tokio::select! {
                    () = stop.cancelled() => break,
                    accepted = accept(&socket) => accepted,
                };
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    match tokio::time::timeout(HANDSHAKE, acceptor.accept(wire)).await {
                        // The listener is gone only when the server ends.
                        Ok(Ok(stream)) => drop(done.send((stream, from)).await),
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                });
            }
        });
        Self { ready, address }
    }
}

impl Listener for Tls {
    type Io = TlsStream<Wire>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<Wire>, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The server is ending: nobody comes any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Tls>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Tls>) -> Self {
        Self { switch: stream.io().get_ref().0.switch.clone() }
    }
}

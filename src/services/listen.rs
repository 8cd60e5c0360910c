//! Binding a port, with an error that says what to change.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::ServiceError;

/// A listener on the port, and where it really listens (port 0 takes a free one).
pub(super) async fn bind(
    service: &'static str,
    bind: IpAddr,
    port: u16,
    setting: &'static str,
) -> Result<(TcpListener, SocketAddr), ServiceError> {
    let address = SocketAddr::new(bind, port);
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => ServiceError::PortTaken { service, port, setting },
        _ => ServiceError::Bind { service, address, setting, source },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let real = listener.local_addr().map_err(failed)?;
    Ok((listener, real))
}

//! The messages of Postgres that come before TLS, and the one that says why there is none.
//!
//! Source: <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL>.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::{Mode, Target, Tls};

/// The question whether the server has TLS: its length, and the code that stands in for a version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Bytes of the longest first message of a client that is read before it is refused.
const LONGEST_STARTUP: u32 = 10_000;

/// The `connection_exception` of the SQL standard: the client could not connect.
const UNABLE_TO_CONNECT: &str = "08001";

/// A connection to a server, with or without TLS.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Connects to the server, and makes the TLS handshake.
///
/// # Errors
/// One sentence, if the server is not reached, has no TLS, or is not trusted.
pub async fn connect(tls: &Tls, target: &Target) -> Result<Box<dyn Wire>, String> {
    let config = tls.client()?;
    let host = ServerName::try_from(target.host.clone()).map_err(|error| error.to_string())?;
    let mut stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(|error| format!("{target}: {error}"))?;
    set_up(&stream).map_err(|error| format!("{target}: {error}"))?;
    if !tls.is_direct && !offers_tls(&mut stream).await.map_err(|error| error.to_string())? {
        return match tls.mode {
            Mode::Prefer => Ok(Box::new(stream)),
            _ => Err(format!("{target} has no TLS, which sslmode asks for")),
        };
    }
    let stream = TlsConnector::from(Arc::new(config)).connect(host, stream).await;
    Ok(Box::new(stream.map_err(|error| format!("TLS with {target}: {error}"))?))
}

/// Keeps libpq's settings of the shop: a server that is gone is noticed within half a minute.
fn set_up(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let seconds = Duration::from_secs;
    let alive = TcpKeepalive::new().with_time(seconds(10)).with_interval(seconds(5));
    socket.set_tcp_keepalive(&alive.with_retries(3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(seconds(20)))?;
    Ok(())
}

async fn offers_tls(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.write_all(&SSL_REQUEST).await?;
    // Exactly one byte: what follows it has to be TLS, so nothing in clear can be smuggled in.
    Ok(stream.read_u8().await? == b'S')
}

/// Tells libpq why it gets no connection, as a server would: by an error of severity `FATAL`.
pub async fn refuse(client: &mut UnixStream, why: &str) -> std::io::Result<()> {
    // libpq reports its own error if its first message is not taken.
    let length = client.read_u32().await?.clamp(4, LONGEST_STARTUP);
    let mut startup = vec![0; length as usize - 4];
    client.read_exact(&mut startup).await?;
    let fields = format!("SFATAL\0VFATAL\0C{UNABLE_TO_CONNECT}\0M{}\0\0", why.replace('\0', ""));
    // Cannot be too long: it is one sentence.
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    client.write_u8(b'E').await?;
    client.write_u32(length).await?;
    client.write_all(fields.as_bytes()).await?;
    client.shutdown().await
}

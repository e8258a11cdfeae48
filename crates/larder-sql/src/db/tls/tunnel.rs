//! A private Unix socket whose connections go on to a server through TLS.

use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::handshake::{connect, refuse};
use super::{Target, Tls};

/// How long a server may take to accept a connection, as libpq's `connect_timeout` of the shop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sockets of this process behind which servers answer; they close when it is dropped.
pub struct Tunnel {
    folder: TempDir,
    /// Ends the thread when it is dropped.
    _end: oneshot::Sender<()>,
}

impl Tunnel {
    /// Opens a socket for each server; the first has port 1 for libpq, the next port 2.
    ///
    /// # Errors
    /// If the temporary folder, a socket or the thread cannot be made.
    pub fn open(tls: Tls, targets: Vec<Target>) -> io::Result<Self> {
        // Only this user may enter a temporary folder, and so connect.
        let folder = tempfile::Builder::new().prefix("larder-tls-").tempdir()?;
        let listen = |(port, target): (usize, Target)| {
            let listener = StdListener::bind(folder.path().join(format!(".s.PGSQL.{port}")))?;
            listener.set_nonblocking(true)?;
            Ok((listener, target))
        };
        let listeners = (1..).zip(targets).map(listen).collect::<io::Result<Vec<_>>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("larder-tls".into()).spawn(move || {
            runtime.block_on(async {
                for (listener, target) in listeners {
                    tokio::spawn(serve(listener, tls.clone(), target));
                }
                // An error is the end, too: the sender is gone.
                let _ = ended.await;
            });
        })?;
        Ok(Self { folder, _end: end })
    }

    /// Returns the folder of the sockets, libpq's `host`.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

async fn serve(listener: StdListener, tls: Tls, target: Target) {
    let Ok(listener) = UnixListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(carry(client, tls.clone(), target.clone()));
            }
            // Too many files are open. Others close some.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn carry(mut client: UnixStream, tls: Tls, target: Target) {
    let connected = timeout(PATIENCE, connect(&tls, &target)).await;
    let late = || Err(format!("{target} does not answer within {} s", PATIENCE.as_secs()));
    // Either side may leave at any time; libpq reports what that means for it.
    match connected.unwrap_or_else(|_| late()) {
        Ok(mut server) => drop(copy_bidirectional(&mut client, &mut server).await),
        Err(why) => drop(refuse(&mut client, &why).await),
    }
}

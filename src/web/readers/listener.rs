//! Where connections come from: a TCP port, or a Unix socket that its owner and group may use.

use std::io::{self, ErrorKind};
use std::net::TcpListener as StdTcpListener;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::serve::Listen;
use crate::web::readers::forwarded::Peer;

#[cfg(unix)]
pub use unix::SocketFile;

/// A bound listener, before the server runs.
pub enum Listener {
    /// A port.
    Tcp(StdTcpListener),
    /// A Unix socket.
    #[cfg(unix)]
    Unix(SocketFile, std::os::unix::net::UnixListener),
}

impl Listener {
    /// Binds what the project file or `--listen` names; `locate` finds the path of a socket.
    ///
    /// # Errors
    /// When it is in use, or cannot be used.
    pub fn bind(listen: &Listen, locate: impl Fn(&Path) -> PathBuf) -> anyhow::Result<Self> {
        let failed = || format!("failed to listen on `{listen}`");
        match listen {
            Listen::Tcp(address) => StdTcpListener::bind(address).map(Self::Tcp).with_context(failed),
            #[cfg(unix)]
            Listen::Unix(path) => {
                let (listener, file) = unix::bind(&locate(path)).with_context(failed)?;
                Ok(Self::Unix(file, listener))
            }
            #[cfg(not(unix))]
            Listen::Unix(_) => anyhow::bail!("there are no Unix sockets on this system; listen on a port"),
        }
    }

    /// Where it listens: the port may have been chosen by the system.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> anyhow::Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr().context("failed to listen")?),
            #[cfg(unix)]
            Self::Unix(file, _) => Listen::Unix(file.path().to_owned()),
        })
    }
}

/// The listener of a running server.
pub(super) enum Accepting {
    Tcp(TcpListener),
    /// The file goes first: while the listener lives, no other process replaces it.
    #[cfg(unix)]
    Unix {
        _file: SocketFile,
        listener: tokio::net::UnixListener,
    },
}

/// What bytes are read from and written to.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Accepting {
    pub fn new(listener: Listener) -> io::Result<Self> {
        Ok(match listener {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Self::Tcp(TcpListener::from_std(listener)?)
            }
            #[cfg(unix)]
            Listener::Unix(file, listener) => {
                listener.set_nonblocking(true)?;
                Self::Unix { _file: file, listener: tokio::net::UnixListener::from_std(listener)? }
            }
        })
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // A response is written at once: there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Address(peer.ip())))
            }
            #[cfg(unix)]
            Self::Unix { listener, .. } => Ok((Box::new(listener.accept().await?.0), Peer::Unix)),
        }
    }
}

/// Whether an error of `accept` concerns one connection only, which is gone.
pub(super) fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    use anyhow::{Context as _, bail};

    /// The file of a socket, which is removed with it.
    pub struct SocketFile {
        path: PathBuf,
        /// Device and inode: someone may have removed the file, and another process put its own there.
        identity: (u64, u64),
    }

    impl SocketFile {
        pub(super) fn path(&self) -> &Path {
            &self.path
        }
    }

    impl Drop for SocketFile {
        fn drop(&mut self) {
            if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
                // It may be gone already; a file that stays is replaced by the next start.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    /// Binds a socket that its owner and group may use. A file that a dead process left is replaced.
    pub(super) fn bind(path: &Path) -> anyhow::Result<(UnixListener, SocketFile)> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o660))?;
        Ok((listener, SocketFile { path: path.to_owned(), identity: identity(path)? }))
    }

    fn remove_stale(path: &Path) -> anyhow::Result<()> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(found) if !found.file_type().is_socket() => bail!("there is a file which is no socket"),
            Ok(_) => {}
        }
        match UnixStream::connect(path) {
            Ok(_) => bail!("another process listens there"),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                fs::remove_file(path).context("failed to remove the socket of a process that is gone")
            }
            Err(error) => Err(error).context("there is a socket of which it is not known whether it is in use"),
        }
    }

    fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
        fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_socket_of_a_dead_process_is_replaced_and_nothing_else() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let (listener, file) = bind(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o660);
            assert_eq!(bind(&path).err().unwrap().to_string(), "another process listens there");
            // Someone removes it, and a second process starts.
            fs::remove_file(&path).unwrap();
            let (second_listener, second) = bind(&path).unwrap();
            drop((file, listener));
            assert!(path.exists(), "it belongs to the second");
            // A process that is killed leaves its file.
            drop(second_listener);
            let (_third_listener, third) = bind(&path).unwrap();
            std::mem::forget(second);
            drop(third);
            assert!(!path.exists());
            fs::write(&path, "text").unwrap();
            assert_eq!(bind(&path).err().unwrap().to_string(), "there is a file which is no socket");
            assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        }
    }
}

//! TLS on a port: 1.2 and 1.3, and a certificate that can be changed while connections go on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use doorward_core::secret::sha256;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// What is spoken; nothing older.
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Where certificate and key stand, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those behind it up to the root.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// Why there is no TLS with these files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why, in the system's words.
        why: io::ErrorKind,
    },
    /// There is no certificate in the file.
    #[error("{} holds no certificate in PEM", path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// There is no private key in the file.
    #[error("{} holds no private key in PEM", path.display())]
    NoKey {
        /// Which.
        path: PathBuf,
    },
    /// The two do not go together, or are of a kind that cannot be used.
    #[error("{} and {} do not go together, or are of a kind that cannot be used", files.cert_file.display(), files.key_file.display())]
    Unfit {
        /// Which.
        files: TlsFiles,
    },
}

/// TLS, ready to be spoken. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    shelf: Arc<Shelf>,
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({})", self.files.cert_file.display())
    }
}

/// The certificate that is shown to whoever comes next.
#[derive(Debug)]
struct Shelf(RwLock<Shown>);

#[derive(Debug)]
struct Shown {
    certified: Arc<CertifiedKey>,
    /// Of what the files held.
    digest: [u8; 32],
}

impl ResolvesServerCert for Shelf {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let unfit = |_| TlsError::Unfit { files: files.clone() };
        let found = Found::read(&files)?;
        let shelf = Arc::new(Shelf(RwLock::new(Shown { certified: found.certify(&files)?, digest: found.digest() })));
        // The provider is named here and installed nowhere: whoever embeds us keeps their own.
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&VERSIONS)
            .map_err(unfit)?
            .with_no_client_auth()
            .with_cert_resolver(shelf.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { files, shelf, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Reads the files again. Connections that are there go on as they began; says whether new ones are shown something
    /// else.
    ///
    /// # Errors
    /// [`TlsError`]; what was shown is shown further.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let found = Found::read(&self.files)?;
        let digest = found.digest();
        if self.shelf.0.read().unwrap_or_else(PoisonError::into_inner).digest == digest {
            return Ok(false);
        }
        let certified = found.certify(&self.files)?;
        *self.shelf.0.write().unwrap_or_else(PoisonError::into_inner) = Shown { certified, digest };
        Ok(true)
    }

    /// Greets a caller.
    ///
    /// # Errors
    /// If they cannot agree.
    pub async fn greet<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        self.acceptor.accept(stream).await
    }
}

/// What the files hold.
struct Found {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Found {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { chain: read(&files.cert_file)?, key: Zeroizing::new(read(&files.key_file)?) })
    }

    fn digest(&self) -> [u8; 32] {
        sha256(&[&sha256(&[&self.chain]), &sha256(&[&self.key])])
    }

    fn certify(&self, files: &TlsFiles) -> Result<Arc<CertifiedKey>, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.chain).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::NoCertificate { path: files.cert_file.clone() })?;
        let key = PrivateKeyDer::from_pem_slice(&self.key);
        let key = key.map_err(|_| TlsError::NoKey { path: files.key_file.clone() })?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        certified.map(Arc::new).map_err(|_| TlsError::Unfit { files: files.clone() })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Unreadable { path: path.to_owned(), why: error.kind() })
}

//! Over TLS: to a server that an authority of ours vouches for, and to nobody else.

use std::sync::Arc;
use std::time::Duration;

use doorward_verify::follow::{Follower, Settings, StartError};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use super::fake::Fake;

const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
const LEAF: &[u8] = include_bytes!("tls/leaf.pem");
const KEY: &[u8] = include_bytes!("tls/leaf.pk8.pem");

/// Stands before a server and ends TLS; gives its port.
async fn front(fake: &Fake) -> u16 {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(LEAF).map(Result::unwrap).collect();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = fake.url.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut secure) = acceptor.accept(socket).await else { return };
                let mut plain = TcpStream::connect(behind).await.unwrap();
                let _ = copy_bidirectional(&mut secure, &mut plain).await;
            });
        }
    });
    port
}

fn settings(fake: &Fake, host: &str, port: u16, authorities: Option<&[u8]>) -> Settings {
    let mut settings = fake.settings();
    settings.servers = vec![format!("https://{host}:{port}")];
    settings.authorities = authorities.map(<[u8]>::to_vec);
    settings
}

#[tokio::test]
async fn a_server_is_followed_over_tls() {
    let fake = Fake::start().await;
    let port = front(&fake).await;
    let follower = Follower::start(settings(&fake, "localhost", port, Some(AUTHORITY))).unwrap();
    assert!(follower.ready(Duration::from_secs(20)).await, "{:?}", follower.metrics());
    assert_eq!(follower.verify(&fake.token("ses_one")).await.map(drop), Ok(()));
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let fake = Fake::start().await;
    let port = front(&fake).await;
    for (host, authorities) in [("localhost", Some(LEAF)), ("127.0.0.1", Some(AUTHORITY))] {
        let follower = Follower::start(settings(&fake, host, port, authorities)).unwrap();
        assert!(!follower.ready(Duration::from_millis(600)).await, "{host}");
        assert!(fake.state().requests.is_empty(), "not even the secret");
    }
    for nothing in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let refused = Follower::start(settings(&fake, "localhost", port, Some(nothing)));
        assert_eq!(refused.err(), Some(StartError::AuthoritiesUnreadable));
    }
}

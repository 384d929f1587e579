//! The program over TLS: what it speaks, what it refuses to start with, and a certificate changed under its callers.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "the program's support has more than this test uses")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use self::support::{Server, doorward, program};

const MASTER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Writes a new self-signed certificate for this machine and its key.
fn renew(folder: &Path) -> CertificateDer<'static> {
    let names = ["localhost", "127.0.0.1"].map(String::from);
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(names).expect("names").self_signed(&key).expect("a certificate");
    fs::write(folder.join("cert.pem"), certificate.pem()).expect("a file");
    fs::write(folder.join("key.pem"), key.serialize_pem()).expect("a file");
    certificate.der().clone()
}

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// Connects and trusts one certificate and nothing else.
fn connect(
    address: &str,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<Secure, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).map_err(|error| error.to_string())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(|error| error.to_string())?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    Ok(StreamOwned::new(session, stream))
}

const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// Asks and reads the head of the answer, on a connection that stays.
fn ask(stream: &mut Secure, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut read = Vec::new();
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut space = [0; 4096];
        let some = stream.read(&mut space).expect("an answer");
        assert!(some > 0, "the connection is closed");
        read.extend_from_slice(&space[..some]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Waits until it has logged something so often.
fn has_logged(server: &Server, part: &str, times: usize) {
    let mut patience = 600;
    while server.log().matches(part).count() < times {
        patience -= 1;
        assert!(patience > 0, "{part:?} is not {times} times in {}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn serve(folder: &Path, more: &[&str]) -> std::process::Command {
    fs::write(folder.join("master.key"), MASTER).expect("a file");
    let mut command = program();
    command
        .arg("serve")
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--master-key-file")
        .arg(folder.join("master.key"));
    command.args(["--listen", "127.0.0.1:0", "--issuer", "https://localhost:8420"]).args(more);
    command
        .env("DOORWARD_TLS_CERT_FILE", folder.join("cert.pem"))
        .env("DOORWARD_TLS_KEY_FILE", folder.join("key.pem"));
    command
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older_and_no_plain_http() {
    let place = tempfile::tempdir().expect("a place");
    let certificate = renew(place.path());
    let server = Server::start(serve(place.path(), &[]), &place.path().join("serve"));
    assert!(server.is_secure);
    for version in BOTH {
        let mut stream = connect(&server.address, &certificate, &[version]).expect("a handshake");
        let answer = ask(&mut stream, "/healthz");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
        assert!(ask(&mut stream, "/login").contains("Secure"), "and goes on");
    }
    // TLS 1.1 and 1.0: an alert, and the end.
    for minor in [1, 2] {
        let hello = [&[3, minor][..], &[7; 32], &[0, 0, 4, 0xc0, 0x13, 0xc0, 0x09, 1, 0]].concat();
        let length = u8::try_from(hello.len()).expect("short");
        let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        stream.write_all(&record).expect("a hello");
        let mut told = Vec::new();
        drop(stream.read_to_end(&mut told));
        assert_eq!((told.first(), told.get(5)), (Some(&21), Some(&2)), "a fatal alert: {told:?}");
    }
    let mut plain = TcpStream::connect(&server.address).expect("a connection");
    plain.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut told = Vec::new();
    drop(plain.read_to_end(&mut told));
    assert!(!String::from_utf8_lossy(&told).contains("HTTP/1.1 2"), "{told:?}");
}

#[test]
fn a_renewed_certificate_is_shown_to_new_callers_and_old_connections_go_on() {
    let place = tempfile::tempdir().expect("a place");
    let first = renew(place.path());
    let server = Server::start(serve(place.path(), &[]), &place.path().join("serve"));
    let mut old = connect(&server.address, &first, &BOTH).expect("a handshake");
    ask(&mut old, "/healthz");
    let hang_up = || {
        let process = Pid::from_raw(i32::try_from(server.process()).expect("a number")).expect("a process");
        kill_process(process, Signal::HUP).expect("it runs");
    };
    // What does not fit together changes nothing.
    let good = fs::read(place.path().join("key.pem")).expect("a key");
    let other = KeyPair::generate().expect("a key");
    fs::write(place.path().join("key.pem"), other.serialize_pem()).expect("a file");
    hang_up();
    has_logged(&server, "the certificate stays the one before", 1);
    connect(&server.address, &first, &BOTH).expect("the one before");
    fs::write(place.path().join("key.pem"), good).expect("a file");
    let second = renew(place.path());
    hang_up();
    has_logged(&server, "new connections are shown another certificate", 1);
    let mut new = connect(&server.address, &second, &BOTH).expect("the new one");
    assert!(ask(&mut new, "/healthz").starts_with("HTTP/1.1 200 "));
    assert!(connect(&server.address, &first, &BOTH).is_err(), "the old one is shown no more");
    assert!(ask(&mut old, "/healthz").starts_with("HTTP/1.1 200 "), "and whoever was there goes on");
    // Nobody has to say anything.
    let third = renew(place.path());
    has_logged(&server, "new connections are shown another certificate", 2);
    connect(&server.address, &third, &BOTH).expect("the newest");
}

#[test]
fn dev_makes_its_own_certificate_and_keeps_it() {
    let place = tempfile::tempdir().expect("a place");
    let data = place.path().join("data");
    let read = || fs::read(data.join("tls-cert.pem")).expect("a certificate");
    let server = Server::dev(&data, &["--tls"]);
    let certificate = CertificateDer::from_pem_slice(&read()).expect("PEM");
    let mut stream = connect(&server.address, &certificate, &BOTH).expect("a handshake");
    assert!(ask(&mut stream, "/healthz").starts_with("HTTP/1.1 200 "));
    let said = server.said_until("Ctrl-C");
    assert!(said.contains("https://localhost:") && !said.contains("http://localhost"), "{said}");
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(data.join("tls-key.pem")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = read();
    server.stop(Signal::TERM);
    let again = Server::dev(&data, &["--tls"]);
    assert!(again.is_secure && read() == kept, "the one that was trusted stays");
}

#[test]
fn serve_does_not_start_in_the_open_without_tls_or_a_declared_proxy() {
    let place = tempfile::tempdir().expect("a place");
    fs::write(place.path().join("master.key"), MASTER).expect("a file");
    let key = place.path().join("master.key");
    let data = place.path().join("data");
    let words = |listen: &'static str| {
        let data = data.to_str().expect("text");
        vec![
            "serve",
            "--data",
            data,
            "--listen",
            listen,
            "--issuer",
            "https://id.example.test",
            "--master-key-file",
            key.to_str().expect("text"),
        ]
    };
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let ran = doorward(&words(open)).expect(3);
        ran.told("plain http").told("tls.cert_file").told("trusted_proxies").told("flag --listen");
        assert!(!data.exists(), "nothing was begun");
    }
    let mut command = program();
    command.args(words("0.0.0.0:0")).env("DOORWARD_TRUSTED_PROXIES", "192.0.2.0/24");
    let server = Server::start(command, &place.path().join("serve"));
    let local = format!("127.0.0.1:{}", server.address.rsplit(':').next().expect("a port"));
    assert_eq!(support::call(&local, "GET", "/login", &[], "").status, 200, "from this machine");
}

#[test]
fn half_a_pair_and_files_that_are_none_are_told_with_their_names() {
    let place = tempfile::tempdir().expect("a place");
    renew(place.path());
    let data = place.path().join("data");
    let run = |set: &[(&str, &str)]| {
        let mut command = program();
        command.args(["dev", "--listen", ":0", "--data"]).arg(&data);
        for (name, file) in set {
            command.env(name, place.path().join(file));
        }
        support::run(command, "")
    };
    let (cert, key) = ("DOORWARD_TLS_CERT_FILE", "DOORWARD_TLS_KEY_FILE");
    fs::write(place.path().join("empty"), "").expect("a file");
    run(&[(cert, "cert.pem")]).expect(3).told("tls.key_file");
    run(&[(key, "key.pem")]).expect(3).told("tls.cert_file");
    run(&[(cert, "nowhere"), (key, "key.pem")]).expect(3).told("nowhere");
    run(&[(cert, "empty"), (key, "key.pem")]).expect(3).told("holds no certificate");
    run(&[(cert, "cert.pem"), (key, "empty")]).expect(3).told("holds no private key");
    let other = KeyPair::generate().expect("a key");
    fs::write(place.path().join("other.pem"), other.serialize_pem()).expect("a file");
    run(&[(cert, "cert.pem"), (key, "other.pem")]).expect(3).told("do not go together");
}

//! A client against servers of a few lines.

use std::sync::atomic::AtomicBool;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const WITHIN: Duration = Duration::from_secs(20);

/// A server that answers every request with its name; it knows how many connections it took.
pub(in super::super) struct Server {
    pub(in super::super) address: Address,
    connections: Arc<AtomicUsize>,
    /// Answers once more on each connection, and then closes it.
    closes: Arc<AtomicBool>,
}

pub(in super::super) async fn server(body: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (connections, closes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (counted, closing) = (Arc::clone(&connections), Arc::clone(&closes));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let closing = Arc::clone(&closing);
            tokio::spawn(async move {
                let mut held = Vec::new();
                let mut room = [0; 1024];
                while let Ok(length @ 1..) = socket.read(&mut room).await {
                    held.extend_from_slice(&room[..length]);
                    while let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                        held.drain(..end + 4);
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                        if socket.write_all(answer.as_bytes()).await.is_err() || closing.load(Ordering::SeqCst) {
                            return;
                        }
                    }
                }
            });
        }
    });
    Server { address, connections, closes }
}

/// An address at which nobody listens.
async fn nobody() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Address::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

fn client(addresses: &[&Address]) -> Client {
    Client::new(addresses.iter().map(|address| (*address).clone()).collect(), "dwv_x", None).unwrap()
}

async fn asked(client: &Client, most: usize) -> Result<String, CallError> {
    let answer = client.call(&Call::get("/", "text/plain"), most, WITHIN).await?;
    Ok(String::from_utf8(answer.body).unwrap())
}

fn idle(client: &Client) -> usize {
    client.idle.lock().unwrap().len()
}

#[tokio::test]
async fn a_connection_is_used_again_while_it_is_open() {
    let server = server("hello").await;
    let client = client(&[&server.address]);
    for _ in 0..5 {
        assert_eq!(asked(&client, 100).await.unwrap(), "hello");
        assert_eq!(idle(&client), 1);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    server.closes.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(asked(&client, 100).await.unwrap(), "hello", "one that was closed is replaced");
    }
    assert!(server.connections.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn eight_connections_are_kept_at_most() {
    let server = server("hello").await;
    let client = client(&[&server.address]);
    let mut exchanges = Vec::new();
    for _ in 0..MOST_IDLE + 2 {
        exchanges.push(client.open(&Call::get("/", "text/plain")).await.unwrap());
    }
    for (number, mut exchange) in exchanges.into_iter().enumerate() {
        while exchange.next().await.unwrap().is_some() {}
        client.keep(exchange);
        assert_eq!(idle(&client), MOST_IDLE.min(number + 1));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), MOST_IDLE + 2);
}

#[tokio::test]
async fn after_a_change_of_servers_no_connection_to_the_old_one_is_used() {
    let (first, second) = (server("first").await, server("second").await);
    let client = client(&[&first.address, &second.address]);
    assert_eq!(asked(&client, 100).await.unwrap(), "first");
    client.rotate(0);
    assert_eq!(asked(&client, 100).await.unwrap(), "second");
    assert_eq!(idle(&client), 1, "the old one is let go");
    client.rotate(1);
    assert_eq!(asked(&client, 100).await.unwrap(), "first");
}

#[tokio::test]
async fn the_next_server_is_the_one_behind_and_behind_the_last_comes_the_first() {
    let dead = nobody().await;
    let client = client(&[&dead, &dead, &dead]);
    for (from, next) in [(0, 1), (1, 2), (2, 0)] {
        assert_eq!(client.current(), from);
        client.rotate(from);
        assert_eq!(client.current(), next);
        client.rotate(from);
        assert_eq!(client.current(), next, "somebody has gone on already");
    }
}

#[tokio::test]
async fn who_answers_in_place_of_the_current_server_becomes_it() {
    let (dead, first, last) = (nobody().await, server("first").await, server("last").await);
    let client = client(&[&first.address, &dead, &last.address]);
    client.rotate(0);
    assert_eq!(asked(&client, 100).await.unwrap(), "last", "the one behind, not the first");
    assert_eq!(client.current(), 2);
    assert_eq!(asked(&client, 100).await.unwrap(), "last");
    assert_eq!(first.connections.load(Ordering::SeqCst), 0);
    let alone = self::client(&[&dead]);
    assert_eq!(asked(&alone, 100).await, Err(CallError::Unreachable));
}

#[tokio::test]
async fn an_answer_has_a_longest_length() {
    let server = server("hello").await;
    let client = client(&[&server.address]);
    assert_eq!(asked(&client, 5).await.unwrap(), "hello");
    for most in [4, 1, 0] {
        assert_eq!(asked(&client, most).await, Err(CallError::TooLarge));
    }
}

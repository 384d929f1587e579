//! A small world on a disk: people, sessions and an ended one, made once and copied for every trial.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::outside::{Line, Reply, Server};
use super::shim::Disk;

pub(crate) const ADA: &str = "ada@example.test";
pub(crate) const PAT: &str = "pat@example.test";
pub(crate) const SUE: &str = "sue@example.test";
pub(crate) const PASSWORD: &str = "copper-lantern-41";

/// What the clients hold, all of it acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    /// Ada's sessions, by secret: one that nothing happens to, one that signs out, one that another ends.
    pub(crate) keeper: String,
    pub(crate) leaver: String,
    pub(crate) other: String,
    pub(crate) other_id: String,
    /// Pat's two sessions and Sue's one.
    pub(crate) pat: String,
    pub(crate) pats_other: String,
    pub(crate) sue: String,
    pub(crate) sue_id: String,
    /// A refresh token that a client is about to use, and one that nobody touches.
    pub(crate) turning: String,
    pub(crate) resting: String,
    /// An access token of the resting session.
    pub(crate) access: String,
    /// Ended long ago: a secret and a refresh token.
    pub(crate) gone: String,
    pub(crate) gone_refresh: String,
}

/// A data folder that trials begin with, and what its clients hold.
pub(crate) struct Stage {
    place: tempfile::TempDir,
    cast: Cast,
}

impl Stage {
    pub(crate) fn build() -> Self {
        let place = tempfile::tempdir().expect("a place");
        let folder = place.path().join("data");
        let mut server = Server::start(&folder);
        let mut line = Line::open(&server.address).expect("a connection");
        for email in [PAT, SUE] {
            expect(post(&mut line, "/v1/users", None, &json!({ "email": email, "password": PASSWORD })), 201);
        }
        // Its last trials come half an hour after this.
        let longest = json!({ "access_minutes": 60 });
        let mut desk = Line::desk(&folder).expect("the socket");
        expect(desk.call("PATCH", "/admin/v1/clients/demo-hybrid", None, Some(&longest)).expect("a reply"), 200);
        let mut sign_in = |email: &str, client: &str| {
            let reply = sign_in(&mut line, email, PASSWORD, client);
            expect(reply, 201)
        };
        let secret = |reply: &Reply| text(reply, "session_token");
        let (keeper, leaver, other) =
            (sign_in(ADA, "demo-session"), sign_in(ADA, "demo-session"), sign_in(ADA, "demo-session"));
        let (pat, pats_other) = (sign_in(PAT, "demo-session"), sign_in(PAT, "demo-session"));
        let sue = sign_in(SUE, "demo-session");
        let (turning, resting) = (sign_in(ADA, "demo-hybrid"), sign_in(ADA, "demo-hybrid"));
        let (gone, gone_hybrid) = (sign_in(ADA, "demo-session"), sign_in(ADA, "demo-hybrid"));
        let cast = Cast {
            keeper: secret(&keeper),
            leaver: secret(&leaver),
            other: secret(&other),
            other_id: other.body["session"]["id"].as_str().expect("an id").to_owned(),
            pat: secret(&pat),
            pats_other: secret(&pats_other),
            sue: secret(&sue),
            sue_id: sue.body["user"]["id"].as_str().expect("an id").to_owned(),
            turning: text(&turning, "refresh_token"),
            resting: text(&resting, "refresh_token"),
            access: text(&resting, "access_token"),
            gone: secret(&gone),
            gone_refresh: text(&gone_hybrid, "refresh_token"),
        };
        for bearer in [&cast.gone, &text(&gone_hybrid, "access_token")] {
            expect(line.call("DELETE", "/v1/session", Some(bearer), None).expect("a reply"), 200);
        }
        expect(put(&mut line, "kept", &cast.keeper, &json!("as it was")), 201);
        server.kill();
        Self { place, cast }
    }

    /// The folder as it was made.
    pub(crate) fn folder(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// Puts a copy at `place`, for one trial.
    pub(crate) fn copy_to(&self, place: &Path) {
        copy(&self.folder(), &place.join("data"));
    }

    /// A world over that copy, on a disk of its own.
    pub(crate) fn world(&self, disk: &Disk) -> World {
        let mut command = Server::command(&disk.folder);
        disk.put_under(&mut command);
        // It complains of its disk, as it should.
        command.stderr(std::process::Stdio::null());
        World::of(Server::run(command).expect("it starts on a disk that is well"), &disk.folder, self.cast.clone())
    }

    /// The same without a shim, over the folder as it is.
    pub(crate) fn again(&self, folder: &Path) -> World {
        World::of(Server::start(folder), folder, self.cast.clone())
    }
}

/// Copies the files of a folder; sockets stay behind.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("its type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// A running server, and what its clients hold.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) line: Line,
    pub(crate) desk: Line,
    pub(crate) cast: Cast,
    /// What a refused refresh gave when it was made again.
    pub(crate) successor: Option<String>,
}

impl World {
    fn of(server: Server, folder: &Path, cast: Cast) -> Self {
        let line = Line::open(&server.address).expect("a connection");
        let desk = Line::desk(folder).expect("the socket");
        Self { server, line, desk, cast, successor: None }
    }

    pub(crate) fn post(&mut self, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
        post(&mut self.line, path, bearer, body)
    }

    pub(crate) fn put(&mut self, key: &str, secret: &str, value: &Value) -> Reply {
        put(&mut self.line, key, secret, value)
    }

    pub(crate) fn delete(&mut self, path: &str, bearer: &str) -> Reply {
        self.line.call("DELETE", path, Some(bearer), None).expect("a reply")
    }

    pub(crate) fn get(&mut self, path: &str, bearer: &str) -> Reply {
        self.line.call("GET", path, Some(bearer), None).expect("a reply")
    }

    pub(crate) fn operator(&mut self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.desk.call(method, path, None, body).expect("a reply")
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str, client: &str) -> Reply {
        sign_in(&mut self.line, email, password, client)
    }

    pub(crate) fn refresh(&mut self, token: &str, attempt: &str) -> Reply {
        self.post("/v1/session/refresh", None, &json!({ "refresh_token": token, "attempt": attempt }))
    }

    /// Is a session alive? Whatever is neither is a failure.
    pub(crate) fn is_alive(&mut self, bearer: &str) -> bool {
        match self.get("/v1/session", bearer) {
            Reply { status: 200, .. } => true,
            Reply { status: 401, .. } => false,
            reply => panic!("neither alive nor dead: {reply:?}"),
        }
    }

    /// What `/readyz` says.
    pub(crate) fn is_ready(&mut self) -> bool {
        match self.line.call("GET", "/readyz", None, None).expect("a reply").status {
            200 => true,
            503 => false,
            status => panic!("{status} from /readyz"),
        }
    }

    /// Everybody to whom nothing happened is as before, and the audit log is whole.
    pub(crate) fn others_are_as_before(&mut self, name: &str) {
        let cast = self.cast.clone();
        assert!(self.is_alive(&cast.keeper), "{name}: a session was lost");
        let kept = self.get("/v1/session/data/kept", &cast.keeper);
        assert_eq!(kept.body, json!("as it was"), "{name}: session data were lost: {kept:?}");
        assert!(!self.is_alive(&cast.gone), "{name}: an ended session is alive");
        let reply = self.refresh(&cast.gone_refresh, "after-the-fault-0001");
        assert_eq!(reply.status, 401, "{name}: an ended session refreshes: {reply:?}");
        let log = self.operator("GET", "/admin/v1/audit/verify", None);
        assert_eq!(log.body["well"], true, "{name}: the audit log is broken: {log:?}");
    }

    /// The session that nobody touched refreshes. Only at the end of a trial: it turns the token.
    pub(crate) fn the_resting_session_refreshes(&mut self, name: &str) {
        let token = self.cast.resting.clone();
        let reply = self.refresh(&token, "after-the-fault-0002");
        assert_eq!(reply.status, 200, "{name}: a refresh token was lost: {reply:?}");
    }
}

/// Asserts the status of a reply and hands it on.
#[track_caller]
pub(crate) fn expect(reply: Reply, status: u16) -> Reply {
    assert_eq!(reply.status, status, "{reply:?}");
    reply
}

#[track_caller]
pub(crate) fn text(reply: &Reply, name: &str) -> String {
    reply.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {reply:?}")).to_owned()
}

fn post(line: &mut Line, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
    line.call("POST", path, bearer, Some(body)).expect("a reply")
}

fn put(line: &mut Line, key: &str, secret: &str, value: &Value) -> Reply {
    line.call("PUT", &format!("/v1/session/data/{key}"), Some(secret), Some(value)).expect("a reply")
}

fn sign_in(line: &mut Line, email: &str, password: &str, client: &str) -> Reply {
    let body = json!({ "email": email, "password": password, "client_id": client, "transport": "body" });
    post(line, "/v1/sessions", None, &body)
}

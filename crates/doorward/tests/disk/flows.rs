//! The core flows: what each asks for, how one sees from outside whether it happened, and that it is whole either way.

use serde_json::json;

use super::outside::Reply;
use super::shim::Files;
use super::world::{ADA, PASSWORD, PAT, SUE, World, expect, text};

/// A flow whose every write meets every fault.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    /// Whose writes are counted.
    pub(crate) files: Files,
    /// What has to be done before, on a disk that is well.
    pub(crate) prepare: fn(&mut World),
    /// The one call. Its reply is what the client knows.
    pub(crate) ask: fn(&mut World) -> Reply,
    /// Did it happen? Asserts that all of it did or nothing; `acknowledged` is the reply if it said so.
    pub(crate) happened: fn(&mut World, acknowledged: Option<&Reply>) -> bool,
    /// The client asks again, and it has happened.
    pub(crate) finish: fn(&mut World, happened: bool),
}

const NOTHING: fn(&mut World) = |_| {};

pub(crate) static FLOWS: [Flow; 11] = [
    flow("sign-up", sign_up, signed_up, sign_up_again),
    flow("sign-in", sign_in, signed_in, sign_in_again),
    flow("refresh", refresh, refreshed, steal),
    flow("sign-out", sign_out, signed_out, sign_out_again),
    flow("end another session", end_other, other_ended, end_other_again),
    flow("password change", change_password, password_changed, change_password_again),
    flow("suspension", suspend, suspended, suspend_again),
    flow("client change", change_client, client_changed, change_client_again),
    flow("key rotation", rotate, rotated, rotate_again),
    flow("session data", put_data, data_put, put_data_again),
    Flow { files: Files::Database, prepare: fill_log, ..flow("checkpoint", fill_last, filled, fill_again) },
];

const fn flow(
    name: &'static str,
    ask: fn(&mut World) -> Reply,
    happened: fn(&mut World, Option<&Reply>) -> bool,
    finish: fn(&mut World, bool),
) -> Flow {
    Flow { name, files: Files::All, prepare: NOTHING, ask, happened, finish }
}

const NEW: &str = "new@example.test";
const NEW_PASSWORD: &str = "granite-harbour-93";

fn sign_up(world: &mut World) -> Reply {
    world.post("/v1/users", None, &json!({ "email": NEW, "password": PASSWORD }))
}

fn signed_up(world: &mut World, _: Option<&Reply>) -> bool {
    match world.sign_in(NEW, PASSWORD, "demo-session") {
        reply @ Reply { status: 201, .. } => {
            assert!(world.is_alive(&text(&reply, "session_token")), "an account whose sessions are dead");
            true
        }
        reply => {
            expect(reply, 401);
            false
        }
    }
}

fn sign_up_again(world: &mut World, happened: bool) {
    expect(sign_up(world), if happened { 409 } else { 201 });
    assert!(signed_up(world, None));
}

fn sign_in(world: &mut World) -> Reply {
    world.sign_in(ADA, PASSWORD, "demo-hybrid")
}

/// Ada's sessions when the stage was built.
const ADAS: usize = 5;

fn signed_in(world: &mut World, acknowledged: Option<&Reply>) -> bool {
    let keeper = world.cast.keeper.clone();
    let list = expect(world.get("/v1/sessions", &keeper), 200);
    let count = list.body["data"].as_array().expect("a list").len();
    assert!(count == ADAS || count == ADAS + 1, "{count} sessions of Ada's");
    if let Some(reply) = acknowledged {
        assert!(world.is_alive(&text(reply, "access_token")), "an acknowledged session was lost");
        let turned = world.refresh(&text(reply, "refresh_token"), "first-attempt-of-the-new-one");
        assert_eq!(turned.status, 200, "an acknowledged refresh token was lost: {turned:?}");
    }
    count == ADAS + 1
}

fn sign_in_again(world: &mut World, happened: bool) {
    assert_eq!(signed_in(world, None), happened);
    expect(sign_in(world), 201);
}

const ATTEMPT: &str = "the-attempt-under-way";

fn refresh(world: &mut World) -> Reply {
    let token = world.cast.turning.clone();
    world.refresh(&token, ATTEMPT)
}

/// The same attempt again has the same answer, whether or not it had happened; so from here on it has.
fn refreshed(world: &mut World, acknowledged: Option<&Reply>) -> bool {
    let reply = refresh(world);
    assert_eq!(reply.status, 200, "an honest client was signed out: {reply:?}");
    let successor = text(&reply, "refresh_token");
    let known = acknowledged.map(|reply| text(reply, "refresh_token")).or(world.successor.clone());
    assert!(known.is_none_or(|known| known == successor), "two successors of one token");
    world.successor = Some(successor);
    true
}

/// The successor works; and whoever shows the token of before with another attempt is a thief.
fn steal(world: &mut World, _: bool) {
    let successor = world.successor.clone().expect("it was asked for");
    let next = expect(world.refresh(&successor, "the-attempt-after-it"), 200);
    let token = world.cast.turning.clone();
    let thief = expect(world.refresh(&token, "the-attempt-of-a-thief"), 401);
    assert_eq!(thief.body["code"], "refresh_reused", "{thief:?}");
    expect(world.refresh(&text(&next, "refresh_token"), "the-attempt-after-the-thief"), 401);
}

fn sign_out(world: &mut World) -> Reply {
    let secret = world.cast.leaver.clone();
    world.delete("/v1/session", &secret)
}

fn signed_out(world: &mut World, _: Option<&Reply>) -> bool {
    let secret = world.cast.leaver.clone();
    !world.is_alive(&secret)
}

fn sign_out_again(world: &mut World, happened: bool) {
    expect(sign_out(world), if happened { 401 } else { 200 });
    assert!(signed_out(world, None));
}

fn end_other(world: &mut World) -> Reply {
    let (id, keeper) = (world.cast.other_id.clone(), world.cast.keeper.clone());
    world.delete(&format!("/v1/sessions/{id}"), &keeper)
}

fn other_ended(world: &mut World, _: Option<&Reply>) -> bool {
    let secret = world.cast.other.clone();
    !world.is_alive(&secret)
}

fn end_other_again(world: &mut World, happened: bool) {
    let reply = end_other(world);
    assert!(reply.status == 200 || (happened && reply.status == 404), "{reply:?}");
    assert!(other_ended(world, None));
}

fn change_password(world: &mut World) -> Reply {
    let secret = world.cast.pat.clone();
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    world.line.call("PUT", "/v1/user/password", Some(&secret), Some(&body)).expect("a reply")
}

fn password_changed(world: &mut World, acknowledged: Option<&Reply>) -> bool {
    let other = world.cast.pats_other.clone();
    let happened = !world.is_alive(&other);
    let (good, bad) = if happened { (NEW_PASSWORD, PASSWORD) } else { (PASSWORD, NEW_PASSWORD) };
    expect(world.sign_in(PAT, good, "demo-session"), 201);
    expect(world.sign_in(PAT, bad, "demo-session"), 401);
    if let Some(reply) = acknowledged {
        assert!(world.is_alive(&text(reply, "session_token")), "the session that was kept is lost");
    }
    happened
}

fn change_password_again(world: &mut World, happened: bool) {
    if !happened {
        expect(change_password(world), 200);
    }
    assert!(password_changed(world, None));
}

fn suspend(world: &mut World) -> Reply {
    let path = format!("/admin/v1/users/{}/suspend", world.cast.sue_id);
    world.operator("POST", &path, None)
}

fn suspended(world: &mut World, _: Option<&Reply>) -> bool {
    let secret = world.cast.sue.clone();
    let happened = !world.is_alive(&secret);
    expect(world.sign_in(SUE, PASSWORD, "demo-session"), if happened { 401 } else { 201 });
    happened
}

/// Resumed, Sue signs in anew; her old session stays dead.
fn suspend_again(world: &mut World, happened: bool) {
    if !happened {
        expect(suspend(world), 200);
    }
    assert!(suspended(world, None));
    let path = format!("/admin/v1/users/{}/resume", world.cast.sue_id);
    expect(world.operator("POST", &path, None), 200);
    expect(world.sign_in(SUE, PASSWORD, "demo-session"), 201);
    let secret = world.cast.sue.clone();
    assert!(!world.is_alive(&secret), "resuming brought a session back");
}

const AUDIENCE: &str = "https://orders.example.test";

fn change_client(world: &mut World) -> Reply {
    world.operator("PATCH", "/admin/v1/clients/demo-jwt", Some(&json!({ "audiences": [AUDIENCE] })))
}

fn client_changed(world: &mut World, _: Option<&Reply>) -> bool {
    let list = expect(world.operator("GET", "/admin/v1/clients", None), 200);
    let clients = list.body["data"].as_array().expect("a list").clone();
    let client = clients.iter().find(|client| client["id"] == "demo-jwt").expect("a client");
    client["audiences"] == json!([AUDIENCE])
}

fn change_client_again(world: &mut World, _: bool) {
    expect(change_client(world), 200);
    assert!(client_changed(world, None));
}

fn rotate(world: &mut World) -> Reply {
    let body = json!({ "purpose": "sign-es256", "hurry": true });
    world.operator("POST", "/admin/v1/keys/rotate", Some(&body))
}

/// One key signs and one stands by, whether or not they turned; what was signed before is still accepted.
fn rotated(world: &mut World, _: Option<&Reply>) -> bool {
    let list = expect(world.operator("GET", "/admin/v1/keys", None), 200);
    let keys = list.body["data"].as_array().expect("a list").clone();
    let of = |stage: &str| keys.iter().filter(|key| key["purpose"] == "sign-es256" && key["stage"] == stage).count();
    assert_eq!(of("active"), 1, "keys that sign: {keys:?}");
    assert!(of("published") >= 1, "nothing stands by: {keys:?}");
    let access = world.cast.access.clone();
    assert!(world.is_alive(&access), "a token from before is refused");
    let fresh = expect(world.sign_in(ADA, PASSWORD, "demo-hybrid"), 201);
    assert!(world.is_alive(&text(&fresh, "access_token")), "a fresh token is refused");
    of("retiring") == 1
}

fn rotate_again(world: &mut World, happened: bool) {
    if !happened {
        expect(rotate(world), 200);
    }
    assert!(rotated(world, None));
}

fn put_data(world: &mut World) -> Reply {
    let keeper = world.cast.keeper.clone();
    world.put("cart", &keeper, &json!({ "lanterns": 3 }))
}

fn data_put(world: &mut World, _: Option<&Reply>) -> bool {
    let keeper = world.cast.keeper.clone();
    let reply = world.get("/v1/session/data/cart", &keeper);
    assert!(reply.status == 404 || reply.body == json!({ "lanterns": 3 }), "half a value: {reply:?}");
    reply.status == 200
}

fn put_data_again(world: &mut World, happened: bool) {
    expect(put_data(world), if happened { 200 } else { 201 });
    assert!(data_put(world, None));
}

/// The writer looks at its log after so many changes, and copies it if it has a thousand pages.
const LOOK_AFTER: usize = 256;

/// Fills the log until it is nearly time to copy it into the file.
fn fill_log(world: &mut World) {
    let keeper = world.cast.keeper.clone();
    for number in 1..LOOK_AFTER - 40 {
        let reply = world.put("long", &keeper, &value(number));
        assert!([200, 201].contains(&reply.status), "{reply:?}");
    }
}

/// Goes on filling it. What is acknowledged is remembered; the last reply is the flow's.
fn fill_last(world: &mut World) -> Reply {
    let keeper = world.cast.keeper.clone();
    let mut reply = world.put("long", &keeper, &value(LOOK_AFTER));
    for number in LOOK_AFTER..LOOK_AFTER + 50 {
        if reply.status != 200 {
            break;
        }
        // The log is copied when nobody waits, so the writer is given the time to see that nobody does.
        std::thread::sleep(std::time::Duration::from_millis(5));
        reply = world.put("long", &keeper, &value(number + 1));
    }
    // The copying comes after the answer, and the next change waits for it.
    if reply.status == 200 { world.put("long", &keeper, &value(LAST)) } else { reply }
}

const LAST: usize = 9_999;

/// It happened if the last value is there; any other is one that was acknowledged before.
fn filled(world: &mut World, _: Option<&Reply>) -> bool {
    let keeper = world.cast.keeper.clone();
    let found = expect(world.get("/v1/session/data/long", &keeper), 200);
    let number = found.body[0].as_u64().expect("a number") as usize;
    assert_eq!(found.body, value(number), "half a value");
    number == LAST
}

fn fill_again(world: &mut World, _: bool) {
    let keeper = world.cast.keeper.clone();
    expect(world.put("long", &keeper, &value(LAST)), 200);
    assert!(filled(world, None));
}

/// Other bytes every time: pages that stay as they are would not be written.
fn value(number: usize) -> serde_json::Value {
    json!([number, format!("{number:06}").repeat(2_500)])
}

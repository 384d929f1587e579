//! `doorward users`: people.

use doorward_core::id::UserId;
use serde_json::{Value, json};

use super::{items, receipt, tell, tell_list};
use crate::cli::args::{AckArgs, Format, PasswordArgs, Reaching, UsersVerb};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::cell;
use crate::cli::password::{self, Obtained};
use crate::cli::stop::{Exit, Stop};

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: UsersVerb) -> Result<Exit, Stop> {
    let format = reaching.format;
    match verb {
        UsersVerb::Add { email, name, roles, password } => add(reaching, email, name, roles, password).await?,
        UsersVerb::List { limit } => list(&Office::reach(reaching).await?, format, limit).await?,
        UsersVerb::Suspend { user, ack } => {
            let verb = format!("suspend{}", ack.query());
            let answer = act(&Office::reach(reaching).await?, &user, &verb).await?;
            tell(format, &answer, |answer| {
                let over = receipt(&answer["receipt"]);
                format!("{} is suspended; everything of it is over; {over}", named(&answer["user"]))
            });
        }
        UsersVerb::Resume { user } => {
            let answer = act(&Office::reach(reaching).await?, &user, "resume").await?;
            tell(format, &answer, |answer| format!("{} may sign in again", named(&answer["user"])));
        }
        UsersVerb::Roles { user, roles, none: _, ack } => {
            let office = Office::reach(reaching).await?;
            let path = format!("/admin/v1/users/{}/roles{}", find(&office, &user).await?, ack.query());
            let answer = office.ask("PUT", &path, Some(&json!({ "roles": roles }))).await;
            let answer = answer.map_err(|stop| unknown(stop, &user))?;
            tell(format, &answer, |answer| {
                let (user, over) = (&answer["user"], receipt(&answer["receipt"]));
                let roles = cell(&user["roles"]);
                format!("{} has the roles {roles}; nobody is signed out, tokens are renewed; {over}", named(user))
            });
        }
        UsersVerb::Password { user, password, ack } => set_password(reaching, &user, password, ack).await?,
    }
    Ok(Exit::Well)
}

async fn add(
    reaching: &Reaching,
    email: String,
    name: Option<String>,
    roles: Vec<String>,
    from: PasswordArgs,
) -> Result<(), Stop> {
    let Obtained { password, generated } = password::obtain(from)?;
    let office = Office::reach(reaching).await?;
    let mut body = json!({ "email": email, "password": password.as_str(), "roles": roles });
    if let Some(name) = name {
        body["name"] = json!(name);
    }
    let answer = office.ask("POST", "/admin/v1/users", Some(&body)).await;
    let mut answer = answer.map_err(|stop| {
        let advice = format!("see `doorward users list`; `doorward users password {email}` sets its password");
        stop.instead_of(&["email_taken"], format!("there is an account with the address {email} already"), &advice)
    })?;
    if generated {
        answer["password"] = json!(password.as_str());
    }
    tell(reaching.format, &answer, |answer| {
        with_password(format!("made {}", named(&answer["user"])), &answer["password"])
    });
    Ok(())
}

async fn set_password(reaching: &Reaching, user: &str, from: PasswordArgs, ack: AckArgs) -> Result<(), Stop> {
    let Obtained { password, generated } = password::obtain(from)?;
    let office = Office::reach(reaching).await?;
    let id = find(&office, user).await?;
    let body = json!({ "password": password.as_str() });
    let path = format!("/admin/v1/users/{id}/password{}", ack.query());
    let mut answer = office.ask("PUT", &path, Some(&body)).await.map_err(|stop| unknown(stop, user))?;
    answer["user_id"] = json!(id);
    if generated {
        answer["password"] = json!(password.as_str());
    }
    tell(reaching.format, &answer, |answer| {
        let over = receipt(&answer["receipt"]);
        with_password(format!("{id} has a new password; every session of it is over; {over}"), &answer["password"])
    });
    Ok(())
}

fn with_password(words: String, password: &Value) -> String {
    match password.as_str() {
        Some(password) => format!("{words}\npassword: {password} (told once)"),
        None => words,
    }
}

/// Page by page, until there are enough or no more.
async fn list(office: &Office, format: Format, limit: usize) -> Result<(), Stop> {
    let mut users: Vec<Value> = Vec::new();
    let mut after = String::new();
    while users.len() < limit {
        let page = (limit - users.len()).min(1000);
        let answer = office.ask("GET", &format!("/admin/v1/users?limit={page}{after}"), None).await?;
        users.extend(answer["data"].as_array().cloned().unwrap_or_default());
        match answer["next_cursor"].as_str() {
            Some(cursor) => after = format!("&after={}", encoded(cursor)),
            None => break,
        }
    }
    tell_list(format, users, &["id", "email", "name", "roles", "created", "suspended"], |user| {
        ["id", "email", "name", "roles", "created_at", "suspended_at"].map(|member| cell(&user[member])).to_vec()
    });
    Ok(())
}

async fn act(office: &Office, user: &str, verb: &str) -> Result<Value, Stop> {
    let id = find(office, user).await?;
    office.ask("POST", &format!("/admin/v1/users/{id}/{verb}"), None).await.map_err(|stop| unknown(stop, user))
}

/// What is no id of anybody, said as such.
pub(super) fn unknown(stop: Stop, user: &str) -> Stop {
    stop.instead_of(&["not_found"], format!("there is no account {user}"), "see `doorward users list`")
}

/// The id of a user who is named by id or address.
pub(super) async fn find(office: &Office, user: &str) -> Result<String, Stop> {
    let nobody = |who: String| Stop::new(Exit::Negative, who).advise("see `doorward users list`");
    if !user.contains('@') {
        let id = UserId::parse(user).ok_or_else(|| nobody(format!("there is no account {user}")))?;
        return Ok(id.to_string());
    }
    let found = items(office, &format!("/admin/v1/users?email={}", encoded(user))).await?;
    match found.first().and_then(|user| user["id"].as_str()) {
        Some(id) => Ok(id.to_owned()),
        None => Err(nobody(format!("there is no account with the address {user}"))),
    }
}

fn named(user: &Value) -> String {
    format!("{} ({})", cell(&user["email"]), cell(&user["id"]))
}

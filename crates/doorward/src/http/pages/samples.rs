//! What every page is drawn with before anybody sees it: each value there may be, in the cases that differ.

use minijinja::{Value, context};

/// In every text that may come from people. A page that shows it as it is does not escape.
pub(super) const MARK: &str = "<x-sample>";
/// The form token.
pub(super) const FIELD_MARK: &str = "sample-form-token";

/// What a page's scripts have to bear.
pub(super) const NONCE: &str = "sample-nonce";

/// The values for a template, each with whether somebody is signed in; none for those that are only parts of others.
pub(super) fn samples(template: &str) -> Vec<(bool, Value)> {
    let own = own(template);
    let mut all = Vec::new();
    for values in own {
        for signed_in in [false, true] {
            for (notice, field) in
                [("", None), (MARK, None), ("", Some("")), ("", Some("email")), ("", Some("password"))]
            {
                let faults: Vec<Value> = field.into_iter().map(|field| context! { text => MARK, field }).collect();
                let frame = context! { signed_in, token => FIELD_MARK, notice, faults, nonce => NONCE };
                all.push((signed_in, context! { frame, ..values.clone() }));
            }
        }
    }
    all
}

fn own(template: &str) -> Vec<Value> {
    let time = || context! { iso => "2026-11-21T09:00:00Z", text => "21 November 2026, 09:00 UTC" };
    match template {
        "login.html" => {
            [true, false].map(|signup_open| context! { email => MARK, return_to => MARK, signup_open }).to_vec()
        }
        "signup.html" => vec![context! { email => MARK, name => MARK }],
        "logout.html" => vec![context! {}],
        "account.html" => [Some(MARK), None]
            .map(|name| context! { email => MARK, name, id => "usr_sample", since => time() })
            .to_vec(),
        "security.html" => vec![context! { email => MARK }],
        "devices.html" => {
            let device = |is_current: bool, address: &str, through: Option<&str>| {
                context! {
                    id => "ses_sample", name => MARK, address, is_current, signed_in => time(),
                    last_used => "a minute ago", strategy => "session", proven_by => "with a password",
                    holds => "a cookie", through,
                }
            };
            let here = device(true, MARK, None);
            let there = device(false, "", Some(MARK));
            [vec![here.clone()], vec![here, there]].map(|devices| context! { devices }).to_vec()
        }
        "jwt.html" => vec![context! { issuer => "https://id.example.com", rules => "{}" }],
        "tools.html" | "secrets.html" => vec![context! {}],
        "advise.html" => advice(),
        "problem.html" => vec![context! { title => MARK, advice => MARK, code => "not_found" }],
        _ => Vec::new(),
    }
}

/// The questions alone, and with a recommendation.
fn advice() -> Vec<Value> {
    let row = || context! { about => "size", session => "small", jwt => "large", hybrid => "large" };
    let topic = |answer: &str| {
        context! { key => "services", asks => "Several?", explains => "Each.", answer, yes => "speaks for tokens", why => "So." }
    };
    let report = context! {
        headline => "Just use sessions.",
        why => "So.",
        strategy => "session",
        groups => vec![context! { title => "Why", pulls => vec![context! { asks => "Several?", answer => "no", why => "So." }] }],
        cautions => vec![vec![context! { text => "One host.", is_code => false }, context! { text => "add", is_code => true }]],
        windows => vec![context! { strategy => "session", here => "none", followed => "little", otherwise => "none" }],
        configuration => MARK,
        lines => 3,
    };
    [(None, "unsure"), (Some(report), "yes")]
        .map(|(report, answer)| {
            let topics = vec![topic(answer)];
            context! { questions => topics.clone(), facts => topics, comparison => vec![row()], issuer => MARK, report }
        })
        .to_vec()
}

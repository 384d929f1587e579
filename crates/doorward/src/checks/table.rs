//! Every check there is, once: its id, how grave it is, what is wrong, and what to do. `docs/checks.md` is generated from
//! it.

pub mod tokens;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Somebody can use it against you.
    Error,
    /// It is weaker than it needs to be; there may be a reason.
    Warn,
    /// Worth a thought.
    Hint,
}

impl Grade {
    /// All grades, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warn, Self::Hint];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Hint => "hint",
        }
    }
}

/// A check. Ids are stable and never used for anything else.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// How grave it is.
    pub grade: Grade,
    /// What is wrong.
    pub sentence: &'static str,
    /// What to do.
    pub advice: &'static str,
}

const fn check(id: &'static str, grade: Grade, sentence: &'static str, advice: &'static str) -> Check {
    Check { id, grade, sentence, advice }
}

/// The issuer is plain http.
pub const ISSUER_HTTP: Check = check(
    "DW101",
    Grade::Warn,
    "The issuer is plain http: passwords, cookies and tokens travel in the open.",
    "Serve https, by a proxy or by Doorward, and set `issuer` to the https:// origin that people see.",
);
/// Sign-up is open.
pub const SIGNUP_OPEN: Check = check(
    "DW102",
    Grade::Warn,
    "Anybody can make an account for themselves.",
    "If that is not meant, set `signup = false` and add people with `doorward users add`.",
);
/// Hashes cost the least that is allowed.
pub const HASHING_FLOOR: Check = check(
    "DW103",
    Grade::Hint,
    "Passwords are hashed at the floor, 19 MiB and two passes: enough, and no more.",
    "If the machine has room, raise `hashing.memory_kib` or `hashing.passes`; hashes follow at the next sign-ins.",
);
/// Every address is a trusted proxy.
pub const PROXIES_ALL: Check = check(
    "DW104",
    Grade::Error,
    "Every address is a trusted proxy: anybody chooses the address they seem to come from, and meets no limit.",
    "List the addresses of your own proxies in `trusted_proxies`, and nothing else.",
);
/// A very wide range of proxies.
pub const PROXIES_WIDE: Check = check(
    "DW105",
    Grade::Warn,
    "A range of trusted proxies is wider than any private network: strangers may be in it.",
    "List the addresses of your own proxies in `trusted_proxies`.",
);
/// A proxy must be there and none is declared.
pub const PROXIES_NONE: Check = check(
    "DW106",
    Grade::Warn,
    "The issuer is https, Doorward speaks plain http, and no proxy is declared: everybody seems to come from the proxy, \
     and one network's limits hold for all together.",
    "Name the proxy in `trusted_proxies`; on the same machine that is `127.0.0.1`.",
);
/// Limits that limit nobody.
pub const THROTTLE_OFF: Check = check(
    "DW107",
    Grade::Warn,
    "The limits for one network are so wide that they slow nobody.",
    "Lower `throttle.burst` and `throttle.per_minute`; 60 and 30 are usual.",
);
/// Metrics for everybody.
pub const MANAGEMENT_OPEN: Check = check(
    "DW108",
    Grade::Warn,
    "The management port listens beyond this machine, and asks nobody who they are.",
    "Set `management.listen` to loopback, or see to it that only your instruments can reach it.",
);
/// Keys never turn by themselves.
pub const KEYS_STAY: Check = check(
    "DW109",
    Grade::Hint,
    "Keys do not turn by themselves.",
    "Set `keys.rotate_days`, 90 is usual, or run `doorward keys rotate` from time to time.",
);
/// A lost reply signs out.
pub const NO_LEEWAY: Check = check(
    "DW110",
    Grade::Warn,
    "There is no leeway for refresh tokens: a reply that is lost, or a second tab, signs people out.",
    "Set `refresh.leeway_seconds` to 10.",
);
/// A line for each request.
pub const LOG_CHATTY: Check = check(
    "DW111",
    Grade::Hint,
    "The log has a line for each request.",
    "Set `log_level` to `info` unless you are looking for something.",
);
/// The master key is in the environment.
pub const KEY_IN_ENVIRONMENT: Check = check(
    "DW112",
    Grade::Hint,
    "The master key is in the environment, where other programs of this user can read it.",
    "Put it into a file for this user alone, and name that with `master_key_file`.",
);
/// The master key before is still there.
pub const KEY_BEFORE: Check = check(
    "DW113",
    Grade::Hint,
    "The master key before is still configured.",
    "Once `doorward keys reseal` has gone through and the server was started anew, take `master_key_previous` away.",
);

/// The master key can be read by others.
pub const KEY_FILE_OPEN: Check = check(
    "DW201",
    Grade::Error,
    "The file of the master key can be read or changed by other users of this machine.",
    "Run `chmod 600` on it; if others were there, `doorward keys reseal` and rotate all keys.",
);
/// The database can be read by others.
pub const FILES_OPEN: Check = check(
    "DW202",
    Grade::Error,
    "Others on this machine can read the data folder or a file in it.",
    "Run `chmod 700` on the folder and `chmod 600` on the files.",
);
/// Key and lock in one place.
pub const KEY_BESIDE_DATABASE: Check = check(
    "DW203",
    Grade::Warn,
    "The master key lies in the data folder: whoever gets a copy of the folder has both.",
    "Keep it elsewhere, and out of the copies of the database.",
);
/// The key of the certificate can be read by others.
pub const TLS_KEY_OPEN: Check = check(
    "DW204",
    Grade::Error,
    "Others on this machine can read the private key of the certificate.",
    "Run `chmod 600` on it; if others were there, get another certificate with another key.",
);

/// A demo.
pub const DEMO: Check = check(
    "DW301",
    Grade::Error,
    "This is a demo of `doorward dev`: its account has a password that everybody knows.",
    "For people, begin anew with `doorward serve` in a folder of its own.",
);
/// The account of the demo.
pub const DEMO_ACCOUNT: Check = check(
    "DW302",
    Grade::Error,
    "The account of the demo is there; everybody knows its password.",
    "Run `doorward users suspend ada@example.test`, or set another password.",
);
/// The clients of the demo.
pub const DEMO_CLIENTS: Check = check(
    "DW303",
    Grade::Warn,
    "A client of the demo is there and switched on.",
    "Run `doorward clients set ID --disable`.",
);

/// Long-lived credentials in the reach of scripts.
pub const SECRETS_IN_SCRIPTS: Check = check(
    "DW401",
    Grade::Error,
    "A page gets long-lived credentials in the body, where only scripts can keep them: in localStorage, within reach of \
     every script that gets in (S3-12).",
    "Take `body` from the transports of the client: a cookie that no script can read does the same.",
);
/// Access tokens in the reach of scripts.
pub const TOKENS_IN_SCRIPTS: Check = check(
    "DW402",
    Grade::Warn,
    "A page gets access tokens in the body: scripts must keep them, and one that gets in has them until they run out \
     (S3-12).",
    "Keep them in memory and never in localStorage, or give the client the strategy `session`, or `hybrid` by cookie.",
);
/// Access tokens that live too long.
pub const ACCESS_TOO_LONG: Check = check(
    "DW403",
    Grade::Error,
    "Access tokens live longer than 60 minutes; verifiers refuse them (S3-13).",
    "Run `doorward clients set ID --access-minutes 15`.",
);
/// Long ones without a refresh token.
pub const ACCESS_LONG_ALONE: Check = check(
    "DW404",
    Grade::Warn,
    "Access tokens live longer than 15 minutes, and nothing but them is held: a stolen one works that long wherever the \
     revocation feed is not followed (S3-13).",
    "Give the client the strategy `hybrid`, or shorter tokens with `--access-minutes`.",
);
/// Things in tokens that are nobody's business.
pub const CLAIMS_TELL: Check = check(
    "DW405",
    Grade::Warn,
    "A scope or an audience looks like personal data or like a secret. It stands in every token, and base64 is no \
     encryption: whoever holds a token can read it (S3-14).",
    "Name permissions and services in tokens, and look facts about people up where they are needed.",
);
/// Any origin.
pub const ORIGIN_WILD: Check = check(
    "DW406",
    Grade::Error,
    "An origin of the client has a wildcard: pages of others may call with people's cookies.",
    "List exact origins: `doorward clients set ID --origins https://app.example.com`.",
);
/// An origin that anybody on the way can be.
pub const ORIGIN_HTTP: Check = check(
    "DW407",
    Grade::Warn,
    "An origin of the client is plain http: whoever is on the way can be that page.",
    "Serve the application over https, and list that origin.",
);
/// A shared secret.
pub const SHARED_SECRET: Check = check(
    "DW408",
    Grade::Warn,
    "HS256 signs with a shared secret: whoever verifies these tokens can also make them.",
    "Run `doorward clients set ID --algorithm ES256`; verifiers then need public keys alone.",
);
/// A secret that several share.
pub const SHARED_BY_SEVERAL: Check = check(
    "DW409",
    Grade::Error,
    "HS256 tokens are for more than one audience: each of them can make tokens for the others.",
    "Run `doorward clients set ID --algorithm ES256`.",
);
/// Attempts cannot be told from thefts.
pub const ATTEMPTS_OPTIONAL: Check = check(
    "DW410",
    Grade::Hint,
    "The client may refresh without attempt keys: a theft of its refresh tokens is noticed later.",
    "Once the application sends `Idempotency-Key`, run `doorward clients set ID --attempt-key required`.",
);
/// Two secrets.
pub const TWO_SECRETS: Check = check(
    "DW411",
    Grade::Hint,
    "The client has two secrets: one is being replaced.",
    "Take the old one away when nothing uses it any more.",
);

/// The feed allows more time than was asked for.
pub const ASKED_BOUND: Check = check(
    "DW501",
    Grade::Warn,
    "Sign-outs are to take effect at once (`asked`), and services may trust what they know for longer than 3 seconds.",
    "Lower `feed.lease_most_ms` and `feed.grace_most_ms`: both together are the bound.",
);
/// Long sessions by default, where rules are strict.
pub const ASKED_PROFILE: Check = check(
    "DW502",
    Grade::Warn,
    "Strict rules apply (`asked`), and clients that are added get longer sessions than they allow.",
    "Set `session.profile` to `strict`.",
);
/// Tokens that nobody hears the end of.
pub const ASKED_AT_ONCE: Check = check(
    "DW503",
    Grade::Warn,
    "Sign-outs are to take effect at once (`asked`), and nobody follows the feed for an audience of this client's tokens: there \
     an ended token works until it runs out.",
    "Run `doorward verifiers add NAME --audience AUDIENCE` and let the service follow, or give the client the strategy `session`.",
);
/// Long sessions of a client, where rules are strict.
pub const ASKED_STRICT: Check = check(
    "DW504",
    Grade::Warn,
    "Strict rules apply (`asked`), and sessions of this client live longer than 15 minutes without use or 12 hours in all.",
    "Run `doorward clients set ID --profile strict`.",
);
/// Tokens that live long where nobody can be told.
pub const ASKED_UNTOLD: Check = check(
    "DW505",
    Grade::Warn,
    "Sign-outs are to take effect at once and code runs in functions (`asked`), which follow no feed: there the access tokens of \
     this client work for longer than 5 minutes after their end.",
    "Run `doorward clients set ID --access-minutes 5`.",
);
/// Tokens where none were needed.
pub const ASKED_SESSIONS: Check = check(
    "DW506",
    Grade::Hint,
    "What was `asked` needs no token, and this client hands them out.",
    "Run `doorward clients set ID --strategy session`, or say what else is so in `asked`.",
);

/// Every check, in the order of ids.
pub const CHECKS: &[&Check] = &[
    &ISSUER_HTTP,
    &SIGNUP_OPEN,
    &HASHING_FLOOR,
    &PROXIES_ALL,
    &PROXIES_WIDE,
    &PROXIES_NONE,
    &THROTTLE_OFF,
    &MANAGEMENT_OPEN,
    &KEYS_STAY,
    &NO_LEEWAY,
    &LOG_CHATTY,
    &KEY_IN_ENVIRONMENT,
    &KEY_BEFORE,
    &KEY_FILE_OPEN,
    &FILES_OPEN,
    &KEY_BESIDE_DATABASE,
    &TLS_KEY_OPEN,
    &DEMO,
    &DEMO_ACCOUNT,
    &DEMO_CLIENTS,
    &SECRETS_IN_SCRIPTS,
    &TOKENS_IN_SCRIPTS,
    &ACCESS_TOO_LONG,
    &ACCESS_LONG_ALONE,
    &CLAIMS_TELL,
    &ORIGIN_WILD,
    &ORIGIN_HTTP,
    &SHARED_SECRET,
    &SHARED_BY_SEVERAL,
    &ATTEMPTS_OPTIONAL,
    &TWO_SECRETS,
    &ASKED_BOUND,
    &ASKED_PROFILE,
    &ASKED_AT_ONCE,
    &ASKED_STRICT,
    &ASKED_UNTOLD,
    &ASKED_SESSIONS,
];

/// The text of `docs/checks.md`.
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for check in CHECKS.iter().chain(&tokens::ALL) {
        let Check { id, grade, sentence, advice } = check;
        text.push_str(&format!("\n### {id}\n\n{}. {sentence}\n\n{advice}\n", grade.name()));
    }
    text
}

const HEAD: &str = "# Checks

<!-- Written by `cargo xtask docs` from the table of checks; change it there. -->

`doorward check` settles the configuration as `doorward serve` would, looks at the files, and asks the database about its
clients, through the running server or by itself. It tells what somebody could use against you (`error`), what is weaker
than it needs to be (`warn`), and what is worth a thought (`hint`), each with what to do. It ends with code 1 if there is an
error, with 3 if the configuration cannot be settled, and with 0 otherwise; `--format json` is for programs. A folder that
holds its own master key is taken for a demo's, and settled as `doorward dev` does.

An id is never used for anything else. DW1xx are about the configuration, DW2xx about files, DW3xx about what a demo leaves
behind, DW4xx about clients, DW5xx about what was `asked` of `doorward advise`. DW6xx are the twelve that `doorward jwt lint`
looks for in a token, whoever made it; whether it is true is not asked.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_once_and_in_order() {
        let all: Vec<&str> = CHECKS.iter().chain(&tokens::ALL).map(|check| check.id).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
    }
}

//! Every key there is, once: its names, what it takes, its defaults, and its sentence in `docs/configuration.md`.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// Texts: an array in the file, with commas between them elsewhere.
    List,
    /// A secret: never in the file, never shown.
    Secret,
}

impl Takes {
    /// In words, with the article.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::Number => "a whole number",
            Self::List => "a list of texts",
            Self::Secret => "a secret",
        }
    }
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file; a dot stands between section and key.
    pub name: &'static str,
    /// Its name in the environment.
    pub variable: &'static str,
    /// Its flag, if it has one.
    pub flag: Option<&'static str>,
    /// What it takes.
    pub takes: Takes,
    /// What it is for `serve` if nothing is said.
    pub serve: Option<&'static str>,
    /// What it is for `dev` if nothing is said.
    pub dev: Option<&'static str>,
    /// What happens if there is neither a word nor a default.
    pub otherwise: &'static str,
    /// What it is for: one or two sentences.
    pub sentence: &'static str,
}

const fn key(name: &'static str, variable: &'static str, takes: Takes, sentence: &'static str) -> Key {
    Key { name, variable, flag: None, takes, serve: None, dev: None, otherwise: "", sentence }
}

impl Key {
    const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn always(self, default: &'static str) -> Self {
        Self { serve: Some(default), dev: Some(default), ..self }
    }

    const fn by_mode(self, serve: &'static str, dev: &'static str) -> Self {
        Self { serve: Some(serve), dev: Some(dev), ..self }
    }

    const fn otherwise(self, words: &'static str) -> Self {
        Self { otherwise: words, ..self }
    }

    /// The key of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key of a variable.
    pub fn of_variable(variable: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.variable == variable)
    }
}

/// All keys, in the order of the document.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        "DOORWARD_LISTEN",
        Takes::Text,
        "The address of the public port: `HOST:PORT`, or `:PORT` on loopback. Port 0 takes any free one. `dev` serves \
         loopback only.",
    )
    .flag("--listen")
    .always("127.0.0.1:8420"),
    key(
        "management.listen",
        "DOORWARD_MANAGEMENT_LISTEN",
        Takes::Text,
        "The address of the management port, where `/metrics`, `/healthz` and `/readyz?verbose` are: `HOST:PORT`, `:PORT` \
         on loopback, or `off`. It asks nobody who they are: keep it from strangers.",
    )
    .otherwise(
        "`127.0.0.1:8421`; any free port of loopback where the public port is 0, and with `dev` also where another \
         process has 8421",
    ),
    key(
        "issuer",
        "DOORWARD_ISSUER",
        Takes::Text,
        "The origin under which this realm is known: `iss` of its tokens and their default audience. `https://`, or \
         `http://` on loopback, without a path.",
    )
    .flag("--issuer")
    .otherwise("`dev`: `http://localhost:PORT`; `serve`: required"),
    key(
        "data",
        "DOORWARD_DATA",
        Takes::Text,
        "The data folder: database, lock, socket of the command line, and with `dev` the master key.",
    )
    .flag("--data")
    .by_mode("/var/lib/doorward", ".doorward"),
    key(
        "master_key",
        "DOORWARD_MASTER_KEY",
        Takes::Secret,
        "The key that seals all others: 32 random bytes in base64url, 43 characters. Only in the environment.",
    )
    .otherwise("`dev`: `master.key` in the data folder, made if missing; `serve`: required here or as a file"),
    key("master_key_file", "DOORWARD_MASTER_KEY_FILE", Takes::Text, "A file that holds the master key instead.")
        .flag("--master-key-file")
        .otherwise("see `master_key`"),
    key(
        "master_key_previous",
        "DOORWARD_MASTER_KEY_PREVIOUS",
        Takes::Secret,
        "The master key before, while it is being replaced: what it seals is sealed under `master_key` at the start. Only in \
         the environment.",
    )
    .otherwise("none"),
    key(
        "master_key_previous_file",
        "DOORWARD_MASTER_KEY_PREVIOUS_FILE",
        Takes::Text,
        "A file that holds the master key before instead.",
    )
    .otherwise("none"),
    key("signup", "DOORWARD_SIGNUP", Takes::Flag, "May anybody make an account for themselves?")
        .by_mode("false", "true"),
    key(
        "templates",
        "DOORWARD_TEMPLATES",
        Takes::Text,
        "A folder of templates that stand in for those of the pages, by their names: see `docs/templates.md`. All are drawn \
         with samples at the start; what is wrong with them is told like any other problem of the configuration.",
    )
    .otherwise("the pages are as they come"),
    key(
        "asked",
        "DOORWARD_ASKED",
        Takes::List,
        "What was answered with yes to `doorward advise`, by its names, such as `revocation`: `doorward check` holds this \
         configuration and the clients to it. Nothing else reads it.",
    )
    .otherwise("nothing was asked for"),
    key("log_format", "DOORWARD_LOG_FORMAT", Takes::Text, "The form of log lines on stderr: `text` or `json`.")
        .flag("--log-format")
        .always("text"),
    key(
        "log_level",
        "DOORWARD_LOG_LEVEL",
        Takes::Text,
        "The least grave lines that are logged: `error`, `warn`, `info`, `debug` or `trace`. No level logs secrets.",
    )
    .flag("--log-level")
    .always("info"),
    key("hashing.threads", "DOORWARD_HASHING_THREADS", Takes::Number, "How many passwords are hashed at a time.")
        .otherwise("as many as there are cores"),
    key(
        "hashing.memory_kib",
        "DOORWARD_HASHING_MEMORY_KIB",
        Takes::Number,
        "The memory of one password hash (Argon2id) in KiB: 19456 to 1048576. Each hashing thread holds as much.",
    )
    .always("19456"),
    key("hashing.passes", "DOORWARD_HASHING_PASSES", Takes::Number, "The passes of one password hash: 2 to 16.")
        .always("2"),
    key("cache.records", "DOORWARD_CACHE_RECORDS", Takes::Number, "The most sessions kept in memory: 1 to 100000000.")
        .always("100000"),
    key(
        "refresh.leeway_seconds",
        "DOORWARD_REFRESH_LEEWAY_SECONDS",
        Takes::Number,
        "How long a retired refresh token still gets the current one if it comes with its attempt key: 0 to 60.",
    )
    .always("10"),
    key(
        "trusted_proxies",
        "DOORWARD_TRUSTED_PROXIES",
        Takes::List,
        "The proxies in front of Doorward, as addresses or ranges such as `10.0.0.0/8`: what they append to \
         `X-Forwarded-For` is believed, and what anybody else says there is not. An array in the file, elsewhere with \
         commas between them.",
    )
    .otherwise("nobody is believed: a caller's address is that of the connection"),
    key(
        "tls.cert_file",
        "DOORWARD_TLS_CERT_FILE",
        Takes::Text,
        "A file with the certificate of the public port in PEM, and those behind it up to the root: then it speaks TLS 1.2 and \
         1.3 and nothing else. Both files are looked at every 10 seconds, and at once when the process gets SIGHUP; \
         connections that are there go on.",
    )
    .otherwise("plain http, which `serve` takes on loopback or behind `trusted_proxies` alone"),
    key("tls.key_file", "DOORWARD_TLS_KEY_FILE", Takes::Text, "A file with the certificate's private key in PEM.")
        .otherwise("needed where `tls.cert_file` is set"),
    key(
        "connections.most",
        "DOORWARD_CONNECTIONS_MOST",
        Takes::Number,
        "The most connections of the public port at a time: 1 to 1000000. The system's limit on open files is raised as far \
         as it lets itself be; where it is lower, it counts.",
    )
    .always("10000"),
    key(
        "connections.per_network",
        "DOORWARD_CONNECTIONS_PER_NETWORK",
        Takes::Number,
        "The most of them from one IPv4 address or one /64 of IPv6: 1 to 1000000. Loopback and `trusted_proxies` have no \
         such limit.",
    )
    .always("2500"),
    key(
        "throttle.burst",
        "DOORWARD_THROTTLE_BURST",
        Takes::Number,
        "How many sign-ins in a row one network may try, and as many sign-ups, as many refreshes with tokens that are \
         none of ours, and as many sessions of guests: 1 to 100000. A network is an IPv4 address or a /64 of IPv6. Wrong passwords of one account are \
         slowed besides, from the sixth on, wherever they come from.",
    )
    .by_mode("60", "100000"),
    key(
        "throttle.per_minute",
        "DOORWARD_THROTTLE_PER_MINUTE",
        Takes::Number,
        "How many of them one network may try a minute in the long run: 1 to 60000.",
    )
    .by_mode("30", "60000"),
    key(
        "session.profile",
        "DOORWARD_SESSION_PROFILE",
        Takes::Text,
        "The lifetimes of clients that the command line adds without saying: `relaxed` (14 days unused, 30 days in all, \
         90 for native applications), `standard` (1 hour, 24 hours) or `strict` (15 minutes, 12 hours).",
    )
    .always("relaxed"),
    key(
        "feed.budget",
        "DOORWARD_FEED_BUDGET",
        Takes::Number,
        "The most entries that a verifier has to hold: 10000 to 1500000. What is revoked beyond that is said more \
         coarsely, never left out: more tokens than necessary have to be renewed.",
    )
    .always("1000000"),
    key(
        "feed.lease_most_ms",
        "DOORWARD_FEED_LEASE_MOST_MS",
        Takes::Number,
        "The longest time in milliseconds for which a verifier may trust what it knows once it hears nothing more: 500 to \
         60000. A revocation takes effect everywhere after so long and the longest grace at the latest.",
    )
    .always("3000"),
    key(
        "feed.grace_most_ms",
        "DOORWARD_FEED_GRACE_MOST_MS",
        Takes::Number,
        "How many milliseconds longer a route of a verifier may go on accepting after that: 0 to 3600000.",
    )
    .always("0"),
    key(
        "feed.connections",
        "DOORWARD_FEED_CONNECTIONS",
        Takes::Number,
        "The most verifiers that listen at a time: 1 to 100000. Copies of one may be three quarters of them. One more is asked to come later.",
    )
    .always("2000"),
    key(
        "keys.rotate_days",
        "DOORWARD_KEYS_ROTATE_DAYS",
        Takes::Number,
        "How many days a signing key or a refresh secret is in use before the next one takes over by itself: 1 to 3650, or \
         0 for never. Shared secrets (HS256) and handle keys turn only by hand.",
    )
    .always("90"),
    key(
        "keys.feed_only",
        "DOORWARD_KEYS_FEED_ONLY",
        Takes::List,
        "The audiences all of whose verifiers follow the feed, none of them a library that fetches key sets by itself. Where \
         all tokens of an algorithm are for such, a new key of it signs as soon as every verifier has said that it holds it; \
         otherwise, after its ten minutes.",
    )
    .otherwise("none"),
];

/// The text of `docs/configuration.md`.
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for key in KEYS {
        let flag = key.flag.map_or_else(String::new, |flag| format!(" · flag `{flag}`"));
        let file = if key.takes == Takes::Secret { "not in the file · " } else { "" };
        let default = match (key.serve, key.dev) {
            (Some(serve), Some(dev)) if serve == dev => format!("default `{serve}`"),
            (Some(serve), Some(dev)) => format!("default `{serve}`, with `dev` `{dev}`"),
            _ => format!("otherwise {}", key.otherwise),
        };
        let takes = key.takes.words();
        let names = format!("{file}environment `{}`{flag}", key.variable);
        text.push_str(&format!("\n### `{}`\n\n{}\n\n{names} · takes {takes} · {default}\n", key.name, key.sentence));
    }
    text
}

const HEAD: &str = "# Configuration

<!-- Written by `cargo xtask docs` from the table of keys; change it there. -->

Defaults give way to the file, the file to the environment, the environment to flags. `doorward serve` reads
`/etc/doorward/doorward.toml` if it is there, or the file of `--config`; `doorward dev` reads a file only if `--config`
names one. A key `a.b` stands as `b` in the section `[a]` of the file, or as `a.b` before all sections.

A key or a variable `DOORWARD_…` that is not in this list is an error, as is a value of the wrong kind. All problems are
told at once, each with its place, and the program ends with code 3.

The master key can be given as text or as a file (`DOORWARD_MASTER_KEY`, `DOORWARD_MASTER_KEY_FILE`); both at once is an
error. One is made with `(umask 077; doorward generate secret > master.key)`. Without
it the keys in the database cannot be opened: keep a copy of it, and not beside the copies of the database.

It is replaced while the server runs: `doorward keys reseal --new-master-key-file FILE` seals everything under the new key
too; put that into the place of the old one, and the next start takes the old one out of the database. Until then either
opens everything. Or, at a start: give the new one as `master_key` and the old one as `master_key_previous`.

## Keys
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_name_and_one_variable_made_from_it() {
        for (place, key) in KEYS.iter().enumerate() {
            assert_eq!(key.variable, format!("DOORWARD_{}", key.name.replace('.', "_").to_uppercase()));
            assert!(KEYS[..place].iter().all(|other| other.name != key.name), "{} stands twice", key.name);
            assert_eq!(key.serve.is_some(), key.dev.is_some(), "{}", key.name);
            assert_eq!(key.serve.is_none(), !key.otherwise.is_empty(), "{}: a default or words", key.name);
        }
    }
}

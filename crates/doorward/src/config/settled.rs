//! The second stage: typed settings, or everything that is wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use doorward_core::Lifetime;
use doorward_core::advice::Answers;
use doorward_core::base64url;
use doorward_core::budget::{LEAST, MOST};
use doorward_core::password::Cost;
use doorward_core::policy::{Profile, RefreshPolicy};
use doorward_core::secret::Secret;
use doorward_core::throttle::Rate;
use doorward_core::verifier;
use zeroize::Zeroizing;

use super::Mode;
use super::cidr::Cidr;
use super::problem::{Place, Problem, Problems};
use super::raw::{Found, Raw, Value};
use super::table::Key;
use crate::advice::Asked;
use crate::door::Settings;
use crate::http::pages::look::Look;
use crate::http::pages::overrides;
use crate::hub::FeedSettings;
use crate::listener::bounds::Bounds;
use crate::listener::tls::TlsFiles;
use crate::throttle::Limits;

/// Everything settled.
#[derive(Debug)]
pub struct Settled {
    /// The public port.
    pub listen: SocketAddr,
    /// The management port.
    pub management: Management,
    /// The issuer; `None` only where it follows from the port.
    pub issuer: Option<String>,
    /// The data folder.
    pub data: PathBuf,
    /// The master key; `None` where the data folder holds one.
    pub master: Option<Secret>,
    /// The master key before, while it is being replaced.
    pub master_previous: Option<Secret>,
    /// May anybody sign up?
    pub signup_open: bool,
    /// How to log.
    pub log: Log,
    /// How many passwords are hashed at a time.
    pub hash_threads: usize,
    /// What a hash costs.
    pub hash_cost: Cost,
    /// The most session records in memory.
    pub cache_records: usize,
    /// Windows of the refresh rule.
    pub refresh: RefreshPolicy,
    /// Limits against guessing.
    pub throttle: Limits,
    /// The proxies whose word on addresses is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Lifetimes of new clients.
    pub profile: Profile,
    /// Bounds of the public port.
    pub bounds: Bounds,
    /// What verifiers are granted.
    pub feed: FeedSettings,
    /// How long a key is in use before the next one takes over by itself.
    pub rotate_every: Option<Lifetime>,
    /// The audiences all of whose verifiers follow the feed.
    pub feed_only: Vec<Audience>,
    /// What pages look like.
    pub look: Look,
    /// Where its certificate and key stand.
    pub tls: Option<TlsFiles>,
    /// What was answered with yes to `doorward advise`.
    pub asked: Answers,
}

/// Where the management port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// Where it is usual; nothing was said.
    Usual,
    /// There.
    At(SocketAddr),
    /// Nowhere.
    Off,
}

/// Where the management port is usual.
pub const MANAGEMENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8421);

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// As JSON?
    pub json: bool,
    /// The least grave lines that are written.
    pub level: tracing::Level,
}

impl Settled {
    /// What the door needs of this.
    pub fn settings(&self, issuer: String) -> Settings {
        Settings {
            issuer,
            signup_open: self.signup_open,
            refresh: self.refresh,
            cache_records: self.cache_records,
            throttle: self.throttle,
            trusted_proxies: self.trusted_proxies.clone(),
            feed: self.feed,
            rotate_every: self.rotate_every,
            feed_only: self.feed_only.iter().map(|audience| audience.0.clone()).collect(),
        }
    }
}

/// Settles what was said.
///
/// # Errors
/// All problems, those of the first stage first.
pub fn settle(raw: Raw, mode: Mode) -> Result<Settled, Problems> {
    let mut settling = Settling { raw, mode };
    let settled = Settled {
        listen: settling.text("listen", LOOPBACK, |text| listen(text, mode)),
        management: settling.management(),
        issuer: settling.issuer(),
        data: settling.text("data", PathBuf::new(), |text| match text {
            "" => Err(String::from("it is empty")),
            text => Ok(PathBuf::from(text)),
        }),
        master: settling.master(),
        master_previous: settling.master_key("master_key_previous"),
        signup_open: settling.flag("signup"),
        log: settling.log(),
        hash_threads: settling.threads(),
        // Above these limits we would refuse to verify what we hashed.
        hash_cost: Cost {
            memory_kib: settling.number("hashing.memory_kib", 19_456..=1_048_576),
            passes: settling.number("hashing.passes", 2..=16),
            lanes: Cost::FLOOR.lanes,
        },
        cache_records: settling.number::<u32>("cache.records", 1..=100_000_000) as usize,
        refresh: RefreshPolicy {
            leeway: Lifetime::from_secs(settling.number("refresh.leeway_seconds", 0..=60)),
            ..RefreshPolicy::default()
        },
        throttle: Limits {
            rate: Rate {
                burst: settling.number("throttle.burst", 1..=100_000),
                every: Lifetime::from_millis(
                    60_000 / settling.number::<i64>("throttle.per_minute", 1..=60_000).max(1),
                ),
            },
            ..Limits::default()
        },
        trusted_proxies: settling.list("trusted_proxies"),
        look: settling.look(),
        profile: settling.text("session.profile", Profile::Relaxed, |text| {
            Profile::from_name(text).ok_or_else(|| String::from("it is `relaxed`, `standard` or `strict`"))
        }),
        bounds: settling.bounds(),
        feed: FeedSettings {
            budget: settling.number::<u32>("feed.budget", LEAST as i64..=MOST as i64) as usize,
            lease_most: Lifetime::from_millis(settling.number("feed.lease_most_ms", 500..=60_000)),
            grace_most: Lifetime::from_millis(settling.number("feed.grace_most_ms", 0..=3_600_000)),
            connections: settling.number::<u32>("feed.connections", 1..=100_000) as usize,
        },
        feed_only: settling.list("keys.feed_only"),
        rotate_every: Some(settling.number("keys.rotate_days", 0..=3650))
            .filter(|days| *days > 0)
            .map(Lifetime::from_days),
        tls: settling.tls(),
        asked: settling.asked(),
    };
    settling.in_the_open(&settled);
    let problems = settling.raw.problems;
    if problems.is_empty() { Ok(settled) } else { Err(Problems(problems)) }
}

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The second stage at work. Where something is wrong a stand-in is given, and never leaves [`settle`].
struct Settling {
    raw: Raw,
    mode: Mode,
}

impl Settling {
    fn wrong(&mut self, name: &str, why: &str, place: Place) {
        self.raw.problems.push(Problem::new(format!("`{name}` cannot be that: {why}"), place));
    }

    fn text<T>(&mut self, name: &str, otherwise: T, read: impl FnOnce(&str) -> Result<T, String>) -> T {
        let Some(Found { value: Value::Text(text), place }) = self.raw.found.get(name) else { return otherwise };
        let place = place.clone();
        match read(text) {
            Ok(read) => read,
            Err(why) => {
                self.wrong(name, &why, place);
                otherwise
            }
        }
    }

    /// Every part that cannot be read is a problem of its own.
    fn list<T: FromStr<Err = String>>(&mut self, name: &str) -> Vec<T> {
        let Some(Found { value: Value::List(parts), place }) = self.raw.found.get(name).cloned() else {
            return Vec::new();
        };
        let mut read = Vec::new();
        for part in &parts {
            match part.parse::<T>() {
                Ok(part) => read.push(part),
                Err(why) => self.wrong(name, &why, place.clone()),
            }
        }
        read
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.raw.found.get(name), Some(Found { value: Value::Flag(true), .. }))
    }

    fn number<T: TryFrom<i64> + Default>(&mut self, name: &str, range: RangeInclusive<i64>) -> T {
        let Some(Found { value: Value::Number(number), place }) = self.raw.found.get(name) else {
            return T::default();
        };
        let (number, place) = (*number, place.clone());
        if let (true, Ok(number)) = (range.contains(&number), T::try_from(number)) {
            return number;
        }
        self.wrong(name, &format!("{number} is not from {} to {}", range.start(), range.end()), place);
        T::default()
    }

    fn asked(&mut self) -> Answers {
        let topics = self.list::<Asked>("asked");
        Answers::yes_to(&topics.iter().map(|asked| asked.0).collect::<Vec<_>>())
    }

    /// The templates in use. A verb draws no page.
    fn look(&mut self) -> Look {
        let Some(Found { value: Value::Text(folder), .. }) = self.raw.found.get("templates") else {
            return Look::ours();
        };
        if self.mode == Mode::Verb {
            return Look::ours();
        }
        overrides::read(Path::new(folder)).unwrap_or_else(|problems| {
            self.raw.problems.extend(problems);
            Look::ours()
        })
    }

    fn management(&mut self) -> Management {
        let mode = self.mode;
        self.text("management.listen", Management::Usual, |text| match text {
            "off" => Ok(Management::Off),
            text => listen(text, mode).map(Management::At),
        })
    }

    fn log(&mut self) -> Log {
        Log {
            json: self.text("log_format", false, |text| match text {
                "text" => Ok(false),
                "json" => Ok(true),
                _ => Err(String::from("it is `text` or `json`")),
            }),
            level: self.text("log_level", tracing::Level::INFO, |text| {
                let known = ["error", "warn", "info", "debug", "trace"].contains(&text);
                text.parse()
                    .ok()
                    .filter(|_| known)
                    .ok_or_else(|| String::from("it is error, warn, info, debug or trace"))
            }),
        }
    }

    fn threads(&mut self) -> usize {
        if self.raw.found.contains_key("hashing.threads") {
            return self.number::<u32>("hashing.threads", 1..=1024) as usize;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn issuer(&mut self) -> Option<String> {
        if !self.raw.found.contains_key("issuer") && self.mode == Mode::Serve {
            let advice = "set it to the origin that people see, such as issuer = \"https://id.example.com\"";
            self.missing("issuer", advice);
        }
        self.text("issuer", None, |text| issuer(text).map(Some))
    }

    fn master(&mut self) -> Option<Secret> {
        let said = ["master_key", "master_key_file"].iter().any(|name| self.raw.found.contains_key(name));
        if self.mode == Mode::Serve && !said {
            self.missing("master_key", HOW_TO_MAKE_ONE);
        }
        self.master_key("master_key")
    }

    fn master_key(&mut self, name: &str) -> Option<Secret> {
        let Found { value: Value::Secret(text), place } = self.raw.found.get(name)? else { return None };
        let (read, place) = (master_key(text), place.clone());
        if read.is_none() {
            self.wrong(name, "it is 32 bytes in base64url: 43 characters and nothing else", place);
        }
        read
    }

    fn bounds(&mut self) -> Bounds {
        Bounds {
            connections: self.number::<u32>("connections.most", 1..=1_000_000) as usize,
            per_network: self.number::<u32>("connections.per_network", 1..=1_000_000) as usize,
            ..Bounds::default()
        }
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        let file = |settling: &mut Self, name| settling.text(name, None, |text| Ok(Some(PathBuf::from(text))));
        match (file(self, "tls.cert_file"), file(self, "tls.key_file")) {
            (Some(cert_file), Some(key_file)) => Some(TlsFiles { cert_file, key_file }),
            (None, None) => None,
            (Some(_), None) => {
                self.missing("tls.key_file", "a certificate needs its private key");
                None
            }
            (None, Some(_)) => {
                self.missing("tls.cert_file", "a private key needs its certificate");
                None
            }
        }
    }

    /// Passwords and tokens do not travel in the open: neither from people to us, nor by what we say of ourselves.
    fn in_the_open(&mut self, settled: &Settled) {
        let place = |name| self.raw.found.get(name).map_or(Place::Missing, |found| found.place.clone());
        let (listen, issuer) = (place("listen"), place("issuer"));
        if self.mode == Mode::Serve
            && !settled.listen.ip().is_loopback()
            && settled.tls.is_none()
            && settled.trusted_proxies.is_empty()
        {
            let address = settled.listen;
            let what =
                format!("`listen` cannot be that: {address} is open to others, and plain http is for loopback alone");
            let advice = "set tls.cert_file and tls.key_file, or name the proxy that speaks TLS in trusted_proxies";
            self.raw.problems.push(Problem::new(what, listen).advise(advice));
        }
        if settled.tls.is_some() && settled.issuer.as_ref().is_some_and(|issuer| issuer.starts_with("http://")) {
            self.wrong("issuer", "the port speaks https, so it begins with https://", issuer);
        }
    }

    fn missing(&mut self, name: &str, advice: &str) {
        let variable = Key::named(name).map_or("", |key| key.variable);
        let problem = Problem::new(format!("`{name}` is needed and missing"), Place::Missing);
        self.raw.problems.push(problem.advise(format!("{advice} (or by {variable})")));
    }
}

/// What to do about a missing master key.
const HOW_TO_MAKE_ONE: &str = "make one with `(umask 077; doorward generate secret > \
     /etc/doorward/master.key)` and name it: master_key_file = \"/etc/doorward/master.key\"";

/// Reads a master key: 43 characters of base64url, and perhaps the end of their line.
pub fn master_key(text: &str) -> Option<Secret> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let bytes = Zeroizing::new(base64url::decode(text)?);
    Some(Secret::from_bytes(<[u8; 32]>::try_from(&bytes[..]).ok()?))
}

fn listen(text: &str, mode: Mode) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').ok_or("it is HOST:PORT or :PORT")?;
    let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    let address = match host {
        "" | "localhost" => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        _ => text.parse().map_err(|_| format!("`{host}` is no address; names are not looked up"))?,
    };
    if mode == Mode::Dev && !address.ip().is_loopback() {
        let demo = "a demo with a known password binds loopback only";
        return Err(format!("{address} is open to others, and {demo}: take 127.0.0.1:{port}, or `doorward serve`"));
    }
    Ok(address)
}

/// Whom tokens are for, as it stands in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(pub String);

impl FromStr for Audience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match verifier::audiences(vec![text.to_owned()]) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(format!("`{text}` is no audience: it has no spaces, and is not longer than 256 bytes")),
        }
    }
}

/// Reads an issuer: an origin of https, or of http on loopback.
///
/// # Errors
/// What is wrong with it, in words.
pub fn issuer(text: &str) -> Result<String, String> {
    let (scheme, authority) = text.split_once("://").ok_or("it begins with https://")?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(plain) {
        return Err(String::from("it is scheme://host or scheme://host:port, in lower case, with nothing behind"));
    }
    match scheme {
        "https" => Ok(text.to_owned()),
        "http" if is_loopback(authority) => Ok(text.to_owned()),
        "http" => {
            Err(String::from("plain http is for loopback alone: tokens and passwords would travel in the open"))
        }
        _ => Err(format!("`{scheme}` is no scheme of an issuer; it begins with https://")),
    }
}

/// Is this host (with or without its port) the machine itself?
pub fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

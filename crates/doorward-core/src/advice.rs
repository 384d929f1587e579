//! Which strategy, and why: answers about a system go in, a recommendation with its reasons comes out. Every answer says
//! what it pulls towards; where answers pull both ways the recommendation is the hybrid, and both sides are named.

pub mod comparison;
mod topics;

pub use self::topics::{Pull, Topic};
use crate::client::{Strategy, Transport};
use crate::policy::{ACCESS_DEFAULT, Profile};
use doorward_verify::Lifetime;

/// What was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// Nobody knows, or nobody was asked.
    #[default]
    Unsure,
}

impl Answer {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Unsure];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unsure => "unsure",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}

/// An answer to each topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers([Answer; Topic::ALL.len()]);

impl Answers {
    /// Yes to these, and nothing said of the others.
    pub fn yes_to(topics: &[Topic]) -> Self {
        topics.iter().fold(Self::default(), |answers, topic| answers.with(*topic, Answer::Yes))
    }

    /// The same with an answer to a topic.
    #[must_use]
    pub const fn with(mut self, topic: Topic, answer: Answer) -> Self {
        self.0[topic as usize] = answer;
        self
    }

    /// The answer to a topic.
    pub const fn to(&self, topic: Topic) -> Answer {
        self.0[topic as usize]
    }

    /// Was a topic answered with yes?
    pub const fn says(&self, topic: Topic) -> bool {
        matches!(self.to(topic), Answer::Yes)
    }

    /// Topics that were answered with yes or no, in order, and what each answer pulls towards.
    pub fn pulls(&self) -> impl Iterator<Item = (Topic, Answer, Pull)> + '_ {
        Topic::ALL.into_iter().filter_map(|topic| Some((topic, self.to(topic), topic.pull(self.to(topic))?)))
    }

    /// Topics whose answer pulls towards a strategy.
    fn towards(&self, strategy: Strategy) -> Vec<Topic> {
        self.pulls().filter(|(_, _, pull)| pull.towards == Some(strategy)).map(|(topic, ..)| topic).collect()
    }

    /// Must what is revoked be refused at once?
    const fn must_end_at_once(&self) -> bool {
        self.says(Topic::Revocation) || self.says(Topic::Compliance)
    }
}

/// What the recommendation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing pulls anywhere.
    NothingSaid,
    /// Something pulls towards sessions, and nothing towards tokens (S0-19).
    JustSessions,
    /// Only the single-page application wants tokens, and a cookie reaches its API.
    CookieReaches,
    /// Everything pulls towards tokens, and nobody stays signed in for long.
    Tokens,
    /// Everything pulls towards tokens, and people stay signed in.
    TokensThatLast,
    /// Answers pull both ways (S4-34).
    BothWays,
    /// Both was asked for, or is worth its price (S0-36).
    Both,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Self; 7] = [
        Self::NothingSaid,
        Self::JustSessions,
        Self::CookieReaches,
        Self::Tokens,
        Self::TokensThatLast,
        Self::BothWays,
        Self::Both,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingSaid => "nothing_said",
            Self::JustSessions => "just_sessions",
            Self::CookieReaches => "cookie_reaches",
            Self::Tokens => "tokens",
            Self::TokensThatLast => "tokens_that_last",
            Self::BothWays => "both_ways",
            Self::Both => "both",
        }
    }

    /// What it comes to.
    pub const fn strategy(self) -> Strategy {
        match self {
            Self::NothingSaid | Self::JustSessions | Self::CookieReaches => Strategy::Session,
            Self::Tokens => Strategy::Jwt,
            Self::TokensThatLast | Self::BothWays | Self::Both => Strategy::Hybrid,
        }
    }

    /// The recommendation, in a line.
    pub const fn headline(self) -> &'static str {
        match self {
            Self::NothingSaid => "Begin with sessions.",
            Self::JustSessions | Self::CookieReaches => "Just use sessions.",
            Self::Tokens => "Use tokens (JWT).",
            Self::TokensThatLast => "Use the hybrid: a short token (JWT), and a refresh token beside it.",
            Self::BothWays => "Use the hybrid: your answers pull both ways.",
            Self::Both => "Use the hybrid: most requests without a look-up, and every session yours to end.",
        }
    }

    /// Why, in some sentences.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NothingSaid => {
                "Nothing you said needs a token. A session is the least that works: one cookie, one row, and signing out is \
                 deleting the row. Another strategy later is one setting of the client, and signs nobody out."
            }
            Self::JustSessions => {
                "Nothing you said needs a token, and with tokens you would spend weeks on logging out: a list of what was \
                 revoked, refresh tokens, lost replies, two tabs at once. With a session, signing out is deleting a row. \
                 Another strategy later is one setting of the client, and signs nobody out."
            }
            Self::CookieReaches => {
                "The single-page application is the only thing that speaks for tokens, and it shares a domain with its API: an \
                 HttpOnly cookie reaches the API by itself, and no script can read it. With tokens you would spend weeks on \
                 logging out. Another strategy later is one setting of the client, and signs nobody out."
            }
            Self::Tokens => {
                "Whoever has to know checks the signature by itself, and nobody looks anything up. The token alone is held: \
                 when it runs out, its holder signs in again."
            }
            Self::TokensThatLast => {
                "Whoever has to know checks the signature by itself. But a token lives for minutes, and people stay signed in \
                 for longer: the refresh token gets them the next one, and it is the session, so it can be ended."
            }
            Self::BothWays => {
                "Some answers need a session that can be ended, others a token that nobody has to look up. The hybrid is both: \
                 a JWT of minutes for the requests, and a session behind it, held by a refresh token. Ending the session \
                 refuses the refresh at once, and the token at every service that follows the feed."
            }
            Self::Both => {
                "A JWT of minutes answers most requests without a look-up; behind it stands a session, held by a refresh \
                 token, which you end when you want. The price is a refresh in every application, done right."
            }
        }
    }
}

/// What to know beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// One monolith and several services were both said.
    OneOrSeveral,
    /// A cookie is for one host.
    OneHost,
    /// Services have to follow the feed.
    FollowTheFeed,
    /// Functions that sleep cannot.
    SleepersFollowNothing,
    /// Refreshing is the application's work.
    RefreshIsYours,
    /// A token alone runs out in the middle of things.
    RunsOut,
    /// Data belongs into the session and not into the token.
    DataStaysHere,
    /// A token is many times the size of a cookie.
    EveryByteTravels,
    /// People who are not experts shall run it.
    SmallTeam,
    /// Strict lifetimes sign people out by themselves.
    StrictLifetimes,
    /// Outside developers come by OAuth, which is not here yet.
    OutsideLater,
    /// Single sign-on across domains is not here yet.
    AcrossLater,
    /// Doorward itself is one process here.
    OneProcess,
}

impl Caution {
    /// Every caution.
    pub const ALL: [Self; 13] = [
        Self::OneOrSeveral,
        Self::OneHost,
        Self::FollowTheFeed,
        Self::SleepersFollowNothing,
        Self::RefreshIsYours,
        Self::RunsOut,
        Self::DataStaysHere,
        Self::EveryByteTravels,
        Self::SmallTeam,
        Self::StrictLifetimes,
        Self::OutsideLater,
        Self::AcrossLater,
        Self::OneProcess,
    ];

    /// In a sentence or two.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OneOrSeveral => {
                "You said both one simple application and several services. If the services are only a plan, begin with \
                 sessions: the switch is one setting."
            }
            Self::OneHost => {
                "The cookie is for one host name alone: let a proxy put Doorward and the application under the same one."
            }
            Self::FollowTheFeed => {
                "Register every service that checks tokens with `doorward verifiers add`, and let it follow the feed. One that \
                 does not goes on accepting an ended token until it runs out."
            }
            Self::SleepersFollowNothing => {
                "A function that sleeps between calls follows no feed: there an ended token lives until it runs out, so the \
                 configuration below shortens it to 5 minutes. A route that may not wait so long has to ask \
                 `/oauth2/introspect`, and that is a look-up."
            }
            Self::RefreshIsYours => {
                "Each application has to refresh before its token runs out, one at a time, with an attempt key that it keeps \
                 until the reply is there. There is no SDK for that yet: docs/flows/refresh.md shows the call, and the \
                 recipes for single-page and mobile applications (docs/recipes/) have the code."
            }
            Self::RunsOut => {
                "When the token runs out people sign in again. If that is too often, answer `stay_signed_in` with yes."
            }
            Self::DataStaysHere => {
                "Keep data in the session (`/v1/session/data`) and not in the token: whoever holds a token can read it, and \
                 what stands in it gets old."
            }
            Self::EveryByteTravels => "Every byte of a token travels with every request: see the sizes below.",
            Self::SmallTeam => {
                "For a small team the hybrid is the dearest of the three to run. Put only those applications on it that need \
                 it."
            }
            Self::StrictLifetimes => {
                "The profile `strict` ends a session after 15 minutes without use and after 12 hours in all, whatever its \
                 strategy."
            }
            Self::OutsideLater => {
                "Developers outside come by OAuth 2.1 and OpenID Connect, which this version does not have yet: today only your \
                 own applications can sign people in."
            }
            Self::AcrossLater => {
                "A token in a header crosses domains. Being recognised at a second site without signing in there is OpenID \
                 Connect, which this version does not have yet."
            }
            Self::OneProcess => {
                "Your services may be as many as you like, since they check by themselves. Doorward itself is one process with \
                 one SQLite file in this version."
            }
        }
    }
}

/// A client to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Its id.
    pub id: &'static str,
    /// What its users hold.
    pub strategy: Strategy,
    /// How the long-lived credential travels.
    pub transport: Transport,
    /// Does it need the origin of its pages?
    pub has_origin: bool,
    /// For what, and why so.
    pub why: &'static str,
}

/// The longest access token where what is ended must be refused and cannot be told.
pub const ACCESS_UNTOLD: Lifetime = Lifetime::from_mins(5);

/// A recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What it rests on.
    pub ground: Ground,
    /// Topics that pull towards sessions.
    pub sessions: Vec<Topic>,
    /// Topics that pull towards tokens.
    pub tokens: Vec<Topic>,
    /// Topics that ask for both.
    pub both: Vec<Topic>,
    /// Clients to add.
    pub clients: Vec<Proposed>,
    /// How long sessions live.
    pub profile: Profile,
    /// How long access tokens live.
    pub access: Lifetime,
    /// Are there services that have to follow the feed?
    pub has_verifiers: bool,
    /// What to know beside it.
    pub cautions: Vec<Caution>,
}

impl Advice {
    /// The strategy it comes to.
    pub const fn strategy(&self) -> Strategy {
        self.ground.strategy()
    }
}

/// Advises.
pub fn advise(answers: &Answers) -> Advice {
    let [sessions, tokens, both] =
        [Strategy::Session, Strategy::Jwt, Strategy::Hybrid].map(|strategy| answers.towards(strategy));
    let ground = ground(answers, &sessions, &tokens);
    let follows_nothing = answers.says(Topic::Edge) && answers.must_end_at_once();
    Advice {
        ground,
        clients: clients(answers, ground.strategy()),
        profile: if answers.says(Topic::Compliance) { Profile::Strict } else { Profile::Relaxed },
        access: if follows_nothing { ACCESS_UNTOLD } else { ACCESS_DEFAULT },
        has_verifiers: ground.strategy() != Strategy::Session,
        cautions: Caution::ALL.into_iter().filter(|caution| caution.applies(answers, ground.strategy())).collect(),
        sessions,
        tokens,
        both,
    }
}

fn ground(answers: &Answers, sessions: &[Topic], tokens: &[Topic]) -> Ground {
    if answers.says(Topic::Control) {
        return Ground::Both;
    }
    match tokens {
        [] if sessions.is_empty() => return Ground::NothingSaid,
        [] => return Ground::JustSessions,
        [Topic::SinglePage] if answers.says(Topic::OneDomain) => return Ground::CookieReaches,
        _ => {}
    }
    // A page that is loaded again has lost what it kept in memory; an app's people stay, unless it was said that they do not.
    let stays = answers.says(Topic::SinglePage)
        || match answers.to(Topic::StaySignedIn) {
            Answer::Yes => true,
            Answer::No => false,
            Answer::Unsure => answers.says(Topic::Mobile),
        };
    match (sessions.is_empty(), answers.says(Topic::Complexity)) {
        (false, _) => Ground::BothWays,
        (true, true) => Ground::Both,
        (true, false) if stays => Ground::TokensThatLast,
        (true, false) => Ground::Tokens,
    }
}

/// Each kind of application gets what suits it (S1-28 to S1-31): one strategy for all is nobody's need.
fn clients(answers: &Answers, strategy: Strategy) -> Vec<Proposed> {
    let web = Proposed {
        id: "web",
        strategy: Strategy::Session,
        transport: Transport::Cookie,
        has_origin: false,
        why: "pages in a browser: an HttpOnly cookie, and nothing for scripts to lose",
    };
    if strategy == Strategy::Session {
        return vec![web];
    }
    let transport = strategy.default_transport();
    let pages = [Topic::ServerRendered, Topic::Framework, Topic::Monolith];
    let mut clients = Vec::new();
    if pages.iter().any(|topic| answers.says(*topic)) {
        clients.push(web);
    }
    if answers.says(Topic::SinglePage) {
        let why =
            "the single-page application: the token in memory, never in localStorage, the refresh token in a cookie";
        clients.push(Proposed { id: "spa", strategy, transport, has_origin: true, why });
    }
    if answers.says(Topic::Mobile) {
        let why = "the app on the phone: the token in a header, what lasts in the keystore of the system";
        clients.push(Proposed { id: "mobile", strategy, transport: Transport::Body, has_origin: false, why });
    }
    if clients.iter().all(|client| client.strategy == Strategy::Session) {
        let why = "whatever calls your services: a token in a header";
        clients.push(Proposed { id: "app", strategy, transport, has_origin: false, why });
    }
    clients
}

impl Caution {
    fn applies(self, answers: &Answers, strategy: Strategy) -> bool {
        let says = |topic| answers.says(topic);
        let by_tokens = strategy != Strategy::Session;
        match self {
            Self::OneOrSeveral => says(Topic::Monolith) && says(Topic::Services),
            Self::OneHost => !by_tokens,
            Self::FollowTheFeed => by_tokens,
            Self::SleepersFollowNothing => by_tokens && says(Topic::Edge) && answers.must_end_at_once(),
            Self::RefreshIsYours => strategy == Strategy::Hybrid,
            Self::RunsOut => strategy == Strategy::Jwt,
            Self::DataStaysHere => by_tokens && says(Topic::SessionData),
            Self::EveryByteTravels => by_tokens && says(Topic::SmallRequests),
            Self::SmallTeam => strategy == Strategy::Hybrid && says(Topic::SmallTeam),
            Self::StrictLifetimes => says(Topic::Compliance),
            Self::OutsideLater => says(Topic::OutsideDevelopers),
            Self::AcrossLater => says(Topic::CrossDomain),
            Self::OneProcess => says(Topic::ManyServers),
        }
    }
}

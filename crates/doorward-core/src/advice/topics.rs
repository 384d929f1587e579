//! What is asked, once: the six questions and the facts beside them, each with what its answers pull towards and why.

use super::Answer;
use crate::client::Strategy;

/// What is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Do several services have to trust one sign-in? (S4-28)
    Services,
    /// Must what is revoked be refused at once? (S4-29)
    Revocation,
    /// Does code run in functions or at the edge? (S4-30)
    Edge,
    /// Is it one application with one database? (S4-31)
    Monolith,
    /// Is a mobile app what most people use? (S4-32)
    Mobile,
    /// Do strict rules apply? (S4-33)
    Compliance,
    /// Do people stay signed in?
    StaySignedIn,
    /// Are pages rendered on the server?
    ServerRendered,
    /// Does the framework bring sessions with it?
    Framework,
    /// Is the team small?
    SmallTeam,
    /// Is there much to keep between requests?
    SessionData,
    /// Do pages and API share a domain?
    OneDomain,
    /// Must requests be small?
    SmallRequests,
    /// Is there a single-page application?
    SinglePage,
    /// Are there many servers that share nothing?
    ManyServers,
    /// Do developers outside get access?
    OutsideDevelopers,
    /// Shall a sign-in at one domain count at another?
    CrossDomain,
    /// Do all kinds of clients use one API?
    ApiFirst,
    /// Is what is handed out meant for minutes?
    ShortLived,
    /// Are speed and control both needed?
    Control,
    /// Is complexity acceptable?
    Complexity,
}

/// What an answer speaks for, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The strategy; `None` if every one will do.
    pub towards: Option<Strategy>,
    /// Why, in a sentence.
    pub why: &'static str,
}

struct Row {
    key: &'static str,
    asks: &'static str,
    explains: &'static str,
    yes: Pull,
    no: Pull,
}

const fn session(why: &'static str) -> Pull {
    Pull { towards: Some(Strategy::Session), why }
}

const fn tokens(why: &'static str) -> Pull {
    Pull { towards: Some(Strategy::Jwt), why }
}

const fn both(why: &'static str) -> Pull {
    Pull { towards: Some(Strategy::Hybrid), why }
}

const fn either(why: &'static str) -> Pull {
    Pull { towards: None, why }
}

/// What most facts are worth when they are not so.
const NOTHING: Pull = either("That alone speaks neither for nor against any of them.");

impl Topic {
    /// All topics, the six questions first.
    pub const ALL: [Self; 21] = [
        Self::Services,
        Self::Revocation,
        Self::Edge,
        Self::Monolith,
        Self::Mobile,
        Self::Compliance,
        Self::StaySignedIn,
        Self::ServerRendered,
        Self::Framework,
        Self::SmallTeam,
        Self::SessionData,
        Self::OneDomain,
        Self::SmallRequests,
        Self::SinglePage,
        Self::ManyServers,
        Self::OutsideDevelopers,
        Self::CrossDomain,
        Self::ApiFirst,
        Self::ShortLived,
        Self::Control,
        Self::Complexity,
    ];

    /// How many of them are the questions that everybody is asked.
    pub const QUESTIONS: usize = 6;

    /// Its name in files, addresses and configuration.
    pub const fn key(self) -> &'static str {
        self.row().key
    }

    /// The topic of a name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.key() == key)
    }

    /// The question.
    pub const fn asks(self) -> &'static str {
        self.row().asks
    }

    /// What is meant by it.
    pub const fn explains(self) -> &'static str {
        self.row().explains
    }

    /// What an answer pulls towards; nothing is pulled by nobody's answer.
    pub const fn pull(self, answer: Answer) -> Option<Pull> {
        match answer {
            Answer::Yes => Some(self.row().yes),
            Answer::No => Some(self.row().no),
            Answer::Unsure => None,
        }
    }

    const fn row(self) -> Row {
        match self {
            Self::Services => SERVICES,
            Self::Revocation => REVOCATION,
            Self::Edge => EDGE,
            Self::Monolith => MONOLITH,
            Self::Mobile => MOBILE,
            Self::Compliance => COMPLIANCE,
            Self::StaySignedIn => STAY_SIGNED_IN,
            Self::ServerRendered => SERVER_RENDERED,
            Self::Framework => FRAMEWORK,
            Self::SmallTeam => SMALL_TEAM,
            Self::SessionData => SESSION_DATA,
            Self::OneDomain => ONE_DOMAIN,
            Self::SmallRequests => SMALL_REQUESTS,
            Self::SinglePage => SINGLE_PAGE,
            Self::ManyServers => MANY_SERVERS,
            Self::OutsideDevelopers => OUTSIDE_DEVELOPERS,
            Self::CrossDomain => CROSS_DOMAIN,
            Self::ApiFirst => API_FIRST,
            Self::ShortLived => SHORT_LIVED,
            Self::Control => CONTROL,
            Self::Complexity => COMPLEXITY,
        }
    }
}

const SERVICES: Row = Row {
    key: "services",
    asks: "Do several services of yours have to trust one sign-in?",
    explains: "Orders, billing and search each get requests of the same person, and each has to know who it is.",
    yes: tokens("Each service checks a signature by itself; none has to share a store of sessions with the others."),
    no: either("One application can look its own sessions up, so nothing speaks for tokens here."),
};
const REVOCATION: Row = Row {
    key: "revocation",
    asks: "Must a sign-out or a suspension take effect at once?",
    explains: "Somebody signs out everywhere, or you suspend an account: may an old credential still work for minutes?",
    yes: session(
        "Ending a session deletes its row. A token would need a refresh token and a list of what was revoked.",
    ),
    no: either("Then a token may simply run out, and every strategy will do."),
};
const EDGE: Row = Row {
    key: "edge",
    asks: "Does your code run in functions or at the edge?",
    explains: "Lambda, edge workers: started for a request, far from any database, asleep in between.",
    yes: tokens("A signature is checked where the code runs; a look-up would cross the network at every request."),
    no: either("Servers that stay up can keep sessions at hand, and every strategy will do."),
};
const MONOLITH: Row = Row {
    key: "monolith",
    asks: "Is it one simple application with one database?",
    explains: "One program answers all requests, and its database is right beside it.",
    yes: session("The look-up is at home, and there are no lifetimes, refreshes and stores of tokens to look after."),
    no: either("That alone speaks neither for nor against any of them."),
};
const MOBILE: Row = Row {
    key: "mobile",
    asks: "Is a mobile app what most people use?",
    explains: "A native app on a phone, which has no jar of cookies by itself.",
    yes: tokens("A token in a header is easy for an app; cookies are not."),
    no: either("Browsers carry cookies by themselves, so nothing speaks for tokens here."),
};
const COMPLIANCE: Row = Row {
    key: "compliance",
    asks: "Do strict rules apply: banking, health, an audit?",
    explains: "You have to show who had access when, and to end it at once.",
    yes: session(
        "Every sign-in has a row, every end an entry in the audit log, and what is ended is refused at once.",
    ),
    no: either("Then the usual lifetimes are enough, and every strategy will do."),
};
const STAY_SIGNED_IN: Row = Row {
    key: "stay_signed_in",
    asks: "People stay signed in for longer than an hour",
    explains: "If it is tokens, this decides between the token alone and one with a refresh token beside it.",
    yes: either("Tokens, if any, need a refresh token beside them; a session lasts by itself."),
    no: either("A token alone, if any, is enough: who comes back signs in again."),
};
const SERVER_RENDERED: Row = Row {
    key: "server_rendered",
    asks: "Pages are rendered on the server",
    explains: "Rails, Django, Laravel, Express with templates.",
    yes: session("Browsers send the cookie by themselves, and the page needs no script to be signed in."),
    no: NOTHING,
};
const FRAMEWORK: Row = Row {
    key: "framework_sessions",
    asks: "The framework brings sessions with it",
    explains: "There is a middleware for it, and people know how it works.",
    yes: session("What the framework makes simple stays simple."),
    no: NOTHING,
};
const SMALL_TEAM: Row = Row {
    key: "small_team",
    asks: "A small team, or nobody whose work is security",
    explains: "One to five people, who have other things to do.",
    yes: session("There is least to get wrong, to run and to explain."),
    no: NOTHING,
};
const SESSION_DATA: Row = Row {
    key: "session_data",
    asks: "Much is kept between requests",
    explains: "Carts, forms that are half filled in, preferences.",
    yes: session("Data stays on the server under the session, and does not travel with each request."),
    no: NOTHING,
};
const ONE_DOMAIN: Row = Row {
    key: "one_domain",
    asks: "Pages and API share a domain",
    explains: "One host name for all of it, by a proxy in front.",
    yes: session("The cookie reaches everything there is."),
    no: NOTHING,
};
const SMALL_REQUESTS: Row = Row {
    key: "small_requests",
    asks: "Requests must be as small as possible",
    explains: "Metered lines, tiny devices, very many calls.",
    yes: session("A session's secret is a tenth of a token."),
    no: NOTHING,
};
const SINGLE_PAGE: Row = Row {
    key: "single_page",
    asks: "There is a single-page application",
    explains: "React, Vue, Angular: scripts in the browser that call an API.",
    yes: tokens(
        "Its scripts put a token into a header, and the API needs no state. On one domain a cookie does it too.",
    ),
    no: NOTHING,
};
const MANY_SERVERS: Row = Row {
    key: "many_servers",
    asks: "Many servers that share nothing",
    explains: "Any server answers any request, behind a load balancer, without a common store.",
    yes: tokens("Any of them checks the signature by itself."),
    no: NOTHING,
};
const OUTSIDE_DEVELOPERS: Row = Row {
    key: "outside_developers",
    asks: "Developers outside get access",
    explains: "Other companies' programs act for your people.",
    yes: tokens("They are given tokens with scopes (OAuth 2), never a person's cookie."),
    no: NOTHING,
};
const CROSS_DOMAIN: Row = Row {
    key: "cross_domain",
    asks: "A sign-in at one domain shall count at another",
    explains: "Sign in at site-a.com, and be known at site-b.com.",
    yes: tokens("A cookie stays on its domain; a token in a header goes anywhere."),
    no: NOTHING,
};
const API_FIRST: Row = Row {
    key: "api_first",
    asks: "One API for web, mobile and others",
    explains: "The API came first, and every client is a guest of it.",
    yes: tokens("One header for all of them, and no cookie that only some can carry."),
    no: NOTHING,
};
const SHORT_LIVED: Row = Row {
    key: "short_lived",
    asks: "What is handed out is meant for minutes",
    explains: "A permission for one task, a link to download, one program that calls another.",
    yes: tokens("It runs out before anybody would revoke it."),
    no: NOTHING,
};
const CONTROL: Row = Row {
    key: "control",
    asks: "Most requests without a look-up, and yet every session yours to end",
    explains: "Performance and control, both at once.",
    yes: both("That is what the hybrid is for."),
    no: NOTHING,
};
const COMPLEXITY: Row = Row {
    key: "complexity",
    asks: "Willing to carry some complexity",
    explains: "Refreshing in every client, keys, services that follow a feed.",
    yes: both("If anything speaks for tokens, its price can be paid."),
    no: NOTHING,
};

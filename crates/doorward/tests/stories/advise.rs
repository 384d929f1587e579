//! `/tools/advise`, as somebody follows a link to it.

use doorward::advice::report::Report;
use doorward_core::advice::{Answers, Topic};

use super::house::{Ask, House};
use super::pages::{Browser, html};

#[tokio::test]
async fn the_questions_are_asked_of_anybody_and_nothing_is_answered_for_them() {
    let house = House::memory().await;
    let page = Browser::new(&house).read("/tools/advise").await;
    assert_eq!(page.matches("<fieldset").count(), Topic::QUESTIONS + 1);
    for topic in Topic::ALL {
        assert!(page.contains(&format!("name=\"{}\"", topic.key())), "{}", topic.key());
        assert!(
            page.contains(&escaped(topic.asks())) && page.contains(&escaped(topic.explains())),
            "{}",
            topic.key()
        );
    }
    assert_eq!(page.matches("\" checked>").count(), Topic::QUESTIONS, "not sure of any");
    assert!(page.contains("The three beside one another") && !page.contains("doorward.toml"));
    let mut browser = Browser::new(&house);
    browser.sign_in().await;
    assert!(browser.read("/tools/advise").await.contains("Advise me"), "and of who is signed in");
}

#[tokio::test]
async fn a_link_with_answers_shows_the_recommendation_its_reasons_and_the_file_and_stores_nothing() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let events = house.door.directory().audit_after(0, 100).await.expect("events").len();
    let link = "/tools/advise?services=yes&revocation=yes&compliance=yes&monolith=no&mobile=unsure&small_team=yes\
                &issuer=https%3A%2F%2Fid.acme.test";
    let page = browser.read(link).await;
    let asked = [Topic::Services, Topic::Revocation, Topic::Compliance, Topic::SmallTeam];
    let report = Report::of(
        &Answers::yes_to(&asked).with(Topic::Monolith, doorward_core::advice::Answer::No),
        "https://id.acme.test",
    );
    assert_eq!(report.strategy, "hybrid");
    for part in [report.headline, report.why].into_iter().chain(report.pulls.iter().map(|pull| pull.why)) {
        assert!(page.contains(&escaped(part)), "{part} is not in {page}");
    }
    let followed = "Register every service that checks tokens with <code>doorward verifiers add</code>, and let it";
    assert!(page.contains(followed) && page.matches('`').count() == report.configuration.matches('`').count());
    assert!(page.contains(&escaped(&report.configuration)), "{page}");
    assert!(page.contains(&format!("value=\"{}\"", escaped("https://id.acme.test"))), "{page}");
    assert!(page.contains("name=\"services\" value=\"yes\" checked"));
    assert!(page.contains("name=\"monolith\" value=\"no\" checked"));
    assert!(browser.read("/tools/advise?monolith=yes").await.contains("Just use sessions."));
    assert_eq!(house.door.directory().audit_after(0, 100).await.expect("events").len(), events);
    house.send(Ask::post("/tools/advise")).await.expect(405, "method_not_allowed");
}

#[tokio::test]
async fn what_means_nothing_in_a_link_is_said_and_never_guessed() {
    let house = House::memory().await;
    for (query, told) in [
        ("services=perhaps", "An answer is yes, no or unsure."),
        ("services=YES", "An answer is yes, no or unsure."),
        ("servces=yes", "an answer to something that nobody asked"),
        ("issuer=http://id.acme.test", "The address is https://"),
        ("issuer=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "The address is https://"),
        (&format!("issuer=https://{}.test", "a".repeat(300)), "The address is https://"),
    ] {
        let answer = Browser::new(&house).open(&format!("/tools/advise?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let page = html(&answer);
        assert!(page.contains(&escaped(told)), "{query}: {page}");
        assert!(
            !page.contains("<script>") && !page.contains("doorward.toml") && !page.contains("aaaaaaaa"),
            "{page}"
        );
        assert_eq!(page.matches("\" checked>").count(), Topic::QUESTIONS, "nothing is taken from it");
    }
}

/// As the pages escape it; a slash is put right by `html`.
fn escaped(text: &str) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#x27;")]
        .iter()
        .fold(text.to_owned(), |text, (plain, entity)| text.replace(plain, entity))
}

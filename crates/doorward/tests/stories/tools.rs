//! `/tools`, as somebody finds the tools there.

use super::house::House;
use super::pages::Browser;

#[tokio::test]
async fn the_hub_leads_to_five_tools_and_names_verbs_that_there_are() {
    let house = House::memory().await;
    let browser = &mut Browser::new(&house);
    let hub = browser.read("/tools").await;
    let within = |text: &str, from: &str, to: &str| -> Vec<String> {
        let parts = text.split(from).skip(1);
        parts.map(|part| part.split(to).next().expect("an end").to_owned()).collect()
    };
    let tools = within(&hub, "<a class=\"card\" href=\"", "\"");
    assert_eq!(tools.len(), 5, "{tools:?}");
    for tool in tools {
        let (page, place) = tool.split_once('#').unwrap_or((&tool, "main"));
        assert!(browser.read(page).await.contains(&format!("id=\"{place}\"")), "{tool}");
    }
    let verbs = within(&hub, "<code>doorward ", "</code>");
    assert_eq!(verbs.len(), 7, "{verbs:?}");
    for verb in verbs {
        let help = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"))
            .args(verb.split(' ').filter(|word| !word.starts_with("--")))
            .arg("--help")
            .output()
            .expect("the program");
        let help = String::from_utf8(help.stdout).expect("text");
        assert!(help.contains("Usage: doorward "), "{verb}: {help}");
        assert!(verb.split(' ').all(|word| help.contains(word)), "{verb}: {help}");
    }
}

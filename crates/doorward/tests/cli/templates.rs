//! Pages in an operator's own clothes.

use std::fs;

use super::support::{Server, run};
use super::{place, program};

#[test]
fn pages_wear_an_operators_frame_and_a_broken_one_opens_no_door() {
    let (place, data) = place();
    let templates = place.path().join("templates");
    fs::create_dir(&templates).expect("a folder");
    let frame =
        include_str!("../../templates/base.html").replace(">Doorward</a>", ">{% include \"_name.html\" %}</a>");
    fs::write(templates.join("base.html"), frame).expect("a file");
    fs::write(templates.join("_name.html"), "Acme &amp; Sons").expect("a file");
    let path = templates.to_str().expect("a path");
    let configuration = place.path().join("doorward.toml");
    fs::write(&configuration, format!("templates = \"{path}\"\n")).expect("a file");
    let configuration = configuration.to_str().expect("a path");
    let server = Server::dev(&data, &["--config", configuration]);
    for (page, status) in [("/login", 200), ("/signup", 200), ("/tools/jwt", 200)] {
        let answer = server.call("GET", page, &[], "");
        assert_eq!(answer.status, status, "{page}");
        assert!(answer.text.contains("Acme &amp; Sons</a>"), "{page}: {}", answer.text);
    }
    // A page that no form leads to, too.
    let form = [("content-type", "text/plain"), ("accept", "text/html")];
    let refused = server.call("POST", "/login", &form, "x");
    assert_eq!(refused.status, 415, "{refused:?}");
    assert!(refused.text.contains("Acme &amp; Sons</a>"), "{refused:?}");
    drop(server);

    fs::write(templates.join("login.html"), "{% extends \"base.html\" %}\n{{ nothing }}{% block main %}")
        .expect("a file");
    fs::write(templates.join("logn.html"), "").expect("a file");
    let mut dev = program();
    dev.args(["dev", "--listen", ":0", "--config", configuration, "--data"]).arg(&data);
    let ran = run(dev, "").expect(3);
    ran.told("login.html:2").told("syntax error").told("did you mean `login.html`?");
}

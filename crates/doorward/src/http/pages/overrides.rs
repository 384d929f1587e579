//! An operator's templates in place of ours: a folder whose files are read once, at the start, and drawn with samples
//! before anybody sees them. What would break a page, leave a form without its field, or print what people typed without
//! escaping it, is told with its file and line, all of it at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use minijinja::{Error, ErrorKind};

use super::look::{Look, TEMPLATES, environment};
use super::samples::{FIELD_MARK, MARK, NONCE, samples};
use crate::config::problem::{Place, Problem};

/// The largest template.
pub const LARGEST: u64 = 256 * 1024;

/// Reads a folder.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(folder: &Path) -> Result<Look, Vec<Problem>> {
    let mut reading = Reading { folder, problems: Vec::new() };
    let theirs = reading.files();
    let mut templates = environment();
    for (name, text) in TEMPLATES {
        if theirs.iter().all(|(other, _)| other != name) {
            // Ours are understood; a test says so.
            drop(templates.add_template(name, text));
        }
    }
    for (name, text) in theirs {
        if let Err(error) = templates.add_template_owned(name.clone(), text) {
            reading.broken(&name, &error);
        }
    }
    // What cannot be read cannot be drawn, nor can what is made of it.
    if reading.problems.is_empty() {
        let look = Look::of(templates);
        reading.rehearse(&look);
        if reading.problems.is_empty() {
            return Ok(look);
        }
    }
    Err(reading.problems)
}

struct Reading<'a> {
    folder: &'a Path,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    /// Names and texts. A name is one of ours, or begins with `_`: parts of the operator's own. Hidden files are none.
    fn files(&mut self) -> Vec<(String, String)> {
        let entries = match fs::read_dir(self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.wrong(self.folder.to_owned(), 1, format!("the templates cannot be read: {error}"));
                return Vec::new();
            }
        };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        let mut files = Vec::new();
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let path = self.folder.join(&name);
            let known = TEMPLATES.iter().any(|(ours, _)| *ours == name);
            let own = name.starts_with('_') && name.ends_with(".html");
            if !known && !own {
                let ours = TEMPLATES.iter().map(|(ours, _)| *ours);
                self.problems.push(Problem::unknown("the name of a template", &name, ours, Place::File(path, 1, 1)));
                continue;
            }
            match text(&path) {
                Ok(text) => files.push((name, text)),
                Err(why) => self.wrong(path, 1, why),
            }
        }
        files
    }

    /// Draws every page in every case, and looks at what comes out.
    fn rehearse(&mut self, look: &Look) {
        let ours = Look::ours();
        for (name, _) in TEMPLATES {
            let mut missing = BTreeSet::new();
            let mut said = BTreeSet::new();
            for (signed_in, values) in samples(name) {
                let html = match look.draw(name, values.clone()) {
                    Ok(html) => html,
                    Err(error) => {
                        // One mistake shows in many cases.
                        self.broken(name, &error);
                        break;
                    }
                };
                // What our frame offers whoever is signed in may be left out or stand elsewhere.
                if !signed_in {
                    let expected = ours.draw(name, values).unwrap_or_default();
                    missing.extend(parts(&expected).difference(&parts(&html)).cloned());
                }
                said.extend(forbidden(&html));
            }
            for part in missing {
                self.wrong(
                    self.folder.join(name),
                    1,
                    format!("the page lacks {part}, without which it does not work"),
                );
            }
            for what in said {
                self.wrong(self.folder.join(name), 1, what.to_owned());
            }
        }
    }

    fn broken(&mut self, name: &str, error: &Error) {
        // The error may be in a part that the page is made of.
        let mut deepest = error;
        while let Some(inner) = std::error::Error::source(deepest).and_then(|inner| inner.downcast_ref::<Error>()) {
            deepest = inner;
        }
        let file = deepest.name().unwrap_or(name);
        let line = deepest.line().unwrap_or(1);
        let what = match (deepest.kind(), deepest.detail()) {
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (ErrorKind::UndefinedError, None) => String::from("a name that no page gives a value"),
            (kind, None) => kind.to_string(),
        };
        let told = Problem::new(format!("the template does not work: {what}"), self.at(file, line));
        if !self.problems.contains(&told) {
            self.problems.push(told);
        }
    }

    fn at(&self, name: &str, line: usize) -> Place {
        Place::File(self.folder.join(name), line, 1)
    }

    fn wrong(&mut self, path: PathBuf, line: usize, what: String) {
        self.problems.push(Problem::new(what, Place::File(path, line, 1)));
    }
}

fn text(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if !about.is_file() {
        return Err(String::from("it is no file; folders inside the folder are not read"));
    }
    if about.len() > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))
}

/// What a page needs to do its work: where its forms go, their fields, and the token inside.
fn parts(html: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for (attribute, what) in [("name", "the field"), ("action", "the form to")] {
        for value in html.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()) {
            // A page's own description of itself is nobody's field.
            if !["viewport", "color-scheme", "robots"].contains(&value) {
                parts.insert(format!("{what} `{value}`"));
            }
        }
    }
    if html.contains(FIELD_MARK) {
        parts.insert(String::from("the form token (`fields.token(frame)`)"));
    }
    parts
}

/// What no page may have.
fn forbidden(html: &str) -> Vec<&'static str> {
    let plain = html.to_lowercase();
    let mut found = Vec::new();
    if plain.contains(MARK) {
        found.push("the page prints what people typed without escaping it: leave out `safe` and `autoescape`");
    }
    let tags = || plain.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    let is_inline = |tag: &str| {
        tag.starts_with("style")
            || (tag.starts_with("script") && !tag.contains(" src="))
            || tag.contains(" style=")
            || tag.contains("\"javascript:")
            || tag.split([' ', '\n']).any(|word| word.starts_with("on") && word.contains('='))
    };
    if tags().any(is_inline) {
        found.push("the page has script or style inside, which its content security policy blocks in every browser");
    }
    let bears_none = |tag: &str| {
        tag.starts_with("script") && tag.contains(" src=") && !tag.contains(&format!(" nonce=\"{NONCE}\""))
    };
    if tags().any(bears_none) {
        found.push("a script lacks `nonce=\"{{ frame.nonce }}\"`, without which every browser blocks it");
    }
    let from_elsewhere = |tag: &str| {
        let loads = ["script", "img", "link", "iframe", "video", "audio", "source", "object", "embed"];
        let address = tag.contains("=\"http:") || tag.contains("=\"https:") || tag.contains("=\"//");
        address && loads.iter().any(|name| tag.starts_with(name))
    };
    if tags().any(from_elsewhere) {
        found.push(
            "the page loads something from elsewhere, which its content security policy blocks in every browser",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    fn ours(name: &str) -> String {
        TEMPLATES.iter().find(|(ours, _)| *ours == name).expect("one of ours").1.to_owned()
    }

    /// The problems, each as `file:line: what`.
    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let folder = folder(files);
        let told = read(folder.path()).expect_err("not to be used");
        told.iter()
            .map(|problem| {
                let Place::File(path, line, _) = &problem.place else { panic!("{problem}") };
                let name = path.strip_prefix(folder.path()).expect("inside").display().to_string();
                format!("{name}:{line}: {} {}", problem.what, problem.advice.as_deref().unwrap_or_default())
            })
            .collect()
    }

    #[track_caller]
    fn told(files: &[(&str, &str)], expected: &[&str]) {
        let problems = problems(files);
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem} is not {expected}");
        }
    }

    #[test]
    fn our_own_templates_are_fit_to_be_an_operators() {
        let files: Vec<(&str, &str)> = TEMPLATES.to_vec();
        let look = read(folder(&files).path()).unwrap_or_else(|problems| panic!("{problems:?}"));
        for (name, _) in TEMPLATES {
            for (_, values) in samples(name) {
                assert_eq!(look.draw(name, values.clone()).ok(), Look::ours().draw(name, values).ok(), "{name}");
            }
        }
        read(folder(&[(".DS_Store", "\u{0}")]).path()).expect("an empty folder changes nothing");
    }

    #[test]
    fn a_part_of_ones_own_and_another_frame_are_drawn_on_every_page() {
        let base = ours("base.html").replace("· Doorward</title>", "· {% include \"_brand.html\" %}</title>");
        let folder = folder(&[("base.html", &base), ("_brand.html", "Acme &amp; Sons")]);
        let look = read(folder.path()).unwrap_or_else(|problems| panic!("{problems:?}"));
        for name in ["login.html", "devices.html", "problem.html"] {
            let html = look.draw(name, samples(name).remove(0).1).expect("a page");
            assert!(html.contains("· Acme &amp; Sons</title>"), "{name}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_place() {
        let undefined = ours("signup.html").replace("You have an account?", "{{ user.nickname }}");
        told(
            &[("logn.html", ""), ("style.css", ""), ("login.html", "a\n{% if %}"), ("base.html", "{% block x %}")],
            &[
                "logn.html:1: `logn.html` is not the name of a template did you mean `login.html`?",
                "style.css:1: `style.css` is not the name of a template known are base.html",
                "base.html:1: the template does not work: syntax error",
                "login.html:2: the template does not work: syntax error",
            ],
        );
        told(
            &[("signup.html", &undefined)],
            &["signup.html:15: the template does not work: undefined value: `user` is undefined"],
        );
        told(&[("login.html", "{% extends \"bare.html\" %}")], &["login.html:1: the template does not work"]);
    }

    #[test]
    fn a_page_that_lost_a_field_its_token_or_its_escaping_is_refused() {
        let login = ours("login.html");
        let without = |what: &str| {
            let changed = login.lines().filter(|line| !line.contains(what)).collect::<Vec<_>>().join("\n");
            assert_ne!(changed, login.trim_end());
            changed
        };
        told(&[("login.html", &without("fields.password"))], &["login.html:1: the page lacks the field `password`"]);
        told(&[("login.html", &without("return_to"))], &["login.html:1: the page lacks the field `return_to`"]);
        told(
            &[("login.html", &without("fields.token"))],
            &["login.html:1: the page lacks the field `form_token`", "login.html:1: the page lacks the form token"],
        );
        told(
            &[("problem.html", &ours("problem.html").replace("{{ advice }}", "{{ advice | safe }}"))],
            &["problem.html:1: the page prints what people typed without escaping it"],
        );
        let bare = "{% extends \"base.html\" %}{% block here %}{% endblock %}{% block main %}{% autoescape false %}\
                    {{ title }}{{ code }}{% endautoescape %}{% endblock %}";
        told(&[("problem.html", bare)], &["problem.html:1: the page prints what people typed without escaping it"]);
    }

    #[test]
    fn what_the_policy_would_block_is_told_before_a_browser_does() {
        let with = |what: &str| ours("problem.html").replace("<h1>", &format!("{what}<h1>"));
        for inline in ["<style>p{}</style>", "<script>x()</script>", "<p style=\"x\">", "<a onclick=\"x()\">"] {
            told(&[("problem.html", &with(inline))], &["problem.html:1: the page has script or style inside"]);
        }
        let far = "<script nonce=\"{{ frame.nonce }}\" src=\"//x.test/a.js\"></script>";
        for far in ["<img src=\"https://x.test/a.png\">", far] {
            told(&[("problem.html", &with(far))], &["problem.html:1: the page loads something from elsewhere"]);
        }
        let bare = with("<script type=\"module\" src=\"{{ asset('password.js') }}\"></script>");
        told(&[("problem.html", &bare)], &["problem.html:1: a script lacks `nonce="]);
        let link = with("<a href=\"https://x.test/imprint\">Imprint</a>");
        read(folder(&[("problem.html", &link)]).path()).unwrap_or_else(|problems| panic!("{problems:?}"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_problem() {
        let told = read(Path::new("/nowhere/templates")).expect_err("nothing there");
        assert!(told[0].what.contains("cannot be read"), "{told:?}");
    }
}

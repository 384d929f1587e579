//! `cargo xtask assure`: the long proofs, one after the other, in one report as a page and as JSON.
//!
//! A proof is a test, a measurement or a tool over tests; `table.rs` lists them. What a test saw it prints as
//! `assure: FIGURE = VALUE`, and a point of a plot as `assure: plot PLOT/LINE/X = Y`. One that fails does not keep the
//! others from running, and one that did not run says so. `docs/assure.md` tells people what is proven and how long it takes.

mod coverage;
mod json;
mod kept;
mod mutants;
mod outcome;
mod page;
mod plot;
mod table;
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use crate::cargo::{asked, cargo, printed, tools};
use crate::workspace::Workspace;
use outcome::{Outcome, Verdict};
use table::{PROOFS, Proof, Work};

/// How much to prove.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Effort {
    /// In a few minutes: the lengths of an ordinary run, and no tool that builds everything anew.
    quick: bool,
    /// Only proofs with one of these words in their name.
    only: Vec<String>,
    /// What held of this same source in an earlier run is not proven again.
    resume: bool,
}

impl Effort {
    /// From the words after `assure`.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut effort = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => effort.quick = true,
                "--resume" => effort.resume = true,
                "--only" => effort.only.push(words.next().ok_or("--only takes a word of a proof's name")?.clone()),
                other => return Err(format!("`{other}` is not understood here")),
            }
        }
        if effort.quick && effort.resume {
            return Err(String::from("a quick run leaves nothing to resume: --quick or --resume"));
        }
        Ok(effort)
    }

    fn wants(&self, proof: &Proof) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| proof.name.contains(word.as_str()))
    }
}

/// Everything that the report tells.
struct Report {
    effort: Effort,
    facts: BTreeMap<&'static str, String>,
    outcomes: Vec<Outcome>,
}

/// Runs the proofs and writes the report; the answer is whether nothing failed.
pub(crate) fn run(workspace: &Workspace, effort: &Effort) -> bool {
    if let Err(why) = tools(workspace) {
        println!("assure: {why}");
        return false;
    }
    let folder = workspace.target().join("assure/kept");
    let mut report = Report { effort: effort.clone(), facts: facts(workspace), outcomes: Vec::new() };
    for proof in &PROOFS {
        println!("\n== {}", proof.name);
        let of = kept::subject(workspace, proof);
        let held = of.as_ref().filter(|_| effort.resume).and_then(|of| kept::held(&folder, of, proof));
        let is_new = held.is_none();
        let outcome = held.unwrap_or_else(|| prove(workspace, proof, effort));
        println!("{}", outcome.line());
        // Who changes the source while a proof runs cannot tell of what it was one.
        let noted = match of {
            Some(of) if is_new && !effort.quick && kept::subject(workspace, proof).as_ref() == Some(&of) => {
                kept::keep(&folder, &of, &outcome, &report.facts)
            }
            _ => Ok(()),
        };
        report.outcomes.push(outcome);
        // Written after each, so that whoever stops it has what there is.
        if let Err(why) = noted.and_then(|()| write(workspace, &report)) {
            println!("assure: the report cannot be written: {why}");
            return false;
        }
    }
    println!();
    for outcome in &report.outcomes {
        println!("{}", outcome.line());
    }
    println!("\n{}", report.closing());
    println!("{}", workspace.target().join("assure/report.html").display());
    !report.outcomes.iter().any(|outcome| matches!(outcome.verdict, Verdict::Fails(_)))
}

fn prove(workspace: &Workspace, proof: &Proof, effort: &Effort) -> Outcome {
    let since = Instant::now();
    let mut outcome = Outcome::of(proof.name, proof.asks);
    outcome.verdict = if !effort.wants(proof) {
        Verdict::NotRun(String::from("left out by --only"))
    } else {
        match &proof.work {
            Work::Tests(runs) => tests::run(workspace, runs, effort.quick, &mut outcome),
            Work::Optimised(run) if effort.quick => tests::run(workspace, &[*run], true, &mut outcome),
            Work::Optimised(run) => tests::run_optimised(workspace, run, &mut outcome),
            Work::Coverage | Work::Mutants(_) if effort.quick => Verdict::NotRun(String::from("left out by --quick")),
            Work::Coverage => coverage::measure(workspace, &mut outcome),
            Work::Mutants(target) => mutants::run(workspace, target, &mut outcome),
        }
    };
    outcome.took = since.elapsed();
    outcome
}

impl Report {
    fn closing(&self) -> String {
        let count =
            |wanted: fn(&Verdict) -> bool| self.outcomes.iter().filter(|outcome| wanted(&outcome.verdict)).count();
        format!(
            "{} hold, {} fail, {} did not run",
            count(|verdict| matches!(verdict, Verdict::Holds)),
            count(|verdict| matches!(verdict, Verdict::Fails(_))),
            count(|verdict| matches!(verdict, Verdict::NotRun(_))),
        )
    }
}

fn write(workspace: &Workspace, report: &Report) -> Result<(), String> {
    let folder = workspace.target().join("assure");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let put = |name: &str, text: String| {
        fs::write(folder.join(name), text).map_err(|error| format!("{}: {error}", folder.join(name).display()))
    };
    put("report.json", json::report(report))?;
    put("report.html", page::report(report))
}

/// On what, of what, and when.
fn facts(workspace: &Workspace) -> BTreeMap<&'static str, String> {
    let unknown = || String::from("unknown");
    let ask = |program: &str, words: &[&str]| asked(workspace, program, words).unwrap_or_else(unknown);
    let tool = printed(cargo(workspace, &["--version"])).map_or_else(|_| unknown(), |text| text.trim().to_owned());
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let changed = !ask("git", &["status", "--porcelain"]).is_empty();
    let commit = ask("git", &["rev-parse", "--short=12", "HEAD"]);
    BTreeMap::from([
        ("machine", format!("{cores} × {}", cpu.map_or("unknown", |(_, name)| name.trim()))),
        ("system", ask("uname", &["-sr"])),
        ("compiler", ask("rustc", &["--version"])),
        ("cargo", tool),
        ("commit", if changed { format!("{commit}, with changes") } else { commit }),
        ("date", ask("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("load at the beginning", fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()),
    ])
}

#[cfg(test)]
mod parsing {
    use super::*;

    #[test]
    fn words_say_how_much_to_prove() {
        let parse = |line: &str| Effort::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parse(""), Ok(Effort::default()));
        let effort = parse("--quick --only disk --only volleys").unwrap_or_default();
        assert!(effort.quick && effort.only == ["disk", "volleys"]);
        assert!(parse("--only").is_err() && parse("--slow").is_err() && parse("--quick --resume").is_err());
        assert!(parse("--resume").is_ok_and(|effort| effort.resume));
        let wanted: Vec<_> = PROOFS.iter().filter(|proof| effort.wants(proof)).map(|proof| proof.name).collect();
        assert_eq!(wanted, ["disk faults", "volleys"]);
    }
}

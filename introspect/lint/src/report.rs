//! The output: for people, and for programs.

use std::fmt::Write as _;

use crate::check::LintOutcome;
use crate::finding::{Finding, Rule, Severity};
use crate::way::{Protection, WayRow};

/// For people: the table of all ways, then four lines a finding, and a last line with the counts.
pub fn text(outcome: &LintOutcome) -> String {
    let mut text = table(&outcome.ways);
    for Finding { file, line, rule, severity, problem, risk, remedy } in &outcome.findings {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{file}:{line}: {}: {rule}\n    {problem}\n    {risk}\n    {remedy}\n",
            severity.name()
        );
    }
    let count = |severity| outcome.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Unread, "part")]
        .map(|(severity, name)| counted(count(severity), name));
    let [errors, warnings, unread] = counts;
    let protected = counted(outcome.protected, "location");
    let _ = writeln!(text, "{errors}, {warnings}, {unread} not read; {protected} asking the sidecar.");
    text
}

/// One rule, in full.
pub fn explain(rule: &Rule) -> String {
    let Rule { name, severity, finds, risk, remedy, .. } = rule;
    format!("{name} ({})\n    What it finds: {finds}.\n    {risk}\n    {remedy}\n", severity.name())
}

/// The columns of the table.
const COLUMNS: [&str; 7] =
    ["location", "way in", "program", "protected by", "policy", "identity passed on", "line"];

/// By which ways requests reach programs, and what protects each: one row a way.
fn table(ways: &[WayRow]) -> String {
    let rows: Vec<_> = ways.iter().map(|way| (&way.server, cells(way))).collect();
    let widths = [0, 1, 2, 3, 4, 5].map(|column| {
        let cells = rows.iter().filter_map(|(_, cells)| cells.get(column)).map(|cell| cell.chars().count());
        cells.chain(COLUMNS.get(column).map(|title| title.len())).max().unwrap_or_default()
    });
    let mut text = String::new();
    let mut server = None;
    for (name, cells) in &rows {
        if server != Some(name) {
            let _ = writeln!(text, "{name}\n{}", line(&COLUMNS.map(str::to_owned), &widths));
            server = Some(name);
        }
        let _ = writeln!(text, "{}", line(cells, &widths));
    }
    if !rows.is_empty() {
        text.push('\n');
    }
    text
}

fn cells(way: &WayRow) -> [String; 7] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let (by, policy) = match &way.protection {
        Protection::Asked { by, policy } => (by.clone(), policy.clone().unwrap_or_default()),
        Protection::Declared(reason) => (format!("nothing, declared: {reason}"), String::new()),
        Protection::Open => {
            ("NOTHING, although the program is protected elsewhere".to_owned(), String::new())
        }
        Protection::Unprotected => ("nothing".to_owned(), String::new()),
    };
    let steps = if way.steps.is_empty() { "clients".to_owned() } else { way.steps.join(", then ") };
    let place = format!("{}:{}", way.file, way.line);
    [
        way.location.clone(),
        steps,
        or_dash(way.program.clone()),
        by,
        or_dash(policy),
        or_dash(way.identity.join(", ")),
        place,
    ]
}

fn line(cells: &[String; 7], widths: &[usize; 6]) -> String {
    let [firsts @ .., last] = cells;
    let padded = firsts.iter().zip(widths.iter().copied()).map(|(cell, width)| format!("{cell:width$}  "));
    format!("  {}{last}", padded.collect::<String>())
}

/// For programs: one JSON object with all ways and all findings.
pub fn json(outcome: &LintOutcome) -> String {
    let ways = outcome.ways.iter().map(way_object).collect::<Vec<_>>().join(",\n");
    let findings = outcome.findings.iter().map(finding_object).collect::<Vec<_>>().join(",\n");
    format!("{{\"ways\":[\n{ways}\n],\n\"findings\":[\n{findings}\n]}}\n")
}

/// For programs: that the text was not read, and why.
pub fn json_error(why: &str) -> String {
    format!("{{\"ways\":[],\n\"findings\":[],\n\"error\":{}}}\n", string(why))
}

fn finding_object(finding: &Finding) -> String {
    let Finding { file, line, rule, severity, problem, risk, remedy } = finding;
    let (file, problem, risk, remedy) = (string(file), string(problem), string(risk), string(remedy));
    format!(
        r#"{{"file":{file},"line":{line},"rule":"{rule}","severity":"{}","problem":{problem},"risk":{risk},"remedy":{remedy}}}"#,
        severity.name()
    )
}

fn way_object(way: &WayRow) -> String {
    let optional = |text: Option<&String>| text.map_or("null".to_owned(), |text| string(text));
    let (state, asks, policy, reason) = match &way.protection {
        Protection::Asked { by, policy } => ("asked", Some(by), policy.as_ref(), None),
        Protection::Declared(reason) => ("declared", None, None, Some(reason)),
        Protection::Open => ("open", None, None, None),
        Protection::Unprotected => ("unprotected", None, None, None),
    };
    let list = |texts: &[String]| texts.iter().map(|text| string(text)).collect::<Vec<_>>().join(",");
    format!(
        r#"{{"server":{},"location":{},"steps":[{}],"program":{},"protection":"{state}","auth_request":{},"policy":{},"declared":{},"identity":[{}],"file":{},"line":{}}}"#,
        string(&way.server),
        string(&way.location),
        list(&way.steps),
        string(&way.program),
        optional(asks),
        optional(policy),
        optional(reason),
        list(&way.identity),
        string(&way.file),
        way.line
    )
}

fn counted(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

/// A JSON string (RFC 8259, section 7).
fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for next in text.chars() {
        match next {
            '"' | '\\' => quoted.extend(['\\', next]),
            '\0'..='\x1f' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(next));
            }
            _ => quoted.push(next),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_string_of_json(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&string(&text)).unwrap(), text);
        }
    }
}

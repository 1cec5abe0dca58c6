//! The output: for people, and for programs.

use std::fmt::Write as _;

use crate::check::LintOutcome;
use crate::finding::{Finding, Severity};

/// For people: three lines a finding, then the open locations, and a last line with the counts.
pub fn text(outcome: &LintOutcome) -> String {
    let mut text = String::new();
    for Finding { file, line, rule, severity, problem, remedy } in &outcome.findings {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{file}:{line}: {}: {rule}\n    {problem}\n    {remedy}\n", severity.name());
    }
    for open in &outcome.open {
        let _ = writeln!(text, "Open to all clients: {open}.");
    }
    let warnings = outcome.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    let errors = counted(outcome.findings.len() - warnings, "error");
    let (warnings, protected) = (counted(warnings, "warning"), counted(outcome.protected, "location"));
    let _ = writeln!(text, "{errors}, {warnings}; {protected} asking the sidecar.");
    text
}

/// For programs: a JSON object for each finding, one per line.
pub fn json(outcome: &LintOutcome) -> String {
    let mut text = String::new();
    for Finding { file, line, rule, severity, problem, remedy } in &outcome.findings {
        let (file, problem, remedy) = (string(file), string(problem), string(remedy));
        let _ = writeln!(
            text,
            r#"{{"file":{file},"line":{line},"rule":"{rule}","severity":"{}","problem":{problem},"remedy":{remedy}}}"#,
            severity.name()
        );
    }
    text
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

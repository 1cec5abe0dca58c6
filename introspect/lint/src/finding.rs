//! Rules, and their findings.

use std::collections::BTreeSet;

use crate::site::Site;
use crate::source::SourcePosition;

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// An error: a location is open, an identity can be forged, a secret leaks, or legitimate requests are
    /// refused.
    Error,
    /// A warning: something is slow, or the operator must know about it.
    Warning,
    /// The linter cannot read a part of the configuration, so that it does not know whether it is safe.
    Unread,
}

/// One kind of mistake.
#[derive(Debug)]
pub struct Rule {
    /// Its stable name.
    pub name: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// What it finds: a phrase, as in nginx/README.md.
    pub finds: &'static str,
    /// What an attacker could do, or what goes wrong: a sentence.
    pub risk: &'static str,
    /// The remedy, with the lines to write: sentences.
    pub remedy: &'static str,
    /// The function that looks for it.
    pub(crate) check: fn(&Site<'_>, &mut Problems),
}

/// One mistake in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file of the configuration.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// The name of the rule.
    pub rule: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// The problem: a sentence.
    pub problem: String,
    /// What an attacker could do, or what goes wrong: a sentence.
    pub risk: &'static str,
    /// The remedy, with the lines to write: sentences.
    pub remedy: &'static str,
}

/// The problems that one rule found.
#[derive(Debug, Default)]
pub(crate) struct Problems(BTreeSet<(SourcePosition, String)>);

/// The problems that all rules found.
pub(crate) struct FindingList<'t> {
    files: Vec<&'t str>,
    findings: Vec<(SourcePosition, Finding)>,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unread => "unread",
        }
    }
}

impl Problems {
    /// Adds what is wrong at a position; `problem` is a sentence. A snippet that many locations include has one mistake,
    /// not many.
    pub(crate) fn add(&mut self, at: SourcePosition, problem: impl Into<String>) {
        self.0.insert((at, problem.into()));
    }
}

impl<'t> FindingList<'t> {
    pub(crate) fn new(files: Vec<&'t str>) -> Self {
        Self { files, findings: Vec::new() }
    }

    pub(crate) fn check(&mut self, rule: &'static Rule, site: &Site<'_>) {
        let mut problems = Problems::default();
        (rule.check)(site, &mut problems);
        for (at, problem) in problems.0 {
            let file = self.file(at).to_owned();
            let Rule { name, severity, risk, remedy, .. } = *rule;
            let finding = Finding { file, line: at.line, rule: name, severity, problem, risk, remedy };
            self.findings.push((at, finding));
        }
    }

    /// The name of the file of a position.
    pub(crate) fn file(&self, at: SourcePosition) -> &str {
        self.files.get(at.file).map_or("", |file| file)
    }

    pub(crate) fn in_order(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|(at, _)| *at);
        self.findings.into_iter().map(|(_, finding)| finding).collect()
    }
}

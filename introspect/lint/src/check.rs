//! One run of the linter: from the output of `nginx -T` to the findings.

use crate::finding::{Finding, FindingList};
use crate::model::rule::RuleSet;
use crate::site::Site;
use crate::source::NotUnderstood;
use crate::way::WayRow;
use crate::{dump, include, rules, way};

/// The findings of a run, and how much it checked.
#[derive(Debug)]
pub struct LintOutcome {
    /// In the order of the files, then of the lines.
    pub findings: Vec<Finding>,
    /// How many locations ask the sidecar.
    pub protected: usize,
    /// By which ways requests reach programs, and what protects each.
    pub ways: Vec<WayRow>,
}

/// Reads `dump`, the output of `nginx -T`, and checks it against every rule.
///
/// # Errors
///
/// When `dump` is not the output of `nginx -T`, or cannot be read. The linter never guesses.
pub fn lint(dump: &str) -> Result<LintOutcome, NotUnderstood> {
    lint_with(dump, RuleSet::ALL)
}

/// As [`lint`], with a part of the model's knowledge of nginx: for the proof that it needs all of it.
///
/// # Errors
///
/// As [`lint`].
pub fn lint_with(dump: &str, model: RuleSet) -> Result<LintOutcome, NotUnderstood> {
    let files = dump::split(dump)?;
    let tree = include::expand(&files)?;
    let site = Site::new(&tree, model);
    let mut found = FindingList::new(files.iter().map(|file| file.name).collect());
    for rule in rules::ALL {
        found.check(rule, &site);
    }
    let ways = way::rows(&site, &found);
    Ok(LintOutcome { findings: found.in_order(), protected: site.protected().count(), ways })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: &str = "\\$http_x_user_id|\\$auth_policy|\\$a|/a|=|/q|@n|http://a|http://b/c\\$1|off|on|200|=200|401|=|\
        X-User-Id|X-Auth-Policy|any|all|http://\\$a|@n|Connection|\"\"|user|1s|2k|last|redirect|main";
    const NAMES: &str = "auth_request|satisfy|try_files|mirror|index|break|allow|auth_request_set|set|proxy_pass|return|rewrite|error_page|proxy_set_header|\
        add_header|internal|include|log_format|access_log|limit_req_zone|proxy_cache|proxy_read_timeout|server|deny";
    const BLOCKS: &str = "server|server|location /a|location = /q|location @n|location ~ \\^/\\(a\\|q\\)|limit_except GET|if \\(\\$a\\)|upstream a|\
        map \\$http_x_user_id \\$a";

    /// Configurations of a gateway that nginx might accept.
    fn nearly() -> impl Strategy<Value = String> {
        let regex = |text: String| prop::string::string_regex(&text).unwrap();
        let plain = regex(format!("({NAMES})( ({WORDS})){{0,3}};\n"));
        let deeper = plain.prop_recursive(4, 60, 8, move |inner| {
            let inside = prop::collection::vec(inner, 0..8);
            (regex(format!("({BLOCKS})")), inside)
                .prop_map(|(head, inside)| format!("{head} {{\n{}}}\n", inside.concat()))
        });
        let servers = prop::collection::vec(deeper, 0..6);
        servers.prop_map(|servers| format!("# configuration file /n:\nhttp {{\n{}}}\n\n", servers.concat()))
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_refused_without_panic(text: String) {
            let _any = lint(&text);
            let _any = lint(&format!("# configuration file /nginx.conf:\n{text}\n\n"));
        }

        #[test]
        fn nearly_valid_configurations_are_read_without_panic(text in nearly()) {
            let understood = lint(&text);
            // `include` names files that do not exist.
            prop_assert!(understood.is_ok() || text.contains("include"), "{:?}", understood);
        }
    }
}

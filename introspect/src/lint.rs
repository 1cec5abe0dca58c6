//! `introspect lint-nginx`: what in a gateway's configuration leaves a location open, spoofable or slow.
//!
//! What `nginx -T` prints, in the order it meets the files: [`dump`] (files), [`lexer`] and [`tree`] (their
//! directives), [`mod@include`] (one tree), [`site`] with [`place`], [`target`], [`pattern`] and [`variables`] (what it
//! means), [`rules`] (what is wrong with it), [`report`] (for people and for programs). [`command`] is what a
//! person types.
//!
//! Nothing of this runs while the sidecar answers, and nothing of the sidecar but the grammar of policies is
//! known here.

pub mod command;
mod dump;
pub mod finding;
mod include;
mod lexer;
mod pattern;
mod place;
pub mod report;
pub mod rules;
mod site;
mod target;
mod tree;
mod values;
mod variables;

use finding::{Finding, Found};
use site::Site;

/// What was found, and in how much.
#[derive(Debug)]
pub struct Outcome {
    /// In the order of the files, then of the lines.
    pub findings: Vec<Finding>,
    /// How many locations ask the sidecar.
    pub protected: usize,
    /// The locations that lead to the same origins and ask nobody, as a person should see them.
    pub open: Vec<String>,
}

/// The text is not what `nginx -T` prints, or has something in it that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}.")]
pub struct NotUnderstood {
    /// `file:line`, or what stands for it.
    pub place: String,
    /// What is not understood, as a clause.
    pub why: String,
}

/// Where a directive begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    file: usize,
    line: usize,
}

/// Reads `dump` and holds it against every rule.
///
/// # Errors
///
/// When `dump` is not what `nginx -T` prints, or is not understood. Nothing is guessed at.
pub fn lint(dump: &str) -> Result<Outcome, NotUnderstood> {
    let files = dump::split(dump)?;
    let tree = include::expand(&files)?;
    let site = Site::new(&tree);
    let mut found = Found::new(files.iter().map(|file| file.name).collect());
    for rule in rules::ALL {
        found.check(rule, &site);
    }
    let open =
        site.open().map(|place| format!("`{}` ({})", place.label(), found.place(place.at()))).collect();
    Ok(Outcome { findings: found.in_order(), protected: site.protected().count(), open })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: &str = "\\$http_x_user_id|\\$auth_policy|\\$a|/a|=|/q|@n|http://a|http://b/c\\$1|off|on|200|=200|401|=|\
        X-User-Id|X-Auth-Policy|Connection|\"\"|user|1s|2k|last|redirect|main";
    const NAMES: &str = "auth_request|auth_request_set|set|proxy_pass|return|rewrite|error_page|proxy_set_header|\
        add_header|internal|include|log_format|access_log|limit_req_zone|proxy_cache|proxy_read_timeout|server|deny";
    const BLOCKS: &str = "server|server|location /a|location = /q|location @n|location ~ \\^/\\(a\\|q\\)|if \\(\\$a\\)|upstream a|\
        map \\$http_x_user_id \\$a";

    /// Texts that nginx might well take for a gateway's configuration.
    fn nearly() -> impl Strategy<Value = String> {
        let regex = |text: String| prop::string::string_regex(&text).unwrap();
        let plain = regex(format!("({NAMES})( ({WORDS})){{0,3}};\n"));
        let deeper = plain.prop_recursive(4, 60, 8, move |inner| {
            let inside = prop::collection::vec(inner, 0..8);
            (regex(format!("({BLOCKS})")), inside)
                .prop_map(|(head, inside)| format!("{head} {{\n{}}}\n", inside.concat()))
        });
        let servers = prop::collection::vec(deeper, 0..6);
        servers.prop_map(|servers| format!("# configuration file /n:\nhttp {{\n{}}}\n", servers.concat()))
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_refused_without_panic(text: String) {
            let _any = lint(&text);
            let _any = lint(&format!("# configuration file /nginx.conf:\n{text}"));
        }

        #[test]
        fn what_is_nearly_a_gateway_is_understood_without_panic(text in nearly()) {
            let understood = lint(&text);
            // `include` names files that are not there.
            prop_assert!(understood.is_ok() || text.contains("include"), "{:?}", understood);
        }
    }
}

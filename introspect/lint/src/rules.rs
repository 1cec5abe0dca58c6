//! Every rule: a file that declares and checks it, its `mod`, and its line in [`ALL`].
//!
//! A new one needs a wrong configuration in `tests/configurations/` and a row in nginx/README.md; tests check both. No
//! rule is about the programs behind nginx, or about servers of the same nginx that do not use Usher.

use crate::finding::Rule;

mod add_header_lost;
mod answers_lost;
mod auth_address;
mod auth_address_variable;
mod auth_body;
mod auth_buffer;
mod auth_cached;
mod auth_credentials;
mod auth_http2;
mod auth_intercepts_errors;
mod auth_keep_alive;
mod auth_limited;
mod auth_location_missing;
mod auth_location_not_internal;
mod auth_method;
mod auth_redirected;
mod auth_timeouts;
mod auth_upgrade;
mod auth_uri;
mod cache_shared;
mod challenge_lost;
mod client_abort;
mod connections_unlimited;
mod cookie_to_origin;
mod decision_not_required;
mod declared_in_vain;
mod error_log_level;
mod error_page_opens;
mod headers_lost;
mod identity_guard;
mod identity_not_set;
mod identity_source;
mod internal_public;
mod invalid_headers;
mod limit_by_address;
mod limit_by_identity;
mod log_secrets;
mod long_connection;
mod not_read;
mod nothing_protected;
mod obeyed_headers;
mod open_left;
mod open_location;
mod open_satisfy_any;
mod open_self_answered;
mod other_pass;
mod path_guard;
mod policy_elsewhere;
mod policy_from_client;
mod policy_malformed;
mod policy_missing;
mod policy_not_constant;
mod policy_not_sent;
mod policy_unused;
mod preflight_before_auth;
mod proxy_pass_captures;
mod proxy_pass_uri;
mod real_ip;
mod real_ip_open;
mod regex_not_understood;
mod request_id;
mod return_before_auth;
mod spelling_not_cleared;
mod temporary_files;
mod token_to_origin;
mod underscores_in_headers;
mod upstream_keepalive;
mod upstream_keepalive_requests;
mod upstream_keepalive_timeout;
mod upstream_max_fails;

/// In the order of nginx/README.md: open ways, protected locations, policies, the subrequest, refusals, identity, caches and paths,
/// logs.
pub const ALL: &[&Rule] = &[
    &open_location::RULE,
    &open_left::RULE,
    &open_satisfy_any::RULE,
    &open_self_answered::RULE,
    &declared_in_vain::RULE,
    &not_read::RULE,
    &nothing_protected::RULE,
    &return_before_auth::RULE,
    &preflight_before_auth::RULE,
    &decision_not_required::RULE,
    &policy_missing::RULE,
    &policy_elsewhere::RULE,
    &policy_unused::RULE,
    &policy_malformed::RULE,
    &policy_not_constant::RULE,
    &policy_not_sent::RULE,
    &policy_from_client::RULE,
    &auth_uri::RULE,
    &auth_location_missing::RULE,
    &auth_location_not_internal::RULE,
    &auth_method::RULE,
    &auth_credentials::RULE,
    &auth_body::RULE,
    &auth_keep_alive::RULE,
    &auth_http2::RULE,
    &auth_upgrade::RULE,
    &auth_timeouts::RULE,
    &auth_buffer::RULE,
    &auth_cached::RULE,
    &auth_limited::RULE,
    &auth_intercepts_errors::RULE,
    &auth_redirected::RULE,
    &auth_address::RULE,
    &auth_address_variable::RULE,
    &upstream_keepalive::RULE,
    &upstream_keepalive_requests::RULE,
    &upstream_keepalive_timeout::RULE,
    &upstream_max_fails::RULE,
    &error_page_opens::RULE,
    &challenge_lost::RULE,
    &identity_guard::RULE,
    &underscores_in_headers::RULE,
    &spelling_not_cleared::RULE,
    &invalid_headers::RULE,
    &identity_not_set::RULE,
    &identity_source::RULE,
    &obeyed_headers::RULE,
    &headers_lost::RULE,
    &answers_lost::RULE,
    &add_header_lost::RULE,
    &token_to_origin::RULE,
    &cookie_to_origin::RULE,
    &other_pass::RULE,
    &cache_shared::RULE,
    &limit_by_identity::RULE,
    &limit_by_address::RULE,
    &connections_unlimited::RULE,
    &real_ip::RULE,
    &real_ip_open::RULE,
    &proxy_pass_uri::RULE,
    &proxy_pass_captures::RULE,
    &path_guard::RULE,
    &internal_public::RULE,
    &log_secrets::RULE,
    &error_log_level::RULE,
    &request_id::RULE,
    &long_connection::RULE,
    &client_abort::RULE,
    &temporary_files::RULE,
    // Last: matching fails only when another rule looks up a path.
    &regex_not_understood::RULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_rule_and_no_other() {
        let document = include_str!("../../../nginx/README.md");
        let section = document.split("\n## ").find(|section| section.starts_with("Checking")).unwrap();
        let documented: Vec<_> =
            section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let rules: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
        assert_eq!(documented, rules);
        for rule in ALL {
            let row = format!("| `{}` | {} | {} |", rule.name, rule.severity.name(), rule.finds);
            assert!(section.lines().any(|line| line == row), "{row}");
        }
    }

    #[test]
    fn every_risk_and_remedy_is_a_sentence() {
        for text in ALL.iter().flat_map(|rule| [rule.risk, rule.remedy]) {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text}");
        }
    }
}

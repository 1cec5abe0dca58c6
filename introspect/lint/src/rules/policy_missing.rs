//! A protected location needs a policy in its own block: `set` is not inherited, and an internal redirect brings the
//! policy of another block along.

use crate::finding::{Problems, Rule, Severity};
use crate::model::may_stop;
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::bare;

pub(crate) const RULE: Rule = Rule {
    name: "policy-missing",
    severity: Severity::Error,
    finds: "a protected location without its own policy, or where the `set` of the policy may not run",
    risk: "The sidecar refuses such requests, or judges them by the policy of the location that an internal redirect came from.",
    remedy: "Add `set $auth_policy \"user\";`, or another policy, to the same block as `auth_request`, before any `break`; for other methods write a location of their own instead of `limit_except`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.protected() {
        let Some(variable) = server.policy_variable(scope) else { continue };
        if !scope.own("set").any(|set| is_policy(set, variable)) {
            found.add(scope.at(), format!("`{}` asks the sidecar without its own policy.", scope.label()));
        }
        let mut before = scope.block().inside().iter();
        if before.by_ref().take_while(|inner| !may_stop(inner)).all(|inner| !is_policy(inner, variable))
            && let Some(late) = before.find(|inner| is_policy(inner, variable))
        {
            found.add(
                late.at,
                format!("`{}` sets its policy after a `break`, so that it may not run.", scope.label()),
            );
        }
        for except in scope.own("limit_except").filter(|except| !denies_all(except)) {
            let problem =
                "For the methods of `limit_except` no `set` of the location runs: there is no policy.";
            found.add(except.at, problem);
        }
    }
}

fn is_policy(directive: &Directive, variable: &str) -> bool {
    directive.name == "set" && bare(directive.arg(0)) == variable
}

fn denies_all(except: &Directive) -> bool {
    let mut rules = except.inside().iter().filter(|inner| matches!(&*inner.name, "allow" | "deny"));
    rules.next().is_some_and(|first| first.name == "deny" && first.arg(0) == "all")
}

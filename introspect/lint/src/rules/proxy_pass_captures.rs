//! With variables in `proxy_pass`, decoded parts of the path go into the request, also line ends and `..`.

use crate::finding::{Problems, Rule, Severity};
use crate::gate;
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "proxy-pass-captures",
    severity: Severity::Error,
    finds: "a protected location whose `proxy_pass` has variables, apart from `$auth_gate` and those whose \
            values the configuration lists",
    risk: "A client may put line ends, `..` or another host into the request to the program.",
    remedy: "Set `proxy_pass http${auth_gate}://origin;` without other variables.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| scope.auth_request().is_some()) {
        let has_variables = |pass: &&Directive| {
            // The gate only makes the address valid or invalid.
            let gate =
                gate::variable(pass.arg(0)).filter(|_| gate::is_closed(scope, &site.variables, pass.arg(0)));
            let is_listed = |name: &str| site.variables.is_listed(name);
            names(pass.arg(0)).into_iter().any(|name| Some(name) != gate && !is_listed(name))
        };
        for pass in scope.own("proxy_pass").filter(has_variables) {
            found.add(
                pass.at,
                format!("The address `{}` has variables, so decoded parts of the client's path can get into the request to the origin.", pass.arg(0)),
            );
        }
    }
}

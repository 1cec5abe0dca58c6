//! A cookie counts for GET and HEAD alone, and the sidecar knows the method only from `X-Original-Method`: the subrequest itself is
//! always a GET.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::variables::only;

pub(crate) const RULE: Rule = Rule {
    name: "auth-method",
    severity: Severity::Error,
    finds: "a subrequest without the method of the request, or with a constant one",
    risk: "With a constant such as GET a page of another origin can make a user's browser change something with its cookie; with the client's own header, the client chooses.",
    remedy: "Set `proxy_set_header X-Original-Method $request_method;` in the location of the auth_request subrequest.",
    check,
};

const METHOD: &str = "X-Original-Method";

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations().filter(|auth_location| auth_location.target().is_some()) {
        let sent = auth_location.header(METHOD);
        let passes = sent.is_none() && !auth_location.says("proxy_pass_request_headers", "off");
        let is_wrong = sent.is_some_and(|sent| !sent.is_empty() && only(sent) != Some("request_method"));
        if passes || is_wrong {
            let problem =
                format!("`{}` does not send the method of the request as {METHOD}.", auth_location.label());
            found.add(auth_location.at(), problem);
        }
    }
}

//! The sidecar's response headers must fit into the buffer; otherwise nginx answers 500. With many roles they take up to 4 KB.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::values::size as size_of;

pub(crate) const RULE: Rule = Rule {
    name: "auth-buffer",
    severity: Severity::Error,
    finds: "`proxy_buffer_size` under 4k for the subrequest",
    risk: "Users with many roles get 500 instead of the content.",
    remedy: "Remove `proxy_buffer_size`, or set `proxy_buffer_size 4k;` or more in the location of the auth_request subrequest.",
    check,
};

/// The largest size of a response's headers, in bytes.
const LEAST: u64 = 4096;

fn check(site: &Site<'_>, found: &mut Problems) {
    for auth_location in site.auth_locations() {
        let size = auth_location.the("proxy_buffer_size");
        if let Some(small) = size.filter(|bytes| size_of(bytes.arg(0)).is_some_and(|bytes| bytes < LEAST)) {
            found.add(small.at, format!("{} is too small for the response of the sidecar.", small.arg(0)));
        }
    }
}

//! Who the client is that brings a code (RFC 6749, section 2.3).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::header::AUTHORIZATION;

use crate::Client;
use crate::authorization;
use crate::params::Params;
use crate::refusal::{Fault, Refusal};
use crate::visit::Visit;

/// The client, or why it is none.
pub(crate) fn authenticate(visit: &Visit<'_>, form: &Params) -> Result<Client, Refusal> {
    let refuse = |why: &str| Refusal::new(Fault::Client, why);
    let wanted = &visit.play.credentials;
    let (in_body, secret_in_body) = (form.get("client_id"), form.get("client_secret"));
    if visit.request.headers.contains_key(AUTHORIZATION) {
        if !wanted.basic {
            return Err(refuse("the client is named in the body here, not in Authorization"));
        }
        if secret_in_body.is_some() {
            return Err(refuse("the secret comes in Authorization or in the body, not in both"));
        }
        let basic = authorization::of_scheme(&visit.request.headers, "Basic").and_then(authorization::basic);
        let (id, secret) = basic.ok_or_else(|| refuse("Authorization is not a well-formed Basic"))?;
        if in_body.is_some_and(|other| other != id) {
            return Err(refuse("client_id is another one than in Authorization"));
        }
        return known(visit, &id, Some(&secret));
    }
    if !wanted.body {
        return Err(refuse("the client is named by Authorization: Basic here, not in the body"));
    }
    let id = in_body.ok_or_else(|| refuse("client_id is missing"))?;
    if secret_in_body.is_none() && !wanted.public {
        return Err(refuse("client_secret is missing"));
    }
    known(visit, id, secret_in_body)
}

fn known(visit: &Visit<'_>, id: &str, secret: Option<&str>) -> Result<Client, Refusal> {
    let client = visit.world.client(visit.play.provider, id);
    let client = client.ok_or_else(|| Refusal::new(Fault::Client, "the client is not registered"))?;
    let fits = |secret: &str| verify_slices_are_equal(secret.as_bytes(), client.secret.as_bytes()).is_ok();
    match secret {
        Some(secret) if !fits(secret) => Err(Refusal::new(Fault::Client, "the secret is wrong")),
        _ => Ok(client),
    }
}

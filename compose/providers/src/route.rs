//! From a path to whoever answers it.

use hyper::StatusCode;
use serde_json::json;

use crate::Provider;
use crate::authorize::{authorize, decide};
use crate::control::control;
use crate::exchange::exchange;
use crate::fault;
use crate::play::{Endpoint, Play, github, google};
use crate::reply::{Answer, Reply};
use crate::request::Request;
use crate::visit::Visit;
use crate::world::World;

/// Answers a request at that second since 1970.
pub(crate) fn answer(world: &World, now: u64, request: &Request) -> Answer {
    if let Some(path) = request.path.strip_prefix("/_control/") {
        return Answer::Now(control(world, path, request));
    }
    let Some((play, endpoint)) = endpoint(&request.path) else { return Answer::Now(Reply::not_found()) };
    world.count(play.provider, endpoint);
    let trouble = world.trouble(play.provider);
    let visit = Visit { world, play, request, trouble, now };
    fault::apply(&visit, endpoint, || match endpoint {
        Endpoint::Authorize => authorize(&visit),
        Endpoint::Decide => decide(&visit),
        Endpoint::Token => exchange(&visit),
        Endpoint::User => (play.user)(&visit),
        Endpoint::Emails => github::emails(&visit),
        Endpoint::Keys => google::keys(&visit),
        Endpoint::Discovery => google::discovery(&visit),
        Endpoint::Elsewhere => Reply::json(StatusCode::OK, &json!({})),
    })
}

/// `/{provider}` and one of its paths.
fn endpoint(path: &str) -> Option<(&'static Play, Endpoint)> {
    let rest = path.strip_prefix('/')?;
    let (name, _) = rest.split_once('/')?;
    let play = Play::of(Provider::parse(name)?);
    Some((play, play.endpoint(rest.strip_prefix(name)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_providers_own_after_its_name() {
        let found = |path| endpoint(path).map(|(play, endpoint)| (play.provider, endpoint));
        assert_eq!(found("/x/2/users/me"), Some((Provider::X, Endpoint::User)));
        assert_eq!(found("/github/user/emails"), Some((Provider::GitHub, Endpoint::Emails)));
        assert_eq!(found("/vk/_decide"), Some((Provider::Vk, Endpoint::Decide)));
        for nothing in ["", "/", "/x", "x/2/users/me", "/y/2/users/me", "/x//2/users/me", "/x/2/users/me/"] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
    }
}

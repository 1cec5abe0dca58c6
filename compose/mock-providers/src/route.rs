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
    use hyper::Method;
    use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
    use proptest::prelude::*;

    use super::*;
    use crate::Config;
    use crate::key::SigningKey;

    fn paths() -> Vec<String> {
        let plays = Provider::ALL.map(Play::of);
        let known = plays.iter().flat_map(|play| {
            let of = |path: &str| format!("/{}{path}", play.provider);
            play.paths.iter().map(move |(path, _)| of(path)).chain([format!("/{}/_decide", play.provider)])
        });
        known.chain(["/_control/people".to_owned(), "/_control/x/trouble".to_owned()]).collect()
    }

    /// What anybody could say: some of it nearly right.
    fn saying() -> impl Strategy<Value = String> {
        let name =
            "(client_id|code|state|scope|redirect_uri|request|person|fields|access_token|[a-z%+=]{0,9})";
        proptest::string::string_regex(&format!("({name}=[ -~]{{0,9}}&){{0,6}}")).unwrap()
    }

    #[test]
    fn whatever_is_asked_is_answered() {
        let key = SigningKey::generate().unwrap();
        let world = World::new("http://127.0.0.1:9".to_owned(), key, Config::default());
        let path = proptest::sample::select(paths());
        proptest!(|(path in path, query in saying(), body in saying(), said in "[ -~]{0,30}", post: bool)| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&said).unwrap());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(USER_AGENT, HeaderValue::from_static("test"));
            let method = if post { Method::POST } else { Method::GET };
            let request = Request::new(method, &format!("{path}?{query}"), headers, &body);
            prop_assert!(matches!(answer(&world, 0, &request), Answer::Now(_)));
        });
    }

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

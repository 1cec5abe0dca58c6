//! Routes a request to the endpoint that answers it.

use hyper::StatusCode;
use serde_json::json;

use crate::authorize::{authorize, decide};
use crate::context::Context;
use crate::control::control;
use crate::endpoint::Endpoint;
use crate::exchange::exchange;
use crate::fault_injection;
use crate::provider::Provider;
use crate::reply::{Delivery, Reply};
use crate::request::Request;
use crate::store::Store;
use crate::stub::Stub;
use crate::stubs::{github, google, microsoft, stub_of};

/// Answers a request; `now` is in seconds since 1970.
pub(crate) fn answer(store: &Store, now: u64, request: &Request) -> Delivery {
    if let Some(path) = request.path.strip_prefix("/_control/") {
        return Delivery::Now(control(store, path, request));
    }
    let Some((stub, endpoint)) = endpoint(&request.path) else { return Delivery::Now(Reply::not_found()) };
    store.count(stub.provider, endpoint);
    let fault = store.fault(stub.provider);
    let cx = Context { store, provider: stub.provider, request, fault, now };
    fault_injection::apply(stub, &cx, endpoint, || match endpoint {
        Endpoint::Authorize => authorize(stub, &cx),
        Endpoint::Decide => decide(stub, &cx),
        Endpoint::Token => exchange(stub, &cx),
        Endpoint::User => (stub.user)(&cx),
        Endpoint::Emails => github::emails(&cx),
        Endpoint::Keys if stub.provider == Provider::OPENID => microsoft::keys(&cx),
        Endpoint::Keys => google::keys(&cx),
        Endpoint::Discovery if stub.provider == Provider::OPENID => microsoft::discovery(&cx),
        Endpoint::Discovery => google::discovery(&cx),
        Endpoint::Elsewhere => Reply::json(StatusCode::OK, &json!({})),
    })
}

/// `/{provider}` and one of its paths.
fn endpoint(path: &str) -> Option<(&'static Stub, Endpoint)> {
    let rest = path.strip_prefix('/')?;
    let (name, _) = rest.split_once('/')?;
    let stub = stub_of(Provider::parse(name)?);
    Some((stub, stub.endpoint(rest.strip_prefix(name)?)?))
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::key::SigningKey;

    fn paths() -> Vec<String> {
        let stubs = Provider::ALL.into_iter().chain([Provider::OPENID]).map(stub_of).collect::<Vec<_>>();
        let known = stubs.iter().flat_map(|stub| {
            let of = |path: &str| format!("/{}{path}", stub.provider);
            stub.paths.iter().map(move |(path, _)| of(path)).chain([format!("/{}/_decide", stub.provider)])
        });
        known.chain(["/_control/people".to_owned(), "/_control/x/fault".to_owned()]).collect()
    }

    /// Any parameters, some of them nearly right.
    fn parameters() -> impl Strategy<Value = String> {
        let name =
            "(client_id|code|state|scope|redirect_uri|request|person|fields|access_token|[a-z%+=]{0,9})";
        proptest::string::string_regex(&format!("({name}=[ -~]{{0,9}}&){{0,6}}")).unwrap()
    }

    #[test]
    fn any_request_is_answered() {
        let key = SigningKey::generate().unwrap();
        let store = Store::new("http://127.0.0.1:9".to_owned(), key, Config::default());
        let path = proptest::sample::select(paths());
        proptest!(|(path in path, query in parameters(), body in parameters(), header in "[ -~]{0,30}", post: bool)| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&header).unwrap());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(USER_AGENT, HeaderValue::from_static("test"));
            let method = if post { Method::POST } else { Method::GET };
            let request = Request::new(method, &format!("{path}?{query}"), headers, &body);
            prop_assert!(matches!(answer(&store, 0, &request), Delivery::Now(_)));
        });
    }

    #[test]
    fn a_path_is_the_providers_own_after_its_name() {
        let found = |path| endpoint(path).map(|(stub, endpoint)| (stub.provider, endpoint));
        assert_eq!(found("/x/2/users/me"), Some((Provider::X, Endpoint::User)));
        assert_eq!(found("/github/user/emails"), Some((Provider::GitHub, Endpoint::Emails)));
        assert_eq!(found("/vk/_decide"), Some((Provider::Vk, Endpoint::Decide)));
        for unknown in ["", "/", "/x", "x/2/users/me", "/y/2/users/me", "/x//2/users/me", "/x/2/users/me/"] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
    }
}

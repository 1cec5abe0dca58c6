//! From a method and a path to a route.

use http::Method;

use crate::api::Params;

use super::route::Route;

/// The result of a lookup.
pub(super) enum RouteMatch<'r> {
    /// A route.
    Route(&'r Route, Params),
    /// The path exists, but only for these methods, comma-separated.
    OtherMethods(String),
    /// No route.
    Nothing,
}

/// Searches the table. Segments are compared undecoded: no route has a segment that needs decoding, and an
/// undecoded segment cannot be decoded twice.
pub(super) fn find<'r>(routes: &'r [Route], method: &Method, path: &str) -> RouteMatch<'r> {
    let mut others = Vec::new();
    for route in routes {
        let Some(params) = match_path(route.path, path) else { continue };
        let answers_head = route.method == Method::GET && !route.operation.is_link;
        if route.method == *method || (answers_head && *method == Method::HEAD) {
            return RouteMatch::Route(route, params);
        }
        others.push(route.method.as_str());
        if answers_head {
            others.push("HEAD");
        }
    }
    if others.is_empty() { RouteMatch::Nothing } else { RouteMatch::OtherMethods(others.join(", ")) }
}

fn match_path(pattern: &'static str, path: &str) -> Option<Params> {
    let mut wanted = pattern.split('/');
    let mut given = path.split('/');
    let mut params = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params.into_iter().collect()),
            (Some(wanted), Some(given)) => match open_part(wanted) {
                Some(name) if !given.is_empty() => params.push((name, given.to_owned())),
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// The names of a path's parameters.
pub(super) fn open_parts(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(open_part)
}

fn open_part(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use std::convert::identity;

    use proptest::prelude::*;

    use super::*;
    use crate::api::{Problem, Request, Response};

    async fn nothing(_: Request) -> Result<Response, Problem> {
        Ok(Response::empty(http::StatusCode::NO_CONTENT))
    }

    fn table() -> Vec<Route> {
        let route = |method, path| Route::new(method, path, nothing, identity);
        vec![
            route(Method::GET, "/a"),
            route(Method::PATCH, "/a"),
            route(Method::DELETE, "/a/{id}"),
            route(Method::PUT, "/a/password"),
        ]
    }

    fn verdict(method: &Method, path: &str) -> String {
        match find(&table(), method, path) {
            RouteMatch::Route(route, params) => format!("{} {:?}", route.path, params.get("id")),
            RouteMatch::OtherMethods(methods) => format!("405 {methods}"),
            RouteMatch::Nothing => "404".to_owned(),
        }
    }

    #[test]
    fn a_path_and_a_method_find_their_route() {
        assert_eq!(verdict(&Method::GET, "/a"), "/a None");
        assert_eq!(verdict(&Method::HEAD, "/a"), "/a None");
        assert_eq!(verdict(&Method::DELETE, "/a/7"), "/a/{id} Some(\"7\")");
        assert_eq!(verdict(&Method::PUT, "/a/password"), "/a/password None");
    }

    #[test]
    fn a_known_path_names_its_methods() {
        assert_eq!(verdict(&Method::POST, "/a"), "405 GET, HEAD, PATCH");
        assert_eq!(verdict(&Method::GET, "/a/password"), "405 DELETE, PUT");
    }

    #[test]
    fn near_misses_are_not_found() {
        for path in ["", "/", "/a/", "//a", "/b", "/a/7/", "/a/7/8", "/A", "a", "/a%2f7"] {
            assert_eq!(verdict(&Method::GET, path), "404", "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_judged_without_panic(path: String) {
            let _verdict = verdict(&Method::GET, &path);
        }
    }
}

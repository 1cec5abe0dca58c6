//! `POST /oauth2/revoke` (RFC 7009): revokes the token in a form. There are no registered clients: possession suffices.
//!
//! An access token is revoked by itself, a refresh token with its session. It is not in the OpenAPI document, whose routes
//! take JSON.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::logout;
use super::refresh_token::RefreshToken;
use super::store;
use crate::access::owner_of;
use crate::actor::Caller;
use crate::api::{Operation, Problem, Request, Response};
use crate::context::Context;
use crate::revocations::{self, NewRevocation};

const FORM: &str = "application/x-www-form-urlencoded";

/// What is wrong with a request, in words for developers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InvalidRequest(&'static str);

/// It takes rights away.
pub fn describe(operation: Operation) -> Operation {
    operation.takes_away()
}

/// Handles the request. A token that is unknown, has expired or was revoked before returns 200 too, as RFC 7009 demands.
///
/// # Errors
///
/// 503. A request without one token is answered as RFC 6749 says (400 `invalid_request`), not by a problem.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let token = match token_of(&request.headers, &request.body) {
        Ok(token) => token,
        Err(InvalidRequest(why)) => {
            let answer = json!({ "error": "invalid_request", "error_description": why });
            return Ok(Response::json(StatusCode::BAD_REQUEST, &answer));
        }
    };
    let context = &request.context;
    if let Ok(refresh) = RefreshToken::open(&token, &context.refresh_keys) {
        logout::end(context, &request.actor(), refresh.session).await?;
    } else if let Some(owner) = owner_of(&request, &token)? {
        revoke(context, owner).await?;
    }
    Ok(Response::empty(StatusCode::OK))
}

/// Under the lock of its session, so that a token is recorded once, however often it is sent. A token of a session that has
/// ended is refused already.
async fn revoke(context: &Context, owner: Caller) -> Result<(), Problem> {
    let _place = context.session_places.take(owner.session).await;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let session = store::lock(&tx, owner.session).await?;
    let is_live = session.is_some_and(|session| session.user == owner.user && !session.state.is_revoked);
    let key = owner.token().key;
    if is_live && !revocations::is_token_revoked(&tx, key).await? {
        revocations::record(&tx, &context.issuer, &[NewRevocation::token_key(key)]).await?;
    }
    Ok(tx.commit().await?)
}

/// The one `token` of the form. `token_type_hint` is not needed, and other parameters are ignored.
fn token_of(headers: &HeaderMap, body: &[u8]) -> Result<String, InvalidRequest> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(FORM) {
        return Err(InvalidRequest("The body must be application/x-www-form-urlencoded."));
    }
    let mut tokens = url::form_urlencoded::parse(body).filter(|(name, _)| name == "token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) if !token.is_empty() => Ok(token.into_owned()),
        (Some(_), Some(_)) => Err(InvalidRequest("`token` must be present once.")),
        (Some(_) | None, None) | (None, Some(_)) => Err(InvalidRequest("`token` is missing.")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(kind: &'static str, body: &[u8]) -> Result<String, InvalidRequest> {
        token_of(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]), body)
    }

    #[test]
    fn one_token_in_a_form_is_read_and_everything_else_is_refused() {
        let form = |body: &str| read(FORM, body.as_bytes());
        assert_eq!(form("token=a.b.c&token_type_hint=access_token&client_id=tv"), Ok("a.b.c".to_owned()));
        assert_eq!(read("Application/X-WWW-Form-URLEncoded; charset=utf-8", b"token=x"), Ok("x".to_owned()));
        for body in ["", "token=", "tok=a", "token=a&token=b", "token=a&token="] {
            assert!(form(body).is_err(), "{body}");
        }
        assert!(read("application/json", b"token=x").is_err());
        assert!(token_of(&HeaderMap::new(), b"token=x").is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_panic(body: Vec<u8>) {
            if let Ok(token) = read(FORM, &body) {
                prop_assert!(!token.is_empty());
            }
        }

        #[test]
        fn a_token_is_read_as_it_was_encoded(token in "\\PC{1,80}") {
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("token", &token).finish();
            prop_assert_eq!(read(FORM, body.as_bytes()), Ok(token));
        }
    }
}

//! `PATCH /api/v1/me`: changes what the caller says about themselves (RFC 7396).

use http::{HeaderMap, header};
use serde_json::json;

use super::show;
use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape};
use crate::users::profile::{Profile, ProfileChange};
use crate::users::store;

/// What the document says of it.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change the caller's profile.")
        .access(Access::SignedIn)
        .header(
            "If-Match",
            "Change it only if its version, as `ETag` said, is one of these; `*` is any.",
            Shape::text("*"),
        )
        .body::<ProfileChange>(json!({ "first_name": "Анна", "phone": "+79991234567", "last_name": null }))
        .answer::<Profile>(200, "The profile as it is now.", show::example())
        .answer_header(200, "ETag", show::VERSION)
        .problems(&[Code::PreconditionFailed])
}

/// Answers the request: the profile as it is afterwards.
///
/// # Errors
///
/// 412 `precondition_failed` when `If-Match` names other versions, 422 with every field that is not good,
/// 401, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let change = request.json::<ProfileChange>()?.check()?;
    let versions = if_match(&request.headers);
    let connection = request.context.db.get().await?;
    if !store::change_profile(&connection, caller.user, &change, versions.as_deref()).await? {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    show::respond(&connection, caller.user).await
}

/// The versions that the client would change; `None` for any (RFC 9110, section 13.1.1). What is no version
/// of ours, or weak, matches nothing.
fn if_match(headers: &HeaderMap) -> Option<Vec<i64>> {
    let mut versions = None;
    for line in headers.get_all(header::IF_MATCH) {
        let tags = line.to_str().unwrap_or_default().split(',').map(str::trim);
        for tag in tags {
            if tag == "*" {
                return None;
            }
            versions.get_or_insert_with(Vec::new).extend(version(tag));
        }
    }
    versions
}

fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn versions(lines: &[&str]) -> Option<Vec<i64>> {
        let lines = lines.iter().map(|line| (header::IF_MATCH, HeaderValue::from_str(line).unwrap()));
        if_match(&lines.collect())
    }

    #[test]
    fn versions_are_read_from_every_line() {
        assert_eq!(versions(&[]), None);
        assert_eq!(versions(&["*"]), None);
        assert_eq!(versions(&["\"3\""]), Some(vec![3]));
        assert_eq!(versions(&["\"3\", \"4\""]), Some(vec![3, 4]));
    }

    #[test]
    fn other_tags_match_nothing() {
        for tag in ["W/\"3\"", "3", "\"x\"", "", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(versions(&[tag]), Some(Vec::new()), "{tag}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_panic(line in "[ -~]*") {
            let _any = versions(&[&line]);
        }
    }
}

//! A problem as a page, for a person whose browser opened a link of this service.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use shared::request_id::RequestId;

use super::{Problem, Response};

/// The page loads nothing, and no other site can show it in a frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/// `problem` as a page instead of JSON, with the same status and headers.
pub(crate) fn respond(problem: &Problem, request_id: &RequestId) -> Response {
    let title = escape(problem.code().title());
    let detail = problem.to_string();
    let detail = detail.strip_prefix(problem.code().title()).unwrap_or_default().trim();
    let detail = if detail.is_empty() { String::new() } else { format!("<p>{}</p>\n", escape(detail)) };
    let (code, id) = (problem.code().as_str(), escape(request_id.as_str()));
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body {{ font: 1rem/1.5 sans-serif; margin: 3rem auto; max-width: 36rem; padding: 0 1rem }}</style>\n\
         <h1>{title}</h1>\n{detail}<p><small>{code}, request {id}</small></p>\n</html>\n"
    );
    // The address of this page may contain a code.
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let with = |response: Response, (name, value): (HeaderName, &'static str)| {
        response.with_header(name, HeaderValue::from_static(value))
    };
    headers.into_iter().fold(problem.respond(request_id).with_body(Bytes::from(page)), with)
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Code;

    fn page(problem: &Problem) -> (Response, String) {
        let response = respond(problem, &RequestId::parse(b"r-1").unwrap());
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        (response, text)
    }

    #[test]
    fn a_page_says_what_the_problem_says() {
        let (response, text) = page(&Problem::new(Code::ProviderUnavailable).retry_after(7).detail("Wait."));
        assert_eq!(response.status(), Code::ProviderUnavailable.status());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        for part in [Code::ProviderUnavailable.title(), "<p>Wait.</p>", "provider_unavailable", "r-1"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn text_of_a_client_is_no_markup() {
        let field = Problem::new(Code::ValidationFailed).field(
            "a",
            "field_invalid",
            "<script>alert('1')</script> & \"",
        );
        let (_, text) = page(&field);
        assert!(!text.contains("<script>"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;"), "{text}");
    }
}

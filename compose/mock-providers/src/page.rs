//! The pages for browsers, without scripts and outside resources.

use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use crate::person::Person;
use crate::reply::Reply;

/// There is purposefully no `form-action`: it would also apply to the redirect after the form, to the client.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1.1rem/1.5 sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}\
button{font:inherit;display:block;width:100%;margin:.5rem 0;padding:.75rem;text-align:left;cursor:pointer}\
small{display:block}";

/// The choice of a person.
pub(crate) fn choice(title: &str, action: &str, request: &str, client: &str, people: &[Person]) -> Reply {
    let people: String = people.iter().map(button).collect();
    let (action, request, client) = (escape(action), escape(request), escape(client));
    let body = format!(
        "<p>The application <strong>{client}</strong> requests your identity. \
         The people are invented, and no password is required.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{request}\">\n{people}\
         <button name=\"refuse\" value=\"1\">Refuse</button>\n</form>"
    );
    page(StatusCode::OK, &format!("Sign in to {title} (mock)"), &body)
}

/// The exact error of a request. There is no redirect, because the client is not known to be valid.
pub(crate) fn error(title: &str, why: &str) -> Reply {
    let body = format!("<p role=\"alert\">{}</p>", escape(why));
    page(StatusCode::BAD_REQUEST, &format!("{title} (mock) refused the request"), &body)
}

fn button(person: &Person) -> String {
    let key = escape(&person.key);
    let name = escape(person.name.as_deref().unwrap_or(&person.key));
    let email = escape(person.email.as_deref().unwrap_or("no e-mail address"));
    format!("<button name=\"person\" value=\"{key}\">{name}<small>{email}</small></button>\n")
}

fn page(status: StatusCode, title: &str, body: &str) -> Reply {
    let title = escape(title);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    Reply::html(status, page)
        .with(CONTENT_SECURITY_POLICY, POLICY)
        .with(REFERRER_POLICY, "no-referrer")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, character| {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_escaped() {
        assert_eq!(escape("<a href='x' b=\"y\">&"), "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;");
    }
}

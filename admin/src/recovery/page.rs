//! `/account/reset`: the page that a link in a mail opens. GET shows a form and changes nothing; POST sets the password.
//!
//! The token is in the fragment of the link, which browsers send to no server: no log of a proxy, of nginx or of this
//! service can have it, and neither can `Referer`. A small script moves it into the form and out of the address bar.
//! Without scripts the page has a field into which the user pastes it.

use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::link_token::LinkToken;
use super::reset::reset;
use crate::api::{Code, Problem, Request, Response};
use crate::config::MailLanguage;
use crate::context::Context;
use crate::mail::language_of;
use crate::passwords::Password;

/// The only script of the page.
const SCRIPT: &str = "const token=location.hash.slice(1);if(token){document.getElementById('token').value=token;\
    document.getElementById('by-hand').hidden=true;history.replaceState(null,'',location.pathname)}";

/// The only style of the page.
const STYLE: &str = "body{font:1rem/1.5 sans-serif;margin:3rem auto;max-width:24rem;padding:0 1rem}\
    label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit;margin:.3rem 0}";

/// The texts of the page in one language.
struct PageTexts {
    tag: &'static str,
    title: &'static str,
    token: &'static str,
    password: &'static str,
    save: &'static str,
    done: &'static str,
    expired: &'static str,
    disabled: &'static str,
    weak: &'static str,
    missing: &'static str,
    later: &'static str,
}

const ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "New password",
    token: "The part of the link after #",
    password: "New password",
    save: "Save",
    done: "Your password is set. You can sign in now.",
    expired: "The link is invalid, already used or expired. Ask for another one.",
    disabled: "The account is disabled. Contact support.",
    weak: "The password is too short, too long or too easy to guess. Choose another one.",
    missing: "Open the link from the mail again, and type the new password.",
    later: "This is not possible now. Try again later.",
};

const RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Новый пароль",
    token: "Часть ссылки после #",
    password: "Новый пароль",
    save: "Сохранить",
    done: "Пароль задан. Теперь вы можете войти.",
    expired: "Ссылка неверна, уже использована или устарела. Запросите другую.",
    disabled: "Аккаунт отключён. Обратитесь в поддержку.",
    weak: "Пароль слишком короткий, слишком длинный или его легко угадать. Выберите другой.",
    missing: "Откройте ссылку из письма ещё раз и введите новый пароль.",
    later: "Сейчас это невозможно. Попробуйте позже.",
};

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(request: Request) -> Result<Response, Problem> {
    let texts = texts(&request.headers);
    Ok(page(StatusCode::OK, texts, None, Some(&PageForm { token: "", least: least(&request.context) })))
}

/// Sets the password, and shows what became of it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let texts = texts(&request.headers);
    let least = least(&request.context);
    let Some((token, password)) = fields(&request.body) else {
        let form = PageForm { token: "", least };
        return Ok(page(StatusCode::BAD_REQUEST, texts, Some(texts.missing), Some(&form)));
    };
    let done = reset(&request.context, &request.actor(), &LinkToken::received(&token), &password).await;
    Ok(match done {
        Ok(()) => page(StatusCode::OK, texts, Some(texts.done), None),
        Err(problem) => {
            let code = problem.code();
            let form = PageForm { token: &token, least };
            let form = (code != Code::CodeExpired).then_some(&form);
            let shown = page(code.status(), texts, Some(sentence(texts, code)), form).with_problem(code);
            match problem.seconds() {
                Some(seconds) => shown.with_header(header::RETRY_AFTER, HeaderValue::from(seconds)),
                None => shown,
            }
        }
    })
}

/// The form of the page.
struct PageForm<'f> {
    /// The token, of base64url, once the client has sent it: its link is no longer in the address bar then.
    token: &'f str,
    /// The least length of a password.
    least: usize,
}

/// The least length of a password.
fn least(context: &Context) -> usize {
    context.config.password_min
}

/// The two fields of the form; `None` if they are missing, or the token has another form.
fn fields(body: &[u8]) -> Option<(String, Password)> {
    let (mut token, mut password) = (None, None);
    for (name, value) in url::form_urlencoded::parse(body) {
        match &*name {
            "token" => token = Some(value.trim().to_owned()),
            "new_password" => password = Some(Password::new(&value)),
            _ => return None,
        }
    }
    let is_token = |token: &String| {
        token.len() == 43 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    Some((token.filter(is_token)?, password?))
}

fn sentence(texts: &'static PageTexts, code: Code) -> &'static str {
    match code {
        Code::CodeExpired => texts.expired,
        Code::AccountDisabled => texts.disabled,
        Code::PasswordWeak | Code::ValidationFailed => texts.weak,
        _ => texts.later,
    }
}

fn texts(headers: &HeaderMap) -> &'static PageTexts {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    match language_of(None, accepted) {
        Some(MailLanguage::Russian) => &RUSSIAN,
        Some(MailLanguage::English) | None => &ENGLISH,
    }
}

/// The page contains no text of a client but a token, whose characters need not be escaped.
fn page(
    status: StatusCode,
    texts: &'static PageTexts,
    message: Option<&'static str>,
    form: Option<&PageForm<'_>>,
) -> Response {
    let PageTexts { tag, title, token, password, save, .. } = texts;
    let message =
        message.map(|message| format!("<p role=\"status\"><b>{message}</b></p>\n")).unwrap_or_default();
    let form = form.map(|PageForm { token: sent, least }| format!(
        "<form method=\"post\" autocomplete=\"on\">\n\
         <div id=\"by-hand\"><label for=\"token\">{token}</label>\n\
         <input id=\"token\" name=\"token\" value=\"{sent}\" required autocomplete=\"off\" pattern=\"[A-Za-z0-9_\\-]{{43}}\"></div>\n\
         <label for=\"new_password\">{password}</label>\n\
         <input id=\"new_password\" name=\"new_password\" type=\"password\" required minlength=\"{least}\" \
         autocomplete=\"new-password\">\n<button>{save}</button>\n</form>\n<script>{SCRIPT}</script>\n"
    ));
    let form = form.unwrap_or_default();
    let html = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <h1>{title}</h1>\n{message}{form}</html>\n"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    let response = Response::new(status, "text/html; charset=utf-8", Bytes::from(html));
    headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value))
}

/// Only this script and this style, only forms to this service, and no frame of another site.
fn policy() -> HeaderValue {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    let made = POLICY.get_or_init(|| {
        let hash = |text: &str| STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    });
    made.clone()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0";

    #[test]
    fn only_the_two_fields_are_read() {
        let read = |body: &str| fields(body.as_bytes()).map(|(token, _)| token);
        let body = format!("token={TOKEN}&new_password=a+b");
        assert_eq!(read(&body).as_deref(), Some(TOKEN));
        assert_eq!(read(&format!("token=+{TOKEN}%0A&new_password=a")).as_deref(), Some(TOKEN));
        for bad in ["", "token=x&new_password=a", &format!("token={TOKEN}"), &format!("{body}&user=anna")] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_page_loads_nothing_and_its_policy_has_its_script_and_style() {
        for texts in [&ENGLISH, &RUSSIAN] {
            let response =
                page(StatusCode::OK, texts, Some(texts.weak), Some(&PageForm { token: "", least: 8 }));
            let html = String::from_utf8(response.body().to_vec()).unwrap();
            assert!(html.contains(SCRIPT) && html.contains(STYLE) && html.contains(texts.weak), "{html}");
            assert!(!html.contains("src=") && !html.contains("href="), "{html}");
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
        }
    }

    proptest! {
        #[test]
        fn any_form_is_read_without_panic(body: Vec<u8>, text in "(token|new_password|a)=[ -~]{0,50}(&token=[ -~]{0,50})?") {
            let _either = (fields(&body).is_some(), fields(text.as_bytes()).is_some());
        }
    }
}

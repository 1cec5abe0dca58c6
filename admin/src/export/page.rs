//! `/account/export`: the page that the link to an export opens. GET shows a button and takes nothing; POST returns the
//! export as a file.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::take::take;
use crate::api::{Problem, Request, Response};
use crate::config::MailLanguage;
use crate::keys::LinkToken;
use crate::link_page::frame;
use crate::mail::language_of;

/// The texts of the page in one language.
struct ExportPageTexts {
    tag: &'static str,
    title: &'static str,
    token: &'static str,
    download: &'static str,
    expired: &'static str,
    later: &'static str,
}

const ENGLISH: ExportPageTexts = ExportPageTexts {
    tag: "en",
    title: "Your data",
    token: "The part of the link after #",
    download: "Download",
    expired: "The link is invalid, already used or expired. Ask for another export.",
    later: "This is not possible now. Try again later.",
};

const RUSSIAN: ExportPageTexts = ExportPageTexts {
    tag: "ru",
    title: "Ваши данные",
    token: "Часть ссылки после #",
    download: "Скачать",
    expired: "Ссылка неверна, уже использована или устарела. Запросите данные ещё раз.",
    later: "Сейчас это невозможно. Попробуйте позже.",
};

/// Shows the button.
///
/// # Errors
///
/// None.
pub async fn show(request: Request) -> Result<Response, Problem> {
    Ok(page(StatusCode::OK, texts(&request.headers), None))
}

/// Returns the export, or shows why there is none.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let texts = texts(&request.headers);
    let Some(token) = token(&request.body) else {
        return Ok(page(StatusCode::BAD_REQUEST, texts, Some(texts.expired)));
    };
    match take(&request.context, &LinkToken::received(&token)).await {
        Ok(export) => {
            let name = HeaderValue::from_static("attachment; filename=\"account.json\"");
            Ok(Response::json(StatusCode::OK, &export).with_header(header::CONTENT_DISPOSITION, name))
        }
        Err(problem) => {
            let code = problem.code();
            let message = if code.status() == StatusCode::GONE { texts.expired } else { texts.later };
            Ok(page(code.status(), texts, Some(message)).with_problem(code))
        }
    }
}

/// The one field of the form.
fn token(body: &[u8]) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(body);
    let (name, value) = fields.next()?;
    let token = value.trim().to_owned();
    (name == "token" && fields.next().is_none() && frame::is_token(&token)).then_some(token)
}

fn texts(headers: &HeaderMap) -> &'static ExportPageTexts {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    match language_of(None, accepted) {
        Some(MailLanguage::Russian) => &RUSSIAN,
        Some(MailLanguage::English) | None => &ENGLISH,
    }
}

fn page(status: StatusCode, texts: &'static ExportPageTexts, message: Option<&'static str>) -> Response {
    let form = format!(
        "<form method=\"post\">\n{}<button>{}</button>\n</form>\n",
        frame::token_field(texts.token, ""),
        texts.download
    );
    frame::page(status, (texts.tag, texts.title), message, Some(&form))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_token_is_read() {
        let good = "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0";
        assert_eq!(token(format!("token={good}").as_bytes()).as_deref(), Some(good));
        for bad in ["", "token=x", &format!("token={good}&a=b"), &format!("a={good}")] {
            assert_eq!(token(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_form_is_read_without_panic(body: Vec<u8>, text in "(token|a)=[ -~]{0,50}") {
            let _either = (token(&body), token(text.as_bytes()));
        }
    }
}

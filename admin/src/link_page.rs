//! A page that a link in a mail opens. GET shows a form and changes nothing; POST does what the link is for.
//!
//! The token is in the fragment of the link, which browsers send to no server: no log of a proxy, of nginx or of this
//! service can have it, and neither can `Referer`. A small script moves it into the form and out of the address bar.
//! Without scripts the page has a field into which the user pastes it.

pub(crate) mod frame;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::api::{Code, Problem, Request, Response};
use crate::config::{ConsentVersion, MailLanguage};
use crate::mail::language_of;
use crate::passwords::Password;

/// The texts of a page in one language. None of them needs to be escaped.
pub(crate) struct PageTexts {
    pub(crate) tag: &'static str,
    pub(crate) title: &'static str,
    pub(crate) token: &'static str,
    /// The fields of passwords, if there are any.
    pub(crate) passwords: &'static [PagePassword],
    /// What new users consent to, where they are asked.
    pub(crate) consent: Option<&'static str>,
    pub(crate) save: &'static str,
    pub(crate) done: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) disabled: &'static str,
    pub(crate) weak: &'static str,
    /// If a field is missing.
    pub(crate) missing: &'static str,
    pub(crate) later: &'static str,
    /// Sentences for further problems.
    pub(crate) others: &'static [(Code, &'static str)],
    /// A question, and its answers with their values; the first one is the usual one.
    pub(crate) question: Option<(&'static str, &'static [(&'static str, &'static str)])>,
}

/// A field for a password.
pub(crate) struct PagePassword {
    pub(crate) label: &'static str,
    pub(crate) kind: PasswordKind,
}

/// What is typed into such a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordKind {
    /// The one to be set.
    New,
    /// The one to be set, if the answer to the question asks for one.
    NewIfAsked,
    /// An earlier one, which need not be typed.
    Former,
}

/// A page in its languages.
pub(crate) struct LinkPage {
    pub(crate) english: &'static PageTexts,
    pub(crate) russian: &'static PageTexts,
}

/// What a user has sent. Purposefully without `Debug`.
pub(crate) struct Submitted {
    pub(crate) token: String,
    /// The one to be set; empty if there is none.
    pub(crate) password: Password,
    /// The earlier one, if it was typed.
    pub(crate) former: Option<Password>,
    /// The version to which the user consents.
    pub(crate) consent: Option<String>,
    /// The value of the answer to the question; empty if there is none.
    pub(crate) answer: String,
}

impl LinkPage {
    /// Shows the form.
    pub(crate) fn show(&self, request: &Request) -> Response {
        page(StatusCode::OK, self.texts(&request.headers), None, Some(&PageForm::of(request, "")))
    }

    /// What the user has sent; `None` if a field is missing, or the token has another form.
    pub(crate) fn read(&self, request: &Request) -> Option<Submitted> {
        fields(&request.body, self.english)
    }

    /// Shows that what the user has sent is not understood.
    pub(crate) fn refuse(&self, request: &Request) -> Response {
        let texts = self.texts(&request.headers);
        page(StatusCode::BAD_REQUEST, texts, Some(texts.missing), Some(&PageForm::of(request, "")))
    }

    /// Shows what became of it: every problem is shown on the page.
    pub(crate) fn finish(&self, request: &Request, sent: &Submitted, done: Result<(), Problem>) -> Response {
        let texts = self.texts(&request.headers);
        let Err(problem) = done else { return page(StatusCode::OK, texts, Some(texts.done), None) };
        let code = problem.code();
        let form = PageForm::of(request, &sent.token);
        let form = (code != Code::CodeExpired).then_some(&form);
        let shown = page(code.status(), texts, Some(texts.sentence(code)), form).with_problem(code);
        match problem.seconds() {
            Some(seconds) => shown.with_header(header::RETRY_AFTER, HeaderValue::from(seconds)),
            None => shown,
        }
    }

    fn texts(&self, headers: &HeaderMap) -> &'static PageTexts {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match language_of(None, accepted) {
            Some(MailLanguage::Russian) => self.russian,
            Some(MailLanguage::English) | None => self.english,
        }
    }
}

/// The form of the page.
struct PageForm<'f> {
    /// The token, of base64url, once the client has sent it: its link is no longer in the address bar then.
    token: &'f str,
    /// The least length of a password.
    least: usize,
    /// The version of the text to which new users consent, where they are asked.
    consent: Option<&'f ConsentVersion>,
}

impl<'f> PageForm<'f> {
    fn of(request: &'f Request, token: &'f str) -> Self {
        let config = &request.context.config;
        Self { token, least: config.password_min, consent: config.consent.as_ref() }
    }
}

impl PasswordKind {
    /// The name of the field, what a program that fills it in calls it, and whether it must be typed.
    const fn attributes(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::New => ("new_password", "new-password", true),
            Self::NewIfAsked => ("new_password", "new-password", false),
            Self::Former => ("former_password", "current-password", false),
        }
    }
}

impl PageTexts {
    fn has(&self, name: &str) -> bool {
        self.passwords.iter().any(|password| password.kind.attributes().0 == name)
    }

    fn sentence(&self, code: Code) -> &'static str {
        if let Some((_, sentence)) = self.others.iter().find(|(known, _)| *known == code) {
            return sentence;
        }
        match code {
            Code::CodeExpired | Code::CodeWrong => self.expired,
            Code::AccountDisabled => self.disabled,
            Code::PasswordWeak | Code::ValidationFailed => self.weak,
            _ => self.later,
        }
    }
}

/// The fields of the form; `None` if they are missing, or the token has another form.
fn fields(body: &[u8], texts: &PageTexts) -> Option<Submitted> {
    let (mut token, mut password, mut former) = (None, None, None);
    let (mut consent, mut answer) = (None, String::new());
    for (name, value) in url::form_urlencoded::parse(body) {
        match &*name {
            "token" => token = Some(value.trim().to_owned()),
            "new_password" if texts.has(&name) => password = Some(Password::new(&value)),
            "former_password" if texts.has(&name) => {
                former = (!value.is_empty()).then(|| Password::new(&value));
            }
            "consent" if texts.consent.is_some() => consent = Some(value.into_owned()),
            "answer" if texts.question.is_some() => answer = value.into_owned(),
            _ => return None,
        }
    }
    let is_complete = password.is_some() || !texts.passwords.iter().any(|one| one.kind == PasswordKind::New);
    let password = password.unwrap_or_else(|| Password::new(""));
    let token = token.filter(|token| is_complete && frame::is_token(token))?;
    Some(Submitted { token, password, former, consent, answer })
}

fn page(
    status: StatusCode,
    texts: &'static PageTexts,
    message: Option<&'static str>,
    form: Option<&PageForm<'_>>,
) -> Response {
    let PageTexts { tag, title, token, passwords, save, .. } = texts;
    let question = texts.question.map(question).unwrap_or_default();
    let form = form.map(|PageForm { token: sent, least, consent }| {
        let consent = texts.consent.zip(*consent).map(tick).unwrap_or_default();
        let passwords: String = passwords.iter().map(|password| password.field(*least)).collect();
        format!(
            "<form method=\"post\" autocomplete=\"on\">\n{}{passwords}{question}{consent}<button>{save}</button>\n</form>\n",
            frame::token_field(token, sent)
        )
    });
    frame::page(status, (tag, title), message, form.as_deref())
}

impl PagePassword {
    fn field(&self, least: usize) -> String {
        let (name, filled_in_as, is_required) = self.kind.attributes();
        let required = if is_required { " required" } else { "" };
        let least = match self.kind {
            PasswordKind::New | PasswordKind::NewIfAsked => format!(" minlength=\"{least}\""),
            PasswordKind::Former => String::new(),
        };
        format!(
            "<label for=\"{name}\">{}</label>\n<input id=\"{name}\" name=\"{name}\" type=\"password\"{required}{least} \
             autocomplete=\"{filled_in_as}\">\n",
            self.label
        )
    }
}

/// A separate tick, with nothing chosen for the user. A version has no characters that need to be escaped.
fn tick((text, version): (&'static str, &ConsentVersion)) -> String {
    format!(
        "<label><input type=\"checkbox\" name=\"consent\" value=\"{}\"> {text}</label>\n",
        version.as_str()
    )
}

fn question((text, answers): (&'static str, &'static [(&'static str, &'static str)])) -> String {
    let options: String = answers
        .iter()
        .map(|(value, answer)| format!("<option value=\"{value}\">{answer}</option>\n"))
        .collect();
    format!(
        "<label for=\"answer\">{text}</label>\n<select id=\"answer\" name=\"answer\">\n{options}</select>\n"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::frame::{SCRIPT, STYLE};
    use super::*;

    const TOKEN: &str = "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0";

    const TEXTS: PageTexts = PageTexts {
        tag: "en",
        title: "A title",
        token: "A token",
        passwords: &[PagePassword { label: "A password", kind: PasswordKind::New }],
        consent: Some("A tick"),
        save: "A button",
        done: "Done.",
        expired: "Expired.",
        disabled: "Disabled.",
        weak: "Weak.",
        missing: "Missing.",
        later: "Later.",
        others: &[(Code::EmailTaken, "Taken.")],
        question: Some(("A question", &[("", "One"), ("two", "Two")])),
    };

    #[test]
    fn only_the_fields_of_the_form_are_read() {
        let unasked = PageTexts { question: None, ..TEXTS };
        let read = |body: &str| fields(body.as_bytes(), &unasked).map(|sent| sent.token);
        let body = format!("token={TOKEN}&new_password=a+b");
        assert_eq!(read(&body).as_deref(), Some(TOKEN));
        assert_eq!(read(&format!("token=+{TOKEN}%0A&new_password=a")).as_deref(), Some(TOKEN));
        for bad in [
            "",
            "token=x&new_password=a",
            &format!("token={TOKEN}"),
            &format!("{body}&answer=two"),
            &format!("{body}&former_password=x"),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let answered = fields(format!("{body}&answer=two").as_bytes(), &TEXTS);
        assert_eq!(answered.map(|sent| sent.answer).as_deref(), Some("two"));
    }

    #[test]
    fn the_page_loads_nothing_and_its_policy_has_its_script_and_style() {
        let response = page(
            StatusCode::OK,
            &TEXTS,
            Some(TEXTS.weak),
            Some(&PageForm { token: "", least: 8, consent: None }),
        );
        let html = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(html.contains(SCRIPT) && html.contains(STYLE) && html.contains(TEXTS.weak), "{html}");
        assert!(html.contains("<option value=\"two\">Two</option>"), "{html}");
        assert!(!html.contains("src=") && !html.contains("href="), "{html}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(policy.matches("'sha256-").count(), 2, "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
    }

    #[test]
    fn a_page_may_ask_for_no_password_or_for_an_earlier_one() {
        let bare = PageTexts { passwords: &[], ..TEXTS };
        assert!(fields(format!("token={TOKEN}").as_bytes(), &bare).is_some());
        assert!(fields(format!("token={TOKEN}&new_password=a").as_bytes(), &bare).is_none());
        let passwords = &[
            PagePassword { label: "Former", kind: PasswordKind::Former },
            PagePassword { label: "New", kind: PasswordKind::NewIfAsked },
        ];
        let both = PageTexts { passwords, ..TEXTS };
        let sent = fields(format!("token={TOKEN}&former_password=&new_password=").as_bytes(), &both).unwrap();
        assert!(sent.former.is_none());
        let sent = fields(format!("token={TOKEN}&former_password=a").as_bytes(), &both).unwrap();
        assert!(sent.former == Some(Password::new("a")) && sent.password == Password::new(""));
    }

    #[test]
    fn each_problem_has_a_sentence() {
        for (code, sentence) in [
            (Code::EmailTaken, "Taken."),
            (Code::CodeWrong, "Expired."),
            (Code::PasswordWeak, "Weak."),
            (Code::Overloaded, "Later."),
        ] {
            assert_eq!(TEXTS.sentence(code), sentence);
        }
    }

    proptest! {
        #[test]
        fn any_form_is_read_without_panic(body: Vec<u8>, text in "(token|new_password|former_password|consent|answer|a)=[ -~]{0,50}(&token=[ -~]{0,50})?") {
            let unasked = PageTexts { question: None, ..TEXTS };
            let _either = (fields(&body, &TEXTS).is_some(), fields(text.as_bytes(), &unasked).is_some());
        }
    }
}

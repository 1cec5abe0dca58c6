//! `/account/reset`: the page that a link to set a new password opens.

use super::reset::reset;
use crate::api::{Problem, Request, Response};
use crate::keys::LinkToken;
use crate::link_page::{LinkPage, PagePassword, PageTexts, PasswordKind};

const PAGE: LinkPage = LinkPage { english: &ENGLISH, russian: &RUSSIAN };

static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "New password",
    token: "The part of the link after #",
    passwords: &[PagePassword { label: "New password", kind: PasswordKind::New }],
    save: "Save",
    done: "Your password is set. You can sign in now.",
    expired: "The link is invalid, already used or expired. Ask for another one.",
    disabled: "The account is disabled. Contact support.",
    weak: "The password is too short, too long or too easy to guess. Choose another one.",
    missing: "Open the link from the mail again, and type the new password.",
    later: "This is not possible now. Try again later.",
    others: &[],
    question: None,
};

static RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Новый пароль",
    token: "Часть ссылки после #",
    passwords: &[PagePassword { label: "Новый пароль", kind: PasswordKind::New }],
    save: "Сохранить",
    done: "Пароль задан. Теперь вы можете войти.",
    expired: "Ссылка неверна, уже использована или устарела. Запросите другую.",
    disabled: "Аккаунт отключён. Обратитесь в поддержку.",
    weak: "Пароль слишком короткий, слишком длинный или его легко угадать. Выберите другой.",
    missing: "Откройте ссылку из письма ещё раз и введите новый пароль.",
    later: "Сейчас это невозможно. Попробуйте позже.",
    others: &[],
    question: None,
};

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(request: Request) -> Result<Response, Problem> {
    Ok(PAGE.show(&request))
}

/// Sets the password, and shows what became of it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let Some(sent) = PAGE.read(&request) else { return Ok(PAGE.refuse(&request)) };
    let token = LinkToken::received(&sent.token);
    let done = reset(&request.context, &request.actor(), &token, &sent.password).await;
    Ok(PAGE.finish(&request, &sent, done))
}

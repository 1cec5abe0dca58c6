//! `/account/reset`: the page that a link to set a new password opens.

use super::reset::reset;
use crate::api::{Code, Problem, Request, Response};
use crate::keys::LinkToken;
use crate::link_page::{LinkPage, PagePassword, PageTexts, PasswordKind};

const PAGE: LinkPage = LinkPage { english: &ENGLISH, russian: &RUSSIAN };

static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "New password",
    token: "The part of the link after #",
    passwords: &[PagePassword { label: "New password", kind: PasswordKind::New }],
    consent: Some("For a new account: I consent to the processing of my personal data."),
    save: "Save",
    done: "Your password is set. You can sign in now.",
    expired: "The link is invalid, already used or expired. Ask for another one.",
    disabled: "An operator disabled the account. Only an operator of this site can enable it.",
    weak: "The password is too short, too long or too easy to guess. Choose another one.",
    missing: "Open the link from the mail again, and type the new password.",
    later: "This is not possible now. Try again later.",
    others: &[
        (Code::ConsentRequired, "Consent to the processing of your personal data, or close the page."),
        (
            Code::RecoveryDelayed,
            "The account is in use, and its address was never confirmed. After 72 hours, unless a device that is signed in objects, \
             ask for another link and set the password.",
        ),
        (
            Code::AccountFrozen,
            "The account is frozen, because its address was changed. Nothing can be changed now.",
        ),
    ],
    question: None,
};

static RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Новый пароль",
    token: "Часть ссылки после #",
    passwords: &[PagePassword { label: "Новый пароль", kind: PasswordKind::New }],
    consent: Some("Для нового аккаунта: я согласен на обработку моих персональных данных."),
    save: "Сохранить",
    done: "Пароль задан. Теперь вы можете войти.",
    expired: "Ссылка неверна, уже использована или устарела. Запросите другую.",
    disabled: "Аккаунт отключил оператор. Включить его может только оператор этого сайта.",
    weak: "Пароль слишком короткий, слишком длинный или его легко угадать. Выберите другой.",
    missing: "Откройте ссылку из письма ещё раз и введите новый пароль.",
    later: "Сейчас это невозможно. Попробуйте позже.",
    others: &[
        (Code::ConsentRequired, "Дайте согласие на обработку персональных данных или закройте страницу."),
        (
            Code::RecoveryDelayed,
            "Аккаунтом пользуются, а его адрес никто не подтвердил. Через 72 часа, если против не возразят с устройства, где в \
             него вошли, запросите другую ссылку и задайте пароль.",
        ),
        (
            Code::AccountFrozen,
            "Аккаунт заморожен, потому что его адрес изменили. Сейчас ничего изменить нельзя.",
        ),
    ],
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
    let done =
        reset(&request.context, &request.actor(), &token, (&sent.password, sent.consent.as_deref())).await;
    Ok(PAGE.finish(&request, &sent, done))
}

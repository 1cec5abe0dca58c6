//! `/account/undo`: the page that the link in a mail to a former address opens. It freezes the account, or takes the address
//! back.

use super::freeze::freeze;
use super::undo::undo;
use crate::api::{Code, Problem, Request, Response};
use crate::keys::LinkToken;
use crate::link_page::{LinkPage, PagePassword, PageTexts, PasswordKind, Submitted};

/// The answer that takes the address back.
const UNDO: &str = "undo";

const PAGE: LinkPage = LinkPage { english: &ENGLISH, russian: &RUSSIAN };

static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "The address of your account was changed",
    token: "The part of the link after #",
    passwords: &[
        PagePassword {
            label: "Your password from before the change; not needed on a device that you used before",
            kind: PasswordKind::Former,
        },
        PagePassword { label: "A new password, to take the address back", kind: PasswordKind::NewIfAsked },
    ],
    consent: None,
    save: "Continue",
    done: "Done. If you took the address back, sign in with the new password. If not, the account is frozen for 72 hours.",
    expired: "The link is invalid, already used or expired. An operator of this site can help.",
    disabled: "An operator disabled the account.",
    weak: "The new password is too short, too long or too easy to guess. Choose another one.",
    missing: "Open the link from the mail again.",
    later: "This is not possible now. Try again later.",
    others: &[
        (
            Code::CurrentPasswordWrong,
            "The password from before the change is wrong or missing. Without it, freeze the account, and ask an operator of \
             this site for help.",
        ),
        (Code::EmailTaken, "Another account has this address."),
    ],
    question: Some((
        "What do you want to do?",
        &[
            ("freeze", "Freeze the account for 72 hours: nothing can be changed"),
            (UNDO, "Take this address back, set a new password, and sign out all devices"),
        ],
    )),
};

static RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Адрес вашего аккаунта изменён",
    token: "Часть ссылки после #",
    passwords: &[
        PagePassword {
            label: "Ваш пароль до изменения; не нужен на устройстве, которым вы пользовались раньше",
            kind: PasswordKind::Former,
        },
        PagePassword {
            label: "Новый пароль, чтобы вернуть адрес", kind: PasswordKind::NewIfAsked
        },
    ],
    consent: None,
    save: "Продолжить",
    done: "Готово. Если вы вернули адрес, войдите с новым паролем. Если нет, аккаунт заморожен на 72 часа.",
    expired: "Ссылка неверна, уже использована или устарела. Помочь может оператор этого сайта.",
    disabled: "Оператор отключил аккаунт.",
    weak: "Новый пароль слишком короткий, слишком длинный или его легко угадать. Выберите другой.",
    missing: "Откройте ссылку из письма ещё раз.",
    later: "Сейчас это невозможно. Попробуйте позже.",
    others: &[
        (
            Code::CurrentPasswordWrong,
            "Пароль до изменения неверен или не указан. Без него заморозьте аккаунт и обратитесь к оператору этого сайта.",
        ),
        (Code::EmailTaken, "Этот адрес у другого аккаунта."),
    ],
    question: Some((
        "Что вы хотите сделать?",
        &[
            ("freeze", "Заморозить аккаунт на 72 часа: ничего нельзя изменить"),
            (UNDO, "Вернуть этот адрес, задать новый пароль и завершить все сеансы"),
        ],
    )),
};

/// Shows the form.
///
/// # Errors
///
/// None.
pub async fn show(request: Request) -> Result<Response, Problem> {
    Ok(PAGE.show(&request))
}

/// Does what was chosen, and shows what became of it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let Some(sent) = PAGE.read(&request) else { return Ok(PAGE.refuse(&request)) };
    let done = act(&request, &sent).await;
    Ok(PAGE.finish(&request, &sent, done))
}

async fn act(request: &Request, sent: &Submitted) -> Result<(), Problem> {
    let (context, actor, token) = (&request.context, request.actor(), LinkToken::received(&sent.token));
    match sent.answer.as_str() {
        UNDO => undo(context, &actor, &token, (sent.former.as_ref(), &sent.password)).await,
        "freeze" => freeze(context, &actor, &token).await,
        _ => Err(Problem::new(Code::ValidationFailed)),
    }
}

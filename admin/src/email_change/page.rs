//! `/account/email`: the page that the link to a new address opens. It counts only on a device where the user is signed in:
//! otherwise a stranger could send the link for their own account, and a person who pressed the button would give it the address.

use super::present::PresentedChange;
use super::prove::prove;
use crate::api::text::FromText as _;
use crate::api::{Code, Problem, Request, Response};
use crate::link_page::{LinkPage, PageTexts, Submitted};
use crate::mail_proof::{FlowText, expired};
use crate::users::store as users;

const PAGE: LinkPage = LinkPage { english: &ENGLISH, russian: &RUSSIAN };

static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "The new address of your account",
    token: "The part of the link after #",
    passwords: &[],
    consent: None,
    save: "Set this address",
    done: "Your account has this address now.",
    expired: "The link is invalid, already used or expired. Change the address again.",
    disabled: "The account is disabled.",
    weak: "The link is not valid.",
    missing: "Open the link from the mail again.",
    later: "This is not possible now. Try again later.",
    others: &[
        (Code::EmailTaken, "Another account has this address. Nothing has changed."),
        (
            Code::AccountUnproven,
            "Another account has this address, but never confirmed it. Say whether your account takes it.",
        ),
        (Code::AccountFrozen, "The account is frozen, so its address cannot be changed now."),
        (
            Code::Forbidden,
            "You are not signed in here. Open the link in the browser in which you are signed in, or enter the code of the \
             mail where you changed the address.",
        ),
    ],
    question: Some((
        "If another account has this address, but never confirmed it",
        &[("", "Change nothing"), ("new", "Take the address from it")],
    )),
};

static RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Новый адрес вашего аккаунта",
    token: "Часть ссылки после #",
    passwords: &[],
    consent: None,
    save: "Задать этот адрес",
    done: "Теперь у вашего аккаунта этот адрес.",
    expired: "Ссылка неверна, уже использована или устарела. Измените адрес ещё раз.",
    disabled: "Аккаунт отключён.",
    weak: "Ссылка неверна.",
    missing: "Откройте ссылку из письма ещё раз.",
    later: "Сейчас это невозможно. Попробуйте позже.",
    others: &[
        (Code::EmailTaken, "Этот адрес у другого аккаунта. Ничего не изменилось."),
        (
            Code::AccountUnproven,
            "Этот адрес указан у другого аккаунта, но там его никто не подтвердил. Укажите, забирает ли его ваш аккаунт.",
        ),
        (Code::AccountFrozen, "Аккаунт заморожен, поэтому изменить его адрес сейчас нельзя."),
        (
            Code::Forbidden,
            "Здесь вы не вошли в аккаунт. Откройте ссылку в браузере, где вы вошли, или введите код из письма там, где вы \
             меняете адрес.",
        ),
    ],
    question: Some((
        "Если этот адрес указан у другого аккаунта, но не подтверждён",
        &[("", "Ничего не менять"), ("new", "Забрать адрес")],
    )),
};

/// Shows the button.
///
/// # Errors
///
/// None.
pub async fn show(request: Request) -> Result<Response, Problem> {
    Ok(PAGE.show(&request))
}

/// Sets the address, and shows what became of it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let Some(sent) = PAGE.read(&request) else { return Ok(PAGE.refuse(&request)) };
    let done = set(&request, &sent).await;
    Ok(PAGE.finish(&request, &sent, done))
}

async fn set(request: &Request, sent: &Submitted) -> Result<(), Problem> {
    let context = &request.context;
    let token = FlowText::from_text(&sent.token).ok();
    let presented = token.and_then(|token| PresentedChange::link(context, &token)).ok_or_else(expired)?;
    let account = users::find_by_id(&context.db.get().await?, presented.account.user, None).await?;
    let devices = account.ok_or_else(expired)?.facts.devices;
    let (device, now) = (request.client.device.as_ref(), context.clock.unix_seconds());
    if context.guessing.known_device(device, devices, now).is_none() {
        return Err(Problem::new(Code::Forbidden));
    }
    prove(context, &request.actor(), &presented, sent.answer == "new").await.map(drop)
}

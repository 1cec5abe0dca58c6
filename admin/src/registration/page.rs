//! `/account/confirm`: the page that the link in a mail to a new user opens. It sets the password and opens no session.

use super::prove::AccountChoice;
use super::verify::{PresentedProof, Wish, verify};
use crate::api::text::FromText as _;
use crate::api::{Code, Findings, Problem, Request, Response};
use crate::link_page::{LinkPage, PagePassword, PageTexts, PasswordKind, Submitted};
use crate::mail_proof::{FlowText, expired};
use crate::users::add_weaknesses;

const PAGE: LinkPage = LinkPage { english: &ENGLISH, russian: &RUSSIAN };

static ENGLISH: PageTexts = PageTexts {
    tag: "en",
    title: "Your new account",
    token: "The part of the link after #",
    passwords: &[PagePassword { label: "Password", kind: PasswordKind::New }],
    consent: Some("I consent to the processing of my personal data."),
    save: "Create the account",
    done: "Your account is ready. You can sign in now.",
    expired: "The link is invalid, already used or expired. Register again.",
    disabled: "An operator disabled the account. Only an operator of this site can enable it.",
    weak: "The password is too short, too long or too easy to guess. Choose another one.",
    missing: "Open the link from the mail again, and type the password.",
    later: "This is not possible now. Try again later.",
    others: &[
        (Code::ConsentRequired, "Consent to the processing of your personal data, or close the page."),
        (Code::EmailTaken, "You already have an account. Sign in, or ask for a new password."),
        (
            Code::AccountUnproven,
            "An account with your address exists, but the address was never confirmed. Say \
             whether the account is yours. If it is in use and yours, sign in with its password, or say so: that takes effect \
             after 72 hours.",
        ),
        (
            Code::RecoveryDelayed,
            "The account is in use. It is yours after 72 hours, unless a device that is signed in objects. Register again then, \
             with the same answer.",
        ),
        (Code::RegistrationClosed, "Registration is closed."),
    ],
    question: Some((
        "Is there an account with your address?",
        &[
            ("", "No, or I do not know"),
            ("mine", "Yes, and it is mine: sign out everyone else"),
            ("new", "Yes, but it is not mine: I want a new one"),
        ],
    )),
};

static RUSSIAN: PageTexts = PageTexts {
    tag: "ru",
    title: "Ваш новый аккаунт",
    token: "Часть ссылки после #",
    passwords: &[PagePassword { label: "Пароль", kind: PasswordKind::New }],
    consent: Some("Я согласен на обработку моих персональных данных."),
    save: "Создать аккаунт",
    done: "Аккаунт готов. Теперь вы можете войти.",
    expired: "Ссылка неверна, уже использована или устарела. Зарегистрируйтесь ещё раз.",
    disabled: "Аккаунт отключил оператор. Включить его может только оператор этого сайта.",
    weak: "Пароль слишком короткий, слишком длинный или его легко угадать. Выберите другой.",
    missing: "Откройте ссылку из письма ещё раз и введите пароль.",
    later: "Сейчас это невозможно. Попробуйте позже.",
    others: &[
        (Code::ConsentRequired, "Дайте согласие на обработку персональных данных или закройте страницу."),
        (Code::EmailTaken, "У вас уже есть аккаунт. Войдите или запросите новый пароль."),
        (
            Code::AccountUnproven,
            "Аккаунт с вашим адресом есть, но адрес никто не подтвердил. Укажите, ваш ли это \
             аккаунт. Если он ваш и им пользуются, войдите с его паролем или ответьте, что он ваш: это подействует через 72 часа.",
        ),
        (
            Code::RecoveryDelayed,
            "Аккаунтом пользуются. Он будет вашим через 72 часа, если против не возразят с устройства, где в него вошли. Тогда \
             зарегистрируйтесь ещё раз с тем же ответом.",
        ),
        (Code::RegistrationClosed, "Регистрация закрыта."),
    ],
    question: Some((
        "Есть ли аккаунт с вашим адресом?",
        &[
            ("", "Нет или не знаю"),
            ("mine", "Да, и он мой: завершить все другие сеансы"),
            ("new", "Да, но он не мой: мне нужен новый"),
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

/// Sets the password, and shows what became of it.
///
/// # Errors
///
/// None: every problem is shown on the page.
pub async fn submit(request: Request) -> Result<Response, Problem> {
    let Some(sent) = PAGE.read(&request) else { return Ok(PAGE.refuse(&request)) };
    let done = prove(&request, &sent).await;
    Ok(PAGE.finish(&request, &sent, done))
}

async fn prove(request: &Request, sent: &Submitted) -> Result<(), Problem> {
    let context = &request.context;
    let mut found = Findings::default();
    add_weaknesses(&mut found, "password", sent.password.form_weaknesses(context.config.password_min));
    found.finish(Some(()))?;
    let token = FlowText::from_text(&sent.token).ok();
    let presented = token.and_then(|token| PresentedProof::link(context, &token)).ok_or_else(expired)?;
    let choice = match sent.answer.as_str() {
        "mine" => Some(AccountChoice::Mine),
        "new" => Some(AccountChoice::New),
        _ => None,
    };
    let wish = Wish { password: &sent.password, choice, consent: sent.consent.as_deref(), device: None };
    verify(context, &request.actor(), &presented, &wish).await.map(drop)
}

//! The Russian texts.

mod notice;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::site::MailSite;
use crate::config::Language;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, ResetAdvice, SignInAdvice};
use crate::moments::moment;

use notice::{facts_of, notice_text, of_notice};

pub(super) fn letter(message: &Message, times: u32, site: MailSite<'_>) -> Letter {
    let (subject, parts) = match message {
        Message::Notice(notice) => notice_text(notice, times, site),
        Message::AddressRemoved(notice) => (
            "Адрес почты вашего аккаунта изменён",
            of_notice(
                "У вашего аккаунта теперь другой адрес почты. На этот адрес письма о нём больше не приходят."
                    .to_owned(),
                notice,
                times,
                site,
            ),
        ),
        Message::AddressChanged { notice, token } => address_changed(notice, token, site),
        Message::EmailChange { code, token } => email_change(code, token, site),
        Message::AccountJoin { code, token } => account_join(code, token, site),
        Message::AddressInUse => address_in_use(),
        Message::Reset { token } => reset(token, site),
        Message::Invitation { token } => (
            "Ваш новый аккаунт",
            vec![
                LetterPart::Paragraph(
                    "Для вас создан аккаунт. Откройте эту ссылку в течение семи дней и задайте пароль:"
                        .to_owned(),
                ),
                LetterPart::Link(site.link(token)),
            ],
        ),
        Message::Export { token } => export_text(token, site),
        Message::ResetAdvice(advice) => ("О вашем запросе нового пароля", refused_reset(*advice, site)),
        Message::Registration { code, token } => registration(code, token, site),
        Message::AlreadyRegistered { help } => ("У вас уже есть аккаунт", already_registered(help, site)),
        Message::SignInCode { code } => {
            ("Код для входа", of_code("Введите этот код там, где вы входите, в течение десяти минут:", code))
        }
        Message::SignInAdvice(advice) => sign_in_advice(*advice, site),
        Message::LinkCode { code } => (
            "Код подтверждения",
            of_code(
                "Введите этот код там, где вы входите через другой сервис, в течение десяти минут:",
                code,
            ),
        ),
    };
    let footer = LetterPart::Small(match message.is_about_account() {
        true => format!("Это письмо отправлено автоматически. Оно о вашем аккаунте на {}.", site.host),
        false => format!("Это письмо отправлено автоматически. Этот адрес указан на {}.", site.host),
    });
    let parts = parts.into_iter().chain([footer]).collect();
    Letter { language: Language::Russian.tag(), subject: subject.to_owned(), parts }
}

fn registration(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    ("Подтвердите адрес почты",
            vec![
                LetterPart::Paragraph(
                    "Для этого адреса запрошен новый аккаунт. Введите этот код там, где вы регистрируетесь, в течение десяти минут:"
                        .to_owned(),
                ),
                code_part(code),
                LetterPart::Paragraph("Или откройте эту ссылку в течение часа и задайте пароль:".to_owned()),
                LetterPart::Link(site.confirmation(token)),
                LetterPart::Paragraph("Если вы этого не запрашивали, ничего не делайте: аккаунт не будет создан.".to_owned()),
            ])
}

fn email_change(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let parts = vec![
        paragraph(
            "Этот адрес указан как новый адрес аккаунта. Введите этот код там, где вы меняете адрес, в течение десяти минут:",
        ),
        code_part(code),
        paragraph("Или откройте эту ссылку в течение часа на устройстве, где вы вошли в аккаунт:"),
        LetterPart::Link(site.change_confirmation(token)),
        paragraph(
            "Если вы этого не запрашивали, ничего не делайте и никому не сообщайте код: ничего не изменится.",
        ),
    ];
    ("Подтвердите новый адрес аккаунта", parts)
}

fn account_join(
    code: &SecretString,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let parts = vec![
        paragraph(
            "У вас есть аккаунт с этим адресом, и адрес указан в другом аккаунте, у которого адреса нет. Если оба ваши, введите там этот код в течение десяти минут и выберите аккаунт с адресом:",
        ),
        code_part(code),
        paragraph("Или откройте эту ссылку в течение часа на устройстве, где вы вошли в другой аккаунт:"),
        LetterPart::Link(site.change_confirmation(token)),
        paragraph(
            "Если вы этого не запрашивали, ничего не делайте и никому не сообщайте код: ничего не изменится.",
        ),
    ];
    ("Два аккаунта с вашим адресом", parts)
}

fn address_in_use() -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "Этот адрес указан как новый адрес другого аккаунта, но у вас уже есть аккаунт с ним. Ничего не изменилось.";
    let advice = "Если это сделали вы, войдите в аккаунт с этим адресом или укажите в другом аккаунте другой адрес. Чтобы объединить два аккаунта, обратитесь в поддержку.";
    ("У этого адреса уже есть аккаунт", vec![paragraph(what), paragraph(advice)])
}

fn address_changed(
    notice: &Notice,
    token: &SecretString,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "У вашего аккаунта теперь другой адрес почты. Если это сделали вы, ничего делать не нужно.";
    let advice = "Если нет, откройте эту ссылку в течение 72 часов. По ней можно запретить менять способы входа или вернуть этот адрес: с паролем, который был до изменения, или на устройстве, которым вы пользовались раньше:";
    let link = LetterPart::Link(site.undo_link(token));
    let parts = vec![paragraph(what), facts_of(notice), paragraph(advice), link];
    ("Адрес почты вашего аккаунта изменён", parts)
}

fn reset(token: &SecretString, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    ("Новый пароль",
            vec![
                LetterPart::Paragraph(
                    "Для вашего аккаунта запрошен новый пароль. Откройте эту ссылку в течение часа и задайте его:"
                        .to_owned(),
                ),
                LetterPart::Link(site.link(token)),
                LetterPart::Paragraph(
                    "Если вы этого не запрашивали, ничего не делайте: пароль останется прежним."
                        .to_owned(),
                ),
            ])
}

fn refused_reset(advice: ResetAdvice, site: MailSite<'_>) -> Vec<LetterPart> {
    let why = "Для вашего аккаунта запрошен новый пароль, но задать его по почте нельзя.";
    [LetterPart::Paragraph(why.to_owned())].into_iter().chain(advice_parts(advice, site)).collect()
}

fn sign_in_advice(advice: SignInAdvice, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    let why = "Для вашего аккаунта запрошен код для входа, но войти в этот аккаунт по почте нельзя.";
    let advice = match advice {
        SignInAdvice::Erasing { at } => return ("О вашем запросе кода", link_to_erasing(at, site)),
        SignInAdvice::Disabled => DISABLED,
        SignInAdvice::UsePassword => "Аккаунт может менять чужие аккаунты. Войдите с паролем.",
        SignInAdvice::AddressChanged => ADDRESS_CHANGED,
        SignInAdvice::Unproven => {
            "Никто не подтвердил, что этот адрес принадлежит аккаунту. Войдите с паролем или запросите новый."
        }
    };
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    ("О вашем запросе кода", vec![paragraph(why), paragraph(advice)])
}

/// To the address of an account that will be erased, to which an account at a provider would be linked.
fn link_to_erasing(at: Timestamp, site: MailSite<'_>) -> Vec<LetterPart> {
    let why = "Запрошен код, чтобы входить в ваш аккаунт через другой сервис. Но ваш аккаунт будет удалён, поэтому добавить к нему ничего нельзя.";
    [LetterPart::Paragraph(why.to_owned())]
        .into_iter()
        .chain(erasing(at, "Затем попробуйте снова.", site))
        .collect()
}

/// How an account that will be erased is kept.
fn erasing(at: Timestamp, then: &str, site: MailSite<'_>) -> Vec<LetterPart> {
    let at = moment(at, Language::Russian);
    let how = format!(
        "Аккаунт будет удалён {at}. Чтобы сохранить его, до этого войдите здесь с паролем или с кодом из письма и выберите «Оставить аккаунт». {then}"
    );
    vec![LetterPart::Paragraph(how), LetterPart::Link(site.sign_in())]
}

fn code_part(code: &SecretString) -> LetterPart {
    LetterPart::Facts(vec![("Код", code.expose_secret().to_owned())])
}

fn of_code(text: &str, code: &SecretString) -> Vec<LetterPart> {
    let warning = "Если вы этого не запрашивали, ничего не делайте и никому не сообщайте код.";
    vec![LetterPart::Paragraph(text.to_owned()), code_part(code), LetterPart::Paragraph(warning.to_owned())]
}

fn already_registered(help: &Result<SecretString, ResetAdvice>, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![
        LetterPart::Paragraph(
            "Для этого адреса запрошен новый аккаунт, но он у вас уже есть. Войдите в него здесь:".to_owned(),
        ),
        LetterPart::Link(site.url.to_owned()),
    ];
    match help {
        Ok(token) => {
            parts.push(LetterPart::Paragraph(
                "Если вы не знаете пароль, откройте эту ссылку в течение часа и задайте новый:".to_owned(),
            ));
            parts.push(LetterPart::Link(site.link(token)));
        }
        Err(advice) => parts.extend(advice_parts(*advice, site)),
    }
    parts
}

fn export_text(token: &SecretString, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    (
            "Данные вашего аккаунта",
            vec![
                LetterPart::Paragraph(
                    "Вы запросили данные, которые о вас хранятся. Откройте эту ссылку в течение часа и скачайте их:"
                        .to_owned(),
                ),
                LetterPart::Link(site.export_link(token)),
            ],
        )
}

/// Why an address that can take its account back opens nothing by itself.
const ADDRESS_CHANGED: &str = "У вашего аккаунта теперь другой адрес. Если вы его не меняли, откройте ссылку из письма, которое пришло при изменении: по ней вы вернёте этот адрес и зададите новый пароль. Если письма нет, обратитесь в поддержку.";

const DISABLED: &str =
    "Аккаунт отключён. Войти в него нельзя, пока поддержка этого сайта не включит его снова.";

fn advice_parts(advice: ResetAdvice, site: MailSite<'_>) -> Vec<LetterPart> {
    let text = match advice {
        ResetAdvice::Erasing { at } => return erasing(at, "Затем снова запросите новый пароль.", site),
        ResetAdvice::Disabled => DISABLED,
        ResetAdvice::Frozen => {
            "Адрес аккаунта изменён, и письмо на прежний адрес использовано, чтобы защитить его, поэтому задать новый пароль сейчас нельзя. Откройте ссылку из того письма или попробуйте через 72 часа."
        }
        ResetAdvice::AskOperator => {
            "У вашего аккаунта права оператора, поэтому его пароль нельзя сбросить по почте. Попросите ссылку у другого оператора."
        }
        ResetAdvice::AddressChanged => ADDRESS_CHANGED,
        ResetAdvice::Unproven => {
            "Аккаунт используется, и никто не подтвердил, что этот адрес принадлежит ему. Если он ваш, укажите другой адрес там, где вы вошли, или обратитесь в поддержку."
        }
    };
    vec![LetterPart::Paragraph(text.to_owned())]
}

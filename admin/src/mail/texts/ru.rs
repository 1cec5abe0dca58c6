//! The Russian texts.

use secrecy::{ExposeSecret as _, SecretString};

use super::site::{MailSite, moment, network};
use crate::config::MailLanguage;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, NoticeKind, ResetAdvice, SignInAdvice};

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
        Message::ResetAdvice(advice) => (
            "О вашем запросе нового пароля",
            vec![
                LetterPart::Paragraph(
                    "Для вашего аккаунта запрошен новый пароль, но задать его по почте нельзя.".to_owned(),
                ),
                LetterPart::Paragraph(advice_text(*advice).to_owned()),
            ],
        ),
        Message::Registration { code, token } => registration(code, token, site),
        Message::AlreadyRegistered { token } => {
            ("У вас уже есть аккаунт", already_registered(token.as_ref(), site))
        }
        Message::SignInCode { code } => {
            ("Код для входа", of_code("Введите этот код там, где вы входите, в течение десяти минут:", code))
        }
        Message::SignInAdvice(advice) => sign_in_advice(*advice),
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
    Letter { language: MailLanguage::Russian.tag(), subject: subject.to_owned(), parts }
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

fn sign_in_advice(advice: SignInAdvice) -> (&'static str, Vec<LetterPart>) {
    (
        "О вашем запросе кода",
        vec![
            LetterPart::Paragraph(
                "Для вашего аккаунта запрошен код для входа, но войти в этот аккаунт по почте нельзя."
                    .to_owned(),
            ),
            LetterPart::Paragraph(sign_in_advice_text(advice).to_owned()),
        ],
    )
}

fn code_part(code: &SecretString) -> LetterPart {
    LetterPart::Facts(vec![("Код", code.expose_secret().to_owned())])
}

fn of_code(text: &str, code: &SecretString) -> Vec<LetterPart> {
    let warning = "Если вы этого не запрашивали, ничего не делайте и никому не сообщайте код.";
    vec![LetterPart::Paragraph(text.to_owned()), code_part(code), LetterPart::Paragraph(warning.to_owned())]
}

fn already_registered(token: Option<&SecretString>, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![
        LetterPart::Paragraph(
            "Для этого адреса запрошен новый аккаунт, но он у вас уже есть. Войдите в него здесь:".to_owned(),
        ),
        LetterPart::Link(site.url.to_owned()),
    ];
    match token {
        Some(token) => {
            parts.push(LetterPart::Paragraph(
                "Если вы не знаете пароль, откройте эту ссылку в течение часа и задайте новый:".to_owned(),
            ));
            parts.push(LetterPart::Link(site.link(token)));
        }
        None => {
            parts.push(LetterPart::Paragraph("Если войти не удаётся, обратитесь в поддержку.".to_owned()));
        }
    }
    parts
}

fn sign_in_advice_text(advice: SignInAdvice) -> &'static str {
    match advice {
        SignInAdvice::Disabled => "Аккаунт отключён. Обратитесь в поддержку.",
        SignInAdvice::UsePassword => "Аккаунт может менять чужие аккаунты. Войдите с паролем.",
        SignInAdvice::Unproven => {
            "Никто не подтвердил, что этот адрес принадлежит аккаунту. Войдите с паролем или запросите новый."
        }
    }
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

fn advice_text(advice: ResetAdvice) -> &'static str {
    match advice {
        ResetAdvice::Disabled => "Аккаунт отключён. Обратитесь в поддержку.",
        ResetAdvice::AskOperator => {
            "У вашего аккаунта права оператора, поэтому его пароль нельзя сбросить по почте. Попросите ссылку у другого оператора."
        }
        ResetAdvice::Unproven => {
            "Аккаунт используется, и никто не подтвердил, что этот адрес принадлежит ему. Смените пароль там, где вы вошли, или обратитесь в поддержку."
        }
    }
}

fn notice_text(notice: &Notice, times: u32, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    (subject(notice.kind), of_notice(what_happened(notice), notice, times, site))
}

fn subject(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::PasswordChanged => "Ваш пароль изменён",
        NoticeKind::EmailChanged => "Ваш адрес почты изменён",
        NoticeKind::EmailSet => "Оператор изменил ваш адрес почты",
        NoticeKind::EmailClaimed => "У вашего аккаунта больше нет адреса почты",
        NoticeKind::LoginChanged => "Ваш логин изменён",
        NoticeKind::NewDevice => "Новый вход в ваш аккаунт",
        NoticeKind::RefreshElsewhere => "Ваш аккаунт использован из другого места",
        NoticeKind::ProviderLinked => "Добавлен способ входа",
        NoticeKind::ProviderUnlinked => "Удалён способ входа",
        NoticeKind::AccountDisabled => "Ваш аккаунт отключён",
        NoticeKind::AccountEnabled => "Ваш аккаунт снова включён",
        NoticeKind::Evicted => "На всех ваших устройствах выполнен выход",
        NoticeKind::RightsGranted => "Ваш аккаунт получил права оператора",
        NoticeKind::SuperuserGranted => "Ваш аккаунт стал суперпользователем",
        NoticeKind::Exported => "Запрошены данные вашего аккаунта",
        NoticeKind::ErasureBegun => "Ваш аккаунт будет удалён",
        NoticeKind::ErasureKept => "Ваш аккаунт сохранён",
        NoticeKind::AccountErased => "Ваш аккаунт удалён",
    }
}

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("другом сервисе");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "Пароль вашего аккаунта изменён. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::EmailChanged => {
            "Теперь это адрес почты вашего аккаунта. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::EmailSet => {
            "Оператор указал этот адрес почты для вашего аккаунта. На всех устройствах выполнен выход."
        }
        NoticeKind::EmailClaimed => {
            "Другой пользователь подтвердил адрес почты вашего аккаунта, и теперь этот адрес у него. Укажите другой."
        }
        NoticeKind::LoginChanged => {
            "Логин вашего аккаунта изменён. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::NewDevice => "В ваш аккаунт вошли с устройства, на котором он раньше не использовался.",
        NoticeKind::RefreshElsewhere => "Сеанс вашего аккаунта продолжен из другой сети и другой программой.",
        NoticeKind::ProviderLinked => return format!("Теперь в ваш аккаунт можно войти через {provider}."),
        NoticeKind::ProviderUnlinked => {
            return format!("В ваш аккаунт больше нельзя войти через {provider}.");
        }
        NoticeKind::AccountDisabled => "Оператор отключил ваш аккаунт. На всех устройствах выполнен выход.",
        NoticeKind::AccountEnabled => "Оператор снова включил ваш аккаунт. Вы можете войти.",
        NoticeKind::Evicted => {
            "Оператор завершил все сеансы вашего аккаунта и удалил способы входа, добавленные за последние 30 дней."
        }
        NoticeKind::RightsGranted => {
            "Оператор назначил вашему аккаунту роль, которая может менять чужие аккаунты или роли."
        }
        NoticeKind::SuperuserGranted => {
            "Суперпользователь дал вашему аккаунту те же права: в администрировании ему разрешено всё."
        }
        NoticeKind::Exported => {
            "Все данные вашего аккаунта запрошены с устройства, на котором выполнен вход."
        }
        NoticeKind::ErasureBegun => {
            "Запрошено удаление вашего аккаунта, и на всех устройствах выполнен выход. Пока он не удалён, его можно \
             сохранить: войдите и выберите «сохранить»."
        }
        NoticeKind::ErasureKept => "Ваш аккаунт не будет удалён: после входа в него выбрано «сохранить».",
        NoticeKind::AccountErased => {
            "Ваш аккаунт и его данные удалены. Восстановить их нельзя. Это последнее письмо о нём."
        }
    };
    text.to_owned()
}

fn of_notice(text: String, notice: &Notice, times: u32, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![LetterPart::Paragraph(text)];
    if times > 1 {
        parts.push(LetterPart::Paragraph(format!(
            "За один час это произошло несколько раз (всего {times}). Подробности — о последнем разе."
        )));
    }
    let mut facts = vec![("Время", moment(notice.at))];
    facts.extend(notice.software.shown().map(|shown| ("Браузер и система", shown)));
    facts.extend(notice.network.map(|first| ("Сеть", network(first))));
    parts.push(LetterPart::Facts(facts));
    if notice.kind.is_of_operator() {
        parts.push(LetterPart::Paragraph("Если вы этого не ожидали, обратитесь в поддержку.".to_owned()));
    } else {
        parts.push(LetterPart::Paragraph(
            "Если это были вы, ничего делать не нужно. Если нет, сразу смените пароль и завершите все сеансы:".to_owned(),
        ));
        parts.push(LetterPart::Link(site.url.to_owned()));
    }
    parts
}

//! The Russian texts.

use super::site::{MailSite, moment, network};
use crate::config::MailLanguage;
use crate::mail::letter::{Letter, LetterPart};
use crate::mail::message::{Message, Notice, NoticeKind, ResetAdvice};

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
        Message::Reset { token } => (
            "Новый пароль",
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
            ],
        ),
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
        Message::ResetAdvice(advice) => (
            "О вашем запросе нового пароля",
            vec![
                LetterPart::Paragraph(
                    "Для вашего аккаунта запрошен новый пароль, но задать его по почте нельзя.".to_owned(),
                ),
                LetterPart::Paragraph(advice_text(*advice).to_owned()),
            ],
        ),
    };
    let footer = LetterPart::Small(format!(
        "Это письмо отправлено автоматически. Оно о вашем аккаунте на {}.",
        site.host
    ));
    let parts = parts.into_iter().chain([footer]).collect();
    Letter { language: MailLanguage::Russian.tag(), subject: subject.to_owned(), parts }
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

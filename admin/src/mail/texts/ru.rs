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
            "Аккаунт может менять чужие аккаунты. Попросите ссылку у другого оператора."
        }
        ResetAdvice::Unproven => {
            "Аккаунт используется, и никто не подтвердил, что этот адрес принадлежит ему. Смените пароль там, где вы вошли, или обратитесь в поддержку."
        }
    }
}

fn notice_text(notice: &Notice, times: u32, site: MailSite<'_>) -> (&'static str, Vec<LetterPart>) {
    let provider = notice.provider.as_deref().unwrap_or("другом сервисе");
    let (subject, text) = match notice.kind {
        NoticeKind::PasswordChanged => (
            "Ваш пароль изменён",
            "Пароль вашего аккаунта изменён. На всех остальных устройствах выполнен выход.".to_owned(),
        ),
        NoticeKind::EmailChanged => (
            "Ваш адрес почты изменён",
            "Теперь это адрес почты вашего аккаунта. На всех остальных устройствах выполнен выход.".to_owned(),
        ),
        NoticeKind::LoginChanged => (
            "Ваш логин изменён",
            "Логин вашего аккаунта изменён. На всех остальных устройствах выполнен выход.".to_owned(),
        ),
        NoticeKind::NewDevice => (
            "Новый вход в ваш аккаунт",
            "В ваш аккаунт вошли с устройства, на котором он раньше не использовался.".to_owned(),
        ),
        NoticeKind::RefreshElsewhere => (
            "Ваш аккаунт использован из другого места",
            "Сеанс вашего аккаунта продолжен из другой сети и другой программой.".to_owned(),
        ),
        NoticeKind::ProviderLinked => (
            "Добавлен способ входа",
            format!("Теперь в ваш аккаунт можно войти через {provider}."),
        ),
        NoticeKind::ProviderUnlinked => (
            "Удалён способ входа",
            format!("В ваш аккаунт больше нельзя войти через {provider}."),
        ),
        NoticeKind::AccountDisabled => (
            "Ваш аккаунт отключён",
            "Оператор отключил ваш аккаунт. На всех устройствах выполнен выход.".to_owned(),
        ),
        NoticeKind::AccountEnabled => (
            "Ваш аккаунт снова включён",
            "Оператор снова включил ваш аккаунт. Вы можете войти.".to_owned(),
        ),
        NoticeKind::Evicted => (
            "На всех ваших устройствах выполнен выход",
            "Оператор завершил все сеансы вашего аккаунта и удалил способы входа, добавленные за последние 30 дней."
                .to_owned(),
        ),
        NoticeKind::RightsGranted => (
            "Ваш аккаунт получил права оператора",
            "Оператор назначил вашему аккаунту роль, которая может менять чужие аккаунты или роли.".to_owned(),
        ),
        NoticeKind::SuperuserGranted => (
            "Ваш аккаунт стал суперпользователем",
            "Суперпользователь дал вашему аккаунту те же права: в администрировании ему разрешено всё.".to_owned(),
        ),
    };
    (subject, of_notice(text, notice, times, site))
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

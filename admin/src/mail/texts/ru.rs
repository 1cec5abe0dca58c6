//! The Russian texts.

use secrecy::{ExposeSecret as _, SecretString};

use super::site::{MailSite, moment, network};
use crate::config::Language;
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
        Message::AddressChanged { notice, token } => address_changed(notice, token, site),
        Message::EmailChange { code, token } => email_change(code, token, site),
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
        Message::AlreadyRegistered { help } => ("У вас уже есть аккаунт", already_registered(help, site)),
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

fn address_in_use() -> (&'static str, Vec<LetterPart>) {
    let paragraph = |text: &str| LetterPart::Paragraph(text.to_owned());
    let what = "Этот адрес указан как новый адрес другого аккаунта, но у вас уже есть аккаунт с ним. Ничего не изменилось.";
    let advice =
        "Если это сделали вы, войдите в аккаунт с этим адресом или укажите в другом аккаунте другой адрес.";
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
        Err(advice) => parts.push(LetterPart::Paragraph(advice_text(*advice).to_owned())),
    }
    parts
}

fn sign_in_advice_text(advice: SignInAdvice) -> &'static str {
    match advice {
        SignInAdvice::Disabled => {
            "Оператор отключил аккаунт. Войти в него нельзя, пока оператор этого сайта не включит его снова."
        }
        SignInAdvice::Erasing => {
            "Аккаунт будет удалён. Чтобы сохранить его, войдите как обычно и выберите «сохранить»."
        }
        SignInAdvice::UsePassword => "Аккаунт может менять чужие аккаунты. Войдите с паролем.",
        SignInAdvice::AddressChanged => ADDRESS_CHANGED,
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

/// Why an address that can take its account back opens nothing by itself.
const ADDRESS_CHANGED: &str = "У вашего аккаунта теперь другой адрес. Если вы его не меняли, откройте ссылку из письма, которое пришло при изменении: по ней вы вернёте этот адрес и зададите новый пароль. Если письма нет, обратитесь в поддержку.";

fn advice_text(advice: ResetAdvice) -> &'static str {
    match advice {
        ResetAdvice::Disabled => {
            "Оператор отключил аккаунт. Войти в него нельзя, пока оператор этого сайта не включит его снова."
        }
        ResetAdvice::Erasing => {
            "Аккаунт будет удалён. Чтобы сохранить его, войдите с кодом из письма и выберите «сохранить». Затем запросите пароль снова."
        }
        ResetAdvice::Frozen => {
            "Аккаунт заморожен, потому что его адрес изменён. Задайте новый пароль по ссылке из письма на прежний адрес или дождитесь окончания заморозки."
        }
        ResetAdvice::AskOperator => {
            "У вашего аккаунта права оператора, поэтому его пароль нельзя сбросить по почте. Попросите ссылку у другого оператора."
        }
        ResetAdvice::AddressChanged => ADDRESS_CHANGED,
        ResetAdvice::Unproven => {
            "Аккаунт используется, и никто не подтвердил, что этот адрес принадлежит ему. Если он ваш, укажите другой адрес там, где вы вошли, или обратитесь в поддержку."
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
        NoticeKind::EmailRestored => "Ваш адрес почты возвращён",
        NoticeKind::RecoveryBegun => "Ваш аккаунт восстанавливают",
        NoticeKind::RecoveryObjected => "Восстановление вашего аккаунта остановлено",
        NoticeKind::AccountsMerged => "Два ваших аккаунта объединены",
        NoticeKind::AccountFrozen => "Ваш аккаунт заморожен",
        NoticeKind::AccountUnfrozen => "Ваш аккаунт разморожен",
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

const EMAIL_RESTORED: &str = "Изменение адреса почты отменено: у вашего аккаунта снова этот адрес и новый пароль. На всех устройствах выполнен \
    выход.";

const RECOVERY_BEGUN: &str = "Человек, у которого есть доступ к этому ящику, сказал, что аккаунт его. Через 72 часа он сможет задать новый \
    пароль, если против не возразят с устройства, где в аккаунт вошли. Если это были вы, тогда повторите то же самое. Если \
    аккаунтом пользуетесь вы, а это были не вы, возразите на устройстве, где вы вошли, и укажите другой адрес.";

const RECOVERY_OBJECTED: &str = "С устройства, где в аккаунт вошли, возразили против его восстановления по этому адресу, поэтому ничего не \
    изменится. В течение 30 дней восстановить его по этому адресу нельзя. Если аккаунт ваш, обратитесь к оператору этого сайта.";

const ACCOUNTS_MERGED: &str = "Оператор объединил два ваших аккаунта: у одного из них теперь роли и способы входа обоих, а другой будет удалён.";

const ACCOUNT_FROZEN: &str = "Через прежний адрес почты ваш аккаунт заморожен. В течение 72 часов нельзя менять его пароль, адрес и способы \
    входа, а также выгрузить или удалить его.";

const RIGHTS_GRANTED: &str =
    "Оператор назначил вашему аккаунту роль, которая может менять чужие аккаунты или роли.";

const ERASURE_BEGUN: &str = "Запрошено удаление вашего аккаунта, и на всех устройствах выполнен выход. Пока он не удалён, его можно \
    сохранить: войдите и выберите «сохранить».";

const EVICTED: &str =
    "Оператор завершил все сеансы вашего аккаунта и удалил способы входа, добавленные за последние 30 дней.";

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("другом сервисе");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "Пароль вашего аккаунта изменён. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::EmailChanged => {
            "Теперь это адрес почты вашего аккаунта. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::EmailRestored => EMAIL_RESTORED,
        NoticeKind::RecoveryBegun => RECOVERY_BEGUN,
        NoticeKind::RecoveryObjected => RECOVERY_OBJECTED,
        NoticeKind::AccountsMerged => ACCOUNTS_MERGED,
        NoticeKind::AccountFrozen => ACCOUNT_FROZEN,
        NoticeKind::AccountUnfrozen => "Оператор снял заморозку вашего аккаунта.",
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
        NoticeKind::Evicted => EVICTED,
        NoticeKind::RightsGranted => RIGHTS_GRANTED,
        NoticeKind::SuperuserGranted => {
            "Суперпользователь дал вашему аккаунту те же права: в администрировании ему разрешено всё."
        }
        NoticeKind::Exported => {
            "Все данные вашего аккаунта запрошены с устройства, на котором выполнен вход."
        }
        NoticeKind::ErasureBegun => ERASURE_BEGUN,
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
    parts.push(facts_of(notice));
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

fn facts_of(notice: &Notice) -> LetterPart {
    let mut facts = vec![("Время", moment(notice.at))];
    facts.extend(notice.software.shown().map(|shown| ("Браузер и система", shown)));
    facts.extend(notice.network.map(|first| ("Сеть", network(first))));
    LetterPart::Facts(facts)
}

//! The Russian texts of notices.

use jiff::Timestamp;

use super::super::site::{MailSite, network};
use crate::config::Language;
use crate::mail::letter::LetterPart;
use crate::mail::message::{Notice, NoticeKind};
use crate::moments::moment;

pub(super) fn notice_text(
    notice: &Notice,
    times: u32,
    site: MailSite<'_>,
) -> (&'static str, Vec<LetterPart>) {
    (subject(notice.kind), of_notice(what_happened(notice), notice, times, site))
}

fn subject(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::PasswordChanged => "Ваш пароль изменён",
        NoticeKind::PasswordRemoved => "Ваш пароль удалён",
        NoticeKind::EmailChanged => "Ваш адрес почты изменён",
        NoticeKind::EmailRestored => "Ваш адрес почты возвращён",
        NoticeKind::RecoveryBegun => "Ваш аккаунт восстанавливают",
        NoticeKind::RecoveryObjected => "Восстановление вашего аккаунта остановлено",
        NoticeKind::AccountsMerged => "Два ваших аккаунта объединены",
        NoticeKind::AccountFrozen => "Ваш аккаунт защищён на 72 часа",
        NoticeKind::AccountUnfrozen => "Защита вашего аккаунта снята",
        NoticeKind::EmailSet => "Поддержка изменила ваш адрес почты",
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

const RECOVERY_BEGUN: &str = "По почте на этот адрес запрошен новый пароль для вашего аккаунта. Пока ничего не изменилось. Через 72 часа тот, \
    кто читает эту почту, сможет задать новый пароль, и на всех устройствах будет выполнен выход. Если это были вы, подождите и тогда \
    повторите то же самое. Если не вы, вашу почту может читать другой человек: откройте аккаунт на устройстве, где вы вошли, нажмите \
    «Это был не я» и укажите другой адрес.";

const RECOVERY_OBJECTED: &str = "На устройстве, где выполнен вход в аккаунт, ответили, что новый пароль запросил другой человек. Поэтому ничего \
    не изменится, и в течение 30 дней задать новый пароль по почте на этот адрес нельзя. Если аккаунт ваш, обратитесь в поддержку.";

const ACCOUNTS_MERGED: &str = "Поддержка этого сайта объединила два ваших аккаунта: у одного из них теперь роли и способы входа обоих, а другой будет удалён.";

const ACCOUNT_FROZEN: &str = "Письмо на прежний адрес почты использовано, чтобы защитить ваш аккаунт. В течение 72 часов нельзя менять его пароль, адрес и способы \
    входа, а также выгрузить или удалить его.";

const RIGHTS_GRANTED: &str =
    "Оператор назначил вашему аккаунту роль, которая может менять чужие аккаунты или роли.";

fn erasure_begun(erase_at: Option<Timestamp>) -> String {
    let when = erase_at.map_or_else(|| "позже".to_owned(), |at| moment(at, Language::Russian));
    format!(
        "Запрошено удаление вашего аккаунта, и на всех устройствах выполнен выход. Аккаунт и все его данные будут удалены {when}. \
         До этого его можно сохранить: войдите здесь и выберите «Оставить аккаунт»."
    )
}

fn erasure_kept(erase_at: Option<Timestamp>) -> String {
    let when = erase_at.map_or_else(String::new, |at| format!(" {}", moment(at, Language::Russian)));
    format!(
        "Ваш аккаунт не будет удалён{when}: после входа в него выбрано «Оставить аккаунт». Войти можно здесь."
    )
}

fn account_erased(at: Timestamp) -> String {
    let at = moment(at, Language::Russian);
    format!(
        "Ваш аккаунт и его данные удалены {at}. Восстановить их нельзя. Это последнее письмо об аккаунте."
    )
}

const EVICTED: &str = "Поддержка этого сайта завершила все сеансы вашего аккаунта и удалила способы входа, добавленные за последние 30 дней.";

fn what_happened(notice: &Notice) -> String {
    let provider = notice.provider.as_deref().unwrap_or("другом сервисе");
    let text = match notice.kind {
        NoticeKind::PasswordChanged => {
            "Пароль вашего аккаунта изменён. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::PasswordRemoved => {
            "Этот адрес впервые подтверждён для вашего аккаунта. Прежний пароль больше не действует, потому что его мог задать другой человек. Вы можете задать новый."
        }
        NoticeKind::EmailChanged => {
            "Теперь это адрес почты вашего аккаунта. На всех остальных устройствах выполнен выход."
        }
        NoticeKind::EmailRestored => EMAIL_RESTORED,
        NoticeKind::RecoveryBegun => RECOVERY_BEGUN,
        NoticeKind::RecoveryObjected => RECOVERY_OBJECTED,
        NoticeKind::AccountsMerged => ACCOUNTS_MERGED,
        NoticeKind::AccountFrozen => ACCOUNT_FROZEN,
        NoticeKind::AccountUnfrozen => {
            "Поддержка этого сайта сняла защиту вашего аккаунта: пароль, адрес и способы входа снова можно менять."
        }
        NoticeKind::EmailSet => {
            "Поддержка этого сайта указала этот адрес почты для вашего аккаунта. На всех устройствах выполнен выход."
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
        NoticeKind::AccountDisabled => {
            "Поддержка этого сайта отключила ваш аккаунт. На всех устройствах выполнен выход."
        }
        NoticeKind::AccountEnabled => "Поддержка этого сайта снова включила ваш аккаунт. Вы можете войти.",
        NoticeKind::Evicted => EVICTED,
        NoticeKind::RightsGranted => RIGHTS_GRANTED,
        NoticeKind::SuperuserGranted => {
            "Суперпользователь дал вашему аккаунту те же права: в администрировании ему разрешено всё."
        }
        NoticeKind::Exported => {
            "Все данные вашего аккаунта запрошены с устройства, на котором выполнен вход."
        }
        NoticeKind::ErasureBegun => return erasure_begun(notice.erase_at),
        NoticeKind::ErasureKept => return erasure_kept(notice.erase_at),
        NoticeKind::AccountErased => return account_erased(notice.at),
    };
    text.to_owned()
}

pub(super) fn of_notice(text: String, notice: &Notice, times: u32, site: MailSite<'_>) -> Vec<LetterPart> {
    let mut parts = vec![LetterPart::Paragraph(text)];
    if matches!(notice.kind, NoticeKind::ErasureBegun | NoticeKind::ErasureKept) {
        parts.push(LetterPart::Link(site.sign_in()));
    }
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

pub(super) fn facts_of(notice: &Notice) -> LetterPart {
    let mut facts = vec![("Время", moment(notice.at, Language::Russian))];
    facts.extend(notice.software.shown().map(|shown| ("Браузер и система", shown)));
    facts.extend(notice.network.map(|first| ("Сеть", network(first))));
    LetterPart::Facts(facts)
}

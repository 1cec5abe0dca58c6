//! Imports accounts of another program, with their password hashes.
//!
//! A file has one account in each line, as a JSON object. Lines are imported in batches, each in one transaction, so an
//! import that was interrupted is repeated from the beginning: accounts that exist are left as they are.

mod store;

use std::io::{BufRead, Read as _};

use deserr::Deserr;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use self::store::{ImportedUser, KnownUser};
use crate::actor::Actor;
use crate::api::text::{FromText, read_as_text};
use crate::api::{Findings, Form, Invalid, Problem, sentence};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::{DbError, SqlClient};
use crate::passwords::{HashError, Hasher, InvalidOldHash, OldHash, Party};
use crate::users::profile::Name;
use crate::users::{EmailAddress, LoginName};

/// The longest line, in bytes.
const MAX_LINE: usize = 8192;

/// How many lines are hashed at once: few, so that none waits too long.
const AT_ONCE: usize = 4;

/// How many lines are imported in one transaction.
const BATCH: usize = 200;

/// Why an import stopped. What was imported before stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(#[from] std::io::Error),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// How many lines had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ImportCounts {
    /// New accounts.
    pub(crate) created: u64,
    /// Accounts that exist.
    pub(crate) unchanged: u64,
    /// Lines that were refused.
    pub(crate) refused: u64,
}

/// A line that was not imported.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedLine {
    /// Its number; the first line is 1.
    pub(crate) line: u64,
    /// Why, in sentences. Never the content of the line.
    pub(crate) detail: String,
}

/// An account in a file. The members may be in any order.
#[derive(Deserr)]
#[deserr(error = Findings, deny_unknown_fields)]
struct ImportedAccount {
    #[deserr(default)]
    id: Option<Uuid>,
    #[deserr(default)]
    email: Option<EmailAddress>,
    #[deserr(default)]
    login: Option<LoginName>,
    #[deserr(default)]
    name: Option<Name>,
    hash: OldHash,
    #[deserr(default)]
    created_at: Option<Timestamp>,
}

/// A valid line.
struct Line {
    number: u64,
    account: ImportedAccount,
}

/// A line whose hash is computed.
struct HashedLine {
    number: u64,
    /// Whether the line has the identifier, or it is new.
    has_id: bool,
    user: ImportedUser,
}

/// By what an account is recognised.
struct ImportedNames<'n> {
    id: Option<Uuid>,
    email: Option<&'n EmailAddress>,
    login: Option<&'n LoginName>,
}

impl FromText for OldHash {
    fn from_text(text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|why: InvalidOldHash| Invalid { code: "hash_invalid", sentence: sentence(why) })
    }
}

read_as_text!(OldHash);

/// What the database says about an account before it is imported.
enum LineStanding {
    New,
    Exists,
    /// Another account has its address or its login name.
    Taken(&'static str),
}

/// Imports every line of `file`, and calls `refuse` for each one that is refused.
///
/// # Errors
///
/// When the file cannot be read any further, or PostgreSQL is unavailable.
pub(crate) async fn import(
    core: &Core,
    actor: &Actor,
    hasher: &Hasher,
    mut file: impl BufRead,
    mut refuse: impl FnMut(RefusedLine),
) -> Result<ImportCounts, ImportError> {
    let (mut counts, mut number, mut at_end) = (ImportCounts::default(), 0, false);
    while !at_end {
        let (mut batch, mut refused) = (Vec::new(), Vec::new());
        while batch.len() < BATCH && refused.len() < BATCH {
            let Some(line) = next_line(&mut file)? else {
                at_end = true;
                break;
            };
            number += 1;
            match line.and_then(|bytes| parse(&bytes)) {
                Ok(Some(account)) => batch.push(Line { number, account }),
                Ok(None) => {}
                Err(detail) => refused.push(RefusedLine { line: number, detail }),
            }
        }
        let (created, unchanged) = import_batch(core, actor, hasher, batch, &mut refused).await?;
        counts.created += created;
        counts.unchanged += unchanged;
        counts.refused += u64::try_from(refused.len()).unwrap_or(u64::MAX);
        refused.sort_by_key(|refused| refused.line);
        refused.into_iter().for_each(&mut refuse);
    }
    Ok(counts)
}

/// The next line without its end; `None` at the end of the file. A line that is too long is skipped.
fn next_line(file: &mut impl BufRead) -> Result<Option<Result<Vec<u8>, String>>, std::io::Error> {
    let mut line = Vec::new();
    let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX).saturating_add(1);
    if file.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > MAX_LINE {
        skip_line(file)?;
        return Ok(Some(Err(format!("The line has more than {MAX_LINE} bytes."))));
    }
    Ok(Some(Ok(line)))
}

fn skip_line(file: &mut impl BufRead) -> Result<(), std::io::Error> {
    loop {
        let available = file.fill_buf()?;
        let end = available.iter().position(|byte| *byte == b'\n');
        let (skipped, is_last) = (end.map_or(available.len(), |end| end + 1), end.is_some());
        file.consume(skipped);
        if is_last || skipped == 0 {
            return Ok(());
        }
    }
}

/// The account in a line; `None` for an empty line.
fn parse(line: &[u8]) -> Result<Option<ImportedAccount>, String> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let account: ImportedAccount =
        Form::parse(line).and_then(Form::finish).map_err(|problem: Problem| problem.to_string())?;
    if account.email.is_none() && account.login.is_none() {
        return Err("`email` or `login` is required.".to_owned());
    }
    Ok(Some(account))
}

/// Imports the lines of a batch, and returns how many accounts were created and how many exist.
async fn import_batch(
    core: &Core,
    actor: &Actor,
    hasher: &Hasher,
    batch: Vec<Line>,
    refused: &mut Vec<RefusedLine>,
) -> Result<(u64, u64), ImportError> {
    if batch.is_empty() {
        return Ok((0, 0));
    }
    let mut connection = core.db.get().await?;
    let names: Vec<ImportedNames<'_>> = batch.iter().map(|line| line.account.names()).collect();
    let known = find_known(&*connection, &names).await?;
    let standings: Vec<LineStanding> = names.iter().map(|names| names.standing(&known)).collect();
    drop(names);
    let (mut outcome, mut new) = (BatchOutcome { created: 0, unchanged: 0, refused }, Vec::new());
    for (line, standing) in batch.into_iter().zip(standings) {
        match standing {
            LineStanding::New => new.push(line),
            other => outcome.note(line.number, &other),
        }
    }
    let hashing = stream::iter(new).map(|line| hash(core, hasher, line));
    let new: Vec<HashedLine> = hashing.buffered(AT_ONCE).try_collect().await?;
    let tx = connection.begin().await?;
    for line in new {
        if store::import(&tx, &line.user).await? {
            outcome.created += 1;
        } else {
            // Another line of the batch has the name, or a user registered meanwhile.
            let names = line.names();
            let known = find_known(&*tx, std::slice::from_ref(&names)).await?;
            outcome.note(line.number, &names.standing(&known));
        }
    }
    if outcome.created > 0 {
        let detail = json!({ "created": outcome.created });
        let entry = AuditEntry::new(AuditAction::UsersImported, &*core.issuer, detail);
        audit::record(&tx, &core.audit_keys, actor, entry).await?;
    }
    tx.commit().await?;
    Ok((outcome.created, outcome.unchanged))
}

/// The outcome of a batch.
struct BatchOutcome<'o> {
    created: u64,
    unchanged: u64,
    refused: &'o mut Vec<RefusedLine>,
}

impl BatchOutcome<'_> {
    /// Notes a line that creates no account.
    fn note(&mut self, line: u64, standing: &LineStanding) {
        let detail = match standing {
            LineStanding::Exists => {
                self.unchanged += 1;
                return;
            }
            LineStanding::New => "The account was created and removed meanwhile; repeat the import.",
            LineStanding::Taken(why) => why,
        };
        self.refused.push(RefusedLine { line, detail: detail.to_owned() });
    }
}

/// The accounts that may be those of `names`.
async fn find_known(client: &impl SqlClient, names: &[ImportedNames<'_>]) -> Result<Vec<KnownUser>, DbError> {
    let ids: Vec<Uuid> = names.iter().filter_map(|names| names.id).collect();
    let emails: Vec<&str> = names.iter().filter_map(|names| names.email).map(EmailAddress::key).collect();
    let logins: Vec<&str> = names.iter().filter_map(|names| names.login).map(LoginName::key).collect();
    let skeletons: Vec<String> =
        names.iter().filter_map(|names| names.login).map(LoginName::skeleton).collect();
    store::find_any(client, &ids, &emails, &logins, &skeletons).await
}

/// Wraps the old hash. The hashing threads work on several lines at once.
async fn hash(core: &Core, hasher: &Hasher, line: Line) -> Result<HashedLine, HashError> {
    let Line { number, account } = line;
    let password_hash = hasher.reserve(Party::Operator)?.wrap(account.hash).await?;
    let user = ImportedUser {
        id: account.id.unwrap_or_else(|| core.random.id()),
        email: account.email,
        login: account.login,
        display_name: account.name.map(String::from),
        password_hash,
        created_at: account.created_at,
    };
    Ok(HashedLine { number, has_id: account.id.is_some(), user })
}

impl ImportedAccount {
    fn names(&self) -> ImportedNames<'_> {
        ImportedNames { id: self.id, email: self.email.as_ref(), login: self.login.as_ref() }
    }
}

impl HashedLine {
    fn names(&self) -> ImportedNames<'_> {
        ImportedNames {
            id: self.has_id.then_some(self.user.id),
            email: self.user.email.as_ref(),
            login: self.user.login.as_ref(),
        }
    }
}

impl ImportedNames<'_> {
    /// An account is the same if it has the identifier of the line; without one, if it has the address, or the login
    /// name of a line without an address.
    fn standing(&self, known: &[KnownUser]) -> LineStanding {
        let (former, known): (Vec<_>, Vec<_>) = known.iter().partition(|user| user.is_former);
        if self.id.is_some_and(|id| known.iter().any(|user| user.id == id)) {
            return LineStanding::Exists;
        }
        let has_email =
            |user: &KnownUser| self.email.is_some_and(|email| user.email_key.as_deref() == Some(email.key()));
        let has_login =
            |user: &KnownUser| self.login.is_some_and(|login| user.login_key.as_deref() == Some(login.key()));
        let looks_like = |user: &KnownUser| {
            self.login.is_some_and(|login| user.login_skeleton.as_deref() == Some(login.skeleton().as_str()))
        };
        let is_same = |user: &KnownUser| has_email(user) || self.email.is_none() && has_login(user);
        if self.id.is_none() && known.iter().copied().any(is_same) {
            LineStanding::Exists
        } else if known.iter().copied().any(has_email) {
            LineStanding::Taken("Another account has this e-mail address.")
        } else if known.iter().copied().any(has_login) {
            LineStanding::Taken("Another account has this login name.")
        } else if known.iter().copied().any(looks_like) {
            LineStanding::Taken("Another account has a login name that looks like this one.")
        } else if former.iter().copied().any(has_email) {
            LineStanding::Taken(
                "Another account changed away from this e-mail address, and can take it back for 72 hours; import the line \
                 after that.",
            )
        } else {
            LineStanding::New
        }
    }
}

#[cfg(test)]
mod tests;

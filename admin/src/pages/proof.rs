//! Proof that it is still the viewer who acts: asked for beside the form of an action that needs a recent sign-in, so that one
//! press does both. A viewer without a password goes to a provider or to a code from a mail in between, and comes back.

use super::field::{FormField, focus};
use super::providers::ProviderButton;
use super::viewer::Viewer;
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Request};
use crate::me::reauthenticate;

/// The name of the field.
const FIELD: &str = "proof";

/// For how many seconds a proof counts, a little less than the service allows.
const LIFE: u64 = 570;

/// What a form asks for.
pub(super) enum ProofAsked {
    /// Nothing: the sign-in was just now.
    Nothing,
    /// The password.
    Password(Box<FormField>),
    /// Another proof, for a user without a password.
    Again(Box<ProofWays>),
}

/// How a user without a password proves who acts. A button sends the form to another page (`proof_code`), which leads back.
pub(super) struct ProofWays {
    /// The path of this page.
    pub(super) page: String,
    /// The providers that are linked.
    pub(super) providers: Vec<ProviderButton>,
    /// Whether a code can be sent to the address.
    pub(super) has_mail: bool,
}

impl ProofWays {
    fn of(visit: &Visit, viewer: &Viewer, page: &str) -> Self {
        let (context, profile) = (&visit.request.context, &viewer.profile);
        let words = visit.texts().provider_button;
        let is_linked = |id: &str| profile.linked_providers.iter().any(|linked| linked == id);
        let linked = context.providers.iter().filter(|provider| is_linked(provider.id()));
        let is_console = visit.site().is_console();
        let providers = match context.return_page {
            // An operator is proved by a password alone.
            _ if is_console => Vec::new(),
            Some(_) => linked.map(|provider| ProviderButton::of(provider, words, "")).collect(),
            // Browsers could not come back.
            None => Vec::new(),
        };
        let has_mail = !is_console && context.outbox.is_on() && profile.email_verified;
        Self { page: page.to_owned(), providers, has_mail }
    }

    /// Whether there is one at all.
    pub(super) fn is_empty(&self) -> bool {
        self.providers.is_empty() && !self.has_mail
    }
}

impl ProofAsked {
    /// What the form of an action asks for, which is at `path`.
    pub(super) fn of(visit: &Visit, path: &str, problem: Option<&Problem>) -> Self {
        let Some(viewer) = &visit.viewer else { return Self::Nothing };
        let needs = problem.is_some_and(|problem| {
            matches!(problem.code(), Code::FreshAuthRequired | Code::CurrentPasswordWrong)
        });
        let now = visit.request.context.clock.unix_seconds();
        if !needs && now < viewer.caller.auth_time().saturating_add(LIFE) {
            return Self::Nothing;
        }
        let t = visit.texts();
        if viewer.profile.has_password {
            let field =
                FormField::current_password(t, FIELD).labelled(t.proof_password).hinted(t.proof_needed);
            let wrong = problem.filter(|problem| problem.code() == Code::CurrentPasswordWrong);
            let mut field = match wrong {
                Some(wrong) => field.wrong(t.codes.problem(wrong.code())),
                None => field,
            };
            if problem.is_some() {
                focus(&mut [&mut field]);
            }
            return Self::Password(Box::new(field));
        }
        Self::Again(Box::new(ProofWays::of(visit, viewer, path)))
    }

    /// The field of the password.
    pub(super) fn field(&self) -> Option<&FormField> {
        match self {
            Self::Password(field) => Some(field),
            Self::Nothing | Self::Again(_) => None,
        }
    }

    /// The other ways.
    pub(super) fn ways(&self) -> Option<&ProofWays> {
        match self {
            Self::Again(ways) => Some(ways),
            Self::Nothing | Self::Password(_) => None,
        }
    }

    /// Whether the form can be sent as it is.
    pub(super) fn is_ready(&self) -> bool {
        !matches!(self, Self::Again(_))
    }
}

/// The request of an action with what the form proved: the password that was typed is checked first, and the browser keeps the
/// access token that says so.
///
/// # Errors
///
/// 403 `current_password_wrong`; 429 `too_many_attempts`; 401; 503.
pub(super) async fn prove(visit: &Visit, action: Form) -> Result<Request, Problem> {
    let typed = visit.fields.text(FIELD);
    if typed.is_empty() {
        return Ok(visit.with(action));
    }
    let asked = visit.with(Form::of_texts([("password", typed)]));
    let access = reauthenticate::perform(asked).await?;
    visit.jar.add_session(&access.cookies());
    Ok(visit.with_access(action, access.text()))
}

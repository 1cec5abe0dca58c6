//! Proof that it is still the viewer who acts: asked for beside the form of an action that needs a recent sign-in, so that one
//! press does both.

use super::field::FormField;
use super::providers::ProviderButton;
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
    /// A new sign-in through one of these, for a user without a password.
    SignIn(Vec<ProviderButton>),
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
            let field = if wrong.is_some() {
                field.wrong(t.codes.problem(Code::CurrentPasswordWrong))
            } else {
                field
            };
            return Self::Password(Box::new(field));
        }
        let linked = &viewer.profile.linked_providers;
        let mut buttons = super::providers::to_sign_in(visit, path);
        buttons.retain(|button| linked.contains(&button.id));
        Self::SignIn(buttons)
    }

    /// The field of the password.
    pub(super) fn field(&self) -> Option<&FormField> {
        match self {
            Self::Password(field) => Some(field),
            Self::Nothing | Self::SignIn(_) => None,
        }
    }

    /// The buttons of a new sign-in.
    pub(super) fn buttons(&self) -> &[ProviderButton] {
        match self {
            Self::SignIn(buttons) => buttons,
            Self::Nothing | Self::Password(_) => &[],
        }
    }

    /// Whether the form can be sent as it is.
    pub(super) fn is_ready(&self) -> bool {
        !matches!(self, Self::SignIn(_))
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

//! A field of a form, with its label, its hint and its error.

use askama::Template;
use askama::filters::HtmlSafe;

use super::texts::Texts;
use crate::api::Problem;

/// A field. Its template escapes what the user typed.
#[derive(Template)]
#[template(path = "field.html")]
pub(super) struct FormField {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    autocomplete: &'static str,
    hint: Option<String>,
    error: Option<String>,
    is_required: bool,
    has_focus: bool,
    t: &'static Texts,
}

/// The template has escaped everything.
impl HtmlSafe for FormField {}

impl FormField {
    /// A field for a text that must be typed.
    pub(super) fn text(t: &'static Texts, name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: String::new(),
            autocomplete: "off",
            hint: None,
            error: None,
            is_required: true,
            has_focus: false,
            t,
        }
    }

    /// A field for the user's e-mail address.
    pub(super) fn email(t: &'static Texts, name: &'static str) -> Self {
        Self { kind: "email", autocomplete: "email", ..Self::text(t, name, t.email) }
    }

    /// A field for the password that the user has.
    pub(super) fn current_password(t: &'static Texts, name: &'static str) -> Self {
        Self { kind: "password", autocomplete: "current-password", ..Self::text(t, name, t.password) }
    }

    /// A field for a password that the user chooses, of at least `least` characters.
    pub(super) fn new_password(t: &'static Texts, name: &'static str, least: usize) -> Self {
        let hint = t.password_hint.replace("{least}", &least.to_string());
        Self {
            kind: "password",
            autocomplete: "new-password",
            hint: Some(hint),
            ..Self::text(t, name, t.new_password)
        }
    }

    /// A field for the code of a mail.
    pub(super) fn code(t: &'static Texts) -> Self {
        Self {
            autocomplete: "one-time-code",
            hint: Some(t.code_hint.to_owned()),
            ..Self::text(t, "code", t.code)
        }
    }

    /// With the text that was typed before.
    pub(super) fn with_value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// With a kind of `input` of its own.
    pub(super) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// With the name by which a browser knows what to fill in.
    pub(super) fn filled_in_as(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    /// With another label.
    pub(super) fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    /// With a hint below.
    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// That need not be filled in.
    pub(super) fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// With what a problem says about it.
    pub(super) fn judged(mut self, problem: Option<&Problem>) -> Self {
        let found = problem.map(|problem| self.t.codes.of_field(problem, self.name));
        self.error = found.filter(|sentences| !sentences.is_empty());
        self
    }

    /// With this error.
    pub(super) fn wrong(self, error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..self }
    }

    fn is_password(&self) -> bool {
        self.kind == "password"
    }

    /// What describes it, by identifier.
    fn described_by(&self) -> String {
        let parts = [(self.error.is_some(), "error"), (self.hint.is_some(), "hint")];
        let ids: Vec<_> = parts
            .iter()
            .filter(|(is_there, _)| *is_there)
            .map(|(_, part)| format!("{}-{part}", self.name))
            .collect();
        ids.join(" ")
    }
}

/// Puts the focus on the first field with an error, if there is one.
pub(super) fn focus_wrong(fields: &mut [&mut FormField]) -> bool {
    let wrong = fields.iter_mut().find(|field| field.error.is_some());
    wrong.map(|field| field.has_focus = true).is_some()
}

/// Puts the focus on the first field with an error, or else on the first one.
pub(super) fn focus(fields: &mut [&mut FormField]) {
    if !focus_wrong(fields)
        && let Some(field) = fields.first_mut()
    {
        field.has_focus = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Code;
    use crate::config::Language;

    fn html(field: &FormField) -> String {
        field.render().unwrap()
    }

    #[test]
    fn a_field_tells_a_password_manager_what_to_fill_in() {
        let t = Texts::of(Language::English);
        for (field, expected) in [
            (
                FormField::current_password(t, "a"),
                "type=\"password\" value=\"\" autocomplete=\"current-password\"",
            ),
            (
                FormField::new_password(t, "a", 8),
                "type=\"password\" value=\"\" autocomplete=\"new-password\"",
            ),
            (FormField::email(t, "a"), "type=\"email\" value=\"\" autocomplete=\"email\""),
            (FormField::code(t), "autocomplete=\"one-time-code\""),
        ] {
            assert!(html(&field).contains(expected), "{}", html(&field));
            assert!(!html(&field).contains("onpaste"));
        }
    }

    #[test]
    fn an_error_is_said_beside_its_field_and_gets_the_focus() {
        let t = Texts::of(Language::English);
        let problem = Problem::new(Code::ValidationFailed).field("b", "field_missing", "x");
        let field = |name| FormField::text(t, name, "<label>").judged(Some(&problem));
        let (mut first, mut second) = (field("a"), field("b"));
        focus(&mut [&mut first, &mut second]);
        assert!(!html(&first).contains("aria-invalid") && !html(&first).contains("autofocus"));
        let shown = html(&second);
        for part in [
            "id=\"b-error\">Fill in this field.",
            "aria-invalid=\"true\"",
            "aria-describedby=\"b-error\"",
            "autofocus",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.contains("<label>"), "{shown}");
    }
}

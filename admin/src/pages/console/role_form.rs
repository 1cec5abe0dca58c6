//! The fields of a role's definition, to create one or to change it.

use serde_json::Value;
use shared::permission::Pattern;
use shared::role::RoleName;

use super::operator::OperatorVisit;
use crate::api::{Form, Problem};
use crate::pages::field::{FormField, focus};
use crate::roles::RoleView;

/// The names of a list in one line.
pub(super) fn joined<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}

/// The fields, with what was typed, or else with what the role has.
pub(super) fn fields(
    operator: &OperatorVisit,
    role: Option<&RoleView>,
    problem: Option<&Problem>,
) -> Vec<FormField> {
    let (t, texts) = (operator.t(), operator.texts());
    let is_typed = !operator.request.method.is_safe();
    let field = |name, label, stored: Option<String>| {
        let value = if is_typed { operator.fields.text(name).to_owned() } else { stored.unwrap_or_default() };
        FormField::text(texts, name, label).with_value(value).judged(problem)
    };
    let of = |read: fn(&RoleView) -> String| role.map(read);
    let permissions = of(|role| joined(role.permissions.iter().map(Pattern::as_str)));
    let inherits = of(|role| joined(role.inherits.iter().map(RoleName::as_str)));
    let mut fields = vec![
        field("name", t.role_name, of(|role| role.name.as_str().to_owned())).hinted(t.role_name_hint),
        field("title", t.role_title, role.and_then(|role| role.title.clone())).optional(),
        field("description", t.role_description, role.and_then(|role| role.description.clone())).optional(),
        field("permissions", t.permissions, permissions).optional().hinted(t.permissions_hint),
        field("inherits", t.inherits, inherits).optional().hinted(t.inherits_hint),
    ];
    focus(&mut fields.iter_mut().collect::<Vec<_>>());
    fields
}

/// The body of the request: every member, so that an emptied field empties the role's.
pub(super) fn form(operator: &OperatorVisit) -> Form {
    let fields = &operator.fields;
    let list = |name: &str| -> Value {
        let words = fields.text(name).split([' ', ',', '\t', '\r', '\n']);
        words.filter(|word| !word.is_empty()).map(Value::from).collect()
    };
    let text = |name: &str| match fields.has(name) {
        true => Value::from(fields.text(name)),
        false => Value::Null,
    };
    Form::of_texts([("name", fields.text("name"))])
        .with("title", text("title"))
        .with("description", text("description"))
        .with("permissions", list("permissions"))
        .with("inherits", list("inherits"))
}

//! All routes, one line each, in reading order.

mod answer;
mod apidocs;
mod document;
mod find;
#[cfg(test)]
mod limits;
mod proxy_warning;
mod request_record;
mod route;
mod under_way;
mod watch;

use std::convert::identity;
use std::future::ready;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use crate::api::{Asset, Caching, Operation, Request};
use crate::context::Context;
use crate::pages::PageSite;
use crate::provider_sign_in::linking;
use crate::providers::ProviderPaths;
use crate::roles::{assignments, permissions};
use crate::server::Service;
use crate::sessions::history;
use crate::{
    access, audit, email_change, erasure, export, jwks, mail_proof, me, operators, pages, provider_sign_in,
    recovery, registration, roles, sessions,
};

use answer::Router;
use apidocs::ApiDocs;
use route::{delete, get, patch, post, put};

pub use route::Route;
pub use under_way::UnderWay;

/// Paths that are also sent to clients and providers.
pub const PROVIDER_PATHS: ProviderPaths = ProviderPaths {
    list: "/api/v1/auth/providers",
    login: "/api/v1/oauth/{provider}/login",
    callback: "/api/v1/oauth/{provider}/callback",
    return_page: pages::paths::SIGNED_IN,
};

/// All routes: the API, and the documentation of the API.
pub fn routes() -> Vec<Route> {
    let mut routes = operations();
    routes.extend(pages());
    routes.extend(account_pages());
    routes
}

/// The OpenAPI document, as returned by `/openapi.json`.
pub fn document() -> Bytes {
    DOCUMENT.clone()
}

/// Made when it is first asked for: most processes are never asked.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document::of(&operations()));

/// The routes described in the OpenAPI document.
fn operations() -> Vec<Route> {
    let mut routes = sign_in();
    routes.extend(accounts());
    routes.extend(admin_operations());
    routes.push(get("/.well-known/jwks.json", jwks::show, jwks::describe));
    routes
}

/// Registration, sign-in and sign-out.
#[rustfmt::skip]
fn sign_in() -> Vec<Route> {
    vec![
        post("/api/v1/auth/register", registration::register::handle, registration::register::describe),
        post("/api/v1/auth/email/verify", registration::verify::handle, registration::verify::describe),
        post("/api/v1/auth/email/resend", mail_proof::resend::handle, mail_proof::resend::describe),
        post("/api/v1/auth/mail-code", mail_proof::request::handle, mail_proof::request::describe),
        post("/api/v1/auth/mail-code/login", mail_proof::sign_in::handle, mail_proof::sign_in::describe),
        post("/api/v1/auth/login", sessions::login::handle, sessions::login::describe),
        post("/api/v1/auth/refresh", sessions::refresh::handle, sessions::refresh::describe),
        post("/api/v1/auth/reauthenticate", me::reauthenticate::handle, me::reauthenticate::describe),
        post("/api/v1/auth/password/forgot", recovery::forgot::handle, recovery::forgot::describe),
        post("/api/v1/auth/password/reset", recovery::reset::handle, recovery::reset::describe),
        post("/api/v1/auth/email/freeze", email_change::freeze::handle, email_change::freeze::describe),
        post("/api/v1/auth/email/undo", email_change::undo::handle, email_change::undo::describe),
        post("/api/v1/auth/erasure/keep", erasure::keep::handle, erasure::keep::describe),
        post("/api/v1/auth/erasure/erase-now", erasure::erase_now::handle, erasure::erase_now::describe),
        post("/api/v1/auth/export", export::take::handle, export::take::describe),
        post("/api/v1/auth/logout", sessions::logout::handle, sessions::logout::describe),
        post("/api/v1/auth/logout-all", sessions::logout_all::handle, sessions::logout_all::describe),

        get(PROVIDER_PATHS.list, provider_sign_in::list::handle, |operation| provider_sign_in::list::describe(operation, &PROVIDER_PATHS)),
        get(PROVIDER_PATHS.login, provider_sign_in::login::handle, provider_sign_in::login::describe),
        get(PROVIDER_PATHS.callback, provider_sign_in::callback::handle_get, provider_sign_in::callback::describe_get),
        post(PROVIDER_PATHS.callback, provider_sign_in::callback::handle_post, provider_sign_in::callback::describe_post),
        post("/api/v1/oauth/exchange", provider_sign_in::exchange::handle, provider_sign_in::exchange::describe),
        post("/api/v1/oauth/link/show", linking::show::handle, linking::show::describe),
        post("/api/v1/oauth/link/confirm", linking::confirm::handle, linking::confirm::describe),
        post("/api/v1/oauth/link/mail", linking::mail::handle, linking::mail::describe),
        post("/api/v1/oauth/link/prove", linking::prove::handle, linking::prove::describe),
        post("/api/v1/oauth/link/provider", linking::provider::handle, linking::provider::describe),
        post("/api/v1/oauth/link/decline", linking::decline::handle, linking::decline::describe),
        post("/api/v1/oauth/link/sign-in", linking::sign_in::handle, linking::sign_in::describe),
        post("/api/v1/oauth/link/move", linking::move_here::handle, linking::move_here::describe),
        post("/api/v1/oauth/link/skip", linking::skip::handle, linking::skip::describe),
    ]
}

/// The user's own account, and roles.
#[rustfmt::skip]
fn accounts() -> Vec<Route> {
    vec![
        get("/api/v1/me", me::show::handle, me::show::describe),
        patch("/api/v1/me", me::change_profile::handle, me::change_profile::describe),
        put("/api/v1/me/password", me::change_password::handle, me::change_password::describe),
        put("/api/v1/me/email", me::change_email::handle, me::change_email::describe),
        post("/api/v1/me/email/verify", email_change::verify::handle, email_change::verify::describe),
        post("/api/v1/me/recovery/object", me::object_recovery::handle, me::object_recovery::describe),
        put("/api/v1/me/login", me::change_login::handle, me::change_login::describe),
        get("/api/v1/me/sessions", sessions::list::handle, sessions::list::describe),
        delete("/api/v1/me/sessions/{sid}", sessions::end::handle, sessions::end::describe),
        get("/api/v1/me/login-history", history::list::handle, history::list::describe),
        get("/api/v1/me/notices", me::notices::handle, me::notices::describe),

        post("/api/v1/me/export", export::request::handle, export::request::describe),
        post("/api/v1/me/erase", me::erase::handle, me::erase::describe),

        get("/api/v1/me/accounts", provider_sign_in::accounts::list::handle, provider_sign_in::accounts::list::describe),
        post("/api/v1/me/accounts/{provider}", provider_sign_in::accounts::link::handle, provider_sign_in::accounts::link::describe),
        delete("/api/v1/me/accounts/{provider}", provider_sign_in::accounts::unlink::handle, provider_sign_in::accounts::unlink::describe),

        get("/api/v1/me/permissions", me::permissions::handle, me::permissions::describe),

        get("/api/v1/roles", roles::list::handle, roles::list::describe),
        post("/api/v1/roles", roles::create::handle, roles::create::describe),
        get("/api/v1/roles/{role}", roles::show::handle, roles::show::describe),
        patch("/api/v1/roles/{role}", roles::change::handle, roles::change::describe),
        delete("/api/v1/roles/{role}", roles::delete::handle, roles::delete::describe),
        get("/api/v1/roles/{role}/permissions/{permission}", permissions::show::handle, permissions::show::describe),
        put("/api/v1/roles/{role}/permissions/{permission}", permissions::add::handle, permissions::add::describe),
        delete("/api/v1/roles/{role}/permissions/{permission}", permissions::remove::handle, permissions::remove::describe),
        get("/api/v1/permissions", permissions::list::handle, permissions::list::describe),

        get("/api/v1/users/{id}/roles", assignments::list::handle, assignments::list::describe),
        get("/api/v1/users/{id}/roles/{role}", assignments::show::handle, assignments::show::describe),
        put("/api/v1/users/{id}/roles/{role}", assignments::assign::handle, assignments::assign::describe),
        delete("/api/v1/users/{id}/roles/{role}", assignments::take::handle, assignments::take::describe),

        get("/api/v1/erasures", erasure::list::handle, erasure::list::describe),
        post("/api/v1/erasures/{id}/acknowledge", erasure::acknowledge::handle, erasure::acknowledge::describe),

        post("/api/v1/authz/check", access::check::handle, access::check::describe),
        post("/api/v1/authz/explain", access::explain::handle, access::explain::describe),
    ]
}

/// What operators do.
#[rustfmt::skip]
fn admin_operations() -> Vec<Route> {
    vec![
        get("/api/v1/admin/users", operators::list::handle, operators::list::describe),
        post("/api/v1/admin/users", operators::invite::handle, operators::invite::describe),
        get("/api/v1/admin/users/{id}", operators::show::handle, operators::show::describe),
        get("/api/v1/admin/users/{id}/sessions", operators::sessions::handle, operators::sessions::describe),
        delete("/api/v1/admin/users/{id}/sessions/{sid}", operators::end_session::handle, operators::end_session::describe),
        get("/api/v1/admin/users/{id}/login-history", operators::history::handle, operators::history::describe),
        get("/api/v1/admin/users/{id}/accounts", operators::accounts::handle, operators::accounts::describe),
        post("/api/v1/admin/users/{id}/disable", operators::disable::handle, operators::disable::describe),
        post("/api/v1/admin/users/{id}/enable", operators::enable::handle, operators::enable::describe),
        post("/api/v1/admin/users/{id}/unlock", operators::unlock::handle, operators::unlock::describe),
        post("/api/v1/admin/users/{id}/unfreeze", operators::unfreeze::handle, operators::unfreeze::describe),
        post("/api/v1/admin/users/{id}/logout-all", operators::end_sessions::handle, operators::end_sessions::describe),
        post("/api/v1/admin/users/{id}/evict", operators::evict::handle, operators::evict::describe),
        post("/api/v1/admin/users/{id}/merge", operators::merge::handle, operators::merge::describe),
        post("/api/v1/admin/users/{id}/send-reset", operators::send_reset::handle, operators::send_reset::describe),
        post("/api/v1/admin/users/{id}/export", operators::export::handle, operators::export::describe),
        post("/api/v1/admin/users/{id}/erase", operators::erase::handle, operators::erase::describe),
        put("/api/v1/admin/users/{id}/email", operators::set_email::handle, operators::set_email::describe),
        put("/api/v1/admin/users/{id}/superuser", operators::superuser::give::handle, operators::superuser::give::describe),
        delete("/api/v1/admin/users/{id}/superuser", operators::superuser::take::handle, operators::superuser::take::describe),
        get("/api/v1/admin/revocations/position", operators::position::handle, operators::position::describe),
        post("/api/v1/admin/revocations", operators::revoke::handle, operators::revoke::describe),
        get("/api/v1/admin/audit", audit::list::handle, audit::list::describe),
    ]
}

/// The path of the OpenAPI document.
const OPENAPI: &str = "/openapi.json";
/// The path of token revocation (RFC 7009), which takes a form.
const REVOKE: &str = "/oauth2/revoke";
/// The path of the page that shows the document.
const APIDOCS: &str = "/apidocs/";
/// The pages of an account, and who may open them.
fn account_pages() -> Vec<Route> {
    let mut routes = visitor_pages();
    routes.extend(viewer_pages());
    routes
}

/// The pages of visitors: they sign in, register, or follow the link of a mail.
#[rustfmt::skip]
fn visitor_pages() -> Vec<Route> {
    use pages::{anyone, anyone_sends};
    vec![
        get("/account", anyone(pages::overview::redirect), for_people),
        get("/account/assets/{file}", pages::assets, for_people),
        get(pages::paths::SIGN_IN, anyone(pages::sign_in::show), for_people),
        post(pages::paths::SIGN_IN, anyone_sends(pages::sign_in::submit, pages::sign_in::show), for_people),
        get("/account/sign-in/code", anyone(pages::code::show), for_people),
        post("/account/sign-in/code", anyone_sends(pages::code::submit, pages::code::show), for_people),
        get(pages::paths::SIGNED_IN, anyone(pages::signed_in::show), for_link),
        get("/account/link", anyone(pages::link::open), for_people),
        post("/account/link", anyone_sends(pages::link::submit, pages::link::open), for_people),
        post(pages::paths::SIGNED_IN, anyone_sends(pages::signed_in::submit, pages::signed_in::show), for_people),
        get(pages::paths::PROVIDER_CONSENT, anyone(pages::provider_consent::show), for_people),
        post(pages::paths::PROVIDER_CONSENT, anyone_sends(pages::provider_consent::submit, pages::provider_consent::show), for_people),
        get("/account/language", anyone(pages::language::choose), for_people),
        post("/account/language", anyone_sends(pages::language::choose, pages::language::choose), for_people),
        get("/account/erasing", anyone(pages::erasing::show), for_people),
        post("/account/erasing", anyone_sends(pages::erasing::submit, pages::erasing::show), for_people),

        get("/account/register", anyone(pages::register::show), for_people),
        post("/account/register", anyone_sends(pages::register::submit, pages::register::show), for_people),
        get("/account/register/prove", anyone(pages::prove::show), for_people),
        post("/account/register/prove", anyone_sends(pages::prove::submit, pages::prove::show), for_people),
        get("/account/forgot", anyone(pages::forgot::show), for_people),
        post("/account/forgot", anyone_sends(pages::forgot::submit, pages::forgot::show), for_people),

        // Those that links in mails open; `mail` has their paths too.
        get("/account/reset", anyone(pages::reset::show), for_people),
        post("/account/reset", anyone_sends(pages::reset::submit, pages::reset::show), for_people),
        get("/account/confirm", anyone(pages::confirm::show), for_people),
        post("/account/confirm", anyone_sends(pages::confirm::submit, pages::confirm::show), for_people),
        get("/account/email", anyone(pages::address_link::show), for_people),
        post("/account/email", anyone_sends(pages::address_link::submit, pages::address_link::show), for_people),
        get("/account/undo", anyone(pages::undo::show), for_people),
        post("/account/undo", anyone_sends(pages::undo::submit, pages::undo::show), for_people),
        get("/account/export", anyone(pages::export_link::show), for_people),
        post("/account/export", anyone_sends(pages::export_link::submit, pages::export_link::show), for_people),
    ]
}

/// The pages of the signed-in user.
#[rustfmt::skip]
fn viewer_pages() -> Vec<Route> {
    use pages::{anyone, signed_in, signed_in_sends};
    vec![
        get(pages::paths::OVERVIEW, signed_in(pages::overview::show), for_people),
        get("/account/sign-out", anyone(pages::overview::redirect), for_people),
        post("/account/sign-out", signed_in(pages::sign_out::submit), ending),
        get(pages::paths::PROOF, signed_in(pages::proof_code::show), for_people),
        post(pages::paths::PROOF, signed_in_sends(pages::proof_code::submit, pages::proof_code::show), for_people),
        get("/account/object", anyone(pages::overview::redirect), for_people),
        post("/account/object", signed_in(pages::overview::object), for_people),
        get("/account/profile", signed_in(pages::profile::show), for_people),
        post("/account/profile", signed_in_sends(pages::profile::submit, pages::profile::show), for_people),
        get("/account/security", signed_in(pages::security::show), for_people),
        get("/account/password", signed_in(pages::password::show), for_people),
        post("/account/password", signed_in_sends(pages::password::submit, pages::password::show), for_people),
        get("/account/address", signed_in(pages::address::show), for_people),
        post("/account/address", signed_in_sends(pages::address::submit, pages::address::show), for_people),
        get("/account/address/prove", signed_in(pages::address::show_proof), for_people),
        post("/account/address/prove", signed_in_sends(pages::address::prove, pages::address::show_proof), for_people),
        get("/account/login", signed_in(pages::login::show), for_people),
        post("/account/login", signed_in_sends(pages::login::submit, pages::login::show), for_people),
        get("/account/accounts/link", signed_in(pages::accounts::show_link), for_people),
        post("/account/accounts/link", signed_in_sends(pages::accounts::submit_link, pages::accounts::show_link), for_people),
        get("/account/accounts/unlink", signed_in(pages::accounts::show_unlink), for_people),
        post("/account/accounts/unlink", signed_in_sends(pages::accounts::submit_unlink, pages::accounts::show_unlink), for_people),
        get("/account/sessions", signed_in(pages::sessions::show), for_people),
        get("/account/sessions/end", signed_in(pages::sessions::redirect), for_people),
        post("/account/sessions/end", signed_in(pages::sessions::end_one), ending),
        get("/account/sessions/end-others", signed_in(pages::sessions::redirect), for_people),
        post("/account/sessions/end-others", signed_in(pages::sessions::end_others), ending),
        get("/account/history", signed_in(pages::history::show), for_people),
        get("/account/data", signed_in(pages::data::show), for_people),
        get("/account/data/export", signed_in(pages::data::redirect), for_people),
        post("/account/data/export", signed_in_sends(pages::data::export, pages::data::show), for_people),
        get("/account/data/erase", signed_in(pages::data::ask_to_erase), for_people),
        post("/account/data/erase", signed_in_sends(pages::data::erase, pages::data::ask_to_erase), for_people),
    ]
}

/// All routes of the console.
#[rustfmt::skip]
pub fn console_routes() -> Vec<Route> {
    use pages::console::{any_user, operator, operator_sends, visitor, visitor_sends};
    use pages::console;
    vec![
        get("/", visitor(console::start::redirect), for_people),
        get("/console", visitor(console::start::redirect), for_people),
        get(pages::paths::CONSOLE, operator(console::start::show), for_people),
        get("/console/assets/{file}", pages::assets, for_people),
        get(pages::paths::CONSOLE_SIGN_IN, visitor(console::sign_in::show), for_people),
        post(pages::paths::CONSOLE_SIGN_IN, visitor_sends(console::sign_in::submit, console::sign_in::show), for_people),
        get("/console/sign-out", visitor(console::start::redirect), for_people),
        post("/console/sign-out", any_user(console::sign_out::submit), ending),
        get("/console/language", visitor(pages::language::choose), for_people),
        post("/console/language", visitor_sends(pages::language::choose, pages::language::choose), for_people),

        get("/console/people", operator(console::people::show), listing),
        get("/console/invite", operator(console::invite::show), for_people),
        post("/console/invite", operator_sends(console::invite::submit, console::invite::show), for_people),
        get("/console/people/{id}", operator(console::person::show), for_people),
        get("/console/people/{id}/history", operator(console::person_history::show), for_people),
        get("/console/people/{id}/explain", operator(console::explain::show), for_people),
        get("/console/people/{id}/{action}", operator(console::person_act::show), for_people),
        post("/console/people/{id}/{action}", operator_sends(console::person_act::submit, console::person_act::show), ending),
        get("/console/sessions", operator(console::session::show), for_people),

        get("/console/roles", operator(console::roles::show), listing),
        get("/console/create-role", operator(console::role_create::show), for_people),
        post("/console/create-role", operator_sends(console::role_create::submit, console::role_create::show), for_people),
        get("/console/roles/{role}", operator(console::role::open), for_people),
        post("/console/roles/{role}", operator_sends(console::role::submit, console::role::open), listing),
        get("/console/roles/{role}/delete", operator(console::role_delete::show), listing),
        post("/console/roles/{role}/delete", operator_sends(console::role_delete::submit, console::role_delete::show), ending_much),
        get("/console/permissions", operator(console::permissions::show), listing),

        get("/console/audit", operator(console::audit::show), listing),
        get("/console/audit/verify", operator(console::audit::show), listing),
        post("/console/audit/verify", operator_sends(console::audit_verify::submit, console::audit::show), listing),
        get("/console/revocations", operator(console::revocations::show), for_people),
        get("/console/revocations/revoke", operator(console::revoke::show), for_people),
        post("/console/revocations/revoke", operator_sends(console::revoke::submit, console::revoke::show), ending),
        get("/console/system", operator(console::system::show), for_people),
    ]
}

/// Documents a page that may read or change much, which takes longer.
fn listing(operation: Operation) -> Operation {
    operation.for_people().batch()
}

/// The same for one that takes something away.
fn ending_much(operation: Operation) -> Operation {
    ending(operation).batch()
}

/// The same for a page that takes something away, which must not wait for others.
fn ending(operation: Operation) -> Operation {
    operation.for_people().takes_away()
}

/// The same for a link that signs the browser in.
fn for_link(operation: Operation) -> Operation {
    operation.for_people().link()
}

/// Documents a page: nothing but that a browser shows it.
fn for_people(operation: Operation) -> Operation {
    operation.for_people()
}

/// The document, its own page, and what takes a form.
fn pages() -> Vec<Route> {
    static FILE: LazyLock<Asset> =
        LazyLock::new(|| Asset::new("application/json", document(), Caching::Revalidated));
    static PAGE: LazyLock<ApiDocs> = LazyLock::new(|| ApiDocs::new(OPENAPI));
    let document = |request: Request| ready(Ok(FILE.respond(&request.headers)));
    let file = |request: Request| ready(PAGE.file(&request));
    vec![
        get(OPENAPI, document, identity),
        post(REVOKE, sessions::revoke_token::handle, sessions::revoke_token::describe),
        get("/apidocs", |_| ready(Ok(apidocs::redirect(APIDOCS))), identity),
        get(APIDOCS, file, identity),
        get("/apidocs/{file}", file, identity),
    ]
}

/// Answers all requests from a table of routes, on the listener with the pages of `site`. `under_way` tracks the requests in
/// progress.
pub fn service(context: Context, site: PageSite, routes: Vec<Route>, under_way: UnderWay) -> Service {
    let router = Arc::new(Router::new(context, site, routes, under_way));
    let unreadable = Arc::clone(&router);
    Service::new(
        move |head, body| Arc::clone(&router).answer(head, body),
        move |status, peer| unreadable.answer_unreadable(status, peer),
    )
}

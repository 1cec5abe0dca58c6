//! Creates the tokens of a session: their claims, and until when they are valid.

use jiff::Timestamp;
use shared::role::RoleName;
use shared::token::{Claims, PASSWORD_METHOD};
use uuid::Uuid;

use super::pair::{AccessToken, Pair};
use super::refresh_token::RefreshToken;
use super::session::{HeldRole, Session, Stamp};
use crate::actor::DeviceText;
use crate::api::{Code, Problem};
use crate::config::TokenConfig;
use crate::context::Context;
use crate::guessing::DeviceAccount;
use crate::roles::MAX_NAMES_BYTES;

/// The values of `amr`: by password, at a provider, and by a code from a mail. RFC 8176 has no value for the last two; `fed`
/// is in common use.
pub(super) const AUTHENTICATION_METHODS: [&str; 3] = [PASSWORD_METHOD, "fed", "mail"];

/// When the user of a session proved who they are, as its next access token says (`auth_time`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// At the sign-in. A later proof is in the one token that it was given for, and in no token of a refresh: several
    /// clients may share the session, one of them a thief.
    SignIn,
    /// Just now, in this way.
    Now(ProvenBy),
}

/// How a user proved again who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProvenBy {
    Password,
    /// By a sign-in at a provider that is linked to the account.
    Provider,
    /// By a code from a mail.
    Mail,
}

impl ProvenBy {
    /// As `amr` has it.
    const fn amr(self) -> &'static str {
        let [by_password, by_provider, by_mail] = AUTHENTICATION_METHODS;
        match self {
            Self::Password => by_password,
            Self::Provider => by_provider,
            Self::Mail => by_mail,
        }
    }
}

/// Mints for `session`, whose `state` already holds the new counter, and renews the token of the device that the client
/// presented.
///
/// `roles` must have been read in a later statement than `stamp`, and `stamp` after the locks were taken.
///
/// # Errors
///
/// 401 `session_expired` when less than one second is left; 503 before the signing keys are loaded.
pub(crate) fn mint(
    context: &Context,
    session: &Session,
    stamp: &Stamp,
    roles: &[HeldRole],
    proof: Proof,
    device: Option<&DeviceText>,
) -> Result<Pair, Problem> {
    let access = mint_access(context, session, stamp, roles, proof)?;
    let refresh =
        RefreshToken { key: session.state.key, session: session.id, counter: session.state.counter };
    let refresh_token = refresh.seal(&context.refresh_keys).ok_or_else(|| key_is_gone(session))?;
    let account = DeviceAccount { user: session.user, epoch: stamp.device_epoch };
    let now = context.clock.unix_seconds();
    let device_token = context.guessing.renew_device(device, account, &*context.random, now);
    let device_token = device_token.ok_or_else(|| {
        tracing::error!("Request failed: no device token could be created.");
        Problem::new(Code::Internal)
    })?;
    let end = session.state.idle_expires_at.min(session.state.expires_at);
    Ok(Pair {
        access_token: access.access_token,
        token_type: access.token_type,
        expires_in: access.expires_in,
        refresh_token,
        refresh_expires_in: seconds(end).saturating_sub(seconds(stamp.now)),
        session_id: session.id,
        device_token,
    })
}

/// Mints only an access token of `session`, with the same rules.
///
/// # Errors
///
/// As [`mint`].
pub(super) fn mint_access(
    context: &Context,
    session: &Session,
    stamp: &Stamp,
    roles: &[HeldRole],
    proof: Proof,
) -> Result<AccessToken, Problem> {
    let claims = claims(&context.config.tokens, session, stamp, roles, proof, context.random.id())
        .ok_or_else(|| Problem::new(Code::SessionExpired))?;
    Ok(AccessToken {
        access_token: context.keys.sign(&claims)?,
        token_type: "Bearer",
        expires_in: claims.exp.saturating_sub(claims.iat),
        session_id: session.id,
    })
}

/// The claims; `None` when the token would live for less than a second.
fn claims(
    config: &TokenConfig,
    session: &Session,
    stamp: &Stamp,
    held: &[HeldRole],
    proof: Proof,
    jti: Uuid,
) -> Option<Claims> {
    let iat = seconds(stamp.now);
    let standing = held.iter().filter(|role| role.expires_at.is_none_or(|end| seconds(end) > iat));
    let (roles, ends) = within_header(standing);
    // Never beyond the end of the session, nor of the first role to expire.
    let bounds = ends.into_iter().chain([seconds(session.state.expires_at)]);
    let exp = bounds.fold(iat.saturating_add(config.access_life.as_secs()), u64::min);
    (exp > iat).then(|| Claims {
        iss: config.issuer.clone(),
        aud: config.audience.clone(),
        sub: session.user.to_string(),
        sid: Some(session.id.to_string()),
        jti: jti.to_string(),
        iat,
        exp,
        generation: stamp.generation,
        deployment_generation: stamp.deployment_generation,
        roles,
        auth_time: match proof {
            Proof::SignIn => seconds(session.authenticated_at),
            Proof::Now(_) => iat,
        },
        amr: methods(session, proof),
        client_id: session.client.clone(),
    })
}

/// How the user proved who they are. A session that began at a provider may be proved with the password later; a proof in
/// another way is none by the password, even in a session that began with it.
fn methods(session: &Session, proof: Proof) -> Vec<String> {
    let Proof::Now(method) = proof else { return session.amr.clone() };
    let is_other = |known: &&String| *known != method.amr() && *known != PASSWORD_METHOD;
    let others = session.amr.iter().filter(is_other).cloned();
    [method.amr().to_owned()].into_iter().chain(others).collect()
}

/// The roles, in order of name, that fit into the header that nginx reads from the sidecar, and when they
/// expire.
///
/// Assigning refuses a role that would not fit, so this cuts only rows that were written by hand.
fn within_header<'r>(held: impl Iterator<Item = &'r HeldRole>) -> (Vec<RoleName>, Vec<u64>) {
    let (mut roles, mut ends, mut length) = (Vec::new(), Vec::new(), 0);
    for role in held {
        length += role.name.as_str().len() + 1;
        if length > MAX_NAMES_BYTES {
            tracing::warn!(
                "A user has more roles than a token can carry; the last ones by name are left \
                out."
            );
            break;
        }
        roles.push(role.name.clone());
        ends.extend(role.expires_at.map(seconds));
    }
    (roles, ends)
}

/// Whole seconds since 1970; an earlier moment counts as 0.
fn seconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_second()).unwrap_or(0)
}

fn key_is_gone(session: &Session) -> Problem {
    tracing::error!(
        session = %session.id,
        key = session.state.key,
        "A master key that live sessions need is missing; append it to ADMIN_MASTER_KEYS again."
    );
    Problem::new(Code::Internal)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sessions::origin::ClientOrigin;
    use crate::sessions::session::SessionState;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn config() -> TokenConfig {
        TokenConfig {
            issuer: "https://cinema.example".to_owned(),
            audience: "cinema".to_owned(),
            access_life: Duration::from_mins(15),
            session_idle: Duration::from_hours(1),
            session_life: Duration::from_hours(2),
            operator_session_life: Duration::from_hours(1),
            sessions_per_hour: 20,
            key_publication: Duration::from_mins(5),
        }
    }

    fn session(expires_at: Timestamp) -> Session {
        Session {
            id: Uuid::from_u128(1),
            user: Uuid::from_u128(2),
            client: "cinema".to_owned(),
            authenticated_at: at(-60),
            amr: vec!["pwd".to_owned()],
            provider: None,
            state: SessionState {
                key: 1,
                counter: 0,
                revoked_below: 0,
                is_revoked: false,
                deployment_generation: 4,
                is_user_active: true,
                idle_expires_at: expires_at,
                expires_at,
                rotation: None,
                device: None,
                is_device_returned: false,
                opened_from: ClientOrigin::from_stored(None, None),
                nearby: Vec::new(),
                elsewhere: Vec::new(),
            },
        }
    }

    fn role(name: &str, expires_at: Option<Timestamp>) -> HeldRole {
        HeldRole { name: name.parse().unwrap(), expires_at }
    }

    fn mint_claims(session_end: Timestamp, roles: &[HeldRole]) -> Option<Claims> {
        proven_claims(session_end, roles, Proof::SignIn)
    }

    fn proven_claims(session_end: Timestamp, roles: &[HeldRole], proof: Proof) -> Option<Claims> {
        let stamp = Stamp { now: at(0), generation: 3, deployment_generation: 4, device_epoch: 1 };
        claims(&config(), &session(session_end), &stamp, roles, proof, Uuid::from_u128(3))
    }

    fn iat() -> u64 {
        seconds(at(0))
    }

    #[test]
    fn a_token_has_the_claims_from_the_database() {
        let claims = mint_claims(at(9999), &[role("subscriber", None)]).unwrap();
        assert_eq!((claims.generation, claims.deployment_generation), (3, 4));
        assert_eq!((claims.iat, claims.exp, claims.auth_time), (iat(), iat() + 900, iat() - 60));
        assert_eq!(claims.sub, Uuid::from_u128(2).to_string());
        assert_eq!(claims.roles, ["subscriber".parse().unwrap()]);
    }

    #[test]
    fn only_a_token_that_was_proved_for_says_so() {
        assert_eq!(proven_claims(at(9999), &[], Proof::SignIn).unwrap().auth_time, iat() - 60);
        for (method, amr) in [
            (ProvenBy::Password, "pwd"),
            // Also in a session that began with the password.
            (ProvenBy::Provider, "fed"),
            (ProvenBy::Mail, "mail"),
        ] {
            let claims = proven_claims(at(9999), &[], Proof::Now(method)).unwrap();
            assert_eq!((claims.auth_time, claims.amr), (iat(), vec![amr.to_owned()]));
        }
    }

    #[test]
    fn a_token_never_outlives_its_session() {
        assert_eq!(mint_claims(at(60), &[]).unwrap().exp, iat() + 60);
        assert_eq!(mint_claims(at(0), &[]), None);
    }

    #[test]
    fn a_token_never_outlives_a_role_that_it_carries() {
        let roles = [role("a", Some(at(500))), role("b", Some(at(30))), role("c", None)];
        let claims = mint_claims(at(9999), &roles).unwrap();
        assert_eq!((claims.exp, claims.roles.len()), (iat() + 30, 3));
    }

    #[test]
    fn a_role_that_ends_within_this_second_is_left_out() {
        let claims = mint_claims(at(9999), &[role("a", Some(at(0))), role("b", None)]).unwrap();
        assert_eq!((claims.exp, claims.roles.len()), (iat() + 900, 1));
    }

    #[test]
    fn the_names_of_all_roles_fit_into_a_header() {
        let roles: Vec<_> =
            (0..200).map(|n| role(&format!("role-{n:03}-with-a-rather-long-name"), None)).collect();
        let claims = mint_claims(at(9999), &roles).unwrap();
        let header = claims.roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(",");
        assert!(header.len() < MAX_NAMES_BYTES && header.len() > MAX_NAMES_BYTES - 40, "{}", header.len());
    }
}

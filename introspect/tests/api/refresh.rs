//! A client that must refresh because of a role never meets a role map older than that change.

use serde_json::json;
use shared::revocation::{Kind, Reason, Record};

use crate::support::log::{ROLES, record};
use crate::support::{Proxy, Setup, Sidecar, redis_url, wait_until};

const WATCH: &str = "user;permission=films:watch";
/// The same role under another name.
const RENAMED: &[(&str, &str, &str)] = &[("gold", "films:watch", "")];

/// A user's token from before their role was renamed, the token after a refresh, and the record between them.
struct Renamed {
    old: String,
    new: String,
    record: Record,
}

/// How the sidecar learns of the change.
#[derive(Debug, Clone, Copy)]
enum Way {
    Woken,
    WakeLost,
    /// With more records than one answer of the script contains.
    InPages,
}

impl Renamed {
    fn new(sidecar: &Sidecar, generation: u64) -> Self {
        let mut claims = sidecar.claims();
        (claims["roles"], claims["gen"]) = (json!(["subscriber"]), json!(generation - 1));
        let old = sidecar.mint.token(&claims);
        (claims["roles"], claims["gen"]) = (json!(["gold"]), json!(generation));
        let user = claims["sub"].as_str().unwrap();
        let record = record(Kind::User, user, Reason::RefreshNeeded, generation);
        Self { old, new: sidecar.mint.token(&claims), record }
    }

    /// Publishes the map, then the record, as the relay does.
    fn publish(&self, sidecar: &Sidecar, version: u64, way: Way) {
        let filling = |number: u64| record(Kind::Token, &number.to_string(), Reason::Revoked, 0);
        match way {
            Way::Woken => {
                sidecar.log.publish_roles(version, RENAMED);
                sidecar.log.append(&[self.record]);
            }
            Way::WakeLost => {
                sidecar.log.publish_roles_silently(version, RENAMED);
                sidecar.log.append_silently(&[self.record]);
            }
            Way::InPages => {
                let records: Vec<_> = (0..900).map(filling).chain([self.record]).collect();
                sidecar.log.publish_roles_silently(version, RENAMED);
                sidecar.log.append_silently(&records);
            }
        }
    }
}

/// Publishes the old map again.
fn forget_renaming(sidecar: &Sidecar, version: u64) {
    sidecar.log.publish_roles(version, ROLES);
    wait_until("the old map is in use", || sidecar.metric("usher_introspect_role_map_version") == version);
}

#[test]
fn no_refresh_is_required_before_the_role_map_that_it_needs_is_read() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    for (round, way) in (1..).zip([Way::Woken, Way::WakeLost, Way::InPages]) {
        let renamed = Renamed::new(&sidecar, 2);
        assert_eq!(sidecar.ask_with(WATCH, &renamed.old).status, 204);
        proxy.hold("GETRANGE");
        renamed.publish(&sidecar, 2 * round, way);
        wait_until("the proxy holds a read", || proxy.held() >= 1);
        assert_eq!(sidecar.ask_with("user", &renamed.old).status, 204, "{way:?}");
        proxy.release();
        sidecar.wait_for(&renamed.old, 401);
        assert_eq!(sidecar.ask_with(WATCH, &renamed.new).status, 204, "{way:?}");
        forget_renaming(&sidecar, 2 * round + 1);
    }
}

#[test]
fn at_no_moment_does_a_refreshed_token_meet_the_older_map() {
    let sidecar = Sidecar::start();
    let (mut before, mut after) = (sidecar.connect(), sidecar.connect());
    for round in 1..=60 {
        let renamed = Renamed::new(&sidecar, 2);
        let bearer = |token: &str| format!("Bearer {token}");
        let (old, new) = (bearer(&renamed.old), bearer(&renamed.new));
        let old = [("X-Auth-Policy", "user"), ("Authorization", &*old)];
        let new = [("X-Auth-Policy", WATCH), ("Authorization", &*new)];
        renamed.publish(&sidecar, 2 * round, if round % 3 == 0 { Way::WakeLost } else { Way::Woken });
        wait_until("a refresh is required", || before.ask(&old).status == 401);
        assert_eq!(after.ask(&new).status, 204, "round {round}");
        forget_renaming(&sidecar, 2 * round + 1);
    }
}

#[test]
fn a_map_that_changed_again_is_read_before_a_refresh_is_required() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    let renamed = Renamed::new(&sidecar, 2);
    proxy.hold("GETRANGE");
    renamed.publish(&sidecar, 2, Way::Woken);
    wait_until("the proxy holds a read", || proxy.held() >= 1);
    // The map that is read now is newer than the named one, and is not used before it is named.
    sidecar.log.publish_roles_silently(3, RENAMED);
    proxy.pass_one();
    wait_until("the proxy holds a read", || proxy.held() >= 2);
    assert_eq!(sidecar.ask_with("user", &renamed.old).status, 204);
    proxy.release();
    sidecar.wait_for(&renamed.old, 401);
    assert_eq!(sidecar.ask_with(WATCH, &renamed.new).status, 204);
    assert_eq!(sidecar.metric("usher_introspect_role_map_version"), 3);
}

#[test]
fn records_act_although_the_map_cannot_be_read_and_sign_outs_do_not_even_wait_for_it() {
    let (proxy, url) = Proxy::before(&redis_url()).unwrap();
    let sidecar = Setup::new().with("REDIS_URL", url).start();
    let (renamed, claims) = (Renamed::new(&sidecar, 2), sidecar.claims());
    let gone = sidecar.mint.token(&claims);
    let signs_out = record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0);
    proxy.hold("GETRANGE");
    sidecar.log.publish_roles_silently(2, RENAMED);
    sidecar.log.append_silently(&[renamed.record, signs_out]);
    wait_until("the proxy holds a read", || proxy.held() >= 1);
    sidecar.ask_with("user", &gone).is_unauthorized("token_revoked");
    assert_eq!(sidecar.ask_with("user", &renamed.old).status, 204);
    sidecar.wait_for(&renamed.old, 401);
    assert_eq!(sidecar.metric("usher_introspect_role_map_version"), 1);
}

#[test]
fn a_published_record_that_asks_for_a_refresh_is_left_to_the_log() {
    let sidecar = Sidecar::start();
    let (renamed, claims) = (Renamed::new(&sidecar, 2), sidecar.claims());
    let gone = sidecar.mint.token(&claims);
    let signs_out = record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0);
    sidecar.log.publish(&[renamed.record.encode(), signs_out.encode()].concat());
    sidecar.wait_for(&gone, 401);
    assert_eq!(sidecar.ask_with("user", &renamed.old).status, 204);
    sidecar.log.append_silently(&[renamed.record]);
    sidecar.wait_for(&renamed.old, 401);
}

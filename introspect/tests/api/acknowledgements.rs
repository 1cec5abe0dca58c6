//! What a sidecar writes to Redis: how far it has read the log, and nothing that its decisions depend on.

use redis::{Commands as _, Connection};
use shared::revocation::{Kind, LogPosition, Reason, RedisKeys, SidecarAck};

use crate::support::log::record;
use crate::support::{Setup, Sidecar, redis_url, wait_until};

fn connect() -> Connection {
    redis::Client::open(redis_url()).unwrap().get_connection().unwrap()
}

/// The one acknowledgement under this prefix, and for how many milliseconds it is valid.
fn acknowledged(prefix: &str) -> Option<(SidecarAck, i64)> {
    let mut redis = connect();
    let keys: Vec<String> = redis.keys(RedisKeys::new(prefix).ack_pattern()).unwrap();
    assert!(keys.len() <= 1, "{keys:?}");
    let key = keys.first()?;
    let text: Option<String> = redis.get(key).unwrap();
    Some((text?.parse().unwrap(), redis.pttl(key).unwrap()))
}

fn sign_out(sidecar: &Sidecar) {
    let claims = sidecar.claims();
    let token = sidecar.mint.token(&claims);
    sidecar.log.append(&[record(Kind::Session, claims["sid"].as_str().unwrap(), Reason::Revoked, 0)]);
    sidecar.wait_for(&token, 401);
}

#[test]
fn each_new_position_is_acknowledged_for_five_seconds() {
    let sidecar = Sidecar::start();
    let prefix = sidecar.log.prefix().to_owned();
    for seq in [1, 2] {
        sign_out(&sidecar);
        let position = LogPosition { epoch: 1, seq };
        wait_until("the position is acknowledged", || {
            acknowledged(&prefix).is_some_and(|(ack, _)| ack.position == position)
        });
    }
    let (ack, left) = acknowledged(&prefix).unwrap();
    assert!(ack.age_ms.unwrap() < 2000 && ack.version == env!("CARGO_PKG_VERSION"), "{ack:?}");
    assert!((0..=5000).contains(&left), "{left}");
}

#[test]
fn a_redis_that_refuses_acknowledgements_costs_nothing_else() {
    let setup = Setup::new();
    let user = format!("refused-{}", setup.log.prefix().replace(':', "-"));
    let mut redis = connect();
    let acl = ["SETUSER", &user, "on", ">secret", "~*", "&*", "+@all", "-set"];
    let () = redis::cmd("ACL").arg(&acl).query(&mut redis).unwrap();
    let prefix = setup.log.prefix().to_owned();
    let sidecar =
        setup.with("REDIS_URL", redis_url().replace("redis://", &format!("redis://{user}:secret@"))).start();

    sign_out(&sidecar);

    assert_eq!(sidecar.ask_with("user", &sidecar.token()).status, 204);
    assert_eq!(acknowledged(&prefix), None);
    assert_eq!(sidecar.metric("usher_introspect_feed_anomalies_total{kind=\"unreachable\"}"), 0);
    let () = redis::cmd("ACL").arg(&["DELUSER", &user]).query(&mut redis).unwrap();
}

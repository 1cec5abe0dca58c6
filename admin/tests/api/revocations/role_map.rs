//! From the definition of a role to the map beside the log.

use admin::revocations::NewRevocation;
use futures_util::StreamExt as _;
use redis::AsyncCommands as _;
use shared::revocation::Reason;
use shared::role_map::PublishedRoleMap;

use super::relay::{Stores, brisk};
use crate::support::{new_id, until};

const DEFINE: &str = "
    insert into auth.roles (id, name) values (gen_random_uuid(), 'viewer'), (gen_random_uuid(), 'subscriber');
    insert into auth.role_permissions select id, 'films:watch' from auth.roles where name = 'subscriber';
    insert into auth.role_inherits
        select child.id, parent.id from auth.roles child, auth.roles parent
        where child.name = 'subscriber' and parent.name = 'viewer'";

/// Every role as `name: permissions < parents`.
fn described(published: &PublishedRoleMap) -> Vec<String> {
    let words = |words: Vec<String>| words.join(" ");
    let role = |(name, role): (_, &shared::role_map::Role)| {
        let permissions = words(role.permissions.iter().map(ToString::to_string).collect());
        let parents = words(role.inherits.iter().map(ToString::to_string).collect());
        format!("{name}: {permissions} < {parents}")
    };
    published.map.iter().map(role).collect()
}

/// Runs the statement and waits for a map with a higher version.
async fn change(stores: &Stores, sql: &str) -> Vec<String> {
    let (_, before) = until("a map", async || stores.log.role_map().await).await;
    let client = stores.sql().await;
    client.batch_execute(sql).await.expect("the statement succeeds");
    let version: i64 =
        client.query_one("select version from auth.role_map", &[]).await.expect("an answer").get(0);
    let version = u64::try_from(version).expect("it is positive");
    assert!(version > before.version, "the triggers count");
    let changed = async || stores.log.role_map().await.filter(|(_, map)| map.version == version);
    described(&until("the changed map is there", changed).await.1)
}

#[tokio::test]
async fn an_epoch_opens_with_the_map_and_its_version() {
    let stores = Stores::new().await;
    stores.sql().await.batch_execute(DEFINE).await.unwrap();

    let relay = stores.relay();

    let opened = stores.log.epoch_after(0).await;
    let (meta, published) = stores.log.role_map().await.expect("it is there as soon as the epoch is");
    assert_eq!((meta, published.epoch), (opened, opened.epoch));
    assert_eq!(described(&published), ["subscriber: films:watch < viewer", "viewer:  < "]);
    until("it is measured", async || {
        (relay.metrics.role_map_version.get() == published.version).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_change_of_a_definition_is_published() {
    let stores = Stores::new().await;
    let _relay = stores.relay();

    assert_eq!(change(&stores, DEFINE).await, ["subscriber: films:watch < viewer", "viewer:  < "]);
    let more = "insert into auth.role_permissions select id, '*' from auth.roles where name = 'viewer'";
    assert_eq!(change(&stores, more).await, ["subscriber: films:watch < viewer", "viewer: * < "]);
    let less = "delete from auth.role_permissions where permission = '*'";
    assert_eq!(change(&stores, less).await, ["subscriber: films:watch < viewer", "viewer:  < "]);
    let renamed = "update auth.roles set name = 'guest' where name = 'viewer'";
    assert_eq!(change(&stores, renamed).await, ["guest:  < ", "subscriber: films:watch < guest"]);
    let orphaned = "delete from auth.roles where name = 'guest'";
    assert_eq!(change(&stores, orphaned).await, ["subscriber: films:watch < "]);
    assert_eq!(change(&stores, "truncate auth.roles cascade").await, [""; 0]);
}

#[tokio::test]
async fn the_title_and_description_of_a_role_do_not_change_the_version() {
    let stores = Stores::new().await;
    let sql = stores.sql().await;
    sql.batch_execute(DEFINE).await.unwrap();
    let version = "select version from auth.role_map";
    let before: i64 = sql.query_one(version, &[]).await.unwrap().get(0);

    sql.batch_execute("update auth.roles set title = 'Viewer', description = 'Looks on'").await.unwrap();

    assert_eq!(sql.query_one(version, &[]).await.unwrap().get::<_, i64>(0), before);
}

#[tokio::test]
async fn readers_are_woken_by_a_new_map() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.log.epoch_after(0).await;
    let mut wakes = stores.log.wakes().await;

    change(&stores, DEFINE).await;

    assert_eq!(wakes.next().await.unwrap(), b"");
}

#[tokio::test]
async fn a_record_is_never_published_before_the_map_that_was_committed_with_it() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    stores.log.epoch_after(0).await;
    let mut wakes = stores.log.wakes().await;

    for number in 0..20 {
        let mut connection = stores.db.get().await.unwrap();
        let transaction = connection.begin().await.unwrap();
        let name = format!("role-{number}");
        let create = "insert into auth.roles (id, name) values (gen_random_uuid(), $1)";
        transaction.execute(create, &[&name]).await.unwrap();
        let refresh = NewRevocation::user(new_id(), 1, Reason::RefreshNeeded);
        admin::revocations::record(&transaction, crate::support::ISSUER, &[refresh]).await.unwrap();
        transaction.commit().await.unwrap();

        while wakes.next().await.unwrap().is_empty() {}
        let (_, published) = stores.log.role_map().await.unwrap();
        assert!(published.map.get(&name.parse().unwrap()).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_deleted_map_is_written_again() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let before = change(&stores, DEFINE).await;
    let mut redis = stores.log.redis().await;

    let () = redis.del(&stores.log.keys.roles).await.unwrap();
    let (_, again) = until("the map is written again", async || stores.log.role_map().await).await;
    assert_eq!(described(&again), before);

    let () = redis.hdel(&stores.log.keys.meta, "roles").await.unwrap();
    let (_, again) = until("`meta` names the map again", async || stores.log.role_map().await).await;
    assert_eq!(described(&again), before);

    let () = redis.hset(&stores.log.keys.meta, "roles", 0).await.unwrap();
    until("the map is correct again", async || {
        let named: Option<u64> = redis.hget(&stores.log.keys.meta, "roles").await.unwrap();
        named.filter(|version| *version == again.version)
    })
    .await;
}

#[tokio::test]
async fn a_wiped_redis_gets_the_map_with_the_new_epoch() {
    let stores = Stores::new().await;
    let _relay = stores.relay();
    let before = change(&stores, DEFINE).await;
    let (meta, first) = stores.log.role_map().await.unwrap();

    let keys = [&stores.log.keys.meta, &stores.log.keys.log, &stores.log.keys.roles];
    let () = stores.log.redis().await.del(&keys).await.unwrap();

    let opened = stores.log.epoch_after(meta.epoch).await;
    let (_, published) = stores.log.role_map().await.unwrap();
    assert_eq!((published.epoch, published.version), (opened.epoch, first.version));
    assert_eq!(described(&published), before);
}

#[tokio::test]
async fn a_new_epoch_names_no_map_of_an_earlier_one() {
    let stores = Stores::new().await;
    // Left behind by the relay of another deployment, or of the previous release.
    let left = [("epoch", 7), ("seq", 0), ("floor", 0), ("roles", 99)];
    let mut redis = stores.log.redis().await;
    let () = redis.hset_multiple(&stores.log.keys.meta, &left).await.unwrap();
    let () = redis.set(&stores.log.keys.roles, "of an earlier epoch").await.unwrap();

    let _relay = stores.relay();

    stores.log.epoch_after(7).await;
    let (meta, published) = stores.log.role_map().await.unwrap();
    assert_eq!((meta.epoch, published.version), (8, 1));
}

#[tokio::test]
async fn the_map_of_another_epoch_is_left_alone() {
    let stores = Stores::new().await;
    let timing = admin::revocations::RelayTiming { yielding: std::time::Duration::from_secs(60), ..brisk() };
    let relay = stores.relay_with(timing);
    stores.log.epoch_after(0).await;
    let mut redis = stores.log.redis().await;
    let () = redis::pipe()
        .atomic()
        .hset_multiple(&stores.log.keys.meta, &[("epoch", 41), ("roles", 5)])
        .set(&stores.log.keys.roles, "theirs")
        .query_async(&mut redis)
        .await
        .unwrap();

    stores.sql().await.batch_execute(DEFINE).await.unwrap();

    until("the relay stops leading", async || (!relay.is_leading()).then_some(())).await;
    assert_eq!(redis.get::<_, String>(&stores.log.keys.roles).await.unwrap(), "theirs");
    assert_eq!(redis.hget::<_, _, u64>(&stores.log.keys.meta, "roles").await.unwrap(), 5);
}

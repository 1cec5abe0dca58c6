//! The SQL of the login history's partitions.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::calendar::Month;
use crate::db::{Connection, DbError, Transaction};

/// Advisory lock held while a partition is created: every replica runs this task.
const LOCK: i64 = 0x0075_7368_6572_0010;

/// Today in UTC, by the clock that stamps the rows.
pub(super) async fn today(connection: &Connection) -> Result<Date, DbError> {
    let sql = "select (clock_timestamp() at time zone 'UTC')::date as today";
    Ok(connection.query_one(sql, &[]).await?.try_get("today")?)
}

/// The names of all partitions.
pub(super) async fn existing(connection: &Connection) -> Result<HashSet<String>, DbError> {
    let sql = "select child.relname::text as name
               from pg_catalog.pg_inherits i join pg_catalog.pg_class child on child.oid = i.inhrelid
               where i.inhparent = 'auth.login_history'::regclass";
    let rows = connection.query(sql, &[]).await?;
    rows.iter().map(|row| row.try_get("name").map_err(DbError::from)).collect()
}

/// Creates a partition as a separate table, fills it with the rows of its month from the default partition,
/// and attaches it. Attaching blocks no insert into another month; the default partition is locked meanwhile,
/// so that no further row of the month enters it.
pub(super) async fn create(tx: &Transaction<'_>, month: Month) -> Result<(), DbError> {
    tx.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let name = partition(month);
    let exists = tx.query_one("select to_regclass('auth.' || $1) is not null as made", &[&name]).await?;
    if exists.try_get("made")? {
        return Ok(());
    }
    let (from, to) = bounds(month);
    tx.batch_execute(&format!(
        "set local lock_timeout = '5s';
         lock table auth.login_history_default in access exclusive mode;
         create table auth.{name} (like auth.login_history including all);
         comment on table auth.{name} is 'The login history from {from} until {to}.';
         with moved as (
             delete from auth.login_history_default
             where occurred_at >= '{from}' and occurred_at < '{to}' returning *
         )
         insert into auth.{name} select * from moved;
         alter table auth.login_history attach partition auth.{name} for values from ('{from}') to ('{to}');"
    ))
    .await?;
    tracing::info!(partition = name, "Login-history partition created.");
    Ok(())
}

/// The name of a month's partition, such as `login_history_2026_12`.
pub(super) fn partition(month: Month) -> String {
    let first = month.first_day();
    format!("login_history_{:04}_{:02}", first.year(), first.month())
}

/// The bounds of a month (included, excluded) as SQL literals with the same meaning in every time zone.
fn bounds(month: Month) -> (String, String) {
    let midnight = |date: Date| format!("{date} 00:00:00+00");
    (midnight(month.first_day()), midnight(month.next().first_day()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn names(day: Date) -> [String; 4] {
        [0, 1, 2, 3].map(|months| partition(Month::of(day).plus(months)))
    }

    #[test]
    fn the_last_day_of_a_year_reaches_into_the_next() {
        let expected = [
            "login_history_2026_12",
            "login_history_2027_01",
            "login_history_2027_02",
            "login_history_2027_03",
        ];
        assert_eq!(names(date(2026, 12, 31)), expected);
    }

    #[test]
    fn the_first_day_of_a_year_begins_with_its_own_month() {
        let expected = [
            "login_history_2027_01",
            "login_history_2027_02",
            "login_history_2027_03",
            "login_history_2027_04",
        ];
        assert_eq!(names(date(2027, 1, 1)), expected);
    }

    #[test]
    fn december_ends_where_january_begins() {
        let december = Month::of(date(2026, 12, 31));
        assert_eq!(bounds(december), ("2026-12-01 00:00:00+00".into(), "2027-01-01 00:00:00+00".into()));
        assert_eq!(bounds(december.next()).0, bounds(december).1);
    }

    proptest! {
        #[test]
        fn partitions_leave_no_gap(days in 0_i64..36_500) {
            let day = date(2000, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let month = Month::of(day);
            prop_assert_eq!(bounds(month).1, bounds(month.next()).0);
        }
    }
}

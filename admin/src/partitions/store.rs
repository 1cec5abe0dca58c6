//! The SQL of partitions.

use std::collections::{BTreeSet, HashSet};

use jiff::civil::Date;

use super::table::MonthlyTable;
use crate::calendar::Month;
use crate::db::{Connection, DbError, Transaction};

/// A partition that has no row within the retention. Only [`oldest_expired`] creates it, so its name is safe in SQL.
#[derive(Debug)]
pub(crate) struct Expired(String);

impl Expired {
    /// Its name in the schema `auth`.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// Today in UTC, by the clock that stamps the rows.
pub(super) async fn today(connection: &Connection) -> Result<Date, DbError> {
    let sql = "select (clock_timestamp() at time zone 'UTC')::date as today";
    Ok(connection.query_one(sql, &[]).await?.try_get("today")?)
}

/// The names of all partitions.
pub(super) async fn existing(
    connection: &Connection,
    table: MonthlyTable,
) -> Result<HashSet<String>, DbError> {
    let sql = "select child.relname::text as name
               from pg_catalog.pg_inherits i join pg_catalog.pg_class child on child.oid = i.inhrelid
               where i.inhparent = to_regclass('auth.' || $1)";
    let rows = connection.query(sql, &[&table.name]).await?;
    rows.iter().map(|row| row.try_get("name").map_err(DbError::from)).collect()
}

/// The months before `this_month` that have rows in the default partition.
pub(super) async fn months_of_default(
    connection: &Connection,
    table: MonthlyTable,
    this_month: Month,
) -> Result<BTreeSet<Month>, DbError> {
    let sql = format!(
        "select distinct (date_trunc('month', occurred_at at time zone 'UTC'))::date as month
         from auth.{}_default where isfinite(occurred_at)",
        table.name
    );
    let rows = connection.query(&sql, &[]).await?;
    let months: Result<BTreeSet<Month>, DbError> =
        rows.iter().map(|row| Ok(Month::of(row.try_get("month")?))).collect();
    Ok(months?.into_iter().filter(|month| *month < this_month).collect())
}

/// Takes the lock of the table's partitions until the transaction ends, which then waits only briefly for a lock: all
/// other statements wait behind one that waits for a whole table.
pub(crate) async fn lock(tx: &Transaction<'_>, table: MonthlyTable) -> Result<(), DbError> {
    tx.execute("select pg_advisory_xact_lock($1)", &[&table.lock]).await?;
    tx.batch_execute("set local lock_timeout = '200ms'").await?;
    Ok(())
}

/// The oldest partition, if all its rows are older than so many days.
pub(crate) async fn oldest_expired(
    tx: &Transaction<'_>,
    table: MonthlyTable,
    days: i32,
) -> Result<Option<Expired>, DbError> {
    let sql = "select name from (
                   select child.relname::text as name,
                       substring(pg_get_expr(child.relpartbound, child.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz
                           as ends_at
                   from pg_catalog.pg_inherits i join pg_catalog.pg_class child on child.oid = i.inhrelid
                   where i.inhparent = to_regclass('auth.' || $1)
               ) as bounded
               where ends_at <= now() - make_interval(days => $2) and name ~ '^[a-z0-9_]+$'
               order by ends_at limit 1";
    let row = tx.query_opt(sql, &[&table.name, &days]).await?;
    row.map(|row| Ok(Expired(row.try_get("name")?))).transpose()
}

/// Drops a partition.
pub(crate) async fn drop_partition(
    tx: &Transaction<'_>,
    table: MonthlyTable,
    old: &Expired,
) -> Result<(), DbError> {
    let (table, name) = (table.name, old.name());
    // Detached first: dropping a partition locks the whole table, too, but this says so.
    tx.batch_execute(&format!(
        "alter table auth.{table} detach partition auth.{name}; drop table auth.{name}"
    ))
    .await?;
    Ok(())
}

/// Creates a partition as a separate table, fills it with the rows of its month from the default partition,
/// and attaches it. Attaching blocks no insert into another month; the default partition is locked meanwhile,
/// so that no further row of the month enters it.
pub(super) async fn create(tx: &Transaction<'_>, table: MonthlyTable, month: Month) -> Result<(), DbError> {
    tx.execute("select pg_advisory_xact_lock($1)", &[&table.lock]).await?;
    let MonthlyTable { name: parent, title, .. } = table;
    let name = partition(table, month);
    let (from, to) = bounds(month);
    let exists = tx.query_one("select to_regclass('auth.' || $1) is not null as made", &[&name]).await?;
    if exists.try_get("made")? {
        return Ok(());
    }
    tx.batch_execute(&format!(
        "set local lock_timeout = '5s';
         lock table auth.{parent}_default in access exclusive mode;
         create table auth.{name} (like auth.{parent} including all);
         comment on table auth.{name} is '{title} from {from} until {to}.';
         with moved as (
             delete from auth.{parent}_default
             where occurred_at >= '{from}' and occurred_at < '{to}' returning *
         )
         insert into auth.{name} select * from moved;
         alter table auth.{parent} attach partition auth.{name} for values from ('{from}') to ('{to}');"
    ))
    .await?;
    tracing::info!(partition = name, "A partition was created.");
    Ok(())
}

/// The name of a month's partition, such as `login_history_2026_12`.
pub(super) fn partition(table: MonthlyTable, month: Month) -> String {
    let first = month.first_day();
    format!("{}_{:04}_{:02}", table.name, first.year(), first.month())
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
        [0, 1, 2, 3]
            .map(|months| partition(crate::partitions::table::LOGIN_HISTORY, Month::of(day).plus(months)))
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

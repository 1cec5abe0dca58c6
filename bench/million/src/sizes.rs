//! How many bytes a row of each table takes.

use std::fmt::Write as _;

use tokio_postgres::Client;

use crate::failure::BenchError;

/// Partitions count as their table.
const SIZES: &str = "
    select coalesce(parent.relname, c.relname) as name, sum(greatest(c.reltuples, 0))::bigint as rows,
           sum(pg_table_size(c.oid))::bigint as table_bytes, sum(pg_indexes_size(c.oid))::bigint as index_bytes
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_inherits i on i.inhrelid = c.oid
    left join pg_class parent on parent.oid = i.inhparent
    where n.nspname = 'auth' and c.relkind = 'r'
    group by 1 having sum(greatest(c.reltuples, 0)) >= 1000 order by 1";

/// A line of CSV for each table with a thousand rows or more.
pub(crate) async fn table(sql: &Client) -> Result<String, BenchError> {
    let mut lines = "table,rows,table_bytes_a_row,index_bytes_a_row,bytes_a_row\n".to_owned();
    for row in sql.query(SIZES, &[]).await? {
        let (name, rows): (String, i64) = (row.try_get("name")?, row.try_get("rows")?);
        let (table, indexes): (i64, i64) = (row.try_get("table_bytes")?, row.try_get("index_bytes")?);
        writeln!(lines, "{name},{rows},{},{},{}", table / rows, indexes / rows, (table + indexes) / rows)?;
    }
    Ok(lines)
}

//! Statements as spans of the current trace.
//!
//! The methods have the names and meanings of `tokio_postgres`. Without tracing they add a nanosecond, with
//! tracing a span. Spans never contain values: a statement's text has only placeholders.

use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use tracing::field::Empty;
use tracing::{Instrument as _, Level, Span};

use runtime::telemetry::TRACE;

use super::waiting::counted;
use super::{Connection, Transaction};

/// The parameters of a statement.
pub type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A prepared statement, and its text.
pub struct Prepared<'s> {
    statement: tokio_postgres::Statement,
    text: &'s str,
}

/// A statement: prepared, or as text.
pub trait Sql: Send + Sync {
    /// Its text.
    fn text(&self) -> &str;

    /// The prepared statement, if any.
    fn prepared(&self) -> Option<&tokio_postgres::Statement>;
}

impl Sql for Prepared<'_> {
    fn text(&self) -> &str {
        self.text
    }

    fn prepared(&self) -> Option<&tokio_postgres::Statement> {
        Some(&self.statement)
    }
}

impl Sql for str {
    fn text(&self) -> &str {
        self
    }

    fn prepared(&self) -> Option<&tokio_postgres::Statement> {
        None
    }
}

impl Sql for String {
    fn text(&self) -> &str {
        self
    }

    fn prepared(&self) -> Option<&tokio_postgres::Statement> {
        None
    }
}

/// Executes statements: a connection, where each statement is its own transaction, or a transaction.
pub trait SqlClient: Sync {
    /// The type that executes them.
    type Carrier: GenericClient + Sync;

    /// The executing client.
    fn carrier(&self) -> &Self::Carrier;

    /// Prepares `text` once per connection.
    fn prepare_cached<'s>(&self, text: &'s str) -> impl Future<Output = Result<Prepared<'s>, Error>> + Send {
        prepare_cached(self.carrier(), text)
    }

    /// All rows.
    fn query<Q: Sql + ?Sized>(
        &self,
        sql: &Q,
        values: Values<'_>,
    ) -> impl Future<Output = Result<Vec<Row>, Error>> + Send {
        query(self.carrier(), sql, values)
    }

    /// The only row.
    fn query_one<Q: Sql + ?Sized>(
        &self,
        sql: &Q,
        values: Values<'_>,
    ) -> impl Future<Output = Result<Row, Error>> + Send {
        query_one(self.carrier(), sql, values)
    }

    /// The only row, or none.
    fn query_opt<Q: Sql + ?Sized>(
        &self,
        sql: &Q,
        values: Values<'_>,
    ) -> impl Future<Output = Result<Option<Row>, Error>> + Send {
        query_opt(self.carrier(), sql, values)
    }

    /// The number of changed rows.
    fn execute<Q: Sql + ?Sized>(
        &self,
        sql: &Q,
        values: Values<'_>,
    ) -> impl Future<Output = Result<u64, Error>> + Send {
        execute(self.carrier(), sql, values)
    }
}

impl SqlClient for deadpool_postgres::Client {
    type Carrier = Self;

    fn carrier(&self) -> &Self {
        self
    }
}

impl SqlClient for deadpool_postgres::Transaction<'_> {
    type Carrier = Self;

    fn carrier(&self) -> &Self {
        self
    }
}

/// The same as inherent methods for the concrete types: no trait needs to be in scope.
macro_rules! traced {
    ($($holder:ty)*) => {
        $(impl $holder {
            /// See [`SqlClient::prepare_cached`].
            pub(crate) async fn prepare_cached<'s>(&self, text: &'s str) -> Result<Prepared<'s>, Error> {
                prepare_cached(&**self, text).await
            }

            /// See [`SqlClient::query`].
            pub(crate) async fn query<Q: Sql + ?Sized>(&self, sql: &Q, values: Values<'_>) -> Result<Vec<Row>, Error> {
                query(&**self, sql, values).await
            }

            /// See [`SqlClient::query_one`].
            pub(crate) async fn query_one<Q: Sql + ?Sized>(&self, sql: &Q, values: Values<'_>) -> Result<Row, Error> {
                query_one(&**self, sql, values).await
            }

            /// See [`SqlClient::query_opt`].
            pub(crate) async fn query_opt<Q: Sql + ?Sized>(
                &self,
                sql: &Q,
                values: Values<'_>,
            ) -> Result<Option<Row>, Error> {
                query_opt(&**self, sql, values).await
            }

            /// See [`SqlClient::execute`].
            pub(crate) async fn execute<Q: Sql + ?Sized>(&self, sql: &Q, values: Values<'_>) -> Result<u64, Error> {
                execute(&**self, sql, values).await
            }
        })*
    };
}

traced! { Connection Transaction<'_> }

async fn prepare_cached<'s>(carrier: &impl GenericClient, text: &'s str) -> Result<Prepared<'s>, Error> {
    Ok(Prepared { statement: counted(carrier.prepare_cached(text)).await?, text })
}

/// Runs the statement with either method, within a span, and records the outcome.
macro_rules! ask {
    ($carrier:expr, $method:ident, $sql:expr, $values:expr) => {{
        let span = span($sql.text());
        let asking = async {
            match $sql.prepared() {
                Some(statement) => $carrier.$method(statement, $values).await,
                None => $carrier.$method($sql.text(), $values).await,
            }
        };
        let answered = counted(asking.instrument(span.clone())).await;
        if let Err(error) = &answered {
            note(&span, error);
        }
        answered
    }};
}

async fn query<Q: Sql + ?Sized>(
    carrier: &impl GenericClient,
    sql: &Q,
    values: Values<'_>,
) -> Result<Vec<Row>, Error> {
    ask!(carrier, query, sql, values)
}

async fn query_one<Q: Sql + ?Sized>(
    carrier: &impl GenericClient,
    sql: &Q,
    values: Values<'_>,
) -> Result<Row, Error> {
    ask!(carrier, query_one, sql, values)
}

async fn query_opt<Q: Sql + ?Sized>(
    carrier: &impl GenericClient,
    sql: &Q,
    values: Values<'_>,
) -> Result<Option<Row>, Error> {
    ask!(carrier, query_opt, sql, values)
}

async fn execute<Q: Sql + ?Sized>(
    carrier: &impl GenericClient,
    sql: &Q,
    values: Values<'_>,
) -> Result<u64, Error> {
    ask!(carrier, execute, sql, values)
}

/// A span named by OpenTelemetry's conventions for databases (version 1.33). Only within another span:
/// statements outside a request, such as the schema check of a probe, would otherwise each create a trace.
fn span(text: &str) -> Span {
    if Span::current().is_none() || !tracing::span_enabled!(target: TRACE, Level::INFO) {
        return Span::none();
    }
    let (operation, table) = summary(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    tracing::info_span!(
        target: TRACE,
        "statement",
        otel.name = format!("{operation} {table}").trim_end(),
        otel.kind = "client",
        otel.status_code = Empty,
        error.r#type = Empty,
        db.system.name = "postgresql",
        db.operation.name = operation,
        db.collection.name = table,
        db.query.text = words.join(" "),
    )
}

fn note(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.code().map_or("connection", |code| code.code()));
}

/// The operation of a statement, and its first table.
fn summary(text: &str) -> (&str, &str) {
    let operation = text.split_whitespace().next().unwrap_or_default();
    let table = text.find("auth.").and_then(|start| text.get(start..)).unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    let end = table.find(|letter| !is_part(letter)).unwrap_or(table.len());
    (operation, table.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_called_by_what_it_does_to_which_table() {
        assert_eq!(summary("select a\n  from auth.users u where u.id = $1"), ("select", "auth.users"));
        assert_eq!(
            summary("insert into auth.oauth_accounts (a) values ($1)"),
            ("insert", "auth.oauth_accounts")
        );
        assert_eq!(summary("with x as (select 1) select 2"), ("with", ""));
        assert_eq!(summary(""), ("", ""));
    }
}

//! The code that `introspect` and `admin` share verbatim: read their configuration, listen, connect to Redis, log and trace,
//! answer health checks, and stop.
//!
//! Not here: anything that both programs must agree on byte for byte, which is the contract, in `shared`.
//!
//! Low to high; each module uses only modules before it:
//!
//! * [`mod@env`]: reads environment variables and reports every mistake at once;
//! * [`causes`]: the errors behind an error;
//! * [`mod@file`]: small files, read within limits;
//! * [`open_files`]: how many connections the process may have;
//! * [`own_answers`]: replaces the responses that hyper writes by itself;
//! * [`certificates`]: files of certificate authorities;
//! * [`shutdown`]: the signals that stop a program;
//! * [`listen`]: the addresses that a program listens on;
//! * [`connections`]: how many connections are open, and which one gives way;
//! * [`health`]: the client of the command `health`;
//! * [`mod@redis`]: how to reach Redis, and a client of its current master;
//! * [`last_lines`]: what a program that ends still says;
//! * [`telemetry`]: logs and traces;
//! * [`metrics`]: the metrics of any process, and the text formats;
//! * [`ops`]: the listener for health, metrics and log levels.

pub mod causes;
pub mod certificates;
pub mod connections;
pub mod env;
pub mod file;
pub mod health;
pub mod last_lines;
pub mod listen;
pub mod metrics;
pub mod open_files;
pub mod ops;
pub mod own_answers;
pub mod redis;
pub mod shutdown;
pub mod telemetry;

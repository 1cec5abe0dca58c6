//! `admin serve`: the API, until a signal.

use shared::shutdown;

use crate::app::App;
use crate::config::Config;

use super::Failure;

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    config.logs.start();
    let shutdown = shutdown::requested()?;
    let app = App::build(config).await?;
    for address in app.api_addresses() {
        tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, "Listening.");
    }
    for address in app.ops_addresses() {
        tracing::info!(%address, "Listening for health and metrics.");
    }
    app.run(shutdown).await?;
    tracing::info!("Stopped.");
    Ok(())
}

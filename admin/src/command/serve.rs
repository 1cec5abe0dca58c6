//! `admin serve`: the API, until a signal.

use shared::listen::Address;
use shared::shutdown;

use crate::app::App;
use crate::config::Config;

use super::Failure;

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    config.logs.start();
    let shutdown = shutdown::requested()?;
    let app = App::build(config).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        api = list(&app.api_addresses()),
        ops = list(&app.ops_addresses()),
        "Listening."
    );
    app.run(shutdown).await?;
    tracing::info!("Stopped.");
    Ok(())
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(",")
}

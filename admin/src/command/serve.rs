//! `admin serve`: the API, until a signal.

use shared::listen::Address;
use shared::{shutdown, telemetry};

use crate::app::App;
use crate::config::Config;

use super::Failure;

pub(super) async fn run(config: Config) -> Result<(), Failure> {
    let telemetry = telemetry::start(&config.logs, &config.traces)?;
    let shutdown = shutdown::requested()?;
    let app = App::build(config).await?.with_levels(telemetry.levels());
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

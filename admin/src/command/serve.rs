//! `admin serve`: serves the API until a signal.

use runtime::env::{UnknownVariable, log_unknown};
use runtime::listen::Address;
use runtime::telemetry::Levels;
use runtime::{open_files, shutdown, telemetry};

use crate::app::App;
use crate::config::Config;

use super::terminal::Failure;

pub(super) async fn run(config: Config, unknown: &[UnknownVariable]) -> Result<(), Failure> {
    let telemetry = telemetry::start(&config.logs, &config.traces)?;
    let served = serve(config, unknown, telemetry.levels()).await;
    telemetry.end().await;
    served
}

async fn serve(config: Config, unknown: &[UnknownVariable], levels: Levels) -> Result<(), Failure> {
    open_files::raise_limit();
    let shutdown = shutdown::requested()?;
    log_unknown(unknown);
    let providers: Vec<&str> = config.providers.all.iter().map(|provider| &*provider.id).collect();
    let providers = providers.join(",");
    let app = App::build(config).await?.with_levels(levels);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        api = list(&app.api_addresses()),
        ops = list(&app.ops_addresses()),
        providers,
        "Listening."
    );
    app.run(shutdown).await?;
    tracing::info!("Stopped.");
    Ok(())
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(",")
}

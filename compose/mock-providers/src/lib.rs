//! Plays the identity providers Google, Yandex ID, VK ID, Mail.ru, GitHub, X and Facebook.
//!
//! It is a small real HTTP server, so that an OAuth client can be tried against each provider's endpoints and
//! quirks, and so that somebody can sign in "with Google" without an account there. It is as strict as the
//! strictest real provider: a client that is wrong fails here.
//!
//! ```
//! use mock_providers::{Client, Config, Provider, Providers, Trouble};
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let providers = Providers::start(TcpListener::bind("127.0.0.1:0").await?, Config::default())?;
//! providers.put_client(Client {
//!     provider: Provider::Google,
//!     id: "cinema".to_owned(),
//!     secret: "popcorn".to_owned(),
//!     redirect_uris: vec!["http://127.0.0.1:8080/callback".to_owned()],
//! })?;
//! providers.set_trouble(Provider::Google, Trouble::WrongNonce);
//! // Send a client to `providers.url_of(Provider::Google)`, and see that it refuses.
//! assert_eq!(providers.requests(Provider::Google).token, 0);
//! # Ok(())
//! # }
//! ```
//!
//! The README has the endpoints, the people, the troubles, and what is purposefully not played.

mod ask;
mod authorization;
mod authorize;
mod cast;
mod config;
mod control;
mod credentials;
mod exchange;
mod fault;
mod invalid;
mod key;
mod ledger;
mod page;
mod params;
mod person;
mod pkce;
mod play;
mod provider;
mod random;
mod refusal;
mod reply;
mod request;
mod requests;
mod route;
mod server;
mod trouble;
mod visit;
mod world;

pub use cast::default_cast;
pub use config::{Client, Config};
pub use invalid::Invalid;
pub use person::Person;
pub use provider::Provider;
pub use requests::Requests;
pub use server::{Providers, StartError};
pub use trouble::Trouble;

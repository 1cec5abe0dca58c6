//! A mock of the identity providers Google, Yandex ID, VK ID, Mail.ru, GitHub, X and Facebook.
//!
//! It is a small real HTTP server, so that an OAuth client can be tested against each provider's endpoints and
//! peculiarities, and so that a user can sign in "with Google" without an account there. It is as strict as the
//! strictest real provider: an incorrect client fails here.
//!
//! ```
//! use mock_providers::{Client, Config, Provider, Providers, Fault};
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
//! providers.set_fault(Provider::Google, Fault::WrongNonce);
//! // A client of `providers.url_of(Provider::Google)` must now refuse the ID token.
//! assert_eq!(providers.requests(Provider::Google).token, 0);
//! # Ok(())
//! # }
//! ```
//!
//! The README lists the endpoints, the people, the faults, and what the mock purposefully leaves out.

mod authorization_header;
mod authorization_request;
mod authorize;
mod client_auth;
mod config;
mod context;
mod control;
mod default_people;
mod endpoint;
mod exchange;
mod expiring_map;
mod fault;
mod fault_injection;
mod invalid;
mod key;
mod page;
mod params;
mod person;
mod pkce;
mod provider;
mod random;
mod reply;
mod request;
mod requests;
mod route;
mod server;
mod store;
mod stub;
mod stubs;
mod token_error;

pub use config::{Client, Config};
pub use default_people::default_people;
pub use fault::Fault;
pub use invalid::Invalid;
pub use person::Person;
pub use provider::Provider;
pub use requests::Requests;
pub use server::{Providers, StartError};

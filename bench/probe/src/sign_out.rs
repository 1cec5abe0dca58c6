//! `probe sign-out`: for how long a token is still accepted after the sign-out was answered.

use std::time::{Duration, Instant};

use crate::admin::AdminClient;
use crate::failure::ProbeError;
use crate::quantiles::Quantiles;

/// After this time the token counts as never refused.
const LIMIT: Duration = Duration::from_secs(5);

/// Arguments of `probe sign-out`.
#[derive(Debug, clap::Args)]
pub(crate) struct SignOut {
    /// Address of the gateway.
    #[arg(long, env = "GATEWAY_URL")]
    gateway: String,
    /// Address of admin, not of the gateway.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// A path for which a user must be signed in.
    #[arg(long, default_value = "/api/v1/films/")]
    path: String,
    /// Number of sign-outs.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
}

impl SignOut {
    /// Signs in and out `times` times; prints for how long each token was still accepted.
    pub(crate) async fn run(&self) -> Result<(), ProbeError> {
        let admin = AdminClient::new(&self.admin)?;
        let films = reqwest::Client::builder().tcp_nodelay(true).build()?;
        let (email, password) = AdminClient::create_user()?;
        let mut spans = Vec::new();
        let mut still_accepted = 0_u32;
        for _ in 0..self.times {
            let pair = admin.sign_in(&email, &password).await?;
            self.expect_allowed(&films, &pair.access).await?;
            admin.sign_out(&pair.access).await?;
            let (span, allowed) = self.until_refused(&films, &pair.access).await?;
            still_accepted += allowed;
            spans.push(span);
        }
        let quantiles = Quantiles::of(spans).ok_or("nothing was measured")?;
        println!("{},answers_200_after_sign_out", Quantiles::HEADER);
        println!("{quantiles},{still_accepted}");
        Ok(())
    }

    /// Polls without a pause, until the refusal arrives.
    async fn until_refused(
        &self,
        films: &reqwest::Client,
        token: &str,
    ) -> Result<(Duration, u32), ProbeError> {
        let signed_out = Instant::now();
        let mut allowed = 0;
        loop {
            match self.ask(films, token).await? {
                401 => return Ok((signed_out.elapsed(), allowed)),
                200 if signed_out.elapsed() < LIMIT => allowed += 1,
                200 => return Err("a token is still accepted 5 s after its sign-out".into()),
                // The gateway's rate limit says nothing about the token.
                429 => {}
                status => return Err(format!("the gateway returned {status}").into()),
            }
        }
    }

    async fn expect_allowed(&self, films: &reqwest::Client, token: &str) -> Result<(), ProbeError> {
        let started = Instant::now();
        loop {
            match self.ask(films, token).await? {
                200 => return Ok(()),
                429 if started.elapsed() < LIMIT => {}
                status => return Err(format!("the gateway returned {status} for a fresh token").into()),
            }
        }
    }

    async fn ask(&self, films: &reqwest::Client, token: &str) -> Result<u16, ProbeError> {
        let url = format!("{}{}", self.gateway.trim_end_matches('/'), self.path);
        let answer = films.get(url).bearer_auth(token).send().await?;
        let status = answer.status().as_u16();
        // The connection is reused only if the body is read to its end.
        answer.bytes().await?;
        Ok(status)
    }
}

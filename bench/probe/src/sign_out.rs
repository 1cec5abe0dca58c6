//! `probe sign-out`: how long a token is still good after its sign-out was answered.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::admin::Admin;
use crate::quantiles::Quantiles;

/// Past this the token counts as never refused.
const LIMIT: Duration = Duration::from_secs(5);

/// Arguments of `probe sign-out`.
#[derive(Debug, clap::Args)]
pub(crate) struct SignOut {
    /// The gateway.
    #[arg(long, env = "GATEWAY_URL")]
    gateway: String,
    /// admin's own address.
    #[arg(long, env = "ADMIN_URL")]
    admin: String,
    /// A path that only a signed-in person may see.
    #[arg(long, default_value = "/api/v1/films/")]
    path: String,
    /// How many sign-outs.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    times: u32,
}

impl SignOut {
    /// Signs in and out `times` times; prints how long each token was still good.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let admin = Admin::new(&self.admin)?;
        let films = reqwest::Client::builder().tcp_nodelay(true).build()?;
        let (email, password) = admin.register().await?;
        let mut spans = Vec::new();
        let mut still_good = 0_u32;
        for _ in 0..self.times {
            let pair = admin.sign_in(&email, &password).await?;
            self.expect_allowed(&films, &pair.access).await?;
            admin.sign_out(&pair.access).await?;
            let (span, allowed) = self.until_refused(&films, &pair.access).await?;
            still_good += allowed;
            spans.push(span);
        }
        let quantiles = Quantiles::of(spans).ok_or("nothing was measured")?;
        println!("{},answers_200_after_sign_out", Quantiles::HEADER);
        println!("{quantiles},{still_good}");
        Ok(())
    }

    /// Polls without a pause; the span ends when the refusal has arrived.
    async fn until_refused(&self, films: &reqwest::Client, token: &str) -> Result<(Duration, u32), Failure> {
        let signed_out = Instant::now();
        let mut allowed = 0;
        loop {
            match self.ask(films, token).await? {
                401 => return Ok((signed_out.elapsed(), allowed)),
                200 if signed_out.elapsed() < LIMIT => allowed += 1,
                200 => return Err("a signed-out token is still good after 5 s".into()),
                // The gateway's rate limit: not an answer about the token.
                429 => {}
                status => return Err(format!("the gateway answered {status}").into()),
            }
        }
    }

    async fn expect_allowed(&self, films: &reqwest::Client, token: &str) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            match self.ask(films, token).await? {
                200 => return Ok(()),
                429 if started.elapsed() < LIMIT => {}
                status => return Err(format!("the gateway answered {status} to a fresh token").into()),
            }
        }
    }

    async fn ask(&self, films: &reqwest::Client, token: &str) -> Result<u16, Failure> {
        let url = format!("{}{}", self.gateway.trim_end_matches('/'), self.path);
        let answer = films.get(url).bearer_auth(token).send().await?;
        let status = answer.status().as_u16();
        // Reading the body to its end keeps the connection.
        answer.bytes().await?;
        Ok(status)
    }
}

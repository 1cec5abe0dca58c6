//! `POST /api/v1/auth/refresh`: exchanges a refresh token for a new pair.

mod decide;
mod origin;
mod token;

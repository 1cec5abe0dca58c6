//! A problem that is kept, to be sent again to a client that repeats its request.

use serde::{Deserialize, Serialize};

use super::{Code, Problem};

/// A problem without fields and secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptProblem {
    code: String,
    detail: Option<String>,
    retry_after: Option<u32>,
}

impl KeptProblem {
    /// Its code. One of another version of this program is an error of this one.
    pub(crate) fn code(&self) -> Code {
        let known = Code::ALL.iter().find(|code| code.as_str() == self.code);
        known.copied().unwrap_or(Code::Internal)
    }
}

impl From<&Problem> for KeptProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code().as_str().to_owned(),
            detail: problem.about_this().map(str::to_owned),
            retry_after: problem.seconds(),
        }
    }
}

impl From<KeptProblem> for Problem {
    fn from(kept: KeptProblem) -> Self {
        let problem = Self::new(kept.code());
        let problem = match kept.detail {
            Some(detail) => problem.detail(detail),
            None => problem,
        };
        match kept.retry_after {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_problem_says_the_same() {
        for problem in [
            Problem::new(Code::AccessDenied),
            Problem::new(Code::ProviderUnavailable).retry_after(30).detail("Try again later."),
        ] {
            let kept = serde_json::to_string(&KeptProblem::from(&problem)).unwrap();
            let kept: KeptProblem = serde_json::from_str(&kept).unwrap();
            assert_eq!(Problem::from(kept), problem);
        }
    }

    #[test]
    fn a_secret_is_not_kept() {
        let problem = Problem::new(Code::LinkConfirmationRequired).flow("secret", Vec::new());
        assert!(!serde_json::to_string(&KeptProblem::from(&problem)).unwrap().contains("secret"));
    }
}

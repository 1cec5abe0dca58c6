//! The fields of a form that a browser sent (`application/x-www-form-urlencoded`).

use http::{HeaderMap, header};

use crate::api::{Code, Form, Problem};

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// More than any form has.
const MOST: usize = 32;

/// Purposefully without `Debug`: they hold passwords.
#[derive(Clone, Default)]
pub(crate) struct PageFields(Vec<(String, String)>);

impl PageFields {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// 400 `request_malformed` for another media type, too many fields, or a field that is there twice.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let malformed = || Problem::new(Code::RequestMalformed);
        let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(malformed());
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            if fields.len() == MOST || fields.iter().any(|(known, _)| *known == name) {
                return Err(malformed());
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The text of a field; empty if it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All fields.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a field has a text.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// These fields as the members of a request, without those that were left empty.
    pub(crate) fn form(&self, names: &[&str]) -> Form {
        let filled = names.iter().map(|name| (*name, self.text(name))).filter(|(_, text)| !text.is_empty());
        Form::of_texts(filled)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(media_type: &'static str, body: &[u8]) -> Result<PageFields, Problem> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        PageFields::read(&headers, body)
    }

    #[test]
    fn fields_are_decoded_and_empty_ones_are_left_out_of_a_form() {
        let fields = read(MEDIA_TYPE, "name=%D0%90+b&empty=&other=c".as_bytes()).ok().unwrap();
        assert_eq!((fields.text("name"), fields.text("empty"), fields.text("none")), ("А b", "", ""));
        let form = fields.form(&["name", "empty", "none"]);
        assert_eq!((form.text("name"), form.has("empty"), form.has("other")), (Some("А b"), false, false));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        let many: String = (0..=MOST).map(|number| format!("f{number}=a&")).collect();
        for body in ["a=1&a=2", &many] {
            assert_eq!(
                read(MEDIA_TYPE, body.as_bytes()).err().map(|problem| problem.code()),
                Some(Code::RequestMalformed)
            );
        }
        assert!(read("application/json", b"a=1").is_err() && read("text/plain", b"a=1").is_err());
        assert!(read("application/x-www-form-urlencoded; charset=UTF-8", b"a=1").is_ok());
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_panic(body: Vec<u8>) {
            if let Ok(fields) = read(MEDIA_TYPE, &body) {
                let _form = fields.form(&["a"]);
            }
        }
    }
}

//! The inbox as a page, without scripts. A mail's HTML is shown in a frame that may do nothing.

use std::fmt::Write as _;

use crate::inbox::CaughtMail;

/// The page with these mails, the newest first.
pub(crate) fn inbox(mails: &[CaughtMail]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
         <title>Inbox</title><style>body{font-family:sans-serif;max-width:60em;margin:1em auto}\
         iframe{width:100%;height:22em;border:1px solid #ccc}pre{white-space:pre-wrap}</style></head><body>\n\
         <h1>Inbox</h1>\n<p>Every mail of this system is kept here, and none is delivered. The page reloads every five \
         seconds. As JSON: <a href=\"/mails\">/mails</a>.</p>\n",
    );
    if mails.is_empty() {
        page.push_str("<p>No mail yet.</p>\n");
    }
    for mail in mails.iter().rev() {
        let _infallible = write!(
            page,
            "<details{open}><summary><b>{subject}</b> to {to}</summary>\n<iframe sandbox srcdoc=\"{html}\"></iframe>\n\
             <pre>{text}</pre></details>\n",
            open = if mail.number == mails.last().map_or(0, |last| last.number) { " open" } else { "" },
            subject = escaped(&mail.subject),
            to = escaped(&mail.to.join(", ")),
            html = escaped(&mail.html),
            text = escaped(&mail.text),
        );
    }
    page.push_str("</body></html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mail_becomes_markup_of_the_page() {
        let mail = CaughtMail {
            number: 1,
            from: String::new(),
            to: vec!["<a>@example.org".to_owned()],
            message_id: String::new(),
            subject: "<script>".to_owned(),
            text: "</pre><script>".to_owned(),
            html: "\"></iframe><script>".to_owned(),
            is_encrypted: false,
            user: None,
            raw: Vec::new(),
        };
        let page = inbox(&[mail]);
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
        assert!(inbox(&[]).contains("No mail yet."));
    }
}

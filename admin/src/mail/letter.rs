//! The parts of a mail's text, and how they become plain text and HTML.

use super::html::Html;

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The language as a tag, for `lang`.
    pub(super) language: &'static str,
    /// The subject.
    pub(super) subject: String,
    /// The body.
    pub(super) parts: Vec<LetterPart>,
}

/// A part of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LetterPart {
    /// A paragraph.
    Paragraph(String),
    /// Labels and their values, one in each line.
    Facts(Vec<(&'static str, String)>),
    /// A URL in a line of its own.
    Link(String),
    /// A small paragraph at the end.
    Small(String),
}

impl Letter {
    /// As plain text.
    pub(super) fn plain(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(LetterPart::plain).collect();
        format!("{}\n", parts.join("\n\n"))
    }

    /// As a page. It refers to nothing outside of itself, so a mail program sends no request when it shows the page.
    pub(super) fn html(&self) -> String {
        let mut html = Html::default();
        html.markup("<!DOCTYPE html>\n<html lang=\"")
            .text(self.language)
            .markup("\">\n<head><meta charset=\"utf-8\">");
        html.markup("<meta name=\"viewport\" content=\"width=device-width\"><title>").text(&self.subject);
        html.markup("</title></head>\n<body style=\"font-family:sans-serif;font-size:16px;line-height:1.4;max-width:36em\">\n");
        for part in &self.parts {
            part.html(&mut html);
        }
        html.markup("</body>\n</html>\n");
        html.into_string()
    }
}

impl LetterPart {
    fn plain(&self) -> String {
        match self {
            Self::Paragraph(text) | Self::Link(text) | Self::Small(text) => text.clone(),
            Self::Facts(facts) => {
                let lines: Vec<String> =
                    facts.iter().map(|(label, value)| format!("{label}: {value}")).collect();
                lines.join("\n")
            }
        }
    }

    fn html(&self, html: &mut Html) {
        match self {
            Self::Paragraph(text) => {
                html.markup("<p>").text(text).markup("</p>\n");
            }
            Self::Facts(facts) => {
                html.markup("<p>");
                for (label, value) in facts {
                    html.text(label).markup(": <b>").text(value).markup("</b><br>\n");
                }
                html.markup("</p>\n");
            }
            Self::Link(url) => {
                html.markup("<p><a href=\"").text(url).markup("\">").text(url).markup("</a></p>\n");
            }
            Self::Small(text) => {
                html.markup("<p style=\"font-size:13px;color:#555\">").text(text).markup("</p>\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_plain_text_and_html_with_the_same_words() {
        let letter = Letter {
            language: "en",
            subject: "A & B".to_owned(),
            parts: vec![
                LetterPart::Paragraph("One <b>word</b>.".to_owned()),
                LetterPart::Facts(vec![("When", "now".to_owned()), ("Where", "\"here\"".to_owned())]),
                LetterPart::Link("https://cinema.example/a?b=c&d=e".to_owned()),
                LetterPart::Small("The end.".to_owned()),
            ],
        };
        assert_eq!(
            letter.plain(),
            "One <b>word</b>.\n\nWhen: now\nWhere: \"here\"\n\nhttps://cinema.example/a?b=c&d=e\n\nThe end.\n"
        );
        let html = letter.html();
        assert!(
            html.contains("<title>A &amp; B</title>") && html.contains("<p>One &lt;b&gt;word&lt;/b&gt;.</p>")
        );
        assert!(html.contains("<a href=\"https://cinema.example/a?b=c&amp;d=e\">"), "{html}");
        assert!(!html.contains("<script") && !html.contains("src="), "{html}");
    }
}

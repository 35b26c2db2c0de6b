//! What all pages have in common.

use std::fmt;

use super::http::{Response, Status};

/// The style sheet. Colours follow the browser's choice of light or dark.
pub(super) const STYLE: &str = include_str!("style.css");

const PAGES: [(&str, &str); 4] = [
    ("/", "Overview"),
    ("/objects", "Objects"),
    ("/log", "Messages"),
    ("/conformance", "Conformance"),
];

/// Text, with what would be markup made harmless.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter => fmt::Write::write_char(f, letter)?,
            }
        }
        Ok(())
    }
}

/// A page.
pub(super) struct Page<'p> {
    /// Path of the page that it belongs to.
    pub(super) place: &'p str,
    pub(super) title: &'p str,
    /// Seconds after which the browser loads it again.
    pub(super) refresh: Option<u32>,
    /// Markup.
    pub(super) content: String,
}

impl Page<'_> {
    pub(super) fn respond(&self, status: Status) -> Response {
        let refresh = match self.refresh {
            Some(seconds) => format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"),
            None => String::new(),
        };
        let links: String = PAGES
            .iter()
            .map(|(path, name)| {
                let current = match *path == self.place {
                    true => " aria-current=\"page\"",
                    false => "",
                };
                format!("<li><a href=\"{path}\"{current}>{name}</a></li>\n")
            })
            .collect();
        let (title, content) = (Escaped(self.title), &self.content);
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n{refresh}\
             <title>{title} - KMIP server</title>\n\
             <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#content\">Skip to the content</a>\n\
             <header>\n<p class=\"brand\">KMIP server</p>\n\
             <nav aria-label=\"Pages\">\n<ul>\n{links}</ul>\n</nav>\n</header>\n\
             <main id=\"content\">\n<h1>{title}</h1>\n{content}</main>\n</body>\n</html>\n"
        );
        Response::html(status, body)
    }
}

/// A page for what is not there.
pub(super) fn not_found(text: &str) -> Response {
    let page = Page {
        place: "",
        title: "Not found",
        refresh: None,
        content: format!("<p>{}</p>\n", Escaped(text)),
    };
    page.respond(Status::NOT_FOUND)
}

/// A page for what does not work.
pub(super) fn failed(place: &str, text: &str) -> Response {
    let page = Page {
        place,
        title: "Out of order",
        refresh: None,
        content: format!("<p role=\"alert\">{}</p>\n", Escaped(text)),
    };
    page.respond(Status::FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_harmless() {
        let text = Escaped("<script>\"&'</script>").to_string();
        assert_eq!(text, "&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;");
    }
}

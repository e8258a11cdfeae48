//! One request with the method, headers and body that a test chooses.

use ureq::http;

use super::page::Page;

pub struct Request<'a> {
    agent: &'a ureq::Agent,
    method: &'a str,
    path: &'a str,
    address: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    pub fn new(agent: &'a ureq::Agent, address: String, method: &'a str, path: &'a str) -> Self {
        Self { agent, method, path, address, headers: Vec::new(), body: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[track_caller]
    pub fn send(self) -> Page {
        self.try_send().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the answer, or what is wrong with the connection.
    pub fn try_send(self) -> Result<Page, String> {
        let asked = format!("{} {}", self.method, self.path);
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(format!("{}{}", self.address, self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = match self.body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None if self.method == "POST" => self.agent.run(request.body("").unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.map_err(|error| format!("{asked}: {error}"))?;
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(Page {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body: answer.body_mut().read_to_vec().expect("a whole body"),
            asked,
        })
    }
}

/// Parses a whole HTTP/1.1 response; a chunked body is joined.
#[track_caller]
pub fn parse_answer(asked: &str, answer: &[u8]) -> Page {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer to {asked:?}: {answer:?}"));
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut page = Page {
        asked: asked.lines().next().unwrap_or("").to_owned(),
        status: status.and_then(|status| status.parse().ok()).unwrap_or(0),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    };
    if page.header("transfer-encoding").as_deref() == Some("chunked") {
        page.body = without_chunks(&page.body);
    }
    page
}

fn without_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let chunk = rest.get(end + 2..end + 2 + size).unwrap_or_default();
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..).unwrap_or_default();
    }
    body
}

//! Records as HTML.

use askama::Template;

use super::record::{Record, Summary};
use crate::site::request_id::RequestId;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h2>{{ record.request.method }} {{ record.request.target() }}</h2>
<p>{{ record.verdict.status_line }}</p>
{% for warning in warnings %}<p>{{ warning }}</p>{% endfor %}
<pre>{{ text }}</pre>
<dl>{% for (name, value) in settings %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}
{% for (name, value) in versions %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
"#
)]
struct Shown<'a> {
    record: &'a Record,
    text: String,
    settings: &'a [(String, String)],
    versions: &'a [(String, String)],
    warnings: &'a [String],
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<ol>{% for row in rows %}
<li>{{ row.id }} {{ row.method }} {{ row.target }} {{ row.status }}</li>{% endfor %}
</ol>
"#
)]
struct History<'a> {
    rows: &'a [Summary],
}

#[derive(Template)]
#[template(ext = "html", source = "{% for line in lines %}{{ line }}\n{% endfor %}")]
struct Plan<'a> {
    lines: &'a [String],
}

/// All that is known of a request.
///
/// # Errors
/// Those of the template.
pub fn render(
    record: &Record,
    history: &[Summary],
    settings: &[(String, String)],
    versions: &[(String, String)],
    warnings: &[String],
) -> Result<String, askama::Error> {
    let text = format!("{record:#?}");
    let shown = Shown { record, text, settings, versions, warnings }.render()?;
    Ok(shown + &self::history(history, Some(record.id))?)
}

/// The rows of the history.
///
/// # Errors
/// Those of the template.
pub fn history(rows: &[Summary], _shown: Option<RequestId>) -> Result<String, askama::Error> {
    History { rows }.render()
}

/// The database's plan, or why there is none.
///
/// # Errors
/// Those of the template.
pub fn plan(plan: Result<&[String], &str>) -> Result<String, askama::Error> {
    match plan {
        Ok(lines) => Plan { lines }.render(),
        Err(reason) => Plan { lines: &[reason.to_owned()] }.render(),
    }
}

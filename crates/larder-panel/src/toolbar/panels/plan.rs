//! The query plan, as the fragment that the script puts beneath the statement.

use askama::Template;

#[derive(Template)]
#[template(path = "toolbar/plan.html")]
struct Plan<'a> {
    lines: &'a [String],
    failed: Option<&'a str>,
}

/// Renders the database's plan line by line, or the sentence that says why there is none.
pub fn render(plan: Result<&[String], &str>) -> Result<String, askama::Error> {
    match plan {
        Ok(lines) => Plan { lines, failed: None }.render(),
        Err(reason) => Plan { lines: &[], failed: Some(reason) }.render(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_plan_is_escaped_and_a_failure_is_shown() {
        let plan = super::render(Ok(&["SCAN <posts>".to_owned()])).unwrap();
        assert!(plan.contains("SCAN &#60;posts&#62;"), "{plan}");
        let plan = super::render(Err("Only queries can be explained.")).unwrap();
        assert!(plan.contains("Only queries"), "{plan}");
    }
}

//! Evaluates a client's conditions on the stored page.
//!
//! - `If-Match` compares strongly. Without a match the client expected another page (412). RFC 9110
//!   §13.1.1.
//! - `If-Unmodified-Since` counts only without `If-Match`. RFC 9110 §13.1.4.
//! - `If-None-Match` compares weakly. With a match the client has the page (304). RFC 9110 §13.1.2.
//! - `If-Modified-Since` counts only without `If-None-Match`. RFC 9110 §13.1.3. A page without
//!   `Last-Modified` is compared by its `Date`. RFC 9111 §4.3.2.
//! - They are evaluated in this order. `Range` comes last: [`super::range`]. RFC 9110 §13.2.2.
//! - An unreadable condition is ignored, and so is a date if the page has none: the client gets the whole
//!   page.
//!
//! Django: `ConditionalGetMiddleware`. A cache between client and site would forward `If-Match` and
//! `If-Unmodified-Since` to the site (RFC 9111 §4.3.2). This cache is part of the site, so it evaluates
//! them.

use std::time::{Duration, SystemTime};

use super::types::header::{
    DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};

use super::date;
use super::entity_tag::{EntityTag, EntityTags};

/// The headers that make a request conditional or ask for a part. Removed before a page is built.
pub const CONDITIONS: [HeaderName; 6] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// The conditions of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    if_match: Vec<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
    if_modified_since: Vec<HeaderValue>,
    if_unmodified_since: Vec<HeaderValue>,
    if_range: Vec<HeaderValue>,
    range: Vec<HeaderValue>,
}

/// The outcome of a request's conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The page itself, or a part of it.
    Whole,
    /// 304: the client has the page.
    NotModified,
    /// 412: the page is not the one that the client expected.
    PreconditionFailed,
}

/// The validators of a page: they distinguish one state of it from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    /// The entity tag.
    pub etag: Option<EntityTag>,
    /// When the page was last changed.
    pub last_modified: Option<SystemTime>,
    /// When the page was built.
    pub date: Option<SystemTime>,
}

impl Validators {
    /// Reads the validators of a response.
    pub(crate) fn of(headers: &HeaderMap, now: SystemTime) -> Self {
        Self {
            etag: EntityTag::only(headers.get_all(ETAG)),
            last_modified: date::only(headers.get_all(LAST_MODIFIED), now),
            date: date::only(headers.get_all(DATE), now),
        }
    }

    /// Reports whether these and `other` cannot be of the same state.
    pub(crate) fn contradict(&self, other: &Self) -> bool {
        match (&self.etag, &other.etag) {
            (Some(one), Some(other)) => !one.weakly_equals(other),
            _ => {
                self.last_modified.zip(other.last_modified).is_some_and(|(one, other)| one != other)
            }
        }
    }

    /// Reports whether there is a validator to revalidate with.
    pub(crate) fn are_any(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }

    /// Returns `Last-Modified` if it is a strong validator: the page was built at least 1 s later.
    ///
    /// Then it cannot have changed again within that second. RFC 9110 §8.8.2.2.
    pub(crate) fn strong_date(&self) -> Option<SystemTime> {
        let last_modified = self.last_modified?;
        let later = last_modified.checked_add(Duration::from_secs(1))?;
        self.date.is_some_and(|date| date >= later).then_some(last_modified)
    }
}

/// Returns the conditional headers that revalidate a stored page. RFC 9111 §4.3.1.
pub(crate) fn questions(stored: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let question = |name: HeaderName, validator: HeaderName| {
        stored.get(validator).map(|value| (name, value.clone()))
    };
    let questions = [question(IF_NONE_MATCH, ETAG), question(IF_MODIFIED_SINCE, LAST_MODIFIED)];
    questions.into_iter().flatten().collect()
}

impl Conditions {
    /// Reads the conditions in `headers`; several lines are one list.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| headers.get_all(name).cloned().collect();
        Self {
            if_match: all(IF_MATCH),
            if_none_match: all(IF_NONE_MATCH),
            if_modified_since: all(IF_MODIFIED_SINCE),
            if_unmodified_since: all(IF_UNMODIFIED_SINCE),
            if_range: all(IF_RANGE),
            range: all(RANGE),
        }
    }

    /// Returns the lines of `Range` and of `If-Range`.
    pub(crate) fn range(&self) -> (&[HeaderValue], &[HeaderValue]) {
        (&self.range, &self.if_range)
    }

    /// Evaluates the conditions for a page with these validators.
    pub(crate) fn judge(&self, page: &Validators, now: SystemTime) -> Judgement {
        match () {
            () if self.expects_another(page, now) => Judgement::PreconditionFailed,
            () if self.knows(page, now) => Judgement::NotModified,
            () => Judgement::Whole,
        }
    }

    fn expects_another(&self, page: &Validators, now: SystemTime) -> bool {
        if !self.if_match.is_empty() {
            let etag = page.etag.as_ref();
            let is_it = |tag: &EntityTag| etag.is_some_and(|etag| tag.strongly_equals(etag));
            return EntityTags::parse(&self.if_match).is_ok_and(|tags| !tags.any(is_it));
        }
        let since = date::only(&self.if_unmodified_since, now);
        since.zip(page.last_modified).is_some_and(|(since, changed)| changed > since)
    }

    fn knows(&self, page: &Validators, now: SystemTime) -> bool {
        if !self.if_none_match.is_empty() {
            let etag = page.etag.as_ref();
            let is_it = |tag: &EntityTag| etag.is_some_and(|etag| tag.weakly_equals(etag));
            return EntityTags::parse(&self.if_none_match).is_ok_and(|tags| tags.any(is_it));
        }
        let since = date::only(&self.if_modified_since, now);
        let changed = page.last_modified.or(page.date);
        since.zip(changed).is_some_and(|(since, changed)| changed <= since)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn map(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    fn page() -> Validators {
        let headers = map(&[(ETAG, r#""v1""#), (LAST_MODIFIED, THEN), (DATE, AFTER)]);
        Validators::of(&headers, SystemTime::now())
    }

    fn judge(lines: &[(HeaderName, &'static str)]) -> Judgement {
        Conditions::of(&map(lines)).judge(&page(), SystemTime::now())
    }

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists() {
        let cases = [
            (r#""v1""#, Judgement::NotModified),
            (r#"W/"v1""#, Judgement::NotModified),
            (r#""v0", W/"v1""#, Judgement::NotModified),
            ("*", Judgement::NotModified),
            (r#""v2""#, Judgement::Whole),
            (r#""v0,"v1""#, Judgement::Whole),
            (r#"w/"v1""#, Judgement::Whole),
            (r#"*, "v1""#, Judgement::Whole),
            ("v1", Judgement::Whole),
            ("", Judgement::Whole),
        ];
        for (value, expected) in cases {
            assert_eq!(judge(&[(IF_NONE_MATCH, value)]), expected, "{value}");
        }
        let lines = [(IF_NONE_MATCH, r#""v0""#), (IF_NONE_MATCH, r#""v1""#)];
        assert_eq!(judge(&lines), Judgement::NotModified);
    }

    #[test]
    fn if_match_compares_strongly() {
        let cases = [
            (r#""v1""#, Judgement::Whole),
            (r#""v0", "v1""#, Judgement::Whole),
            ("*", Judgement::Whole),
            (r#"W/"v1""#, Judgement::PreconditionFailed),
            (r#""v2""#, Judgement::PreconditionFailed),
            ("v2", Judgement::Whole),
            ("", Judgement::Whole),
        ];
        for (value, expected) in cases {
            assert_eq!(judge(&[(IF_MATCH, value)]), expected, "{value}");
        }
        let weak = Validators::of(&map(&[(ETAG, r#"W/"v1""#)]), SystemTime::now());
        let conditions = Conditions::of(&map(&[(IF_MATCH, r#"W/"v1""#)]));
        assert_eq!(conditions.judge(&weak, SystemTime::now()), Judgement::PreconditionFailed);
    }

    #[test]
    fn dates_count_only_without_tags() {
        assert_eq!(judge(&[(IF_MODIFIED_SINCE, BEFORE)]), Judgement::Whole);
        assert_eq!(judge(&[(IF_MODIFIED_SINCE, THEN)]), Judgement::NotModified);
        assert_eq!(judge(&[(IF_MODIFIED_SINCE, AFTER)]), Judgement::NotModified);
        assert_eq!(judge(&[(IF_UNMODIFIED_SINCE, BEFORE)]), Judgement::PreconditionFailed);
        assert_eq!(judge(&[(IF_UNMODIFIED_SINCE, THEN)]), Judgement::Whole);
        for tag in [r#""v2""#, "v2"] {
            let lines = [(IF_MODIFIED_SINCE, AFTER), (IF_NONE_MATCH, tag)];
            assert_eq!(judge(&lines), Judgement::Whole, "{tag}");
        }
        let lines = [(IF_UNMODIFIED_SINCE, BEFORE), (IF_MATCH, r#""v1""#)];
        assert_eq!(judge(&lines), Judgement::Whole);
    }

    #[test]
    fn preconditions_are_evaluated_before_cache_validation() {
        let lines = [(IF_MATCH, r#""v2""#), (IF_NONE_MATCH, r#""v1""#)];
        assert_eq!(judge(&lines), Judgement::PreconditionFailed);
        let lines = [(IF_UNMODIFIED_SINCE, BEFORE), (IF_MODIFIED_SINCE, AFTER)];
        assert_eq!(judge(&lines), Judgement::PreconditionFailed);
        let lines = [(IF_MATCH, r#""v1""#), (IF_NONE_MATCH, r#""v1""#)];
        assert_eq!(judge(&lines), Judgement::NotModified);
    }

    #[test]
    fn unreadable_and_incomparable_conditions_are_ignored() {
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            for text in ["", "0", "yesterday", "Sun, 06 Nov 1994 08:49:36 CET"] {
                assert_eq!(judge(&[(name.clone(), text)]), Judgement::Whole, "{name}: {text}");
            }
            let lines = [(name.clone(), BEFORE), (name.clone(), BEFORE)];
            assert_eq!(judge(&lines), Judgement::Whole, "{name} twice");
            let conditions = Conditions::of(&map(&[(name, BEFORE)]));
            let judgement = conditions.judge(&Validators::default(), SystemTime::now());
            assert_eq!(judgement, Judgement::Whole);
        }
        let conditions = Conditions::of(&map(&[(IF_NONE_MATCH, r#""""#)]));
        assert_eq!(conditions.judge(&Validators::default(), SystemTime::now()), Judgement::Whole);
    }

    #[test]
    fn a_page_without_last_modified_is_compared_by_its_date() {
        let page = Validators { last_modified: None, ..page() };
        for (name, date, expected) in [
            (IF_MODIFIED_SINCE, AFTER, Judgement::NotModified),
            (IF_MODIFIED_SINCE, THEN, Judgement::Whole),
            (IF_UNMODIFIED_SINCE, THEN, Judgement::Whole),
        ] {
            let conditions = Conditions::of(&map(&[(name, date)]));
            assert_eq!(conditions.judge(&page, SystemTime::now()), expected, "{date}");
        }
    }

    #[test]
    fn a_page_is_revalidated_with_its_own_validators() {
        let stored = map(&[(ETAG, r#"W/"v1""#), (LAST_MODIFIED, THEN), (DATE, AFTER)]);
        let value = HeaderValue::from_static;
        let expected = [(IF_NONE_MATCH, value(r#"W/"v1""#)), (IF_MODIFIED_SINCE, value(THEN))];
        assert_eq!(questions(&stored), expected);
        assert!(questions(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn a_date_is_strong_if_the_page_was_made_later() {
        let then = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(page().strong_date(), Some(then));
        assert_eq!(Validators { date: Some(then), ..page() }.strong_date(), None);
        assert_eq!(Validators { date: None, ..page() }.strong_date(), None);
    }
}

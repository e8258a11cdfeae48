//! How long an answer may be used.
//!
//! - The owner's own lifetime for a route counts first, then `s-maxage`, `max-age`, `Expires`, and
//!   last the owner's default. RFC 9111 §4.2.1; Django: `UpdateCacheMiddleware`.
//! - `no-cache` is never fresh. RFC 9111 §5.2.2.4.
//! - Nothing is used stale unless the answer says for how long: `stale-while-revalidate`,
//!   `stale-if-error`. RFC 5861.
//! - `must-revalidate`, `proxy-revalidate` and `no-cache` beat both. RFC 9111 §4.2.4.
//! - `s-maxage` alone forbids stale; beside an explicit `stale-…` it does not, because that is what
//!   people write and mean. RFC 9111 §5.2.2.10.
//! - There is no heuristic freshness: RFC 9111 §4.2.2 permits it and nobody here needs it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::directives::Directives;
use super::targeted::Policy;

/// What the owner of a route says about its answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Owner {
    /// Only the answer decides.
    #[default]
    Silent,
    /// This lifetime, where the answer gives none.
    Default(Duration),
    /// This lifetime, whatever the answer gives.
    Always(Duration),
}

/// How long an answer may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// The age up to which it is fresh.
    pub lifetime: Duration,
    /// How long after that it may be used while a new one is made.
    pub while_revalidating: Option<Duration>,
    /// How long after that it may be used where a new one could not be made.
    pub if_error: Option<Duration>,
    /// It must never be used stale.
    pub must_revalidate: bool,
}

/// What may be done with a stored answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is fresh.
    Fresh,
    /// It may be used while a new one is made.
    WhileRevalidating,
    /// It may be used only if a new one cannot be made.
    IfError,
    /// It must not be used without asking again.
    Never,
}

impl Freshness {
    /// What `policy` and `expires` say, the lifetime that [`super::date::lifetime`] found; nothing
    /// where neither they nor `owner` give a lifetime.
    pub fn of(policy: &Policy, expires: Option<Duration>, owner: Owner) -> Option<Self> {
        let directives = &policy.directives;
        let lifetime = lifetime(policy, expires, owner)?;
        let must_revalidate = forbids_stale(directives);
        let unless_forbidden = |stale: Option<Duration>| stale.filter(|_| !must_revalidate);
        Some(Self {
            lifetime: if directives.no_cache { Duration::ZERO } else { lifetime },
            while_revalidating: unless_forbidden(directives.stale_while_revalidate),
            if_error: unless_forbidden(directives.stale_if_error),
            must_revalidate,
        })
    }

    /// What may be done with the answer at this age.
    pub fn at(&self, age: Duration) -> Use {
        let Some(stale) = age.checked_sub(self.lifetime) else { return Use::Fresh };
        let allows = |window: Option<Duration>| window.is_some_and(|window| stale < window);
        match () {
            () if allows(self.while_revalidating) => Use::WhileRevalidating,
            () if allows(self.if_error) => Use::IfError,
            () => Use::Never,
        }
    }

    /// The age from which it may not be used at all, so that it need not be kept.
    pub fn end(&self) -> Duration {
        let stale = self.while_revalidating.max(self.if_error).unwrap_or_default();
        self.lifetime.saturating_add(stale)
    }
}

fn lifetime(policy: &Policy, expires: Option<Duration>, owner: Owner) -> Option<Duration> {
    let directives = &policy.directives;
    // A targeted field silences `Expires`. RFC 9213 §2.2.
    let expires = expires.filter(|_| !policy.is_targeted);
    let said = directives.s_maxage.or(directives.max_age).or(expires);
    match owner {
        Owner::Always(lifetime) => Some(lifetime),
        Owner::Default(lifetime) => said.or(Some(lifetime)),
        Owner::Silent => said,
    }
}

fn forbids_stale(directives: &Directives) -> bool {
    let asks = directives.stale_while_revalidate.or(directives.stale_if_error);
    directives.must_revalidate
        || directives.proxy_revalidate
        || directives.no_cache
        || (directives.s_maxage.is_some() && asks.is_none())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    fn policy(line: &'static str) -> Policy {
        let directives = Directives::of([&HeaderValue::from_static(line)]);
        Policy { directives, is_targeted: false }
    }

    fn of(line: &'static str) -> Freshness {
        Freshness::of(&policy(line), None, Owner::Default(MINUTE)).unwrap()
    }

    #[test]
    fn the_owner_then_s_maxage_then_max_age_then_expires_then_the_default() {
        let lifetime = |line, expires: Option<u64>, owner| {
            let expires = expires.map(Duration::from_secs);
            Freshness::of(&policy(line), expires, owner)
                .map(|freshness| freshness.lifetime.as_secs())
        };
        let all = "max-age=2, s-maxage=1";
        assert_eq!(lifetime(all, Some(3), Owner::Always(HOUR)), Some(3600));
        assert_eq!(lifetime("max-age=0", None, Owner::Always(HOUR)), Some(3600));
        assert_eq!(lifetime(all, Some(3), Owner::Default(HOUR)), Some(1));
        assert_eq!(lifetime("max-age=2", Some(3), Owner::Default(HOUR)), Some(2));
        assert_eq!(lifetime("public", Some(3), Owner::Default(HOUR)), Some(3));
        assert_eq!(lifetime("public", None, Owner::Default(HOUR)), Some(3600));
        assert_eq!(lifetime("public", None, Owner::Silent), None);
        assert_eq!(lifetime("max-age=x", Some(3), Owner::Default(HOUR)), Some(0));
    }

    #[test]
    fn a_targeted_field_silences_expires() {
        let targeted = Policy { is_targeted: true, ..policy("public") };
        assert_eq!(Freshness::of(&targeted, Some(HOUR), Owner::Silent), None);
    }

    #[test]
    fn no_cache_is_never_fresh() {
        assert_eq!(
            of("no-cache, max-age=60, stale-while-revalidate=60").at(Duration::ZERO),
            Use::Never
        );
        let always = Freshness::of(&policy("no-cache"), None, Owner::Always(HOUR)).unwrap();
        assert_eq!(always.at(Duration::ZERO), Use::Never);
    }

    #[test]
    fn nothing_is_used_stale_unless_it_says_so() {
        let plain = of("max-age=60");
        assert_eq!(plain.at(MINUTE - Duration::from_secs(1)), Use::Fresh);
        assert_eq!(plain.at(MINUTE), Use::Never);
        let stale = of("max-age=60, stale-while-revalidate=60, stale-if-error=3600");
        assert_eq!(stale.at(MINUTE), Use::WhileRevalidating);
        assert_eq!(stale.at(2 * MINUTE), Use::IfError);
        assert_eq!(stale.at(MINUTE + HOUR), Use::Never);
        assert_eq!(stale.end(), MINUTE + HOUR);
        assert_eq!(plain.end(), MINUTE);
    }

    #[test]
    fn must_revalidate_and_its_kin_beat_stale() {
        for kin in ["must-revalidate", "proxy-revalidate", "no-cache", "no-cache=x"] {
            let line = format!("max-age=1, stale-while-revalidate=9, stale-if-error=9, {kin}");
            let directives = Directives::of([&HeaderValue::from_str(&line).unwrap()]);
            let policy = Policy { directives, is_targeted: false };
            let freshness = Freshness::of(&policy, None, Owner::Silent).unwrap();
            assert!(freshness.must_revalidate, "{kin}");
            assert_eq!(freshness.at(Duration::from_secs(2)), Use::Never, "{kin}");
        }
    }

    #[test]
    fn s_maxage_alone_forbids_stale_but_not_beside_an_explicit_one() {
        assert!(of("s-maxage=60").must_revalidate);
        let both = of("s-maxage=60, stale-while-revalidate=600");
        assert!(!both.must_revalidate);
        assert_eq!(both.at(2 * MINUTE), Use::WhileRevalidating);
        assert_eq!(both.if_error, None);
        assert!(of("s-maxage=60, stale-if-error=1, proxy-revalidate").must_revalidate);
    }

    #[test]
    fn the_longest_times_do_not_overflow() {
        let longest = of("max-age=99999999999, stale-if-error=99999999999");
        assert_eq!(longest.at(Duration::MAX), Use::Never);
        let always = Freshness::of(&policy("stale-if-error=1"), None, Owner::Always(Duration::MAX));
        assert_eq!(always.unwrap().end(), Duration::MAX);
    }

    fn seconds() -> impl Strategy<Value = Option<Duration>> {
        prop::option::of((0..100u64).prop_map(Duration::from_secs))
    }

    proptest! {
        #[test]
        fn nothing_is_used_after_its_end_nor_stale_where_that_is_forbidden(
            numbers in prop::array::uniform5(seconds()), flags: [bool; 3], age in 0..300u64
        ) {
            let [max_age, s_maxage, stale_while_revalidate, stale_if_error, expires] = numbers;
            let [must_revalidate, proxy_revalidate, no_cache] = flags;
            let directives = Directives {
                max_age,
                s_maxage,
                stale_while_revalidate,
                stale_if_error,
                must_revalidate,
                proxy_revalidate,
                no_cache,
                ..Directives::default()
            };
            let policy = Policy { directives, is_targeted: false };
            let freshness = Freshness::of(&policy, expires, Owner::Silent);
            let lifetime = s_maxage.or(max_age).or(expires);
            prop_assert_eq!(freshness.is_some(), lifetime.is_some());
            if let Some(freshness) = freshness {
                let age = Duration::from_secs(age);
                let usage = freshness.at(age);
                prop_assert_eq!(usage == Use::Fresh, age < lifetime.unwrap() && !no_cache);
                prop_assert!(age < freshness.end() || usage == Use::Never);
                prop_assert!(!flags.contains(&true) || matches!(usage, Use::Fresh | Use::Never));
            }
        }
    }
}

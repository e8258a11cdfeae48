//! Decides how long a response may be used.
//!
//! - The lifetime comes from the route's rules, then `s-maxage`, `max-age`, `Expires`, and last the rules'
//!   default. RFC 9111 §4.2.1; Django: `UpdateCacheMiddleware`.
//! - A response with `no-cache` is never fresh. RFC 9111 §5.2.2.4.
//! - A response is used stale only as long as it permits: `stale-while-revalidate`, `stale-if-error`.
//!   RFC 5861.
//! - `must-revalidate`, `proxy-revalidate` and `no-cache` override both. RFC 9111 §4.2.4.
//! - `s-maxage` alone forbids stale use. Beside an explicit `stale-…` it does not, because that is what
//!   authors mean. RFC 9111 §5.2.2.10.
//! - There is no heuristic freshness, which RFC 9111 §4.2.2 permits: no page needs it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::directives::Directives;
use super::targeted::TargetedPolicy;

/// The lifetime that a route's rules give to its responses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Owner {
    /// None: the response decides.
    #[default]
    Silent,
    /// This one, if the response gives none.
    Default(Duration),
    /// This one, whatever the response gives.
    Always(Duration),
}

/// How long a response may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freshness {
    /// Age up to which it is fresh.
    pub lifetime: Duration,
    /// How long after that it may be used while it is rebuilt.
    pub while_revalidating: Option<Duration>,
    /// How long after that it may be used if rebuilding it fails.
    pub if_error: Option<Duration>,
    /// It must never be used stale.
    pub must_revalidate: bool,
}

/// How a stored response may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is fresh.
    Fresh,
    /// It is stale, and may be used while it is rebuilt.
    WhileRevalidating,
    /// It is stale, and may be used only if rebuilding it fails.
    IfError,
    /// It must not be used without revalidation.
    Never,
}

impl Freshness {
    /// Computes the freshness of a response, or `None` if nothing gives a lifetime.
    ///
    /// `expires` is the lifetime found by [`super::date::lifetime`].
    pub(crate) fn of(
        policy: &TargetedPolicy,
        expires: Option<Duration>,
        owner: Owner,
    ) -> Option<Self> {
        let directives = &policy.directives;
        // Whatever its lifetime is, a response with `no-cache` is validated each time.
        let lifetime = match directives.no_cache {
            true => Duration::ZERO,
            false => lifetime(policy, expires, owner)?,
        };
        let must_revalidate = forbids_stale(directives);
        let unless_forbidden = |stale: Option<Duration>| stale.filter(|_| !must_revalidate);
        Some(Self {
            lifetime,
            while_revalidating: unless_forbidden(directives.stale_while_revalidate),
            if_error: unless_forbidden(directives.stale_if_error),
            must_revalidate,
        })
    }

    /// Returns how the response may be used at this age.
    pub(crate) fn at(&self, age: Duration) -> Use {
        let Some(stale) = age.checked_sub(self.lifetime) else { return Use::Fresh };
        let allows = |window: Option<Duration>| window.is_some_and(|window| stale < window);
        match () {
            () if allows(self.while_revalidating) => Use::WhileRevalidating,
            () if allows(self.if_error) => Use::IfError,
            () => Use::Never,
        }
    }

    /// Returns the age from which it must not be used at all, and so need not be stored.
    pub(crate) fn end(&self) -> Duration {
        let stale = self.while_revalidating.max(self.if_error).unwrap_or_default();
        self.lifetime.saturating_add(stale)
    }
}

fn lifetime(policy: &TargetedPolicy, expires: Option<Duration>, owner: Owner) -> Option<Duration> {
    let directives = &policy.directives;
    // A targeted field overrides `Expires`. RFC 9213 §2.2.
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
    use crate::http::types::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    fn policy(line: &'static str) -> TargetedPolicy {
        let directives = Directives::of([&HeaderValue::from_static(line)]);
        TargetedPolicy { directives, is_targeted: false }
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
    fn a_targeted_field_overrides_expires() {
        let targeted = TargetedPolicy { is_targeted: true, ..policy("public") };
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
        let alone = Freshness::of(&policy("no-cache"), None, Owner::Silent).unwrap();
        assert_eq!((alone.at(Duration::ZERO), alone.end()), (Use::Never, Duration::ZERO));
    }

    #[test]
    fn a_page_is_used_stale_only_if_it_permits_it() {
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
    fn must_revalidate_and_similar_directives_override_stale() {
        for kin in ["must-revalidate", "proxy-revalidate", "no-cache", "no-cache=x"] {
            let line = format!("max-age=1, stale-while-revalidate=9, stale-if-error=9, {kin}");
            let directives = Directives::of([&HeaderValue::from_str(&line).unwrap()]);
            let policy = TargetedPolicy { directives, is_targeted: false };
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
        fn no_page_is_used_after_its_end_or_stale_if_forbidden(
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
            let policy = TargetedPolicy { directives, is_targeted: false };
            let freshness = Freshness::of(&policy, expires, Owner::Silent);
            let lifetime = s_maxage.or(max_age).or(expires);
            prop_assert_eq!(freshness.is_some(), lifetime.is_some() || no_cache);
            if let Some(freshness) = freshness {
                let age = Duration::from_secs(age);
                let usage = freshness.at(age);
                prop_assert_eq!(usage == Use::Fresh, !no_cache && age < lifetime.unwrap());
                prop_assert!(age < freshness.end() || usage == Use::Never);
                prop_assert!(!flags.contains(&true) || matches!(usage, Use::Fresh | Use::Never));
            }
        }
    }
}

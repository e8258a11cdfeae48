//! The contract of all stores: a list of behaviours, with one test per behaviour and store.
//!
//! - A behaviour is a function of a [`Bench`]. The identifiers in the comments are those of
//!   `docs/DJANGO-PARITY.md`.
//! - No test sleeps for a fixed time: the memory store's clock is advanced, Redis's expiry times are
//!   shortened.
//! - Redis is a private server ([`server`]). If redis-server is missing, the tests say so; with
//!   `LARDER_TESTS_MUST_RUN_ALL=1` they fail.
//!
//! Behaviours of a single store are in modules of their own: `bounds` (memory), `faults` and
//! `outages` (Redis), `clusters` (a cluster of it), `dummy` (null).

use std::{collections::BTreeSet, time::Duration};

use futures_util::TryStreamExt;

use super::Ttl;
use super::redis::{RedisConfig, RedisStore};
use crate::{
    Error,
    values::{Settings, Timeout, Values},
};

mod basics;
mod bench;
mod bounds;
mod clusters;
mod counting;
mod deriving;
mod dummy;
pub(crate) mod fake;
mod faults;
mod keys;
mod locks;
mod many;
mod nodes;
mod outages;
pub(crate) mod server;
mod timeouts;
mod versions;
mod warnings;

use bench::Bench;

impl server::Server {
    /// Creates a store on this server, with a timeout that is not reached on a busy computer.
    pub(crate) fn store(&self) -> RedisStore {
        self.store_within(Duration::from_secs(10))
    }

    pub(crate) fn store_within(&self, timeout: Duration) -> RedisStore {
        let config = RedisConfig { timeout, ..RedisConfig::new(self.url()) };
        RedisStore::open(&config).unwrap()
    }
}

const DEFAULT: Timeout = Timeout::Default;
const SECOND: Duration = Duration::from_secs(1);

/// Makes a test of every behaviour for the memory store, for Redis, and for a cluster of it.
macro_rules! contract {
    ($($group:ident: $($behaviour:ident)*;)*) => {
        mod memory {
            use super::*;

            $($(
                #[tokio::test(start_paused = true)]
                async fn $behaviour() {
                    $group::$behaviour(Bench::memory()).await;
                }
            )*)*
        }

        mod redis {
            use super::*;

            $($(
                #[tokio::test]
                async fn $behaviour() {
                    let Some(bench) = Bench::redis() else { return };
                    $group::$behaviour(bench).await;
                }
            )*)*
        }

        mod cluster {
            use super::*;

            $($(
                #[tokio::test]
                async fn $behaviour() {
                    let Some(bench) = Bench::cluster() else { return };
                    $group::$behaviour(bench).await;
                }
            )*)*
        }
    };
}

contract! {
    basics:
        a_value_that_is_set_is_got
        a_missing_key_has_no_value_but_the_default
        a_cached_none_is_a_value
        add_on_an_absent_key_keeps_the_value
        add_on_a_present_key_keeps_the_old_value
        add_after_the_old_value_expired_keeps_the_new_one
        delete_tells_whether_there_was_a_value
        deleting_one_key_leaves_the_other
        has_key_knows_present_absent_endless_and_none
        touch_gives_another_time_to_what_exists
        touch_without_a_timeout_uses_the_default
        values_of_all_kinds_come_back_equal
        a_value_that_cannot_be_written_is_an_error_and_nothing_is_stored
        a_type_that_cannot_be_read_back_is_refused
        a_value_that_was_got_is_a_copy
        a_value_of_another_type_is_a_miss;
    counting:
        incr_adds_one_ten_and_minus_ten
        decr_subtracts_one_ten_and_minus_ten
        counting_on_a_missing_key_fails_and_creates_nothing
        counting_on_text_fails_and_changes_nothing
        only_canonical_decimals_are_counted_on
        a_number_that_would_overflow_stays
        incr_keeps_the_remaining_time
        counting_on_an_expired_key_creates_nothing
        a_hundred_increments_at_once_are_a_hundred
        whole_numbers_are_stored_as_plain_text_and_bools_are_not;
    many:
        get_many_answers_those_that_are_there
        get_many_includes_a_cached_none
        set_many_keeps_all_and_names_no_failures
        many_of_nothing_costs_no_round_trip
        delete_many_counts_and_leaves_others
        clear_empties_this_cache_in_all_versions
        clear_leaves_the_neighbours_keys
        clear_finds_keys_on_all_pages
        foreign_bytes_are_a_miss;
    deriving:
        get_or_set_calls_its_function_only_on_a_miss
        get_or_set_gives_what_it_makes_the_timeout
        get_or_set_remembers_none
        get_or_set_that_loses_the_race_answers_the_winner
        get_or_set_computes_once_for_a_hundred_callers
        a_caller_that_leaves_hands_its_load_over
        a_load_whose_client_has_left_is_replaced
        waiters_for_a_failed_load_try_at_once
        a_value_that_cannot_be_encoded_is_a_failed_load
        a_failed_load_is_tried_again_by_the_next
        a_caller_after_a_delete_computes_again
        a_load_from_before_a_deletion_is_neither_stored_nor_shared
        a_caller_after_a_deletion_does_not_wait
        a_lease_is_shared_and_its_loss_costs_a_load;
    timeouts:
        the_default_timeout_is_300_seconds
        the_default_timeout_is_a_setting
        never_is_never
        a_timeout_of_zero_or_less_is_over_at_once
        add_for_no_time_on_a_present_key_keeps_the_old_value
        a_long_timeout_is_not_a_date
        a_timeout_may_be_a_fraction_of_a_second
        half_a_second_is_a_timeout
        an_expired_key_is_absent_for_every_operation
        persist_makes_an_expiring_key_stay
        set_many_times_each_key
        a_new_value_has_a_new_timeout
        expire_at_sets_the_moment;
    versions:
        a_version_does_not_see_another
        every_operation_keeps_to_its_version
        delete_takes_one_version_only
        incr_version_moves_the_value_up
        decr_version_moves_the_value_down
        moving_a_missing_key_fails
        a_cached_none_moves_too
        incr_version_keeps_the_remaining_time
        incr_version_replaces_what_is_there
        a_prefix_separates_two_caches_on_one_store
        caches_share_keys_if_their_key_functions_agree;
    keys:
        a_name_is_prefix_version_key
        every_operation_warns_of_a_key_others_would_refuse
        a_long_key_works_and_keeps_a_readable_head
        a_separator_in_a_prefix_makes_no_alias
        iter_keys_lists_this_version
        delete_pattern_deletes_what_matches;
    locks:
        a_lock_has_one_holder
        a_lock_ends_with_its_lease
        a_lock_is_kept_under_a_name_with_a_lease;
}

/// Makes a test of every behaviour for the null store.
macro_rules! null {
    ($($group:ident::$behaviour:ident)*) => {
        mod null {
            use super::*;

            $(
                #[tokio::test]
                async fn $behaviour() {
                    $group::$behaviour(Bench::null()).await;
                }
            )*
        }
    };
}

null! {
    dummy::what_is_set_is_not_kept
    dummy::add_always_says_yes
    dummy::delete_touch_and_has_key_say_no
    dummy::counting_and_moving_fail
    dummy::get_or_set_answers_what_it_computes
    dummy::there_is_nothing_to_list_or_to_clear
    basics::a_missing_key_has_no_value_but_the_default
    basics::a_value_that_cannot_be_written_is_an_error_and_nothing_is_stored
    basics::a_type_that_cannot_be_read_back_is_refused
    counting::counting_on_a_missing_key_fails_and_creates_nothing
    many::many_of_nothing_costs_no_round_trip
    versions::moving_a_missing_key_fails
    keys::every_operation_warns_of_a_key_others_would_refuse
    deriving::get_or_set_computes_once_for_a_hundred_callers
    deriving::a_caller_that_leaves_hands_its_load_over
    deriving::a_load_whose_client_has_left_is_replaced
    deriving::waiters_for_a_failed_load_try_at_once
    deriving::a_value_that_cannot_be_encoded_is_a_failed_load
    deriving::a_failed_load_is_tried_again_by_the_next
}

/// Returns an error and its causes as text.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

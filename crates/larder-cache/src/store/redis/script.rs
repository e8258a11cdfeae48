//! The steps that belong together, in Lua. Redis runs a script as one command.

use std::sync::LazyLock;

use deadpool_redis::redis::Script;

macro_rules! script {
    ($lua:expr) => {
        LazyLock::new(|| Script::new($lua))
    };
}

/// Adds to a number that is there. `INCRBY` alone would make one that is not, without a lifetime.
///
/// The sum is read back as text: a Lua number is a double and would lose digits above 2^53.
pub(super) static INCR: LazyLock<Script> = script!(
    "if redis.call('EXISTS', KEYS[1]) == 0 then return false end
     redis.call('INCRBY', KEYS[1], ARGV[1])
     return redis.call('GET', KEYS[1])"
);

/// Deletes a key if it still holds what the caller put there: releases a lock.
///
/// Reads with `pcall`: a key of another kind than text does not hold it.
pub(super) static DELETE_IF: LazyLock<Script> = script!(
    "if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
     return 0"
);

/// Takes the lifetime off a key, and says whether there is one: `PERSIST` alone says 0 of a key
/// that had none.
pub(super) static PERSIST: LazyLock<Script> = script!(
    "redis.call('PERSIST', KEYS[1])
     return redis.call('EXISTS', KEYS[1])"
);

/// Moves a key with its lifetime; `RENAME` alone answers an error where there is nothing to move.
pub(super) static RENAME: LazyLock<Script> = script!(
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
     redis.call('RENAME', KEYS[1], KEYS[2])
     return 1"
);

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

/// Moves a key with its lifetime, and ends the leases of both; `RENAME` alone answers an error where there
/// is nothing to move.
pub(super) static RENAME: LazyLock<Script> = script!(
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
     redis.call('DEL', KEYS[3], KEYS[4])
     redis.call('RENAME', KEYS[1], KEYS[2])
     return 1"
);

/// Deletes keys and their leases, whose names begin with the argument; how many keys there were.
pub(super) static DELETE: LazyLock<Script> = script!(
    "local deleted = 0
     for _, key in ipairs(KEYS) do
       redis.call('DEL', ARGV[1] .. key)
       deleted = deleted + redis.call('UNLINK', key)
     end
     return deleted"
);

/// What is kept under a key; else the token of its lease, which is taken if it is free.
///
/// Reads with `MGET`: what is no text is not there.
pub(super) static GET_OR_LEASE: LazyLock<Script> = script!(
    "local found = redis.call('MGET', KEYS[1], KEYS[2])
     if found[1] then return {found[1], false} end
     local token = found[2] or ARGV[1]
     if ARGV[2] == '0' then redis.call('SET', KEYS[2], token)
     else redis.call('SET', KEYS[2], token, 'PX', ARGV[2]) end
     return {false, token}"
);

/// Ends a lease if the token holds it, and then keeps what it was taken for, unless the key is taken.
pub(super) static ADD_LEASED: LazyLock<Script> = script!(
    "if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return 0 end
     redis.call('DEL', KEYS[2])
     local kept
     if ARGV[3] then kept = redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3], 'NX')
     else kept = redis.call('SET', KEYS[1], ARGV[2], 'NX') end
     return kept and 1 or 0"
);

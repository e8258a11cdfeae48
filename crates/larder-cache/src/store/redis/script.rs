//! Lua scripts for steps that belong together. Redis runs a script as one command.

use std::sync::LazyLock;

use deadpool_redis::redis::Script;

macro_rules! script {
    ($lua:expr) => {
        LazyLock::new(|| Script::new($lua))
    };
}

/// Adds to an existing number. `INCRBY` alone would create a missing one, without a lifetime.
///
/// The sum is read back as text: a Lua number is a double and would lose digits above 2^53.
pub(super) static INCR: LazyLock<Script> = script!(
    "if redis.call('EXISTS', KEYS[1]) == 0 then return false end
     redis.call('INCRBY', KEYS[1], ARGV[1])
     return redis.call('GET', KEYS[1])"
);

/// Deletes a key if it holds the given bytes; this releases a lock.
///
/// Reads with `pcall`, since `GET` fails on a key of another type than string.
pub(super) static DELETE_IF: LazyLock<Script> = script!(
    "if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
     return 0"
);

/// Removes a key's lifetime, and returns whether the key exists.
///
/// `PERSIST` alone returns 0 for a key without a lifetime, too.
pub(super) static PERSIST: LazyLock<Script> = script!(
    "redis.call('PERSIST', KEYS[1])
     return redis.call('EXISTS', KEYS[1])"
);

/// Renames a key, with its lifetime, and ends the leases of both names.
///
/// `RENAME` alone returns an error if the key does not exist.
pub(super) static RENAME: LazyLock<Script> = script!(
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
     redis.call('DEL', KEYS[3], KEYS[4])
     redis.call('RENAME', KEYS[1], KEYS[2])
     return 1"
);

/// Deletes keys and their leases, and returns how many keys existed; the argument begins each
/// lease's name.
pub(super) static DELETE: LazyLock<Script> = script!(
    "local deleted = 0
     for _, key in ipairs(KEYS) do
       redis.call('DEL', ARGV[1] .. key)
       deleted = deleted + redis.call('UNLINK', key)
     end
     return deleted"
);

/// Deletes a key, and returns its bytes with the rest of its lifetime.
pub(super) static TAKE: LazyLock<Script> = script!(
    "local bytes = redis.call('GET', KEYS[1])
     if not bytes then return false end
     local left = redis.call('PTTL', KEYS[1])
     redis.call('DEL', KEYS[1])
     return {bytes, left}"
);

/// Returns what is stored under a key, or else the token of its lease, which it takes if free.
///
/// Reads with `MGET`, which returns nil for a key of another type than string.
pub(super) static GET_OR_LEASE: LazyLock<Script> = script!(
    "local found = redis.call('MGET', KEYS[1], KEYS[2])
     if found[1] then return {found[1], false} end
     local token = found[2] or ARGV[1]
     if ARGV[2] == '0' then redis.call('SET', KEYS[2], token)
     else redis.call('SET', KEYS[2], token, 'PX', ARGV[2]) end
     return {false, token}"
);

/// Ends a lease if the token holds it, and then stores the value unless the key exists.
pub(super) static ADD_LEASED: LazyLock<Script> = script!(
    "if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return 0 end
     redis.call('DEL', KEYS[2])
     local kept
     if ARGV[3] then kept = redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3], 'NX')
     else kept = redis.call('SET', KEYS[1], ARGV[2], 'NX') end
     return kept and 1 or 0"
);

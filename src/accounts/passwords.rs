//! Hashes and compares passwords.
//!
//! - Argon2id with 19 MiB and two passes, the minimum of OWASP's cheat sheet.
//! - A name without an account takes as long as one with an account, so that the time does not reveal which
//!   names exist.
//! - At most `AT_ONCE` passwords are compared at a time, each in a buffer that is reused. Otherwise each
//!   thread's allocator arena would hold 19 MiB after its first comparison.

use std::sync::{Arc, LazyLock, Mutex};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

use super::model::Password;
use super::throttle::unless_left;
use crate::error::AppError;
use crate::site::text::nfc;

/// How many comparisons run at once.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Idle buffers of Argon2, at most [`AT_ONCE`].
static BUFFERS: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// The hash that passwords are compared with when there is no account.
static DUMMY_HASH: LazyLock<String> = LazyLock::new(|| hash_bytes(b"the password of no account"));

/// Hashes a password for storage. Takes about a tenth of a second.
///
/// # Panics
/// Panics if the system provides no random bytes or no memory.
pub fn hash(password: &Password) -> String {
    // Keyboards and systems encode the same letter in several ways. Source: NIST SP 800-63B §3.1.1.2.
    hash_bytes(nfc(password.as_str()).as_bytes())
}

fn hash_bytes(password: &[u8]) -> String {
    let mut salt = [0; argon2::RECOMMENDED_SALT_LEN];
    getrandom::fill(&mut salt).expect("the system gives random bytes");
    let kept = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&Params::DEFAULT).expect("the default is in its range"),
        salt: Some(Salt::new(&salt).expect("the length is the recommended one")),
        hash: None,
    };
    let output = output(password, &kept, Params::DEFAULT_OUTPUT_LEN);
    let hash = Some(output.expect("the default parameters can be used"));
    PasswordHash { hash, ..kept }.to_string()
}

/// Runs [`hash`] on a blocking thread.
///
/// # Errors
/// Those of [`is_right`].
pub async fn hashed(password: Password) -> Result<String, AppError> {
    on_a_thread(move || hash(&password)).await
}

/// Reports whether the password matches the hash `kept`.
///
/// Without an account it never matches, but comparing takes as long.
///
/// # Errors
/// [`AppError::Crowded`] if the client has left before its turn. Fails otherwise only if the blocking thread
/// panics or the program shuts down.
pub async fn is_right(password: String, kept: Option<String>) -> Result<bool, AppError> {
    let compare = move || {
        let has_account = kept.is_some();
        let kept = kept.unwrap_or_else(|| DUMMY_HASH.clone());
        // A longer password was never accepted, and hashing it would take longer.
        let is_too_long = |text: &str| text.chars().count() > Password::LONGEST;
        let is_refused = is_too_long(&password) && is_too_long(&nfc(&password));
        let password = if is_refused { "" } else { &password };
        let normal = nfc(password);
        // Earlier versions hashed passwords as typed, before they were normalized.
        let is_equal = is_of(normal.as_bytes(), &kept)
            || (normal != password && is_of(password.as_bytes(), &kept));
        is_equal && has_account
    };
    on_a_thread(compare).await
}

/// Reports whether `kept` is the hash of this password. Compares in constant time.
fn is_of(password: &[u8], kept: &str) -> bool {
    let Ok(kept) = PasswordHash::new(kept) else { return false };
    let Some(expected) = kept.hash else { return false };
    output(password, &kept, expected.len()).is_some_and(|output| output == expected)
}

/// Hashes a password with the algorithm, parameters and salt of `kept`, if they are usable.
fn output(password: &[u8], kept: &PasswordHash, length: usize) -> Option<Output> {
    let algorithm = Algorithm::try_from(kept.algorithm.as_str()).ok()?;
    let version = kept.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let params = Params::try_from(kept).ok()?;
    let (blocks, salt) = (params.block_count(), kept.salt.as_ref()?);
    let argon2 = Argon2::new(algorithm, version, params);
    let mut bytes = [0; Output::MAX_LENGTH];
    let bytes = bytes.get_mut(..length)?;
    with_memory(blocks, |memory| {
        argon2.hash_password_into_with_memory(password, salt, bytes, memory)
    })
    .ok()?;
    Output::new(bytes).ok()
}

/// Lends memory from a pooled buffer. A hash with larger parameters gets its own buffer.
fn with_memory<T>(blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    if blocks > Params::DEFAULT.block_count() {
        return work(&mut vec![Block::new(); blocks]);
    }
    let idle = BUFFERS.lock().unwrap().pop();
    let mut buffer = idle.unwrap_or_else(|| vec![Block::new(); Params::DEFAULT.block_count()]);
    let done = work(&mut buffer[..blocks]);
    let mut buffers = BUFFERS.lock().unwrap();
    // The command line hashes without the semaphore, so more buffers can come back than are pooled.
    if buffers.len() < AT_ONCE {
        buffers.push(buffer);
    }
    done
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let failed = |error: anyhow::Error| AppError::Internal(Arc::new(error));
    let turn = unless_left(TURNS.acquire()).await.ok_or(AppError::Crowded)?;
    let turn = turn.map_err(|error| failed(error.into()))?;
    let work = move || {
        // Held until the work is done: a client that disconnects does not stop the thread.
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;
    use futures_util::FutureExt;

    use super::*;
    use crate::cache::presence::Client;

    async fn is_right(password: &str, kept: Option<&String>) -> bool {
        super::is_right(password.to_owned(), kept.cloned()).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_very_password_is_right() {
        let kept = hash_bytes(b"tea and toast");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash_bytes(b"tea and toast"), "each has a salt of its own");
        assert!(is_right("tea and toast", Some(&kept)).await);
        assert!(!is_right("tea and  toast", Some(&kept)).await);
        assert!(!is_right("", Some(&kept)).await);
        assert!(!is_right("the password of no account", None).await);
    }

    #[tokio::test]
    async fn a_password_is_the_same_in_each_unicode_form() {
        let (composed, apart) = ("d\u{e9}j\u{e0} vu!", "de\u{301}ja\u{300} vu!");
        let kept = hash(&apart.parse().unwrap());
        assert!(is_right(composed, Some(&kept)).await && is_right(apart, Some(&kept)).await);
        let long = "\u{e9}".repeat(Password::LONGEST);
        let kept_long = hash(&long.parse().unwrap());
        assert!(is_right(&"e\u{301}".repeat(Password::LONGEST), Some(&kept_long)).await);
        // A hash of the password as typed still counts.
        assert!(is_right(apart, Some(&hash_bytes(apart.as_bytes()))).await);
    }

    #[tokio::test]
    async fn hashes_of_other_programs_are_compared_by_their_own_parameters() {
        for (memory, passes, lanes) in [(8, 1, 1), (19 * 1024, 2, 1), (24 * 1024, 1, 2)] {
            let params = Params::new(memory, passes, lanes, None).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let kept = argon2.hash_password(b"tea and toast").unwrap().to_string();
            assert!(is_right("tea and toast", Some(&kept)).await, "{kept}");
            assert!(!is_right("tea and  toast", Some(&kept)).await, "{kept}");
        }
        for broken in ["", "tea and toast", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ", "$1$x$y"]
        {
            assert!(!is_right("tea and toast", Some(&broken.to_owned())).await, "{broken}");
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_before_its_turn_has_nothing_compared() {
        let turns = TURNS.acquire_many(AT_ONCE as u32).await.unwrap();
        let client = Client::default();
        let mut compared = Box::pin(client.scope(super::is_right("wrong password".into(), None)));
        assert!(compared.as_mut().now_or_never().is_none());
        client.leave();
        assert!(matches!(compared.await, Err(AppError::Crowded)));
        drop(turns);
    }

    #[tokio::test]
    async fn comparisons_share_as_many_buffers_as_run_at_once() {
        let tried = (0..20).map(|_| is_right("wrong password", None));
        futures_util::future::join_all(tried).await;
        // Other tests may be using buffers at this moment; the pool never holds more.
        let kept = BUFFERS.lock().unwrap().len();
        assert!(kept <= AT_ONCE, "{kept}");
    }
}

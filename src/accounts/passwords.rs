//! Passwords, hashed and compared.
//!
//! - Argon2id with 19 MiB and two passes: what OWASP's cheat sheet asks for at least.
//! - Who has no account waits as long as who has one, so that time tells nobody which names there are.
//! - Only so many are compared at once: each takes memory and processor time, and strangers ask for it.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::model::Password;
use crate::error::AppError;

/// Comparisons at once.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// What the password of nobody is compared with.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash(b"the password of nobody"));

/// What is kept of a password. Takes a tenth of a second or so.
///
/// # Panics
/// Where the system has no randomness to give, or no memory.
pub fn hash(password: &[u8]) -> String {
    let hash = Argon2::default().hash_password(password);
    hash.expect("the system gives random bytes and memory").to_string()
}

/// [`hash`], without keeping others waiting.
///
/// # Errors
/// None but those of a program that is ending.
pub async fn hashed(password: Password) -> Result<String, AppError> {
    on_a_thread(move || hash(password.as_bytes())).await
}

/// Whether the password is that of `kept`; without an account it never is, and takes as long.
///
/// # Errors
/// None but those of a program that is ending.
pub async fn is_right(password: String, kept: Option<String>) -> Result<bool, AppError> {
    let compare = move || {
        let is_somebodys = kept.is_some();
        let kept = kept.unwrap_or_else(|| NOBODYS.clone());
        // A longer one was never taken, and would take longer.
        let length = password.chars().count();
        let password = if length > Password::LONGEST { "" } else { &password };
        let is_equal = Argon2::default().verify_password(password.as_bytes(), &*kept).is_ok();
        is_equal && is_somebodys
    };
    on_a_thread(compare).await
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let failed = |error: anyhow::Error| AppError::Internal(Arc::new(error));
    let turn = TURNS.acquire().await.map_err(|error| failed(error.into()))?;
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.into()));
    drop(turn);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_very_password_is_right() {
        let kept = hash(b"tea and toast");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let is_right = async |password: &str, kept: Option<&String>| {
            is_right(password.to_owned(), kept.cloned()).await.unwrap()
        };
        assert!(is_right("tea and toast", Some(&kept)).await);
        assert!(!is_right("tea and  toast", Some(&kept)).await);
        assert!(!is_right("", Some(&kept)).await);
        assert!(!is_right("the password of nobody", None).await);
    }
}

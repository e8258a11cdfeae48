//! The operations on accounts, independent of HTTP and HTML.

use super::model::{Account, AccountId, Known, Listed, Name, Password, Secret};
use super::throttle::{Refusal, Throttle};
use super::{keys, names, passwords, queries};
use crate::db::{self, Conn, Db, QueryResult};
use crate::error::AppError;
use crate::site::time::Timestamp;
use crate::site::words::fold;
use crate::state::State;

/// Returns the account behind a session, if the session is valid.
pub async fn session(state: &State, shown: &Secret) -> Result<Option<Known>, AppError> {
    let digest = shown.digest();
    let load = async || {
        let found = state.db.read(move |read| queries::find_session(read, &digest)).await?;
        found.ok_or(AppError::NotFound)
    };
    valid(state.cache.get_or_set(&keys::session(shown), &keys::KNOWN, load).await)
}

/// Returns the account behind a token, if the token is valid.
pub async fn token(state: &State, shown: &Secret) -> Result<Option<Known>, AppError> {
    let digest = shown.digest();
    let load = async || {
        let found = state.db.read(move |read| queries::find_token(read, &digest)).await?;
        found.ok_or(AppError::NotFound)
    };
    valid(state.cache.get_or_set(&keys::token(shown), &keys::KNOWN, load).await)
}

/// Turns `NotFound` into `None`: loads report it as an error so that the cache stores nothing.
fn valid(found: Result<std::sync::Arc<Known>, AppError>) -> Result<Option<Known>, AppError> {
    match found {
        Ok(known) => Ok(known.is_valid(Timestamp::now()).then(|| (*known).clone())),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The outcome of an attempt to sign in or to change a password.
#[derive(Debug)]
pub enum Attempt {
    /// The attempt succeeded; holds the secret of the new session.
    In(Secret),
    /// The name and the password do not match. The client is not told which of the two is wrong.
    Wrong,
    /// The password was not compared.
    Refused(Refusal),
}

/// Signs an account in and ends the session that the browser presented before, if any.
///
/// # Errors
/// Returns database errors.
pub async fn sign_in(
    state: &State,
    throttle: &Throttle,
    (name, password): (&str, &str),
    address: &str,
    shown: Option<Secret>,
) -> Result<Attempt, AppError> {
    let (account, kept) = match try_password(state, throttle, (name, password), address).await? {
        Ok(found) => found,
        Err(attempt) => return Ok(attempt),
    };
    begin(state, (account.id, kept), move |conn| match &shown {
        Some(shown) => queries::delete_session(conn, &shown.digest()),
        None => Ok(()),
    })
    .await
}

/// Compares a password, if the throttle admits the attempt.
///
/// Returns the account and its password hash, or how the attempt ends.
async fn try_password(
    state: &State,
    throttle: &Throttle,
    (name, password): (&str, &str),
    address: &str,
) -> Result<Result<(Account, String), Attempt>, AppError> {
    let attempt = match throttle.attempt(&state.cache, name, address).await {
        Ok(attempt) => attempt,
        Err(refusal) => return Ok(Err(Attempt::Refused(refusal))),
    };
    Ok(match whose(state, name, password).await? {
        Some(found) => {
            attempt.succeed(&state.cache).await;
            Ok(found)
        }
        None => {
            attempt.fail(&state.cache).await;
            Err(Attempt::Wrong)
        }
    })
}

/// Returns the account and its password hash, if name and password match.
async fn whose(
    state: &State,
    name: &str,
    password: &str,
) -> Result<Option<(Account, String)>, AppError> {
    let found = match name.parse::<Name>() {
        Ok(name) => state.db.read(move |read| queries::find(read, &name)).await?,
        Err(_) => None,
    };
    let kept = found.as_ref().map(|(_, kept)| kept.clone());
    let is_right = passwords::is_right(password.to_owned(), kept).await?;
    Ok(found.filter(|_| is_right))
}

/// Runs `first` and begins a session, in one transaction.
///
/// Does nothing if the password has changed since it was compared. Comparing takes time, and after a change
/// the old password must not begin a session.
async fn begin(
    state: &State,
    (owner, kept): (AccountId, String),
    mut first: impl FnMut(&mut Conn) -> QueryResult<()> + Send + 'static,
) -> Result<Attempt, AppError> {
    let secret = Secret::draw();
    let digest = secret.digest();
    let write = state.db.write(move |conn| {
        queries::lock(conn, owner)?;
        if !queries::is_kept(conn, owner, &kept)? {
            return Ok(false);
        }
        let now = Timestamp::now();
        queries::delete_ended(conn, now)?;
        first(conn)?;
        queries::insert_session(conn, owner, &digest, now, now.after(keys::SESSION_AGE))?;
        Ok(true)
    });
    Ok(if write.await? { Attempt::In(secret) } else { Attempt::Wrong })
}

/// Lets the session of a browser that uses it end later, if that is worth a write; reports whether it is.
///
/// The write runs in the background: no page waits for the lock of a writer.
pub fn extend(state: &State, shown: &Secret, known: &Known) -> bool {
    let now = Timestamp::now();
    let Some(end) = later_end(known, now) else { return false };
    let (db, digest) = (state.db.clone(), shown.digest());
    tokio::spawn(async move {
        let write = db.write(move |conn| queries::extend_session(conn, &digest, end)).await;
        if let Err(error) = write {
            tracing::debug!(%error, "session not extended");
        }
    });
    true
}

/// Returns the end that use at `now` gives a session: two weeks later, but not after the longest session.
fn later_end(known: &Known, now: Timestamp) -> Option<Timestamp> {
    let (began, end) = known.session?;
    let later = now.after(keys::SESSION_AGE).min(began.after(keys::LONGEST_SESSION));
    (end.after(keys::EXTENDED_BY) <= later).then_some(later)
}

/// Ends the session of a browser.
///
/// # Errors
/// Returns database errors; the session goes on then.
pub async fn sign_out(state: &State, shown: &Secret) -> Result<(), AppError> {
    let digest = shown.digest();
    Ok(state.db.write(move |conn| queries::delete_session(conn, &digest)).await?)
}

/// Changes the password of a signed-in account that knows its old one.
///
/// All sessions and tokens of the account end. The browser at hand gets a new session.
///
/// # Errors
/// Returns database errors.
pub async fn change_password(
    state: &State,
    throttle: &Throttle,
    (name, old): (&str, &str),
    new: Password,
    address: &str,
) -> Result<Attempt, AppError> {
    let (account, kept) = match try_password(state, throttle, (name, old), address).await? {
        Ok(found) => found,
        Err(attempt) => return Ok(attempt),
    };
    let hash = passwords::hashed(new).await?;
    let id = account.id;
    begin(state, (id, kept), move |conn| replace_password(conn, id, &hash).map(|_| ())).await
}

/// How much a change of the password has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How many sessions ended.
    pub sessions: usize,
    /// How many tokens ended.
    pub tokens: usize,
}

/// Changes the password of an account and ends its sessions and tokens.
fn replace_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<Ended> {
    // Explicit, to count them. A trigger does the same when another program changes the password.
    let sessions = queries::delete_sessions(conn, id)?;
    let tokens = queries::delete_tokens(conn, id)?;
    queries::set_password(conn, id, hash)?;
    Ok(Ended { sessions, tokens })
}

/// Reports whether there are no accounts yet.
///
/// # Errors
/// Returns database errors.
pub fn has_no_account(db: &Db) -> Result<bool, db::Error> {
    db.read_now(queries::is_empty)
}

/// Updates the compared form of all names to that of this version and returns the renamed accounts.
///
/// An older version may have compared names in another way. Of accounts that now have the same name the
/// first keeps it, and the others get a number appended. Each result is the old name and the new one.
///
/// # Errors
/// Returns database errors.
pub fn refold(db: &Db) -> Result<Vec<(String, String)>, db::Error> {
    if db.read_now(queries::names)?.iter().all(|one| one.folded_name == fold(&one.name)) {
        return Ok(Vec::new());
    }
    db.write_now(|conn| {
        let kept = queries::names(conn)?;
        let changes = names::refolded(&kept);
        queries::set_names(conn, &changes)?;
        let renamed = changes.iter().filter_map(|new| {
            let old = kept.iter().find(|old| old.id == new.id)?;
            (old.name != new.name).then(|| (old.name.clone(), new.name.clone()))
        });
        Ok(renamed.collect())
    })
}

/// Returns all accounts, sorted by name.
///
/// # Errors
/// Returns database errors.
pub fn list(db: &Db) -> Result<Vec<Listed>, db::Error> {
    db.read_now(queries::list)
}

/// Adds an account, or returns `None` if the name is taken.
///
/// # Errors
/// Returns database errors.
pub fn add(db: &Db, name: &Name, password: &Password) -> Result<Option<AccountId>, db::Error> {
    let hash = passwords::hash(password);
    db.write_now(|conn| match queries::get(conn, name)? {
        Some(_) => Ok(None),
        None => queries::insert(conn, name, &hash, Timestamp::now()).map(Some),
    })
}

/// Deletes an account with its sessions and tokens; returns `None` if there is no such account.
///
/// # Errors
/// Returns database errors.
pub fn remove(db: &Db, name: &Name) -> Result<Option<Account>, db::Error> {
    with(db, name, |conn, account| queries::delete(conn, account.id))
        .map(|found| found.map(|(account, ())| account))
}

/// Changes the password of an account and ends its sessions and tokens.
///
/// # Errors
/// Returns database errors.
pub fn set_password(
    db: &Db,
    name: &Name,
    password: &Password,
) -> Result<Option<(Account, Ended)>, db::Error> {
    let hash = passwords::hash(password);
    with(db, name, |conn, account| replace_password(conn, account.id, &hash))
}

/// Creates a token and returns it. Only its digest is stored, so it cannot be shown again.
///
/// # Errors
/// Returns database errors.
pub fn make_token(db: &Db, name: &Name) -> Result<Option<Secret>, db::Error> {
    let secret = Secret::draw();
    let digest = secret.digest();
    let made = with(db, name, |conn, account| {
        queries::insert_token(conn, account.id, &digest, Timestamp::now())
    });
    Ok(made?.map(|_| secret))
}

/// Deletes all tokens of an account and returns how many there were.
///
/// # Errors
/// Returns database errors.
pub fn revoke_tokens(db: &Db, name: &Name) -> Result<Option<(Account, usize)>, db::Error> {
    with(db, name, |conn, account| queries::delete_tokens(conn, account.id))
}

fn with<T>(
    db: &Db,
    name: &Name,
    mut work: impl FnMut(&mut Conn, &Account) -> QueryResult<T>,
) -> Result<Option<(Account, T)>, db::Error> {
    db.write_now(|conn| match queries::get(conn, name)? {
        Some((account, _)) => {
            queries::lock(conn, account.id)?;
            work(conn, &account).map(|done| Some((account, done)))
        }
        None => Ok(None),
    })
}

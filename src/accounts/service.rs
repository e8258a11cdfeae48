//! What can be done with accounts. Knows neither HTTP nor HTML.

use super::model::{Account, AccountId, Known, Listed, Name, Password, Secret};
use super::throttle::{Throttle, TooOften};
use super::{keys, passwords, queries};
use crate::db::{self, Conn, Db, QueryResult};
use crate::error::AppError;
use crate::site::time::Timestamp;
use crate::state::State;

/// Whose session this is, while it counts.
pub async fn session(state: &State, shown: &Secret) -> Result<Option<Known>, AppError> {
    let digest = shown.digest();
    let load = async || {
        let found = state.db.read(move |read| queries::find_session(read, &digest)).await?;
        found.ok_or(AppError::NotFound)
    };
    valid(state.cache.get_or_set(&keys::session(shown), &keys::KNOWN, load).await)
}

/// Whose token this is.
pub async fn token(state: &State, shown: &Secret) -> Result<Option<Known>, AppError> {
    let digest = shown.digest();
    let load = async || {
        let found = state.db.read(move |read| queries::find_token(read, &digest)).await?;
        found.ok_or(AppError::NotFound)
    };
    valid(state.cache.get_or_set(&keys::token(shown), &keys::KNOWN, load).await)
}

/// That nobody is known by it is an error to the loads, so that nothing is kept of it.
fn valid(found: Result<std::sync::Arc<Known>, AppError>) -> Result<Option<Known>, AppError> {
    match found {
        Ok(known) => Ok(known.is_valid(Timestamp::now()).then(|| (*known).clone())),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What came of an attempt to sign in.
#[derive(Debug)]
pub enum Attempt {
    /// They are in; what their browser is to show from now on.
    In(Secret),
    /// Name and password do not go together; which of them is wrong is told to nobody.
    Wrong,
    /// It was tried too often.
    TooOften(TooOften),
}

/// Signs somebody in. A browser that shows a session already gives that one up.
///
/// # Errors
/// Those of the database.
pub async fn sign_in(
    state: &State,
    throttle: &Throttle,
    (name, password): (&str, &str),
    address: &str,
    shown: Option<Secret>,
) -> Result<Attempt, AppError> {
    if let Err(too_often) = throttle.attempt(&state.cache, name, address).await {
        return Ok(Attempt::TooOften(too_often));
    }
    let name: Option<Name> = name.parse().ok();
    let wanted = name.clone();
    let found = match wanted {
        Some(wanted) => state.db.read(move |read| queries::find(read, &wanted)).await?,
        None => None,
    };
    let (account, kept) = found.unzip();
    let is_right = passwords::is_right(password.to_owned(), kept).await?;
    let (Some(name), Some(account), true) = (name, account, is_right) else {
        return Ok(Attempt::Wrong);
    };
    throttle.succeed(&state.cache, &name).await;
    Ok(Attempt::In(begin(state, account.id, shown).await?))
}

/// Begins a session, in the place of the one that was shown.
async fn begin(state: &State, owner: AccountId, shown: Option<Secret>) -> Result<Secret, AppError> {
    let secret = Secret::draw();
    let (digest, shown) = (secret.digest(), shown.map(|shown| shown.digest()));
    let write = state.db.write(move |conn| {
        let now = Timestamp::now();
        queries::delete_ended(conn, now)?;
        if let Some(shown) = &shown {
            queries::delete_session(conn, shown)?;
        }
        queries::insert_session(conn, owner, &digest, now, now.after(keys::SESSION_AGE))
    });
    write.await?;
    Ok(secret)
}

/// Signs a browser out.
///
/// # Errors
/// Those of the database; it is not signed out then.
pub async fn sign_out(state: &State, shown: &Secret) -> Result<(), AppError> {
    let digest = shown.digest();
    Ok(state.db.write(move |conn| queries::delete_session(conn, &digest)).await?)
}

/// Gives somebody who is signed in another password, if they know the old one: every other browser of theirs
/// is signed out, and theirs goes on with a new session.
///
/// # Errors
/// Those of the database.
pub async fn change_password(
    state: &State,
    throttle: &Throttle,
    (name, old): (&str, &str),
    new: Password,
    address: &str,
) -> Result<Attempt, AppError> {
    if let Err(too_often) = throttle.attempt(&state.cache, name, address).await {
        return Ok(Attempt::TooOften(too_often));
    }
    let Ok(name) = name.parse::<Name>() else { return Ok(Attempt::Wrong) };
    let wanted = name.clone();
    let found = state.db.read(move |read| queries::find(read, &wanted)).await?;
    let Some((account, kept)) = found else { return Ok(Attempt::Wrong) };
    if !passwords::is_right(old.to_owned(), Some(kept)).await? {
        return Ok(Attempt::Wrong);
    }
    throttle.succeed(&state.cache, &name).await;
    let hash = passwords::hashed(new).await?;
    let write = state.db.write(move |conn| {
        queries::set_password(conn, account.id, &hash)?;
        queries::delete_sessions(conn, account.id)
    });
    write.await?;
    Ok(Attempt::In(begin(state, account.id, None).await?))
}

/// Whether nobody can sign in yet.
///
/// # Errors
/// Those of the database.
pub fn has_nobody(db: &Db) -> Result<bool, db::Error> {
    db.read_now(queries::is_empty)
}

/// All accounts, by name.
///
/// # Errors
/// Those of the database.
pub fn list(db: &Db) -> Result<Vec<Listed>, db::Error> {
    db.read_now(queries::list)
}

/// Adds an account; none, where there is one of this name.
///
/// # Errors
/// Those of the database.
pub fn add(db: &Db, name: &Name, password: &Password) -> Result<Option<AccountId>, db::Error> {
    let hash = passwords::hash(password.as_bytes());
    db.write_now(|conn| match queries::get(conn, name)? {
        Some(_) => Ok(None),
        None => queries::insert(conn, name, &hash, Timestamp::now()).map(Some),
    })
}

/// Deletes an account, and signs it out everywhere; none, where there is none of this name.
///
/// # Errors
/// Those of the database.
pub fn remove(db: &Db, name: &Name) -> Result<Option<Account>, db::Error> {
    with(db, name, |conn, account| queries::delete(conn, account.id))
        .map(|found| found.map(|(account, ())| account))
}

/// Gives an account another password, and signs it out everywhere: how many browsers that were.
///
/// # Errors
/// Those of the database.
pub fn set_password(
    db: &Db,
    name: &Name,
    password: &Password,
) -> Result<Option<(Account, usize)>, db::Error> {
    let hash = passwords::hash(password.as_bytes());
    with(db, name, |conn, account| {
        queries::set_password(conn, account.id, &hash)?;
        queries::delete_sessions(conn, account.id)
    })
}

/// Makes a token, which is told once and not kept.
///
/// # Errors
/// Those of the database.
pub fn make_token(db: &Db, name: &Name) -> Result<Option<Secret>, db::Error> {
    let secret = Secret::draw();
    let digest = secret.digest();
    let made = with(db, name, |conn, account| {
        queries::insert_token(conn, account.id, &digest, Timestamp::now())
    });
    Ok(made?.map(|_| secret))
}

/// Takes all tokens from an account: how many that were.
///
/// # Errors
/// Those of the database.
pub fn revoke_tokens(db: &Db, name: &Name) -> Result<Option<(Account, usize)>, db::Error> {
    with(db, name, |conn, account| queries::delete_tokens(conn, account.id))
}

fn with<T>(
    db: &Db,
    name: &Name,
    work: impl FnOnce(&mut Conn, &Account) -> QueryResult<T>,
) -> Result<Option<(Account, T)>, db::Error> {
    db.write_now(|conn| match queries::get(conn, name)? {
        Some((account, _)) => work(conn, &account).map(|done| Some((account, done))),
        None => Ok(None),
    })
}

//! What can be done with accounts. Knows neither HTTP nor HTML.

use super::model::{Account, AccountId, Known, Listed, Name, Password, Secret};
use super::throttle::{Refusal, Throttle};
use super::{keys, names, passwords, queries};
use crate::db::{self, Conn, Db, QueryResult};
use crate::error::AppError;
use crate::site::text::fold;
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
    /// The password was not compared.
    Refused(Refusal),
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

/// Compares a password as often as the throttle lets it: the account and what is kept of its password, or how
/// the attempt ends.
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

/// The account that this name and this password go with, and what is kept of the password.
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

/// Begins a session after some other work, both or none. Nothing is done where the password is another by now:
/// comparing takes its time, and who changes a password meanwhile wants nobody in by the old one.
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

/// Signs a browser out.
///
/// # Errors
/// Those of the database; it is not signed out then.
pub async fn sign_out(state: &State, shown: &Secret) -> Result<(), AppError> {
    let digest = shown.digest();
    Ok(state.db.write(move |conn| queries::delete_session(conn, &digest)).await?)
}

/// Gives somebody who is signed in another password, if they know the old one: every other browser of theirs
/// is signed out, their tokens end, and their browser goes on with a new session.
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
    let (account, kept) = match try_password(state, throttle, (name, old), address).await? {
        Ok(found) => found,
        Err(attempt) => return Ok(attempt),
    };
    let hash = passwords::hashed(new).await?;
    let id = account.id;
    begin(state, (id, kept), move |conn| replace_password(conn, id, &hash).map(|_| ())).await
}

/// What another password has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// So many browsers were signed out.
    pub sessions: usize,
    /// So many programs have no token any more.
    pub tokens: usize,
}

/// Signs an account out everywhere, ends its tokens, and gives it another password.
fn replace_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<Ended> {
    // By hand, for their number: a trigger does the same where the password is changed by other programs.
    let sessions = queries::delete_sessions(conn, id)?;
    let tokens = queries::delete_tokens(conn, id)?;
    queries::set_password(conn, id, hash)?;
    Ok(Ended { sessions, tokens })
}

/// Whether nobody can sign in yet.
///
/// # Errors
/// Those of the database.
pub fn has_nobody(db: &Db) -> Result<bool, db::Error> {
    db.read_now(queries::is_empty)
}

/// Makes the names of all accounts comparable as this program compares them: they may have been added by a
/// version that compared them in another way. Of accounts that have one name now the first keeps it; the others
/// get a number behind theirs. Returns the names that were changed, each with the new one.
///
/// # Errors
/// Those of the database.
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
    let hash = passwords::hash(password);
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

/// Gives an account another password, signs it out everywhere and ends its tokens.
///
/// # Errors
/// Those of the database.
pub fn set_password(
    db: &Db,
    name: &Name,
    password: &Password,
) -> Result<Option<(Account, Ended)>, db::Error> {
    let hash = passwords::hash(password);
    with(db, name, |conn, account| replace_password(conn, account.id, &hash))
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

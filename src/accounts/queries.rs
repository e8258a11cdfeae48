//! One function for each query on accounts, sessions and tokens.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use time::PrimitiveDateTime;

use super::keys::{ACCOUNTS, SESSIONS, TOKENS};
use super::model::{Account, AccountId, Known, Listed, Name};
use super::names::Named;
use crate::db::Conn;
use crate::db::schema::{accounts, sessions, tokens};
use crate::site::time::Timestamp;
use crate::sql::Snapshot;

/// Returns the account behind the session with this digest, if there is one.
pub fn find_session(read: &mut Snapshot<'_>, digest: &str) -> QueryResult<Option<Known>> {
    read.table(ACCOUNTS)?;
    let found: Option<(i64, String, PrimitiveDateTime, PrimitiveDateTime)> = sessions::table
        .inner_join(accounts::table)
        .filter(sessions::token_hash.eq(digest))
        .select((accounts::id, accounts::name, sessions::created_at, sessions::expires_at))
        .first(read.table(SESSIONS)?)
        .optional()?;
    Ok(found.map(|(account, name, began, end)| {
        let session = Some((began.into(), end.into()));
        Known { account, name, session }
    }))
}

/// Returns the account behind the token with this digest, if there is one.
pub fn find_token(read: &mut Snapshot<'_>, digest: &str) -> QueryResult<Option<Known>> {
    read.table(ACCOUNTS)?;
    let found: Option<(i64, String)> = tokens::table
        .inner_join(accounts::table)
        .filter(tokens::token_hash.eq(digest))
        .select((accounts::id, accounts::name))
        .first(read.table(TOKENS)?)
        .optional()?;
    Ok(found.map(|(account, name)| Known { account, name, session: None }))
}

/// Returns the account with this name and its password hash.
pub fn find(read: &mut Snapshot<'_>, name: &Name) -> QueryResult<Option<(Account, String)>> {
    get(read.table(ACCOUNTS)?, name)
}

/// Returns the same as [`find`], within a write transaction.
pub fn get(conn: &mut Conn, name: &Name) -> QueryResult<Option<(Account, String)>> {
    let row: Option<(i64, String, PrimitiveDateTime, String)> = accounts::table
        .filter(accounts::folded_name.eq(name.folded()))
        .select((accounts::id, accounts::name, accounts::created_at, accounts::password_hash))
        .first(conn)
        .optional()?;
    Ok(row.map(|(id, name, created_at, hash)| (account(id, name, created_at), hash)))
}

fn account(id: i64, name: String, created_at: PrimitiveDateTime) -> Account {
    Account { id: AccountId::new(id), name, created_at: created_at.into() }
}

/// Locks an account until the transaction ends.
pub fn lock(conn: &mut Conn, id: AccountId) -> QueryResult<()> {
    // SQLite runs one write transaction at a time.
    let Conn::Postgres(postgres) = conn else { return Ok(()) };
    let lock = "SELECT id FROM accounts WHERE id = $1 FOR UPDATE";
    diesel::sql_query(lock).bind::<BigInt, _>(id.get()).execute(postgres).map(|_| ())
}

/// Reports whether `hash` is still the account's password hash.
pub fn is_kept(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<bool> {
    let account = accounts::table.find(id.get()).filter(accounts::password_hash.eq(hash));
    diesel::select(exists(account)).get_result(conn)
}

/// Reports whether there are no accounts.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let any: bool =
        diesel::select(exists(accounts::table.select(accounts::id))).get_result(conn)?;
    Ok(!any)
}

/// Returns all accounts, sorted by name.
pub fn list(conn: &mut Conn) -> QueryResult<Vec<Listed>> {
    let rows: Vec<(i64, String, PrimitiveDateTime)> = accounts::table
        .select((accounts::id, accounts::name, accounts::created_at))
        .order(accounts::folded_name)
        .load(conn)?;
    let sessions: Vec<i64> = sessions::table.select(sessions::account_id).load(conn)?;
    let tokens: Vec<i64> = tokens::table.select(tokens::account_id).load(conn)?;
    let of = |ids: &[i64], id| ids.iter().filter(|owner| **owner == id).count() as u64;
    let listed = rows.into_iter().map(|(id, name, created_at)| Listed {
        account: account(id, name, created_at),
        sessions: of(&sessions, id),
        tokens: of(&tokens, id),
    });
    Ok(listed.collect())
}

/// Returns the names of all accounts, as shown and as compared, in the order of their numbers.
pub fn names(conn: &mut Conn) -> QueryResult<Vec<Named>> {
    let columns = (accounts::id, accounts::name, accounts::folded_name);
    let rows: Vec<(i64, String, String)> =
        accounts::table.select(columns).order(accounts::id).load(conn)?;
    let named = rows.into_iter().map(|(id, name, folded_name)| Named { id, name, folded_name });
    Ok(named.collect())
}

/// Renames accounts all at once: one may get the name that another one had.
pub fn set_names(conn: &mut Conn, changes: &[Named]) -> QueryResult<()> {
    // Frees the old names first: each folded name is unique.
    for one in changes {
        // The placeholder collides with no name: folded names have no capital letters.
        let free = accounts::folded_name.eq(format!("Free {}", one.id));
        diesel::update(accounts::table.find(one.id)).set(free).execute(conn)?;
    }
    for one in changes {
        let names = (accounts::name.eq(&one.name), accounts::folded_name.eq(&one.folded_name));
        diesel::update(accounts::table.find(one.id)).set(names).execute(conn)?;
    }
    Ok(())
}

/// Adds an account and returns its number.
pub fn insert(conn: &mut Conn, name: &Name, hash: &str, now: Timestamp) -> QueryResult<AccountId> {
    let id = diesel::insert_into(accounts::table)
        .values((
            accounts::name.eq(name.as_str()),
            accounts::folded_name.eq(name.folded()),
            accounts::password_hash.eq(hash),
            accounts::created_at.eq(now.to_primitive()),
        ))
        .returning(accounts::id)
        .get_result(conn)?;
    Ok(AccountId::new(id))
}

/// Stores another password hash for an account.
pub fn set_password(conn: &mut Conn, id: AccountId, hash: &str) -> QueryResult<()> {
    let account = accounts::table.find(id.get());
    diesel::update(account).set(accounts::password_hash.eq(hash)).execute(conn).map(|_| ())
}

/// Deletes an account with its sessions and tokens.
pub fn delete(conn: &mut Conn, id: AccountId) -> QueryResult<()> {
    // Not left to the foreign key's cascade: in SQLite that depends on a setting of the connection.
    delete_sessions(conn, id)?;
    delete_tokens(conn, id)?;
    diesel::delete(accounts::table.find(id.get())).execute(conn).map(|_| ())
}

/// Adds a session, which signs a browser in.
pub fn insert_session(
    conn: &mut Conn,
    owner: AccountId,
    digest: &str,
    now: Timestamp,
    end: Timestamp,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::account_id.eq(owner.get()),
            sessions::token_hash.eq(digest),
            sessions::created_at.eq(now.to_primitive()),
            sessions::expires_at.eq(end.to_primitive()),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Lets a session end later.
pub fn extend_session(conn: &mut Conn, digest: &str, end: Timestamp) -> QueryResult<()> {
    let end = end.to_primitive();
    let session = sessions::table.filter(sessions::token_hash.eq(digest));
    // Another request of the browser may have done it.
    let session = session.filter(sessions::expires_at.lt(end));
    diesel::update(session).set(sessions::expires_at.eq(end)).execute(conn).map(|_| ())
}

/// Deletes a session, which signs its browser out.
pub fn delete_session(conn: &mut Conn, digest: &str) -> QueryResult<()> {
    let session = sessions::table.filter(sessions::token_hash.eq(digest));
    diesel::delete(session).execute(conn).map(|_| ())
}

/// Deletes all sessions of an account and returns how many there were.
pub fn delete_sessions(conn: &mut Conn, owner: AccountId) -> QueryResult<usize> {
    let sessions = sessions::table.filter(sessions::account_id.eq(owner.get()));
    diesel::delete(sessions).execute(conn)
}

/// Deletes sessions that have expired and returns how many there were.
pub fn delete_ended(conn: &mut Conn, now: Timestamp) -> QueryResult<usize> {
    let ended = sessions::table.filter(sessions::expires_at.le(now.to_primitive()));
    diesel::delete(ended).execute(conn)
}

/// Adds a token, by which a program acts for an account.
pub fn insert_token(
    conn: &mut Conn,
    owner: AccountId,
    digest: &str,
    now: Timestamp,
) -> QueryResult<()> {
    diesel::insert_into(tokens::table)
        .values((
            tokens::account_id.eq(owner.get()),
            tokens::token_hash.eq(digest),
            tokens::created_at.eq(now.to_primitive()),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Deletes all tokens of an account and returns how many there were.
pub fn delete_tokens(conn: &mut Conn, owner: AccountId) -> QueryResult<usize> {
    let tokens = tokens::table.filter(tokens::account_id.eq(owner.get()));
    diesel::delete(tokens).execute(conn)
}

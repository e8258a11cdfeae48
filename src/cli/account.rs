//! `larder account`: manages the accounts of the staff.
//!
//! - The password is asked for on a terminal and not echoed. From a pipe the first line is read.
//! - Changes count at once, also in a shop that is being served.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};

use super::table::Table;
use super::{chain, say};
use crate::accounts::model::{Name, Password};
use crate::accounts::service::{self, Ended};
use crate::config::DatabaseConfig;
use crate::db::{self, Db, Migrate};

/// The arguments of `larder account`.
#[derive(Debug, Args)]
pub struct AccountCommand {
    #[command(flatten)]
    database: DatabaseConfig,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add an account with a password.
    Add {
        /// Its name: 1 to 50 characters; Mina and mina are the same name.
        name: String,
    },
    /// List the accounts.
    List,
    /// Remove an account: its browsers are signed out, and its tokens are revoked.
    Remove {
        /// The name of the account.
        name: String,
    },
    /// Change the password of an account: its browsers are signed out, and its tokens are revoked.
    Password {
        /// The name of the account.
        name: String,
    },
    /// Create a token, shown only once, by which a program may use the API for an account.
    Token {
        /// The name of the account.
        name: String,

        /// Revoke all tokens of the account instead.
        #[arg(long)]
        revoke: bool,
    },
}

/// Runs `larder account`.
pub fn run(command: &AccountCommand) -> Result<(), String> {
    let db = command.database.open()?;
    db.migrate().map_err(|error| error.to_string())?;
    for (old, new) in service::refold(&db).map_err(|error| chain(&error))? {
        eprintln!("larder: two accounts were named {old}: one was renamed to {new}");
    }
    match &command.verb {
        Verb::Add { name } => add(&db, &parse(name)?),
        Verb::List => list(&db),
        Verb::Remove { name } => {
            let account = known(service::remove(&db, &parse(name)?), name)?;
            say(&format!("{} removed.\n", account.name));
            Ok(())
        }
        Verb::Password { name } => password(&db, &parse(name)?),
        Verb::Token { name, revoke: false } => {
            let token = known(service::make_token(&db, &parse(name)?), name)?;
            say(&format!("{}\n", token.as_str()));
            Ok(())
        }
        Verb::Token { name, revoke: true } => {
            let (account, count) = known(service::revoke_tokens(&db, &parse(name)?), name)?;
            say(&format!("Revoked {count} tokens of {}.\n", account.name));
            Ok(())
        }
    }
}

fn parse(name: &str) -> Result<Name, String> {
    name.parse().map_err(|error| format!("{error}"))
}

/// Returns what was done, or an error if there is no such account.
fn known<T>(done: Result<Option<T>, db::Error>, name: &str) -> Result<T, String> {
    done.map_err(|error| chain(&error))?
        .ok_or_else(|| format!("no account {name}; see larder account list"))
}

fn add(db: &Db, name: &Name) -> Result<(), String> {
    let added = service::add(db, name, &ask()?).map_err(|error| chain(&error))?;
    let name = name.as_str();
    added.ok_or_else(|| {
        format!("account {name} already exists; see larder account password {name}")
    })?;
    say(&format!("{name} can sign in at /login of a shop served with --access staff.\n"));
    Ok(())
}

fn password(db: &Db, name: &Name) -> Result<(), String> {
    let changed = service::set_password(db, name, &ask()?);
    let (account, Ended { sessions, tokens }) = known(changed, name.as_str())?;
    let name = account.name;
    say(&format!(
        "Password of {name} changed; browsers signed out: {sessions}, tokens revoked: {tokens}.\n"
    ));
    Ok(())
}

fn list(db: &Db) -> Result<(), String> {
    let listed = service::list(db).map_err(|error| chain(&error))?;
    if listed.is_empty() {
        say("No accounts yet. Add one with larder account add NAME.\n");
        return Ok(());
    }
    let mut table = Table::new(&["name", "since", "browsers>", "tokens>"]);
    for one in listed {
        let (sessions, tokens) = (one.sessions.to_string(), one.tokens.to_string());
        table.row([one.account.name, one.account.created_at.display(), sessions, tokens]);
    }
    say(&table.print());
    Ok(())
}

/// Asks for a password: twice on a terminal, against typing errors.
fn ask() -> Result<Password, String> {
    let typed = if std::io::stdin().is_terminal() { from_terminal()? } else { from_pipe()? };
    typed.parse().map_err(|error| format!("{error}"))
}

fn from_terminal() -> Result<String, String> {
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(|error| error.to_string());
    let password = ask("Password: ")?;
    match password == ask("Confirm: ")? {
        true => Ok(password),
        false => Err("the passwords differ; nothing was changed".to_owned()),
    }
}

fn from_pipe() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

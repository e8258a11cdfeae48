//! The pages with which staff add, edit and delete, the same for all sections.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::back::Back;
use super::render::{Layout, dressed, html};
use super::sheet::{Change, Edit, Sheet};
use super::text::quoted;
use super::visitor::Editor;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::state::State;

/// A kind of item that staff edit.
#[derive(Debug)]
pub struct Noun {
    /// The section whose link in the navigation is marked.
    pub section: &'static str,
    /// What one item is called: `product`.
    pub name: &'static str,
    /// The page to which a form returns if its client came from none.
    pub list: &'static str,
    /// The address to which a new item is sent; none if items come from elsewhere.
    pub all: Option<&'static str>,
    /// Whether an item can be deleted: at its address, and `/delete`.
    pub can_delete: bool,
}

/// A form in its page.
pub struct Form {
    back: Back,
    /// The kind of the item.
    pub noun: &'static Noun,
    /// The address of the item; `None` for a new one.
    pub path: Option<String>,
    /// The values.
    pub sheet: Sheet,
}

impl Form {
    /// Returns the form of the item at `path`, or of a new one, and its layout.
    ///
    /// # Errors
    /// Returns `NotFound` for a deleted item that cannot be added again.
    pub fn new(
        Editor(visitor, back): Editor,
        noun: &'static Noun,
        path: Option<String>,
        sheet: Sheet,
    ) -> Result<(Layout, Self), AppError> {
        if sheet.is_gone && (noun.all.is_none() || path.is_none()) {
            return Err(AppError::NotFound);
        }
        let path = path.filter(|_| !sheet.is_gone);
        let errand = if path.is_some() { "Edit" } else { "New" };
        let layout = Layout::new(&visitor, noun.section, format!("{errand} {}", noun.name));
        Ok((layout, Self { back, noun, path, sheet }))
    }

    /// Returns the status of the page.
    pub fn status(&self) -> StatusCode {
        match (self.sheet.is_changed || self.sheet.is_gone, self.sheet.errors.is_empty()) {
            (true, _) => StatusCode::CONFLICT,
            (_, false) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::OK,
        }
    }

    /// Returns the address of the item, or of all items.
    fn path(&self) -> &str {
        self.path.as_deref().or(self.noun.all).unwrap_or_default()
    }

    /// Returns the address that the form is sent to.
    pub fn action(&self) -> String {
        self.back.on(self.path())
    }

    /// Returns the address that *Save and add another* sends the form to.
    pub fn another(&self) -> String {
        self.back.another(self.path())
    }

    /// Returns the address of another form of the item: `edit` or `delete`.
    pub fn other(&self, form: &str) -> String {
        self.back.on(format!("{}/{form}", self.path()))
    }

    /// Returns the page that the client came from.
    pub fn cancel(&self) -> &str {
        self.back.or(self.noun.list)
    }
}

/// The page of a form that has only fields.
#[derive(Template)]
#[template(path = "_form.html")]
pub struct FormPage {
    layout: Layout,
    form: Form,
}

/// Answers with the page of a form.
///
/// # Errors
/// Those of [`Form::new`] and of the template.
pub async fn show(
    state: &State,
    editor: Editor,
    noun: &'static Noun,
    path: Option<String>,
    sheet: Sheet,
) -> Result<HttpResponse, AppError> {
    let (layout, form) = Form::new(editor, noun, path, sheet)?;
    html(state, form.status(), &FormPage { layout, form }).await
}

/// Answers an edit of the item at `path`: with a redirect, or with the form and what prevented the edit.
///
/// # Errors
/// As [`show`].
pub async fn settle(
    state: &State,
    editor: Editor,
    noun: &'static Noun,
    path: String,
    sheet: Sheet,
    (edit, change): (Edit, Change<Vec<String>>),
) -> Result<HttpResponse, AppError> {
    let saved = format!("Saved {}.", quoted(sheet.name().trim()));
    let sheet = match settled(sheet, noun, edit, change)? {
        Some(sheet) => sheet,
        None => return Ok(editor.1.saved(noun.list, &path, &saved)),
    };
    show(state, editor, noun, Some(path), sheet).await
}

/// Returns the form to show after an edit; `None` if the edit was made.
///
/// # Errors
/// Returns `NotFound` for an edit of an item that neither exists nor was ever shown.
pub fn settled(
    mut sheet: Sheet,
    noun: &Noun,
    edit: Edit,
    change: Change<Vec<String>>,
) -> Result<Option<Sheet>, AppError> {
    Ok(Some(match change {
        Change::Done => return Ok(None),
        Change::Gone if !sheet.has_seen() => return Err(AppError::NotFound),
        Change::Gone => sheet.gone(),
        Change::Conflict(current) => sheet.overtaken(&edit, current),
        Change::Taken => {
            sheet.errors.note("name", format!("Another {} has this name.", noun.name));
            sheet
        }
    }))
}

/// The page that asks before an item is deleted.
#[derive(Template)]
#[template(path = "_delete.html")]
pub struct DeletePage {
    layout: Layout,
    form: Form,
    /// A sentence about what else happens; may be empty.
    told: &'static str,
}

/// Answers with the page that asks before the item of this sheet is deleted.
///
/// # Errors
/// Those of the template.
pub async fn ask(
    state: &State,
    editor: Editor,
    noun: &'static Noun,
    path: String,
    sheet: Sheet,
    told: &'static str,
) -> Result<HttpResponse, AppError> {
    let (mut layout, form) = Form::new(editor, noun, Some(path), sheet)?;
    layout.title = format!("Delete {}", noun.name);
    html(state, form.status(), &DeletePage { layout, form, told }).await
}

/// Answers a deletion of the item at `path`: with a redirect, or by asking again after a change.
///
/// # Errors
/// Returns `NotFound` for an item that neither exists nor was ever shown; otherwise as [`ask`].
pub async fn delete(
    state: &State,
    editor: Editor,
    noun: &'static Noun,
    path: String,
    sheet: Sheet,
    change: Change<Vec<String>>,
    told: &'static str,
) -> Result<HttpResponse, AppError> {
    match change {
        Change::Conflict(current) => {
            let sheet = sheet.replaced(current);
            ask(state, editor, noun, path, sheet, told).await
        }
        Change::Gone if !sheet.has_seen() => Err(AppError::NotFound),
        // Gone is gone, also for a form that was sent twice.
        _ => {
            Ok(editor.1.deleted(noun.list, &path, &format!("Deleted {}.", sheet.called(noun.name))))
        }
    }
}

dressed!(FormPage, DeletePage);

//! The visitor of a page: anonymous, or signed in as staff.
//!
//! - A visitor is signed in only while the request carries the session or token. Where a page is
//!   shared by all visitors, both are removed from the request, and the visitor is anonymous.
//! - The shop's access mode decides which visitors may write: all on this machine, staff, or none.
//!
//! Not here: how staff sign in, which is in `accounts`.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};

use super::back::Back;
use super::client::Client;
use crate::cache::Policy;
use crate::cache::page::Rules;
use crate::error::AppError;
use crate::state::{Access, State};

/// The session cookie over http. Its prefix avoids the names of other programs on this host.
pub const SESSION: &str = "larder-session";

/// The session cookie over https.
///
/// Browsers accept a cookie with this prefix only from this very host over https, so neither a
/// sister domain nor a response over http can set it. Source: RFC 6265bis §4.1.3.2.
pub const HOST_SESSION: &str = "__Host-larder-session";

/// Returns the name of the session cookie that counts for this client.
///
/// The other name is ignored: otherwise a cookie set over http would sign its victim in over https.
pub fn session_cookie(client: Client) -> &'static str {
    if client.is_https { HOST_SESSION } else { SESSION }
}

/// A signed-in member of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The number of the account.
    pub id: i64,
    /// The name of the account.
    pub name: Arc<str>,
}

/// The credential that a visitor signed in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The cookie of a session.
    Session,
    /// A token in `Authorization: Bearer`.
    Token,
}

/// The signed-in staff of a request, stored among its extensions.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub staff: Staff,
    /// The credential.
    pub proof: Proof,
}

/// Marks a request by staff, among its extensions, without saying by whom.
#[derive(Debug, Clone, Copy)]
pub struct ByStaff;

/// The visitor that sent a request, and what the shop permits this visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    access: Access,
    staff: Option<Staff>,
    /// Whether the page is for staff, also if it is not known for whom.
    is_staff: bool,
}

impl Visitor {
    /// Returns an anonymous visitor.
    pub fn anonymous(access: Access) -> Self {
        Self { access, staff: None, is_staff: false }
    }

    /// Returns a visitor who is signed in as `staff`.
    pub fn staff(staff: Staff) -> Self {
        Self { access: Access::Staff, staff: Some(staff), is_staff: true }
    }

    /// Returns the visitor that sent `request`.
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<State>>();
        let access = state.map_or(Access::ReadOnly, |state| state.settings.access);
        Self::among(access, &request.extensions(), request.headers())
    }

    /// Returns the visitor whose request was answered, for what surrounds the page cache.
    ///
    /// The cache has removed the credential from the request, but has put the extensions back.
    pub fn of_answered(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<SignedIn>().cloned();
        known.map_or_else(|| Self::of(request), |known| Self::staff(known.staff))
    }

    /// Returns the visitor recorded in `extensions`, if `headers` still hold the credential.
    pub fn among(
        access: Access,
        extensions: &actix_web::dev::Extensions,
        headers: &HeaderMap,
    ) -> Self {
        let known = extensions.get::<SignedIn>();
        // Without the account, this is a page that all staff share: see `with_staff`.
        let is_of_all = known.is_none() && extensions.contains::<ByStaff>();
        let known = known.filter(|known| known.is_in(headers));
        let staff = known.map(|known| known.staff.clone());
        Self { access, is_staff: is_of_all || staff.is_some(), staff }
    }

    /// Whether the visitor may add, edit and delete.
    pub fn may_write(&self) -> bool {
        match self.access {
            Access::Open => true,
            Access::ReadOnly => false,
            Access::Staff => self.is_staff,
        }
    }

    /// Whether the shop is read-only for all visitors.
    pub fn is_read_only(&self) -> bool {
        self.access == Access::ReadOnly
    }

    /// Whether the visitor could sign in.
    pub fn may_sign_in(&self) -> bool {
        self.access == Access::Staff && !self.is_staff
    }

    /// Whether the visitor is signed in.
    pub fn is_staff(&self) -> bool {
        self.is_staff
    }

    /// Returns the account's name, if the visitor is signed in and the page is for this visitor alone.
    pub fn name(&self) -> Option<&str> {
        self.staff.as_ref().map(|staff| &*staff.name)
    }

    /// Returns the account's number, if the visitor is signed in.
    pub fn account(&self) -> Option<i64> {
        self.staff.as_ref().map(|staff| staff.id)
    }
}

impl SignedIn {
    fn is_in(&self, headers: &HeaderMap) -> bool {
        match self.proof {
            Proof::Session => headers.contains_key(COOKIE),
            Proof::Token => headers.contains_key(AUTHORIZATION),
        }
    }
}

impl FromRequest for Visitor {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// Returns the rules of a page that is the same for all anonymous visitors.
///
/// Staff bypass the cache: their pages offer to write, and show their name.
pub fn everybodys(policy: Policy) -> Rules {
    Rules::shared(policy).sessions(&[SESSION, HOST_SESSION])
}

/// Returns the rules of a page of which one is for all anonymous visitors, and one for all staff.
///
/// That of staff offers to write. The name of the account is a hole in it. Staff are known by a cookie or a token, with
/// which a cache in front passes their requests on.
pub fn with_staff(policy: Policy) -> Rules {
    // The page is keyed by the very mark that its handler sees, so that the two cannot differ.
    let is_by_staff = |request: &HttpRequest| request.extensions().contains::<ByStaff>();
    Rules::shared(policy)
        .carry::<ByStaff>()
        .told_apart_by_cookies()
        .key_by("staff", move |request| if is_by_staff(request) { "yes" } else { "" })
        .hole("account", |request| Visitor::of(request).name().unwrap_or_default().to_owned())
}

/// Extracts the visitor of a page for editing, and where it returns to. Where the shop has staff, others must sign
/// in first.
///
/// Django: `login_required`. The guard in [`super::origin`] refuses the writes themselves.
pub struct Editor(pub Visitor, pub Back);

impl FromRequest for Editor {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (visitor, back) = (Visitor::of(request), Back::of(request));
        ready(match visitor.may_sign_in() {
            true if request.uri().query().is_none() => {
                Err(AppError::SignInFirst { back: back.on(request.path()) })
            }
            true => Err(AppError::SignInFirst { back: request.uri().to_string() }),
            false => Ok(Self(visitor, back)),
        })
    }
}

/// Guards a resource for programs that shows personal data.
///
/// Where the shop has staff, each request needs a session or a token, whatever its method, and no
/// response is stored.
pub async fn staff_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let visitor = Visitor::of(request.request());
    let mut response = if visitor.may_sign_in() {
        request.error_response(AppError::TokenNeeded)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if visitor.access == Access::Staff {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(proof: Proof, header: Option<(&str, &str)>) -> Visitor {
        let mut request = TestRequest::get();
        if let Some(header) = header {
            request = request.insert_header(header);
        }
        let request = request.to_http_request();
        let staff = Staff { id: 7, name: "mina".into() };
        request.extensions_mut().insert(SignedIn { staff, proof });
        Visitor::among(Access::Staff, &request.extensions(), request.headers())
    }

    #[test]
    fn a_visitor_is_signed_in_only_while_the_request_carries_the_credential() {
        let cases = [
            (Proof::Session, Some(("cookie", "larder-session=x")), Some("mina")),
            (Proof::Token, Some(("authorization", "Bearer x")), Some("mina")),
            (Proof::Session, None, None),
            (Proof::Token, None, None),
            (Proof::Token, Some(("cookie", "larder-session=x")), None),
        ];
        for (proof, header, name) in cases {
            let visitor = seen(proof, header);
            assert_eq!(visitor.name(), name, "{proof:?} {header:?}");
            assert_eq!(visitor.may_write(), name.is_some());
        }
    }

    #[test]
    fn the_access_mode_decides_whether_anonymous_visitors_may_write() {
        let cases = [(Access::Open, true), (Access::ReadOnly, false), (Access::Staff, false)];
        for (access, expected) in cases {
            assert_eq!(Visitor::anonymous(access).may_write(), expected, "{access:?}");
        }
    }
}

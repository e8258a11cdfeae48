//! Who asks: anybody, or somebody of the staff.
//!
//! - Who has signed in is known by what the request still carries: where a page is made for everybody its
//!   session and its token are taken off, and then nobody is there.
//! - Who may write depends on the shop: where it is open everybody on this machine; where it has staff, they.
//!
//! Not here: how somebody signs in, which is the business of `accounts`.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};

use super::client::Client;
use crate::cache::page::Rules;
use crate::cache::policy::Policy;
use crate::error::AppError;
use crate::state::{Access, State};

/// The cookie of a session over http; other programs of this host have cookies too.
pub const SESSION: &str = "larder-session";

/// The cookie of a session over https. Browsers take a cookie of this prefix only from this very host over
/// https, so neither a sister domain nor an answer over http can set it. Source: RFC 6265bis §4.1.3.2.
pub const HOST_SESSION: &str = "__Host-larder-session";

/// Returns the name of the cookie by which a client is known. The other name counts for nothing, or a cookie
/// that was set over http would sign its victim in over https.
pub fn session_cookie(client: Client) -> &'static str {
    if client.is_https { HOST_SESSION } else { SESSION }
}

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// The account.
    pub id: i64,
    /// Its name.
    pub name: Arc<str>,
}

/// What somebody has shown to be known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A session's cookie.
    Session,
    /// `Authorization: Bearer`.
    Token,
}

/// Among the extensions of a request: who was found to ask.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub staff: Staff,
    /// By what.
    pub proof: Proof,
}

/// Who asks for a page, and what the shop lets them do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    access: Access,
    staff: Option<Staff>,
}

impl Visitor {
    /// Nobody in particular.
    pub fn anybody(access: Access) -> Self {
        Self { access, staff: None }
    }

    /// Somebody of the staff.
    pub fn staff(staff: Staff) -> Self {
        Self { access: Access::Staff, staff: Some(staff) }
    }

    /// Who sent this request.
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<State>>();
        let access = state.map_or(Access::ReadOnly, |state| state.settings.access);
        Self::among(access, &request.extensions(), request.headers())
    }

    /// Who is in these extensions, as far as these headers still say so.
    pub fn among(
        access: Access,
        extensions: &actix_web::dev::Extensions,
        headers: &HeaderMap,
    ) -> Self {
        let known = extensions.get::<SignedIn>().filter(|known| known.is_in(headers));
        Self { access, staff: known.map(|known| known.staff.clone()) }
    }

    /// Whether they may add, edit and delete.
    pub fn may_write(&self) -> bool {
        match self.access {
            Access::Open => true,
            Access::ReadOnly => false,
            Access::Staff => self.staff.is_some(),
        }
    }

    /// Whether nobody may write here, however they sign in.
    pub fn is_read_only(&self) -> bool {
        self.access == Access::ReadOnly
    }

    /// Whether they could sign in.
    pub fn may_sign_in(&self) -> bool {
        self.access == Access::Staff && self.staff.is_none()
    }

    /// The name of somebody who has signed in.
    pub fn name(&self) -> Option<&str> {
        self.staff.as_ref().map(|staff| &*staff.name)
    }

    /// The account of somebody who has signed in.
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

/// The rules of a page that is the same for everybody who has not signed in. Staff pass by: theirs offer to
/// write, and show their name.
pub fn everybodys(policy: Policy) -> Rules {
    Rules::shared(policy).sessions(&[SESSION, HOST_SESSION])
}

/// For addresses of those who write: where the shop has staff, others are asked to sign in first.
///
/// Django: `login_required`. That nobody else can write is the guard's business ([`super::origin`]).
pub struct Editor(pub Visitor);

impl FromRequest for Editor {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visitor = Visitor::of(request);
        ready(match visitor.may_sign_in() {
            true => Err(AppError::SignInFirst { back: request.uri().to_string() }),
            false => Ok(Self(visitor)),
        })
    }
}

/// Guards a resource for programs that shows personal data: where the shop has staff, a request needs a session
/// or a token, whatever its method, and no answer is stored.
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
    fn who_has_signed_in_is_not_seen_where_a_page_is_for_everybody() {
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
    fn who_may_write_is_up_to_the_shop() {
        let cases = [(Access::Open, true), (Access::ReadOnly, false), (Access::Staff, false)];
        for (access, expected) in cases {
            assert_eq!(Visitor::anybody(access).may_write(), expected, "{access:?}");
        }
    }
}

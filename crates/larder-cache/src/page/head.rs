//! Treats `HEAD` as `GET` without the body, and `Range` as a header of `GET` alone.

use actix_web::dev::{Service, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{IF_RANGE, RANGE};

/// Turns `HEAD` into `GET` before routing, for the whole app.
///
/// So every page answers `HEAD` from what is stored for `GET`, and no `HEAD` can damage it. The server
/// knows how the request arrived, and omits the body. Source: RFC 9110 §9.3.2.
pub fn head_as_get<S: Service<ServiceRequest>>(
    mut request: ServiceRequest,
    service: &S,
) -> S::Future {
    // First: afterwards a `HEAD` cannot be distinguished from a `GET`.
    ignore_range(&mut request);
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    service.call(request)
}

/// Removes `Range` and `If-Range` from a request whose method is not `GET`.
///
/// No other method defines parts of its response, so a server must ignore them. Source: RFC 9110 §14.2.
pub(super) fn ignore_range(request: &mut ServiceRequest) {
    if request.method() == Method::GET {
        return;
    }
    for name in [RANGE, IF_RANGE] {
        request.headers_mut().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::IF_MATCH;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_get_asks_for_parts() {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "FOO"];
        for name in methods {
            let mut request = TestRequest::default()
                .method(Method::from_bytes(name.as_bytes()).unwrap())
                .append_header((RANGE, "bytes=0-0"))
                .append_header((RANGE, "bytes=1-1"))
                .append_header((IF_RANGE, "\"v\""))
                .append_header((IF_MATCH, "\"v\""))
                .to_srv_request();
            ignore_range(&mut request);
            let left = [RANGE, IF_RANGE].map(|name| request.headers().contains_key(name));
            assert_eq!(left, [name == "GET"; 2], "{name}");
            assert!(request.headers().contains_key(IF_MATCH), "{name}: conditions are for all");
        }
    }
}

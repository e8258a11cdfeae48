//! Copies a request, for a response that is sent while a handler owns the request.
//!
//! The framework creates requests in apps only, so an app without routes creates the copy. The copy has no data
//! of the real app, and no extensions; no handler sees it.

use actix_service::map_config;
use actix_web::dev::{AppConfig, Service, ServiceFactory, ServiceRequest};
use actix_web::{App, Error, HttpRequest};

/// Copies method, target, version, headers and peer address of a request.
///
/// # Errors
/// Those of an app without routes, which has none of its own.
pub(super) async fn duplicate(request: &ServiceRequest) -> Result<HttpRequest, Error> {
    let mut copy = actix_http::Request::new();
    let (head, like) = (copy.head_mut(), request.head());
    head.method = like.method.clone();
    head.uri = like.uri.clone();
    head.version = like.version;
    head.headers = like.headers.clone();
    head.peer_addr = like.peer_addr;
    let app = map_config(App::new(), |()| AppConfig::default()).new_service(()).await;
    let app = app
        .map_err(|()| actix_web::error::ErrorInternalServerError("an app without routes failed"))?;
    Ok(app.call(copy).await?.into_parts().0)
}

#[cfg(test)]
mod tests {
    use actix_web::HttpMessage;
    use actix_web::http::{Method, Version};
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn a_copy_has_all_that_the_client_has_sent_and_nothing_of_the_app() {
        let request = TestRequest::with_uri("/posts/7?x=1").method(Method::HEAD);
        let request = request.version(Version::HTTP_10).peer_addr("192.0.2.1:80".parse().unwrap());
        let request = request.append_header(("x-a", "1")).append_header(("x-a", "2"));
        let request = request.app_data(7_u8).to_srv_request();
        request.extensions_mut().insert(7_u8);
        let copy = duplicate(&request).await.unwrap();
        assert_eq!((copy.method(), copy.version()), (&Method::HEAD, Version::HTTP_10));
        assert_eq!(copy.uri(), "/posts/7?x=1");
        assert_eq!(copy.peer_addr(), request.peer_addr());
        assert_eq!(copy.headers().get_all("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(copy.app_data::<u8>().is_none() && !copy.extensions().contains::<u8>());
    }
}

//! The fields of a form, copied while the application reads them.
//!
//! - The application gets the body as it arrives; nothing is read that it does not read itself.
//! - A form that is too large is not shown, since its end could hold the name of a secret.

use std::sync::{Arc, Mutex};

use actix_web::HttpMessage;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::CONTENT_TYPE;
use futures_util::TryStreamExt;

/// The most bytes of a form.
const MOST: usize = 64 << 10;

/// What was read of a form.
#[derive(Debug, Clone, Default)]
pub struct Copied(Arc<Mutex<Vec<u8>>>);

impl Copied {
    /// Copies the body of this request from now on, if it is a form.
    pub fn of(request: &mut ServiceRequest) -> Option<Self> {
        let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        if !content_type.trim_start().to_ascii_lowercase().starts_with(FORM) {
            return None;
        }
        let copied = Self::default();
        let copy = copied.clone();
        let payload = request.take_payload().inspect_ok(move |bytes| copy.add(bytes));
        request.set_payload(Payload::Stream { payload: Box::pin(payload) });
        Some(copied)
    }

    fn add(&self, bytes: &[u8]) {
        let mut copied = self.0.lock().unwrap();
        // One byte more than may be shown marks a form that is too large.
        let room = (MOST + 1).saturating_sub(copied.len());
        copied.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Returns the form as it was sent; `None` if it is too large.
    pub fn text(&self) -> Option<String> {
        let copied = self.0.lock().unwrap();
        (copied.len() <= MOST).then(|| String::from_utf8_lossy(&copied).into_owned())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use actix_web::web::Bytes;
    use futures_util::StreamExt;

    use super::*;

    async fn copied(content_type: &str, body: Vec<u8>) -> Option<Option<String>> {
        let request = TestRequest::post().insert_header((CONTENT_TYPE, content_type));
        let mut request = request.set_payload(body.clone()).to_srv_request();
        let copied = Copied::of(&mut request);
        let read: Vec<_> = request.take_payload().map(|bytes| bytes.unwrap()).collect().await;
        assert_eq!(read.concat(), body, "the application reads what was sent");
        copied.map(|copied| copied.text())
    }

    #[actix_web::test]
    async fn a_form_is_copied_while_it_is_read() {
        let form = Bytes::from_static(b"title=Tea&price=1").to_vec();
        let text = copied("application/x-www-form-urlencoded; charset=utf-8", form.clone()).await;
        assert_eq!(text, Some(Some("title=Tea&price=1".to_owned())));
        assert_eq!(copied("application/json", form).await, None);
        let large = vec![b'a'; MOST + 1];
        assert_eq!(copied(FORM, large).await, Some(None), "it is too large to be shown");
    }
}

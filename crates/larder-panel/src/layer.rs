//! The layer around the app: observes requests and counts them.
//!
//! - A request that is not observed costs one decision, and where the panel counts, two readings of the clock.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::Error;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use futures_util::future::{Either, LocalBoxFuture};
use pin_project_lite::pin_project;

use crate::cache::page::CacheStatus;
use crate::panel::Panel;
use crate::state::PanelState;
use crate::toolbar;

type Response<B> = ServiceResponse<EitherBody<B, BoxBody>>;

impl<S, B> Transform<S, ServiceRequest> for Panel
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<B>;
    type Error = Error;
    type Transform = PanelLayer<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(PanelLayer { service: Rc::new(service), state: self.0.clone() }))
    }
}

/// The service of the layer.
pub struct PanelLayer<S> {
    service: Rc<S>,
    state: Arc<PanelState>,
}

impl<S, B> Service<ServiceRequest> for PanelLayer<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<B>;
    type Error = Error;
    type Future =
        Counted<Either<Plain<S::Future>, LocalBoxFuture<'static, Result<Response<B>, Error>>>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let counts = !self.state.hooks.counts_itself;
        let counting = counts.then(|| Counting::begin(&self.state, request.method().clone()));
        let is_observed =
            !self.state.owns(request.path()) && (self.state.hooks.observes)(request.request());
        let response = match is_observed {
            false => Either::Left(Plain { response: self.service.call(request) }),
            true => {
                let watched = toolbar::begin(&mut request, &self.state);
                let (service, state) = (self.service.clone(), self.state.clone());
                Either::Right(Box::pin(async move {
                    // Called within what observes it: a layer may answer before its future is polled.
                    let response = async {
                        // Boxed: each layer that observes would hold the future that it wraps twice, and every
                        // request moves the outermost future.
                        let response = Box::pin(service.call(request));
                        Ok(response.await?.map_into_boxed_body())
                    };
                    let response = toolbar::watch(watched, &state, response).await?;
                    Ok(response.map_into_right_body())
                }) as LocalBoxFuture<'static, _>)
            }
        };
        Counted { response, counting }
    }
}

pin_project! {
    /// The response to a request that is not observed.
    pub struct Plain<F> {
        #[pin]
        response: F,
    }
}

impl<F, B> Future for Plain<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = Result<Response<B>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.project().response.poll(context);
        polled.map_ok(ServiceResponse::map_into_left_body)
    }
}

/// A request in flight; its client may hang up.
struct Counting {
    state: Arc<PanelState>,
    method: Method,
    began: Instant,
}

impl Counting {
    fn begin(state: &Arc<PanelState>, method: Method) -> Self {
        state.counts.metrics.requests.add_in_flight(1);
        Self { state: state.clone(), method, began: Instant::now() }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.state.counts.metrics.requests.add_in_flight(-1);
    }
}

pin_project! {
    /// A response that is counted when its head is ready.
    pub struct Counted<F> {
        #[pin]
        response: F,
        counting: Option<Counting>,
    }
}

impl<F, B> Future for Counted<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.response.poll(context);
        if let Poll::Ready(answer) = &polled
            && let Some(counting) = this.counting.take()
        {
            let (status, cache) = match answer {
                Ok(response) => (response.status(), CacheStatus::of(response.response())),
                Err(error) => (error.as_response_error().status_code(), None),
            };
            let Counting { state, method, began } = &counting;
            state.counts.metrics.requests.count(method, status, cache, began.elapsed());
        }
        polled
    }
}

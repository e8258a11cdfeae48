//! A reverse proxy that caches another site as RFC 9111 says, and knows nothing else of it.
//!
//! `cargo run http://127.0.0.1:8080` in this folder, with the address of any site over plain HTTP, then
//! `curl -i http://127.0.0.1:8086/`: `cache-status` says what is stored. `Cache-Control` of that site decides.

use std::time::Duration;

use actix_web::dev::{HttpServiceFactory, Server};
use actix_web::error::{ErrorBadGateway, ErrorGatewayTimeout};
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use awc::Client;
use awc::error::SendRequestError;
use larder_cache::page::{self, Rules};
use larder_cache::{Builder, Cache, InProcess};

/// Headers that are for one connection only. Source: RFC 9110 §7.6.1.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The largest body, in bytes. A body is stored whole, so it is read whole.
const LARGEST: usize = 16 << 20;

/// Removes what is for one connection only, also what `Connection` itself names.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(|name| name.trim().to_owned()))
        .collect();
    for name in named {
        headers.remove(&*name);
    }
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

/// Sends the request on to the other site, and returns its answer.
async fn forward(
    request: HttpRequest,
    body: web::Bytes,
    client: web::Data<Client>,
    site: web::Data<Uri>,
) -> Result<HttpResponse, Error> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let address = format!("{}{target}", site.to_string().trim_end_matches('/'));
    // Bodies pass as they are, compressed or not.
    let mut forwarded = client.request_from(address, request.head()).no_decompress();
    strip(forwarded.headers_mut());
    let host = site.authority().map_or("", |authority| authority.as_str());
    let forwarded =
        forwarded.insert_header((header::HOST, host)).insert_header((header::VIA, "1.1 proxy"));
    let mut answer = forwarded.send_body(body).await.map_err(|error| match error {
        SendRequestError::Timeout => ErrorGatewayTimeout("The site does not answer.\n"),
        error => ErrorBadGateway(format!("The site cannot be asked: {error}\n")),
    })?;
    let body = answer.body().limit(LARGEST).await.map_err(ErrorBadGateway)?;
    let mut response = HttpResponse::build(answer.status());
    let mut headers = answer.headers().clone();
    strip(&mut headers);
    headers.remove(header::CONTENT_LENGTH);
    for header in &headers {
        response.append_header(header);
    }
    Ok(response.body(body))
}

/// Every address, cached as the answers say.
fn pages(site: Uri) -> impl HttpServiceFactory {
    // One client for each worker: its connections belong to a thread.
    let client = Client::builder().timeout(Duration::from_secs(30)).disable_redirects().finish();
    web::scope("")
        .app_data(web::Data::new(client))
        .app_data(web::Data::new(site))
        .default_service(web::to(forward))
        .wrap(page::cached(Rules::respecting()))
}

/// Serves `site` at this port, and returns the server with its port.
fn serve(site: Uri, port: u16) -> std::io::Result<(Server, u16)> {
    // Nothing depends on tags here.
    let cache: Cache = Builder::default().name("proxy").open(std::sync::Arc::new(InProcess::new()));
    let app =
        move || App::new().app_data(web::Data::new(cache.clone())).service(pages(site.clone()));
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?;
    let port = server.addrs()[0].port();
    Ok((server.run(), port))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let site = std::env::args().nth(1).ok_or("name a site, such as http://127.0.0.1:8080")?;
    Ok(serve(site.parse()?, 8086)?.0.await?)
}

#[cfg(test)]
mod tests;

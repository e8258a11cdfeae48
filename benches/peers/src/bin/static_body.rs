//! The page from memory, without a cache: what an answer costs at least. The proxies are in front of it.

use actix_web::{App, HttpResponse, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let body = web::Bytes::from(peers::html(&peers::notes(&peers::open()).expect("the notes")));
    let page = async |body: web::Data<web::Bytes>| {
        let mut response = HttpResponse::Ok();
        response.content_type("text/html; charset=utf-8");
        response.insert_header(("cache-control", "max-age=3600"));
        response.body((**body).clone())
    };
    let app =
        move || App::new().app_data(web::Data::new(body.clone())).route("/", web::get().to(page));
    HttpServer::new(app).workers(1).bind(peers::address())?.run().await
}

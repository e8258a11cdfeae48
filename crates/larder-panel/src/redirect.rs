//! Redirects to paths of this site only.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;

/// Redirects (303) to `path`, a path of this site.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// Returns `path` if it is a path of this site, else the homepage.
///
/// Browsers read `//host`, `/\host` and `/<tab>/host` as other hosts. Headers cannot hold
/// characters other than plain ASCII.
pub fn local_path(path: &str) -> &str {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_rooted = path.starts_with('/') && !path.starts_with("//");
    if is_plain && is_rooted { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for path in ["/", "/posts/1", "/?page=2&q=tea", "/a//b"] {
            assert_eq!(local_path(path), path);
        }
        let others = [
            "",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "/\t/evil.test",
            "evil",
            "/é",
            "/a\r\nb",
        ];
        for path in others {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
    }
}

//! Classifies the headers in which proxies forward facts about a request, and which handlers trust.
//!
//! - No standard but `Forwarded` (RFC 7239) names them. The list holds what frameworks read (Rack and
//!   Rails, Django, Symfony and Laravel, Express, Spring, ASP.NET, Werkzeug, Go's handlers, Zend), what
//!   servers and networks write (nginx, Apache, Traefik, Envoy, IIS, WebLogic, CloudFront, Cloudflare,
//!   Fastly, Akamai, Azure, Google), and what was used in attacks on caches.
//! - A handler's response may depend on each of them. So each is part of a page's key or hidden from the
//!   handler, or the request is no candidate.
//! - Not here: headers that differ for each request, such as `X-Request-Id` and `CF-Ray`, and headers that
//!   handlers name in `Vary`, such as `Accept-Language`.

/// The subject of a forwarding header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOn {
    /// Scheme, host, port, path prefix or kind of device: links and pages differ by it.
    Origin,
    /// Identity or location of the client.
    Client,
    /// Method or target, in place of those of the request.
    Request,
}

impl PassedOn {
    /// Returns the subject of the header of this lower-case name, or `None` if no proxy writes it.
    pub fn of(name: &str) -> Option<Self> {
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match name {
            _ if !may_be_passed_on(name) => None,
            _ if OF_THE_REQUEST.contains(&name) => Some(Self::Request),
            _ if OF_THE_CLIENT.contains(&name) || begins(CLIENTS) => Some(Self::Client),
            _ if OF_THE_ORIGIN.contains(&name) || begins(ORIGINS) => Some(Self::Origin),
            _ => None,
        }
    }
}

/// Rules out nearly all headers of browsers by two letters: this runs for each header of each request.
fn may_be_passed_on(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        [b'x', b'-', ..]
            | [b'$', ..]
            | [b'a', b'l' | b'p', ..]
            | [b'c', b'f' | b'l', ..]
            | [b'd', b'i' | b'o', ..]
            | [b'f', b'a' | b'l' | b'o' | b'r', ..]
            | [b'h', b't', ..]
            | [b'i', b'm' | b'n', ..]
            | [b'm', b's', ..]
            | [b'p' | b'r', b'r' | b'e', ..]
            | [b's', b's', ..]
            | [b't', b'a' | b'r', ..]
            | [b'w', b'l', ..]
    )
}

/// Prefixes of identity headers.
///
/// Written by OAuth2 Proxy, Azure, AWS, Google, Cloudflare, Tailscale, Authelia, Authentik, Pomerium, nginx,
/// and proxies that follow RFC 9440.
const CLIENTS: &[&str] = &[
    "x-auth-request-",
    "x-ms-client-",
    "x-amzn-oidc-",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "cf-access-",
    "tailscale-user-",
    "ssl-client-",
    "x-ssl-client-",
    "client-cert-",
    "x-amzn-mtls-clientcert",
    "x-authentik-",
    "x-pomerium-",
    "impersonate-",
    "remote-",
];

/// Prefixes of all other forwarded facts.
///
/// These are -host, -proto, -protocol, -scheme, -ssl, -port, -prefix, -path, -uri, -url, -server, -by,
/// -method, and future ones.
const ORIGINS: &[&str] = &[
    "x-forwarded-",
    "x-original-",
    "x-vercel-ip-",
    "cloudfront-",
    "cf-ip",
    "fly-forwarded-",
    "x-proxy",
    "x-akamai-",
    "$ws",
];

/// Headers that replace method or target.
const OF_THE_REQUEST: &[&str] = &[
    // Symfony, Laravel, Rack, Express, ASP.NET, Google's APIs.
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-method",
    // IIS and Zend, which Symfony followed; Traefik, nginx's ingress.
    "x-original-url",
    "x-original-uri",
    "x-original-path",
    "x-rewrite-url",
    "x-rewrite-uri",
    "x-rewrite-path",
    "x-override-url",
    "x-http-url-override",
    "x-http-path-override",
    "x-http-destinationurl",
    "x-request-uri",
    "x-request-url",
    "x-real-url",
    "x-real-uri",
    "x-proxy-url",
];

/// Headers about identity or location of the client.
const OF_THE_CLIENT: &[&str] = &[
    // Addresses.
    "x-forwarded-for",
    "x-forwarded-for-original",
    "x-original-forwarded-for",
    "x-original-for",
    "x-forwarded",
    "forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-originating-ip",
    "true-client-ip",
    "x-true-client-ip",
    "x-cluster-client-ip",
    "x-proxyuser-ip",
    "proxy-client-ip",
    "wl-proxy-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "fastly-client-ip",
    "fastly-client",
    "fly-client-ip",
    "x-envoy-external-address",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
    "x-nf-client-connection-ip",
    "x-vercel-forwarded-for",
    "x-vercel-proxied-for",
    "do-connecting-ip",
    "cloudfront-viewer-address",
    "incap-client-ip",
    "ali-cdn-real-ip",
    "x-cdn-src-ip",
    // Identities that a proxy found out or a program presents.
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-forwarded-preferred-username",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-cert",
    "x-forwarded-tls-client-cert-info",
    "x-remote-user",
    "x-remote-group",
    "x-webauth-user",
    "x-authenticated-user",
    "x-user",
    "x-client-cert",
    "x-ssl-cert",
    "x-arr-clientcert",
    "ms-aspnetcore-clientcert",
    "wl-proxy-client-cert",
    "client-cert",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "proxy-authorization",
];

/// Headers by which links and pages differ.
const OF_THE_ORIGIN: &[&str] = &[
    "forwarded",
    // Schemes.
    "front-end-https",
    "x-url-scheme",
    "x-scheme",
    "x-proto",
    "x-protocol",
    "x-https",
    "x-ssl",
    "https",
    "x-arr-ssl",
    "x-appservice-proto",
    "wl-proxy-ssl",
    "fastly-ssl",
    "cf-visitor",
    "x-client-ssl",
    // Hosts and ports.
    "x-host",
    "x-real-host",
    "x-host-override",
    "x-http-host-override",
    "x-server-name",
    "x-backend-host",
    "disguised-host",
    "fastly-host",
    "fastly-orig-host",
    "x-port",
    "x-real-port",
    // Path prefixes of the site.
    "x-script-name",
    "x-prefix",
    "x-base-url",
    "x-base-path",
    "x-context-path",
    "x-ingress-path",
    "x-replaced-path",
    "x-envoy-original-path",
    "x-envoy-original-host",
    "x-waws-unencoded-url",
    // Devices and locations.
    "x-att-deviceid",
    "x-wap-profile",
    "profile",
    "x-device",
    "x-ua-device",
    "x-device-type",
    "cf-device-type",
    "cf-metro-code",
    "cf-postal-code",
    "cf-region",
    "cf-region-code",
    "cf-timezone",
    "x-country-code",
    "x-geo-country",
    "x-geoip-country",
    "x-appengine-country",
    "x-appengine-region",
    "x-appengine-city",
    "x-appengine-citylatlong",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_ruled_out_or_listed_twice() {
        let names = [OF_THE_REQUEST, OF_THE_CLIENT, OF_THE_ORIGIN].concat();
        for (nth, name) in names.iter().enumerate() {
            assert!(PassedOn::of(name).is_some(), "{name}");
            assert!(!names[..nth].contains(name) && *name == name.to_ascii_lowercase(), "{name}");
        }
        for prefix in [CLIENTS, ORIGINS].concat() {
            assert!(PassedOn::of(&format!("{prefix}x")).is_some(), "{prefix}");
        }
    }

    #[test]
    fn each_header_has_one_subject() {
        let of = |kind: PassedOn, names: &str| {
            for name in names.split_whitespace() {
                assert_eq!(PassedOn::of(name), Some(kind), "{name}");
            }
        };
        of(
            PassedOn::Origin,
            "forwarded x-forwarded-host x-forwarded-proto x-forwarded-protocol x-forwarded-scheme \
             x-forwarded-ssl x-forwarded-port x-forwarded-prefix x-forwarded-path x-forwarded-uri \
             x-forwarded-server x-forwarded-by x-forwarded-anything front-end-https x-url-scheme \
             x-scheme x-host x-original-host x-original-proto fastly-ssl cloudfront-forwarded-proto \
             cloudfront-is-mobile-viewer cloudfront-viewer-country x-att-deviceid x-wap-profile \
             cf-visitor cf-ipcountry wl-proxy-ssl x-script-name cf-iplatitude fly-forwarded-proto \
             x-proxyscheme x-proxyport $wssc x-akamai-edgescape https x-replaced-path",
        );
        of(
            PassedOn::Client,
            "x-forwarded-for x-real-ip x-client-ip client-ip true-client-ip cf-connecting-ip \
             fastly-client-ip x-cluster-client-ip x-proxyuser-ip cloudfront-viewer-address \
             x-original-forwarded-for x-forwarded-user x-forwarded-client-cert remote-user x-api-key \
             x-auth-request-email cf-access-jwt-assertion x-ms-client-principal ssl-client-s-dn \
             remote-email x-authentik-username client-cert-chain ms-aspnetcore-clientcert \
             wl-proxy-client-cert impersonate-user",
        );
        of(
            PassedOn::Request,
            "x-http-method-override x-http-method x-method-override x-original-url x-original-uri \
             x-rewrite-url x-original-method",
        );
        for name in [
            "host",
            "accept",
            "cookie",
            "x-request-id",
            "cf-ray",
            "x-amzn-trace-id",
            "via",
            "x-kind",
        ] {
            assert_eq!(PassedOn::of(name), None, "{name}");
        }
    }
}

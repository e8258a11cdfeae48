# Varnish in front of the shop, with its module xkey (docs/DEPLOYMENT.md): `varnishd -f varnish.vcl`, and the shop with
# `--front varnish=http://10.0.0.15:6081`. The tests run this file with another backend (tests/app/fronts.rs).
#
# Behind it are the instances, or HAProxy with all of them. Before it is what terminates TLS, and writes X-Forwarded-For
# and X-Forwarded-Proto.
vcl 4.1;

import std;
import xkey;

backend larder {
    .host = "127.0.0.1";
    .port = "8000";
}

# The instances, which purge.
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        # What another proxy has passed on is a client's: it has two addresses.
        if (client.ip !~ purgers || req.http.X-Forwarded-For ~ ",") {
            return (synth(403));
        }
        if (!req.http.xkey-purge) {
            return (synth(400));
        }
        set req.http.purged = xkey.purge(req.http.xkey-purge);
        return (synth(200, "Purged " + req.http.purged));
    }
    # What clients write there themselves is not believed: pages are stored by Host.
    unset req.http.Forwarded;
    unset req.http.X-Forwarded-Host;
    # Staff, and visitors who are about to read that something was saved. Other cookies are none of the shop's.
    if (req.http.Authorization || req.http.Cookie ~ "(^|;\s*)(__Host-)?larder-") {
        return (pass);
    }
    unset req.http.Cookie;
}

sub vcl_hash {
    hash_data(req.http.X-Forwarded-Proto);
}

sub vcl_backend_response {
    # Nothing is served after its lifetime, not even while it is fetched.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    # The lifetime is for this cache alone; Cache-Control is for browsers. Without it the page is not for all.
    if (beresp.http.CDN-Cache-Control ~ "^max-age=[0-9]+$" && beresp.http.xkey && !beresp.http.Set-Cookie) {
        set beresp.ttl = std.duration(regsub(beresp.http.CDN-Cache-Control, "^max-age=", "") + "s", 0s) - beresp.age;
        return (deliver);
    }
}

sub vcl_deliver {
    unset resp.http.xkey;
    unset resp.http.CDN-Cache-Control;
}

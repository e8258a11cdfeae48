"""The site with Django, as its documentation says: cache_page, vary_on_headers, ConditionalGetMiddleware."""

import os
import time
from dataclasses import dataclass

import django
from django.conf import settings

REDIS = os.environ.get("REDIS")
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a secret of the peers",
    # Otherwise Django's own language is in the keys of pages, and Accept-Language is not.
    USE_I18N=False,
    MIDDLEWARE=[
        "django.middleware.http.ConditionalGetMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["NOTES"]}},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
            if REDIS else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
)
django.setup()

from django.core.cache import cache  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.html import escape  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402
from django.views.decorators.vary import vary_on_headers  # noqa: E402

builds = 0

if os.environ.get("CHANGED"):
    # A later build, in which the cached type has another field.
    @dataclass
    class Note:
        id: int
        text: str
        length: int

        @classmethod
        def of(cls, id, text):
            return cls(id, text, len(text))

        def shown(self):
            return f"{self.text} ({self.length} letters)"
else:
    @dataclass
    class Note:
        id: int
        text: str

        @classmethod
        def of(cls, id, text):
            return cls(id, text)

        def shown(self):
            return self.text


def load():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, text FROM notes ORDER BY id")
        return [Note.of(*row) for row in cursor.fetchall()]


def html(notes):
    global builds
    builds += 1
    items = "".join(f'<li><a href="/notes/{note.id}">{escape(note.shown())}</a>\n' for note in notes)
    return HttpResponse(f"<!doctype html><title>Notes</title><ul>{items}</ul>")


@cache_page(60)
def index(request):
    return html(cache.get_or_set("notes", load, 60))


@cache_page(60)
@vary_on_headers("Accept-Language")
def hello(request):
    language = request.headers.get("Accept-Language", "")
    return HttpResponse("Guten Tag" if language.startswith("de") else "Good day")


@cache_page(60)
def me(request):
    return HttpResponse(f"Hello, {request.session.get('name', 'guest')}.")


def sign_in(request, name):
    request.session["name"] = name
    return HttpResponse()


@cache_page(60)
def slow(request):
    time.sleep(0.3)
    return html([])


def listed(request):
    return html(cache.get_or_set("notes", load, 60))


def add(request):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO notes (text) VALUES (%s)", [request.body.decode()])
    cache.clear()
    return HttpResponse("Added.")


urlpatterns = [
    path("", index),
    path("hello", hello),
    path("me", me),
    path("sign-in/<name>", sign_in),
    path("slow", slow),
    path("list", listed),
    path("add", add),
    path("builds", lambda request: HttpResponse(str(builds))),
]
application = get_wsgi_application()

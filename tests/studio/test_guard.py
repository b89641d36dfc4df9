"""Who may ask the studio: the list of attacks on a server of one's own machine."""

import json

import pytest

from studio_client import HOME, PORT, TOKEN, box

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def raw(photos, open_studio):
    return open_studio(photos, largest=5000).raw


@pytest.mark.parametrize(
    "host", ["evil.com", f"evil.com:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.com:{PORT}", ""]
)
def test_a_foreign_host_is_refused_whatever_is_asked_for(raw, host):
    for path in ("/", "/api/images", "/page/main.js"):
        assert raw.get(path, headers={**BEARER, "host": host}).status_code == 400


@pytest.mark.parametrize("host", [f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"])
def test_its_own_names_are_known(raw, host):
    assert raw.get("/api/images", headers={**BEARER, "host": host}).status_code == 200


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_without_the_token_nothing_of_the_user_is_told(raw, token):
    headers = {} if token is None else {"authorization": token.encode("latin-1")}
    for method, path in (
        ("GET", "/api/images"),
        ("GET", "/api/images/1/picture"),
        ("POST", "/api/saving"),
        ("GET", "/api/openapi.json"),
    ):
        assert raw.request(method, path, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.com", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1", "null", "file://"]
)
def test_a_foreign_page_may_not_ask(raw, origin):
    assert raw.post("/api/saving", headers={**BEARER, "origin": origin}, json={}).status_code == 403
    assert raw.get("/api/images", headers={**BEARER, "sec-fetch-site": "cross-site"}).status_code == 403


def test_nothing_is_said_to_other_origins(raw):
    answer = raw.options("/api/images", headers={"origin": HOME, "access-control-request-method": "GET", **BEARER})
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_the_token_becomes_a_cookie_that_other_sites_do_not_send(raw):
    assert raw.post("/api/session", json={"token": "wrong"}).status_code == 401
    assert raw.post("/api/session", content=b"no json").status_code == 401
    assert raw.post("/api/session", json={"token": 7}).status_code == 401
    answer = raw.post("/api/session", json={"token": TOKEN}, headers={"origin": HOME})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200 and f"maskrcnn-{PORT}=" in cookie
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert raw.get("/api/images").status_code == 200  # the client keeps it
    raw.cookies.clear()
    assert raw.get("/api/images", headers={"cookie": f"maskrcnn-1={TOKEN}"}).status_code == 401


def test_too_much_is_refused_whether_it_says_how_much_it_is_or_not(raw):
    assert raw.post("/api/images/1/strokes", headers=BEARER, content=b"x" * 5001).status_code == 413
    pieces = (b"x" * 1000 for _ in range(7))
    assert raw.post("/api/images/1/strokes", headers=BEARER, content=pieces).status_code == 413
    assert raw.post("/api/session", content=b"x" * 4900).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/page/../app.py",
        "/page/..%2fapp.py",
        "/page/%2e%2e/app.py",
        "/page//etc/passwd",
        "/etc/passwd",
        "/page/main.py",
        "/page/",
    ],
)
def test_no_path_leads_out_of_the_page(raw, path):
    assert raw.get(path, headers=BEARER).status_code == 404


def test_the_page_may_run_and_load_its_own_alone(raw):
    answer = raw.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    text = answer.text
    assert '<script type="module" src=' in text and "<script>" not in text and " style=" not in text
    assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text


def test_what_lies_outside_the_folder_is_not_shown(tmp_path, photos, save_image, open_studio):
    secret = save_image(tmp_path / "elsewhere" / "secret.png")
    (photos / "link.png").symlink_to(secret)
    client = open_studio(photos)
    lines = client.get("/api/images").json()["images"]
    number = next(line["id"] for line in lines if line["name"] == "link.png")
    for path in ("", "/picture", "/small"):
        answer = client.get(f"/api/images/{number}{path}")
        assert answer.status_code == 422 and "outside" in answer.json()["detail"]


def test_labels_do_not_name_files_of_the_machine(tmp_path, save_image, open_studio):
    secret = save_image(tmp_path / "elsewhere" / "secret.png")
    own = save_image(tmp_path / "set" / "a.png")
    images = [{"id": k, "file_name": str(path), "height": 40, "width": 60} for k, path in enumerate((own, secret), 1)]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "set" / "labels.json").write_text(json.dumps(content))
    client = open_studio(tmp_path / "set")
    statuses = [client.get(f"/api/images/{k}/picture").status_code for k in (1, 2)]
    assert statuses == [200, 422]


def test_what_is_no_object_is_refused_with_a_sentence(photos, open_studio):
    client = open_studio(photos)
    wrong = [
        box(5, 5, 5, 9),
        box(70, 5, 90, 9),
        box(1, 1, 2, 2, ""),
        box(1, 1, 2, 2, "two\nlines"),
        box(1, 1, 2, 2, attributes=["round"]),
        {**box(1, 1, 2, 2), "mask": {"box": [0, 0, 2, 2], "runs": [1, 2]}},
        {**box(1, 1, 2, 2), "mask": {"box": [0, 0, 2, 2], "runs": [4]}},
        {**box(1, 1, 2, 2), "mask": {"box": [50, 0, 70, 2], "runs": [0, 40]}},
        {**box(1, 1, 2, 2), "parts": [[[1, 1, 2, 2]]]},
        {**box(1, 1, 2, 2), "keypoints": [[1, 1, 5]]},
        {**box(1, 1, 2, 2), "more": 1},
    ]
    for body in wrong:
        answer = client.draw(1, (None, body))
        assert answer.status_code == 422 and isinstance(answer.json()["detail"], str), body
    raw = client.raw.post(
        "/api/images/1/strokes",
        headers=client.shown,
        content=b'{"changes": [{"after": {"class": "a", "box": [NaN, 0, 1, 1]}}]}',
    )
    assert raw.status_code == 422
    assert client.get("/api/images/1").json()["objects"] == []
    for path in ("/api/images/0", "/api/images/4", "/api/images/x", "/api/images/99999999999999999999"):
        assert client.get(path).status_code in (404, 422)

"""A client of the studio, and what it sends."""

import json

TOKEN, PORT = "a-token-of-the-tests", 8765
HOME = f"http://127.0.0.1:{PORT}"


class Client:
    """Asks the application as a page or a script would; ``client.get("/api/images").json()``."""

    def __init__(self, client):
        self.raw = client
        self.shown = {"authorization": f"Bearer {TOKEN}"}

    def get(self, path, **options):
        return self.raw.get(path, headers=self.shown, **options)

    def post(self, path, body=None):
        return self.raw.post(path, headers=self.shown, json={} if body is None else body)

    def put(self, path, body):
        return self.raw.put(path, headers=self.shown, json=body)

    def draw(self, number, *changes, seq=0, **more):
        """Send a stroke of pairs of an id and an object; what is answered."""
        sent = [{"after": after} if own is None else {"id": own, "after": after} for own, after in changes]
        return self.post(f"/api/images/{number}/strokes", {"changes": sent, "seq": seq, **more})


def box(x1, y1, x2, y2, name="cat", **more):
    return {"class": name, "box": [x1, y1, x2, y2], **more}


def labels_of(path):
    return json.loads(path.read_text(encoding="utf-8"))

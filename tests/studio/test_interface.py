"""Whatever the interface's own description allows is answered with a status that it names."""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from studio_client import box

schemathesis = pytest.importorskip("schemathesis", reason="requests are made up by schemathesis")
TRAINING = "/api/training"  # starts processes of its own
QUICK = settings(
    max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=False
)


def test_made_up_requests_are_answered_as_described(photos, open_studio):
    client = open_studio(photos)
    client.draw(1, (None, box(5, 5, 20, 20)))
    described = client.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(described)
    operations = [found.ok() for found in schema.get_all_operations()]
    asked = [one for one in operations if not (one.method.upper() == "POST" and one.path.startswith(TRAINING))]
    assert len(asked) >= 20
    seen = set()

    @QUICK
    @seed(23)
    @given(st.data())
    def ask(data):
        operation = data.draw(st.sampled_from(asked))
        case = data.draw(operation.as_strategy())
        sent = case.as_transport_kwargs(base_url=str(client.raw.base_url))
        sent.pop("cookies", None)
        headers = {**dict(sent.pop("headers", {})), **client.shown}
        answer = client.raw.request(sent.pop("method"), sent.pop("url"), headers=headers, **sent)
        named = set(operation.definition.raw["responses"])
        assert str(answer.status_code) in named, (operation.label, case.path_parameters, case.query, case.body)
        seen.add((operation.label, answer.status_code))

    ask()
    assert len({label for label, _ in seen}) >= 15 and {200, 422} <= {status for _, status in seen}
    assert client.get("/api/images").status_code == 200

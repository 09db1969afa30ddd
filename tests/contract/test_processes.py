"""One producer in a host application: its Celery app stays current, forks and threads lose and double nothing."""

import pytest

from producers import keys
from producers.entry import read_entry
from tests.contract.interpreter import run_python

SENDS = 200
CHILDREN = 4

HOST_WITH_CELERY = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from celery import Celery, _state
host = Celery("host", broker="memory://")
threads = ThreadPoolExecutor(1)

def apps():
    of_a_thread = threads.submit(_state.get_current_app).result()
    return [_state.get_current_app(), of_a_thread, _state.default_app, len(_state._get_active_apps())]

before = apps()
from producers import Producer
producer = Producer(sys.argv[1])
producer.send(app="shop", alias="a", notification="hi")
threads.submit(producer.send, app="shop", alias="b", notification="hi").result()
producer.close()
after = apps()
print(json.dumps([before[0] is host, *[a is b for a, b in zip(before, after)]]))
"""

HOST_WITHOUT_CELERY = """
import json, sys
from producers import Producer
Producer(sys.argv[1]).send(app="shop", alias="a", notification="hi")
print(json.dumps([name for name in sys.modules if name.split(".")[0] in ("celery", "kombu")]))
"""

GUNICORN = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
from producers import Producer

url, sends, children = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
producer = Producer(url)

def send(number):
    return producer.send(app="shop", registration_id=f"rid{os.getpid()}-{number}", notification="hi").push_id

ids = [send(0)]
pipes = []
for _ in range(children):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with ThreadPoolExecutor(4) as threads:
            mine = list(threads.map(send, range(sends)))
        with os.fdopen(writer, "w") as out:
            json.dump(mine, out)
        os._exit(0)
    os.close(writer)
    pipes.append(reader)
ids += [send(number) for number in range(1, 20)]
for reader in pipes:
    with os.fdopen(reader) as answers:
        ids += json.load(answers)
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(children)]
producer.close()
print(json.dumps({"ids": ids, "codes": codes}))
"""


def test_the_hosts_celery_app_stays_the_current_one(redis_server, shop):
    assert run_python(HOST_WITH_CELERY, redis_server.url) == [True] * 5


def test_sending_loads_no_celery(redis_server, shop):
    assert run_python(HOST_WITHOUT_CELERY, redis_server.url) == []


@pytest.mark.timeout(60)
def test_a_producer_made_before_the_fork_serves_every_child_and_thread(redis_server, redis_client, shop):
    answer = run_python(GUNICORN, redis_server.url, str(SENDS), str(CHILDREN))
    ids = answer["ids"]
    assert answer["codes"] == [0] * CHILDREN
    assert len(ids) == len(set(ids)) == CHILDREN * SENDS + 20
    entries = redis_client.xrange(keys.prefix(shop) + "lane:transactional:regid")
    stored = [read_entry(fields[b"h"], fields[b"b"]) for _, fields in entries]
    assert sorted(entry.push_id for entry in stored) == sorted(ids)
    assert len({entry.target for entry in stored}) == len(ids)
    assert redis_client.hget(keys.prefix(shop) + "counts", "enqueued") == str(len(ids)).encode()

"""What reached which device, seen from the other side."""

from tests.sandbox.driver import Sandbox


def test_deliveries_are_listed_filtered_and_paged(sandbox: Sandbox):
    """Each row says device, cid, msg_id, time, endpoint and target."""
    msg_id = sandbox.batch("user_1", cid="c1", alias=True)["results"]["user_1"]["msg_id"]
    sandbox.batch("rid2", "rid3", cid="c-{}")
    row = sandbox.deliveries(cid="c1")["deliveries"][0]
    assert row.pop("at") > 1_700_000_000
    assert row == {
        "device": "rid-user_1",
        "cid": "c1",
        "msg_id": str(msg_id),
        "endpoint": "batch_alias",
        "target": "user_1",
    }
    page = sandbox.deliveries(limit=1, offset=1)
    assert (page["total"], [entry["target"] for entry in page["deliveries"]]) == (3, ["rid2"])
    assert sandbox.deliveries(target="rid3")["total"] == 1


def test_duplicates_are_a_repeated_cid_or_content_on_the_same_device(sandbox: Sandbox):
    """A list push gives one cid to many devices: no duplicate. Other content under another cid: none either."""
    sandbox.settings(cid_memory="off")
    sandbox.push({"registration_id": ["rid1", "rid2"]}, cid="list")
    assert sandbox.counts()["duplicates"] == 0
    sandbox.push({"registration_id": ["rid1"]}, cid="other")
    counts = sandbox.counts()
    assert (counts["duplicates"], counts["duplicate_cids"], counts["duplicate_contents"]) == (1, 0, 1)
    sandbox.batch("rid1", cid="list")
    summary = sandbox.deliveries(summary=1)
    assert summary["duplicates"] == 2
    assert (summary["deliveries"], summary["distinct_cids"], summary["distinct_devices"]) == (4, 2, 2)
    assert (summary["duplicated_cids"], summary["duplicated_cids_sample"]) == (1, ["list"])


def test_the_check_names_what_is_missing_and_what_came_too_often(sandbox: Sandbox):
    """By cid or by target."""
    sandbox.settings(cid_memory="off")
    sandbox.batch("rid1", "rid2", cid="c-{}")
    sandbox.batch("rid2", cid="c-{}")
    found = sandbox.control("deliveries/check", {"cids": ["c-rid1", "c-rid2", "c-rid3"]})
    assert found == {
        "expected": 3,
        "delivered": 3,
        "missing": 1,
        "missing_sample": ["c-rid3"],
        "surplus": 1,
        "surplus_sample": ["c-rid2"],
    }
    assert sandbox.control("deliveries/check", {"targets": ["rid1", "rid2", "rid2"]})["missing"] == 0


def test_an_audience_is_one_pseudo_device(sandbox: Sandbox):
    """A broadcast reaches `all`; a tag is named after its audience; alias and registration id together intersect."""
    sandbox.push("all")
    sandbox.push({"tag": ["vip"]})
    sandbox.push({"alias": ["user_1", "user_2"], "registration_id": ["rid-user_2", "rid3"]})
    assert [row["device"] for row in sandbox.deliveries()["deliveries"]] == [
        "all",
        'audience:{"tag":["vip"]}',
        "rid-user_2",
    ]


def test_many_deliveries_are_summed_up(sandbox: Sandbox):
    """Ten thousand rows in batches, each once."""
    sandbox.settings(quota=0)
    names = [f"rid{number}" for number in range(10_000)]
    for start in range(0, len(names), 500):
        sandbox.batch(*names[start : start + 500], cid="c-{}")
    quick = sandbox.control("counts?duplicates=0", method="GET")["total"]
    assert quick["deliveries"] == 10_000
    assert "duplicates" not in quick
    summary = sandbox.deliveries(summary=1)
    assert (summary["deliveries"], summary["distinct_devices"], summary["duplicates"]) == (10_000, 10_000, 0)


def test_reset_forgets_everything(sandbox: Sandbox):
    """Counts, deliveries, cids, faults and the clock."""
    sandbox.push(cid="c1")
    sandbox.fault("status")
    sandbox.advance(10_000)
    sandbox.control("reset")
    assert sandbox.counts()["calls"] == 0
    assert sandbox.deliveries()["total"] == 0
    assert sandbox.control("faults", method="GET") == {"rules": []}
    assert sandbox.push(cid="c1").status_code == 200
    assert sandbox.counts()["cid_hits"] == 0

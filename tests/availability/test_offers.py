"""Offering, accepting and explaining agree with each other and with the rules read minute by minute."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from flask_booking.availability import (
    Calendar,
    Hours,
    Reason,
    dates_needed,
    explain,
    reach,
    refusal,
    refusal_all,
    refusal_any,
    slots,
    slots_all,
    slots_any,
    valid_until,
)
from tests.availability.examples import Question, calendars, questions
from tests.availability.oracle import Oracle, local

# More examples for a night's run; a few hundred are enough to notice a broken rule.
EFFORT = int(os.environ.get("BOOKING_TEST_EFFORT", "1"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
often = settings(max_examples=120 * EFFORT, deadline=None, suppress_health_check=SLOW)
seldom = settings(max_examples=60 * EFFORT, deadline=None, suppress_health_check=SLOW)


@often
@given(questions())
def test_offers_what_the_rules_read_minute_by_minute_offer(q: Question) -> None:
    offered = slots(q.rules, q.calendar, **q.asked)

    event("something offered" if offered else "nothing offered")
    assert offered == Oracle(q.rules, q.calendar, **q.asked).slots()


@seldom
@given(questions())
def test_the_explanation_offers_the_same_and_gives_only_true_reasons(q: Question) -> None:
    verdicts = explain(q.rules, q.calendar, **q.asked)
    oracle = Oracle(q.rules, q.calendar, **q.asked)

    assert [v.start for v in verdicts if v.reason is None] == slots(q.rules, q.calendar, **q.asked)
    starts = [v for v in verdicts if v.end - v.start == q.rules.duration * 60 and v.start in oracle_starts(oracle, q)]
    assert {v.start for v in starts} == oracle_starts(oracle, q)
    for v in starts:
        if v.reason is not None:
            event(f"reason {v.reason}")
            broken = oracle.violations(v.start)
            assert v.reason == min(broken, key=list(Reason).index)


def oracle_starts(oracle: Oracle, q: Question) -> set[int]:
    minutes = range(-(-q.start // 60) * 60, q.end, 60)
    return {at for at in minutes if oracle.on_grid(at) or oracle.guests(at)}


@seldom
@given(questions())
def test_stretches_outside_the_hours_are_explained_without_a_hole(q: Question) -> None:
    verdicts = explain(q.rules, q.calendar, **q.asked)
    oracle = Oracle(q.rules, q.calendar, **q.asked)
    grid = oracle_starts(oracle, q)

    closed = {
        at
        for v in verdicts
        if v.reason in (Reason.CLOSED, Reason.OVERRIDE) and v.start not in grid
        for at in range(-(-v.start // 60) * 60, v.end, 60)
    }
    assert closed == {at for at in range(-(-q.start // 60) * 60, q.end, 60) if at // 60 not in oracle.minutes}
    for v in verdicts:
        if v.start not in grid:
            overridden = local(q.calendar.hours.time_zone, v.start).date() in q.calendar.hours.overrides
            assert v.reason is (Reason.OVERRIDE if overridden else Reason.CLOSED)


@often
@given(questions(), st.data())
def test_a_start_is_accepted_exactly_when_it_is_offered(q: Question, data: st.DataObject) -> None:
    offered = slots(q.rules, q.calendar, **q.asked)
    tried = data.draw(st.lists(st.integers(q.start, q.end - 1), max_size=10))
    tried += [at + step for at in offered[:40] for step in (0, 1, -1, 300)]

    for at in tried:
        verdict = refusal(q.rules, q.calendar, at, now=q.now, **q.ignored)
        assert (verdict.start, verdict.end) == (at, at + q.rules.duration * 60)
        if q.start <= at < q.end:
            assert (verdict.reason is None) == (at in offered)
        if at % 60 == 0 and verdict.reason is not None:
            broken = Oracle(q.rules, q.calendar, now=q.now, start=at, end=at + 1, **q.ignored).violations(at)
            assert verdict.reason == min(broken, key=list(Reason).index)


@seldom
@given(questions())
def test_seats_left_are_those_no_guest_has_taken(q: Question) -> None:
    oracle = Oracle(q.rules, q.calendar, **q.asked)

    for verdict in explain(q.rules, q.calendar, **q.asked):
        if verdict.reason is None:
            expected = q.rules.seats - oracle.guests(verdict.start) if q.rules.seats > 1 else None
            assert verdict.seats_left == expected
            assert expected is None or expected > 0


@seldom
@given(questions(), st.integers(1, 47))
def test_asking_for_half_the_period_gives_that_half_of_the_answer(q: Question, share: int) -> None:
    middle = q.start + (q.end - q.start) * share // 48
    first = slots(q.rules, q.calendar, **{**q.asked, "end": middle})
    second = slots(q.rules, q.calendar, **{**q.asked, "start": middle})

    assert first + second == slots(q.rules, q.calendar, **q.asked)


@seldom
@given(questions())
def test_rows_and_overrides_out_of_reach_do_not_matter(q: Question) -> None:
    begin, until = reach(q.rules, q.start, q.end, q.calendar.limits)
    first, last = dates_needed(q.start, q.end)
    c = q.calendar
    overrides = {date: ranges for date, ranges in c.hours.overrides.items() if first <= date <= last}
    needed = Calendar(
        c.host_id,
        Hours(c.hours.time_zone, c.hours.weekly, overrides),
        tuple(b for b in c.busy if b.start < until and b.end > begin),
        tuple(b for b in c.blocked if b.start < until and b.end > begin),
        tuple(o for o in c.occupied if o.occupied_from < until and o.occupied_until > begin),
        c.limits,
        tuple(b for b in c.unknown if b.start < until and b.end > begin),
    )

    assert slots(q.rules, needed, **q.asked) == slots(q.rules, c, **q.asked)


@often
@given(questions(), st.data())
def test_an_answer_stays_right_until_the_instant_it_names(q: Question, data: st.DataObject) -> None:
    answer = slots(q.rules, q.calendar, **q.asked)
    until = valid_until(q.rules, q.calendar, **q.asked)

    assert until > q.now
    assert until == valid_until(q.rules, q.calendar, offered=answer, **q.asked)
    for later in {until - 1, data.draw(st.integers(q.now, until - 1))}:
        assert slots(q.rules, q.calendar, **{**q.asked, "now": later}) == answer


@st.composite
def teams(draw: st.DrawFn) -> tuple[Question, list[Calendar]]:
    q = draw(questions())
    date = local(q.calendar.hours.time_zone, q.start).date()
    zones = st.sampled_from([q.calendar.hours.time_zone, "UTC", "Australia/Lord_Howe", "Asia/Kathmandu"])
    others = [draw(calendars(draw(zones), date, q.rules, q.now)) for _ in range(draw(st.integers(0, 2)))]
    return q, [q.calendar, *others]


@seldom
@given(teams())
def test_any_offers_what_some_host_can_take_on_a_grid_of_his_own(team: tuple[Question, list[Calendar]]) -> None:
    q, hosts = team
    offered = slots_any(q.rules, hosts, **q.asked)

    assert offered == sorted({at for host in hosts for at in Oracle(q.rules, host, **q.asked).slots()})
    for at in [*offered[:10], *(at + 60 for at in offered[:5]), q.start]:
        verdict = refusal_any(q.rules, hosts, at, now=q.now, **q.ignored)
        assert (verdict.reason is None) == bool(slots_any(q.rules, hosts, **{**q.asked, "start": at, "end": at + 1}))


@seldom
@given(teams(), st.data())
def test_an_answer_about_a_team_stays_right_until_the_earliest_instant_of_its_hosts(
    team: tuple[Question, list[Calendar]], data: st.DataObject
) -> None:
    q, hosts = team
    for asked_of in (slots_any, slots_all):
        answer = asked_of(q.rules, hosts, **q.asked)
        until = min(valid_until(q.rules, host, offered=answer, **q.asked) for host in hosts)
        for later in {until - 1, data.draw(st.integers(q.now, until - 1))}:
            assert asked_of(q.rules, hosts, **{**q.asked, "now": later}) == answer


@seldom
@given(teams())
def test_all_hands_offers_what_is_on_one_grid_and_free_for_everyone(team: tuple[Question, list[Calendar]]) -> None:
    q, hosts = team
    oracles = [Oracle(q.rules, host, **q.asked) for host in hosts]
    offered = slots_all(q.rules, hosts, **q.asked)

    on_some_grid = sorted({at for oracle in oracles for at in oracle.slots()})
    assert offered == [at for at in on_some_grid if all(one.offered(at, any_grid=True) for one in oracles)]
    for at in [*on_some_grid[:10], *(at + 60 for at in offered[:5]), q.start]:
        verdict = refusal_all(q.rules, hosts, at, now=q.now, **q.ignored)
        asked = {**q.asked, "start": at, "end": at + 1}
        broken = [Oracle(q.rules, host, **asked).violations(at) for host in hosts]
        assert verdict.reason is None or any(verdict.reason in one for one in broken)
        assert (verdict.reason is None) == bool(slots_all(q.rules, hosts, **{**q.asked, "start": at, "end": at + 1}))


@seldom
@given(questions())
def test_nobody_offers_nothing(q: Question) -> None:
    assert slots_any(q.rules, [], **q.asked) == slots_all(q.rules, [], **q.asked) == []
    assert refusal_any(q.rules, [], q.start, now=q.now).reason is Reason.NO_HOST
    assert refusal_all(q.rules, [], q.start, now=q.now).reason is Reason.NO_HOST

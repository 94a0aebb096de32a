import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crksim.model.clock import (
    GRID,
    MONTH,
    WEEK,
    YEAR,
    Window,
    date_of,
    format_duration,
    format_rate,
    month_index,
    month_starts,
    parse_date,
    parse_duration,
    parse_quantity,
    parse_rate,
    parse_window,
)
from crksim.model.meant import meant_date, meant_quantity

START = "2016-01-01"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1 year", 365.25),
        ("1.5 years", 547.875),
        ("3 months", 3 * 365.25 / 12),
        ("1 month", 365.25 / 12),
        ("2 weeks", 14.0),
        ("14 days", 14.0),
        ("1 day", 1.0),
        ("2 hours", 2 / 24),
        ("30 minutes", 30 / 1440),
        (" .5 Days ", 0.5),
        ("3days", 3.0),
        ("1e2 days", 100.0),
        ("-3 days", -3.0),
        ("0 days", 0.0),
    ],
)
def test_durations_are_days(text, days):
    assert parse_duration(text) == pytest.approx(days, rel=1e-15)
    assert parse_quantity(text) == (parse_duration(text), "duration")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "per_day"),
    [
        ("25 / year", 25 / 365.25),
        ("2 / month", 24 / 365.25),
        ("0.1 / week", 0.1 / 7),
        ("1/day", 1.0),
        ("1 / hour", 24.0),
        ("2.7 / 100 person-years", 2.7 / 100 / 365.25),
        ("0.03 / person-year", 0.03 / 365.25),
        ("1 / 3 months", 4 / 365.25),
        ("0 / year", 0.0),
    ],
)
def test_rates_are_per_day(text, per_day):
    assert parse_rate(text) == pytest.approx(per_day, rel=1e-14)
    assert parse_quantity(text) == (parse_rate(text), "rate")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "number"),
    [
        (8, 8.0),
        (0.24, 0.24),
        ("8", 8.0),
        ("0.24", 0.24),
        ("24 %", 0.24),
        ("24%", 0.24),
        (np.float64(2.5), 2.5),
        ("-1", -1.0),
    ],
)
def test_numbers_and_shares_have_no_unit(value, number):
    assert parse_quantity(value) == (pytest.approx(number, rel=1e-15), "number")


@pytest.mark.unit
def test_the_units_agree_with_each_other():
    assert (YEAR, MONTH, WEEK) == (365.25, 365.25 / 12, 7.0)
    assert math.log2(GRID) == -20.0


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("3 moons", "^must be a duration such as '3 months'$"),
        ("", "^must be a duration such as '3 months'$"),
        ("3 months 2 days", "^must be a duration such as '3 months'$"),
        ("2,5 months", "; write decimals with a point, not a comma$"),
        ("3", "; it has no unit$"),
        (3, "; it has no unit$"),
        (True, ", not true or false$"),
        (None, "^must be a duration"),
        ("25 / year", "^must be a duration"),
        ("1e999 days", "^must be a finite number$"),
        ("nan days", "^must be a duration"),
    ],
)
def test_what_is_no_duration_is_refused(text, clause):
    with pytest.raises(ValueError, match=clause):
        parse_duration(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("25 / decade", "^must be a rate such as '25 / year' or '2.7 / 100 person-years'$"),
        ("25 per year", "^must be a rate"),
        ("2,7 / year", "; write decimals with a point, not a comma$"),
        ("25", "; it has no unit$"),
        (25.0, "; it has no unit$"),
        (False, ", not true or false$"),
        ("3 months", "^must be a rate"),
        ("3 / 0 years", "; what it is counted over must be above 0$"),
        ("3 / -1 years", "; what it is counted over must be above 0$"),
        ("1e999 / year", "^must be a finite number$"),
    ],
)
def test_what_is_no_rate_is_refused(text, clause):
    with pytest.raises(ValueError, match=clause):
        parse_rate(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ("eight", "^must be a number, a share such as '24 %', a duration such as '3 months' or a rate"),
        ("0,24", "; write decimals with a point, not a comma$"),
        ("2,5 months", "; write decimals with a point, not a comma$"),
        (True, ", not true or false$"),
        (None, "^must be a number"),
        ([1], "^must be a number"),
        (math.inf, "^must be a finite number$"),
        (math.nan, "^must be a finite number$"),
        ("1e999", "^must be a finite number$"),
        ("3 / 0 years", "must be above 0$"),
    ],
)
def test_what_is_no_quantity_is_refused(value, clause):
    with pytest.raises(ValueError, match=clause):
        parse_quantity(value)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("days", "text"),
    [
        (365.25, "1 year"),
        (547.875, "1.5 years"),
        (91.3125, "3 months"),
        (14.0, "14 days"),
        (400.0, "400 days"),
        (1.0, "1 day"),
        (0.5, "12 hours"),
        (30 / 1440, "30 minutes"),
        (0.0, "0 days"),
        (-3.0, "-3 days"),
        (0.123456789, "0.123456789 days"),
    ],
)
def test_durations_are_written_in_the_unit_that_suits(days, text):
    assert format_duration(days) == text


@pytest.mark.unit
@pytest.mark.parametrize(
    ("days", "text"),
    [(83.1234, "2.7 months"), (30.0, "30 days"), (1234.0, "3.4 years"), (0.013, "19 minutes"), (0.0, "0 days")],
)
def test_durations_are_rounded_for_the_eye(days, text):
    assert format_duration(days, digits=2) == text


@pytest.mark.unit
def test_rates_are_written_in_the_unit_that_suits():
    assert format_rate(25 / 365.25) == "25 / year"
    assert format_rate(0.1 / 7) == "0.1 / week"
    assert format_rate(2.0) == "2 / day"
    assert format_rate(0.0123456789) == "0.0123456789 / day"
    assert format_rate(0.0123456789, digits=3) == "4.51 / year"


@pytest.mark.property
@given(st.floats(-1e5, 1e5))
def test_a_written_duration_is_read_back(days):
    assert parse_duration(format_duration(days)) == pytest.approx(days, rel=1e-13, abs=0.0)


@pytest.mark.property
@given(st.integers(1, 10**4), st.sampled_from(["minutes", "hours", "days", "weeks", "months", "years"]))
def test_a_duration_as_a_person_writes_it_is_read_back(count, unit):
    days = parse_duration(f"{count} {unit}")
    assert parse_duration(format_duration(days)) == pytest.approx(days, rel=1e-13)


@pytest.mark.property
@given(st.floats(0.0, 1e4))
def test_a_written_rate_is_read_back(per_day):
    assert parse_rate(format_rate(per_day)) == pytest.approx(per_day, rel=1e-13, abs=0.0)


@pytest.mark.property
@given(st.floats(1e-3, 1e5), st.integers(1, 6))
def test_a_rounded_duration_is_near(days, digits):
    assert parse_duration(format_duration(days, digits)) == pytest.approx(days, rel=0.51 * 10.0 ** (1 - digits))


@pytest.mark.property
@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 12, 31)), st.floats(0.0, 1.0, exclude_max=True))
def test_a_date_is_read_back(date, hour):
    day = parse_date(date.isoformat(), START)
    assert day == parse_date(date, START) == (date - datetime.date(2016, 1, 1)).days
    assert date_of(day, START) == date.isoformat()
    if math.floor(day + hour) == day:
        assert date_of(day + hour, START) == date.isoformat()
        assert month_index(day + hour, START) == date.month - 1


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("2016-13-01", "^must be a date such as '2016-10-01'; month must be in 1..12"),
        ("2017-02-29", "^must be a date such as '2016-10-01'; day"),
        ("20161001", "^must be a date such as '2016-10-01'$"),
        ("1 October 2016", "^must be a date"),
        (2016, "^must be a date"),
        (True, "^must be a date"),
        (None, "^must be a date"),
        (datetime.datetime(2016, 10, 1, 12), "^must be a date"),
    ],
)
def test_what_is_no_date_is_refused(text, clause):
    with pytest.raises(ValueError, match=clause):
        parse_date(text, START)


@pytest.mark.unit
@pytest.mark.parametrize("day", [1e9, -1e9, math.inf, math.nan])
def test_a_day_outside_the_calendar_has_no_date(day):
    with pytest.raises(ValueError, match="must be a day of the calendar"):
        date_of(day, START)


@pytest.mark.unit
def test_months_of_many_days_at_once():
    days = np.array([[0.0, 30.999, 31.0], [-0.001, 59.0, 366.0]])  # 2016 is a leap year
    assert month_index(days, START).tolist() == [[0, 0, 1], [11, 1, 0]]


@pytest.mark.unit
def test_months_begin_where_the_calendar_says():
    lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert month_starts(START, 366.0).tolist() == np.concatenate(([0], np.cumsum(lengths))).tolist()
    assert month_starts("2016-01-15", 60.0).tolist() == [-14.0, 17.0, 46.0, 77.0]
    assert month_starts(START, 0.5).tolist() == [0.0, 31.0]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2017", "2017-01-01", "2018-01-01"),
        (2017, "2017-01-01", "2018-01-01"),
        ("2018..2020", "2018-01-01", "2021-01-01"),
        ("2016-10-01..2017-06-30", "2016-10-01", "2017-07-01"),
        ("2016-10-01 .. 2017", "2016-10-01", "2018-01-01"),
        ("2016-12", "2016-12-01", "2017-01-01"),
        ("2016-02..2016-02", "2016-02-01", "2016-03-01"),
        ("2016-10-01", "2016-10-01", "2016-10-02"),
        (datetime.date(2016, 10, 1), "2016-10-01", "2016-10-02"),
        ("2015", "2015-01-01", "2016-01-01"),
    ],
)
def test_windows_hold_both_their_ends(text, first, after):
    origin = datetime.date.fromisoformat(START)
    begin = (datetime.date.fromisoformat(first) - origin).days
    end = (datetime.date.fromisoformat(after) - origin).days
    window = parse_window(text, START)
    assert window == Window(begin, end)
    assert window.days == end - begin


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("next year", "^must be a span such as '2017', '2018..2020' or '2016-10-01..2017-06-30'$"),
        ("2018..", "^must be a span"),
        ("..2018", "^must be a span"),
        ("2016-13", "^must be a span"),
        ("2017-02-29", "^must be a span"),
        ("2018...2020", "^must be a span"),
        ("2020..2018", "; it ends before it begins$"),
        (True, "^must be a span"),
        (None, "^must be a span"),
        (20.5, "^must be a span"),
        (0, "^must be a span"),
    ],
)
def test_what_is_no_window_is_refused(text, clause):
    with pytest.raises(ValueError, match=clause):
        parse_window(text, START)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "dimension", "form"),
    [
        ("2,5", "number", "2.5"),
        ("12 pladser", "number", "12"),
        ("24 procent", "number", "24 %"),
        ("1 uge", "duration", "1 week"),
        ("2,5 måneder", "duration", "2.5 months"),
        ("30 min.", "hours", "30 minutes"),
        ("25 om året", "rate", "25 / year"),
        ("25 borgere pr. måned", "rate", "25 / month"),
        ("3 måneder", "number", None),
        ("8 borgere", "duration", None),
        ("tolv", "number", None),
        (None, "number", None),
    ],
)
def test_a_number_as_it_is_spoken_has_a_form_that_is_read(value, dimension, form):
    assert meant_quantity(value, dimension) == form
    if form is not None:
        assert parse_quantity(form)[1] == ("duration" if dimension == "hours" else dimension)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("1. februar 2018", "2018-02-01"),
        ("1/10 2018", "2018-10-01"),
        ("31-12-2018", "2018-12-31"),
        ("1 October 2018", "2018-10-01"),
        ("2018-2-1", "2018-02-01"),
        ("30. februar 2018", None),
        ("1. snart 2018", None),
        ("soon", None),
    ],
)
def test_a_date_as_it_is_spoken_has_a_form_that_is_read(value, date):
    assert meant_date(value) == date

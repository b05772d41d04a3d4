package kam

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A Calendar says when people work: the hours of a working day by the clock on
// their wall, the days of the week that are free, and holidays. Every deadline
// of a task is counted in one (P5.4, P4.4 5.5).
//
// A business day is one whole working day of the calendar, whatever its hours:
// "2 business days" means the same two days to an office that works 7.5 hours
// and to one that works 8, which is what people expect of the word. With the
// default hours it is the 8 hours of P5.4.
//
// Working time is time that really passes between opening and closing. On the
// day of a change of clock a calendar that is open during the change has an
// hour more or less; 09:00-17:00 never notices. The doors open and close once a
// day, when the clock first shows the time: an hour that comes twice does not
// open them again.
//
// The zero Location is UTC, and Open and Close both zero are 09:00-17:00.
type Calendar struct {
	Code     string
	Location *time.Location
	Open     int // minute of the day, 540 for 09:00
	Close    int // minute of the day, 1440 for 24:00
	Weekend  []time.Weekday
	Holidays map[string]bool // "2006-01-02"
}

// Hours of a working day where none are given.
const (
	defaultOpen  = 9 * 60
	defaultClose = 17 * 60
)

// horizonDays bounds every walk over days: a calendar without a working day
// ends there instead of never.
const horizonDays = 36525

// NewCalendar reads a calendar as it is written in tables and files: the name
// of a time zone ("Europe/Berlin"), hours ("09:00-17:00", empty for that),
// names of weekdays ("SATURDAY") and dates ("2026-12-25").
func NewCalendar(code, tz, hours string, weekend, holidays []string) (Calendar, error) {
	c := Calendar{Code: code, Holidays: make(map[string]bool, len(holidays))}
	// "Local" would make deadlines depend on the machine that computes them.
	if tz == "" || strings.EqualFold(tz, "local") {
		return Calendar{}, c.wrong("timezone", `name a time zone such as "Europe/Berlin"`, "%q is not the name of a time zone", tz)
	}
	loc, err := time.LoadLocation(tz)
	if err != nil {
		return Calendar{}, c.wrong("timezone", `name a time zone such as "Europe/Berlin"`, "%q is not the name of a time zone", clip(tz, 60))
	}
	c.Location = loc
	if c.Open, c.Close, err = parseHours(hours); err != nil {
		return Calendar{}, c.wrong("hours", `write "09:00-17:00", within one day`, "%v", err)
	}
	free := [7]bool{}
	for _, name := range weekend {
		day, ok := weekdayOf(name)
		if !ok {
			return Calendar{}, c.wrong("weekend", "SUNDAY to SATURDAY", "%q is not a day of the week", clip(name, 40))
		}
		if !free[day] {
			free[day] = true
			c.Weekend = append(c.Weekend, day)
		}
	}
	if len(c.Weekend) == 7 {
		return Calendar{}, c.wrong("weekend", "leave one day", "no working day is left")
	}
	for _, day := range holidays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return Calendar{}, c.wrong("holidays", `write "2026-12-25"`, "%q is not a date", clip(day, 40))
		}
		c.Holidays[day] = true
	}
	return c, nil
}

func (c Calendar) wrong(field, remedy, format string, args ...any) error {
	return Errorf(Invalid, "calendar %s: %s", clip(c.Code, 40), fmt.Sprintf(format, args...)).On(field).Try(remedy)
}

func weekdayOf(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if full := day.String(); strings.EqualFold(name, full) || strings.EqualFold(name, full[:3]) {
			return day, true
		}
	}
	return 0, false
}

func parseHours(s string) (from, to int, err error) {
	if s == "" {
		return defaultOpen, defaultClose, nil
	}
	a, b, _ := strings.Cut(s, "-")
	from, ok1 := parseClock(strings.TrimSpace(a))
	to, ok2 := parseClock(strings.TrimSpace(b))
	if !ok1 || !ok2 {
		return 0, 0, fmt.Errorf("%q is not a range of hours", clip(s, 40))
	}
	if from >= to {
		return 0, 0, fmt.Errorf("%q closes before it opens", clip(s, 40))
	}
	return from, to, nil
}

// parseClock reads "09:00" up to "24:00" as a minute of the day.
func parseClock(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' || !isDigits(s[:2]) || !isDigits(s[3:]) {
		return 0, false
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, m < 60 && h*60+m <= 24*60
}

// hours are the minutes at which the working day opens and closes.
func (c Calendar) hours() (from, to int) {
	if c.Open == 0 && c.Close == 0 {
		return defaultOpen, defaultClose
	}
	return c.Open, c.Close
}

// Day is the working time of one business day.
func (c Calendar) Day() time.Duration {
	from, to := c.hours()
	return time.Duration(max(to-from, 0)) * time.Minute
}

func (c Calendar) zone() *time.Location {
	if c.Location == nil {
		return time.UTC
	}
	return c.Location
}

// WorksOn says whether the day on which t falls is a working day.
func (c Calendar) WorksOn(t time.Time) bool {
	t = t.In(c.zone())
	for _, day := range c.Weekend {
		if t.Weekday() == day {
			return false
		}
	}
	return !c.Holidays[t.Format(time.DateOnly)]
}

// Add is the first instant at which a number of business days, or a part of
// one, has been worked since from. It is a moment of working time, at the
// latest the close of a day; from itself where there is nothing to add. A
// calendar without working days ends a hundred years on.
func (c Calendar) Add(from time.Time, businessDays float64) time.Time {
	if !(businessDays > 0) { // also NaN
		return from
	}
	seconds := math.Round(min(businessDays, horizonDays) * c.Day().Seconds())
	return c.AddTime(from, time.Duration(seconds)*time.Second)
}

// AddTime is Add for working time in hours and minutes.
func (c Calendar) AddTime(from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return from
	}
	first := from.In(c.zone())
	for i := range horizonDays {
		opens, closes := c.window(first, i)
		if opens.Before(from) {
			opens = from
		}
		if left := closes.Sub(opens); left >= d {
			return opens.Add(d).In(from.Location())
		} else if left > 0 {
			d -= left
		}
	}
	return from.AddDate(0, 0, horizonDays)
}

// Between is the working time that passes from a to b, negative where b comes
// first. It counts a hundred years at most.
func (c Calendar) Between(a, b time.Time) time.Duration {
	if b.Before(a) {
		return -c.Between(b, a)
	}
	var sum time.Duration
	first := a.In(c.zone())
	for i := range horizonDays {
		day := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, time.UTC)
		// Two days of slack: no zone is that far from UTC.
		if day.After(b.Add(48 * time.Hour)) {
			break
		}
		opens, closes := c.window(first, i)
		if opens.Before(a) {
			opens = a
		}
		if closes.After(b) {
			closes = b
		}
		if worked := closes.Sub(opens); worked > 0 {
			sum += worked
		}
	}
	return sum
}

// BusinessDays is Between in business days.
func (c Calendar) BusinessDays(a, b time.Time) float64 {
	if c.Day() == 0 {
		return 0
	}
	return float64(c.Between(a, b)) / float64(c.Day())
}

// window is the working time of the i-th day after first, empty on a free day.
func (c Calendar) window(first time.Time, i int) (opens, closes time.Time) {
	y, m, d := first.Date()
	// Noon in UTC carries the date alone: it has weekday and name of the day
	// without asking any zone.
	noon := time.Date(y, m, d+i, 12, 0, 0, 0, time.UTC)
	y, m, d = noon.Date()
	from, to := c.hours()
	opens = c.at(y, m, d, from)
	plain := Calendar{Weekend: c.Weekend, Holidays: c.Holidays}
	if !plain.WorksOn(noon) || to <= from {
		return opens, opens
	}
	return opens, c.at(y, m, d, to)
}

// at is the first instant at which the clock on the wall shows a minute of a
// day, or a later one: where the clock jumps over the minute, it is the jump,
// and where the clock shows it twice, the first time. [time.Date] promises
// neither, and for the hour that comes twice it takes the first in New York and
// the second in Berlin.
func (c Calendar) at(y int, m time.Month, d, minute int) time.Time {
	t := time.Date(y, m, d, 0, minute, 0, 0, c.zone())
	want := time.Date(y, m, d, 0, minute, 0, 0, time.UTC)
	shown := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	start, end := t.ZoneBounds()
	switch {
	case shown.Before(want):
		return end
	case shown.After(want):
		return start
	case start.IsZero(): // the first offset of the zone, or its only one
		return t
	}
	_, offset := t.Zone()
	_, before := start.Add(-1).Zone()
	if first := t.Add(time.Duration(offset-before) * time.Second); first.Before(start) {
		return first
	}
	return t
}

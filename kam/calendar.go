package kam

import (
	"math"
	"slices"
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
// default hours it is the 8 hours of P5.4. Where Fridays are shorter a Friday
// is a business day all the same: noon of Thursday and a day is the middle of
// Friday. On a half day the office closes when half of its hours have passed,
// and it counts half.
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
	Open     int                    // minute of the day, 540 for 09:00
	Close    int                    // minute of the day, 1440 for 24:00
	ByDay    map[time.Weekday]Hours // of weekdays that have hours of their own
	Weekend  []time.Weekday
	Holidays map[string]bool // "2006-01-02"
	HalfDays map[string]bool // "2006-01-02"; a day that is free anyway stays free
}

// Hours are when an office opens and closes, as minutes of the day.
type Hours struct{ Open, Close int }

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
		return Calendar{}, c.wrong("timezone", `name a time zone such as "Europe/Berlin"`, "%q is not the name of a time zone", Clip(tz, 60))
	}
	c.Location = loc
	if c.Open, c.Close, err = parseHours(hours); err != nil {
		return Calendar{}, c.wrong("hours", `write "09:00-17:00", within one day`, "%v", err)
	}
	free := [7]bool{}
	for _, name := range weekend {
		day, ok := weekdayOf(name)
		if !ok {
			return Calendar{}, c.wrong("weekend", "SUNDAY to SATURDAY", "%q is not a day of the week", Clip(name, 40))
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
			return Calendar{}, c.wrong("holidays", `write "2026-12-25"`, "%q is not a date", Clip(day, 40))
		}
		c.Holidays[day] = true
	}
	return c, nil
}

// With gives weekdays hours of their own ("FRIDAY": "09:00-15:00") and makes
// dates half days.
func (c Calendar) With(hours map[string]string, halfDays []string) (Calendar, error) {
	c.ByDay, c.HalfDays = make(map[time.Weekday]Hours, len(hours)), make(map[string]bool, len(halfDays))
	for name, text := range hours {
		day, ok := weekdayOf(name)
		if !ok {
			return Calendar{}, c.wrong("hours", "SUNDAY to SATURDAY", "%q is not a day of the week", Clip(name, 40))
		}
		if slices.Contains(c.Weekend, day) {
			return Calendar{}, c.wrong("hours", "take the day out of hours or out of weekend", "%s has hours and is free", day)
		}
		if _, twice := c.ByDay[day]; twice {
			return Calendar{}, c.wrong("hours", "keep one of them", "%s has hours twice", day)
		}
		from, to, err := parseHours(text)
		if err != nil || text == "" {
			return Calendar{}, c.wrong("hours", `write "09:00-15:00", within one day`, "%s: %q is not a range of hours", day, Clip(text, 40))
		}
		c.ByDay[day] = Hours{from, to}
	}
	for _, day := range halfDays {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return Calendar{}, c.wrong("half_days", `write "2026-12-24"`, "%q is not a date", Clip(day, 40))
		}
		if c.Holidays[day] {
			return Calendar{}, c.wrong("half_days", "take it out of half_days or out of holidays", "%s is a holiday and half a day", day)
		}
		c.HalfDays[day] = true
	}
	return c, nil
}

func (c Calendar) wrong(field, remedy, format string, args ...any) error {
	return Errorf(Invalid, "calendar %s: %s", Clip(c.Code, 40), Say(format, args...)).On(field).Advise(Word(remedy))
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
		return 0, 0, Errorf(Invalid, "%q is not a range of hours", Clip(s, 40))
	}
	if from >= to {
		return 0, 0, Errorf(Invalid, "%q closes before it opens", Clip(s, 40))
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

// hoursOf are the minutes at which a weekday opens and closes.
func (c Calendar) hoursOf(day time.Weekday) Hours {
	if h, own := c.ByDay[day]; own {
		return h
	}
	if c.Open == 0 && c.Close == 0 {
		return Hours{defaultOpen, defaultClose}
	}
	return Hours{c.Open, c.Close}
}

func (h Hours) length() time.Duration { return time.Duration(max(h.Close-h.Open, 0)) * time.Minute }

// Day is the working time of a business day of the calendar: the mean of the
// weekdays that are worked.
func (c Calendar) Day() time.Duration {
	var sum time.Duration
	n := time.Duration(0)
	for day := time.Sunday; day <= time.Saturday; day++ {
		if !slices.Contains(c.Weekend, day) {
			sum += c.hoursOf(day).length()
			n++
		}
	}
	if n == 0 {
		return Hours{defaultOpen, defaultClose}.length()
	}
	return sum / n
}

// even says whether all weekdays that are worked are as long.
func (c Calendar) even() bool {
	day := c.Day()
	for d := range c.ByDay {
		if !slices.Contains(c.Weekend, d) && c.hoursOf(d).length() != day {
			return false
		}
	}
	return true
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
	left := min(businessDays, horizonDays)
	if c.even() {
		return c.AddTime(from, time.Duration(math.Round(left*c.Day().Seconds()))*time.Second)
	}
	first := from.In(c.zone())
	for i := range horizonDays {
		opens, closes, whole := c.window(first, i)
		if opens.Before(from) {
			opens = from
		}
		worked := closes.Sub(opens)
		if worked <= 0 {
			continue
		}
		// A day that is worked to its end, but for what rounding took, is worked.
		if need := time.Duration(left * float64(whole)); need <= worked+time.Millisecond {
			return opens.Add(min(need.Round(time.Millisecond), worked)).In(from.Location())
		}
		left -= float64(worked) / float64(whole)
	}
	return from.AddDate(0, 0, horizonDays)
}

// AddTime is Add for working time in hours and minutes.
func (c Calendar) AddTime(from time.Time, d time.Duration) time.Time {
	if d <= 0 {
		return from
	}
	first := from.In(c.zone())
	for i := range horizonDays {
		opens, closes, _ := c.window(first, i)
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
	c.eachDay(a, b, func(worked, _ time.Duration) { sum += worked })
	return sum
}

// eachDay hands over the working time of each day from a to b, with that of the
// whole day.
func (c Calendar) eachDay(a, b time.Time, do func(worked, whole time.Duration)) {
	first := a.In(c.zone())
	for i := range horizonDays {
		day := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, time.UTC)
		// Two days of slack: no zone is that far from UTC.
		if day.After(b.Add(48 * time.Hour)) {
			break
		}
		opens, closes, whole := c.window(first, i)
		if opens.Before(a) {
			opens = a
		}
		if closes.After(b) {
			closes = b
		}
		if worked := closes.Sub(opens); worked > 0 {
			do(worked, whole)
		}
	}
}

// BusinessDays is Between in business days.
func (c Calendar) BusinessDays(a, b time.Time) float64 {
	if b.Before(a) {
		return -c.BusinessDays(b, a)
	}
	var sum float64
	c.eachDay(a, b, func(worked, whole time.Duration) { sum += float64(worked) / float64(whole) })
	return sum
}

// window is the working time of the i-th day after first, empty on a free day,
// and whole that of a business day of its weekday.
func (c Calendar) window(first time.Time, i int) (opens, closes time.Time, whole time.Duration) {
	y, m, d := first.Date()
	// Noon in UTC carries the date alone: it has weekday and name of the day
	// without asking any zone.
	noon := time.Date(y, m, d+i, 12, 0, 0, 0, time.UTC)
	y, m, d = noon.Date()
	h := c.hoursOf(noon.Weekday())
	opens, whole = c.at(y, m, d, h.Open), h.length()
	plain := Calendar{Weekend: c.Weekend, Holidays: c.Holidays}
	if !plain.WorksOn(noon) || whole == 0 {
		return opens, opens, whole
	}
	if len(c.HalfDays) > 0 && c.HalfDays[noon.Format(time.DateOnly)] {
		h.Close = h.Open + (h.Close-h.Open)/2
	}
	return opens, c.at(y, m, d, h.Close), whole
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

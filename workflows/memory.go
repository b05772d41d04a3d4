package workflows

import "github.com/kamflow/kamflow/kam/onboarding"

// Carried is everything that a process passes from one run to the next.
type Carried[S any] struct {
	Snapshot S `json:"snapshot"`
	Memory
}

// Memory is what a desk passes to the next run besides the snapshot.
type Memory struct {
	Applied  []Applied                   `json:"applied,omitempty"` // oldest first
	Timeline []onboarding.TimelineEntry  `json:"timeline,omitempty"`
	Records  []onboarding.DecisionRecord `json:"records,omitempty"`
	Spent    int64                       `json:"spent,omitempty"` // numbers of effects that left the version as it was
	Runs     int                         `json:"runs,omitempty"`  // earlier runs
	// Signals counts the acts of each name that came as signals, the refused ones
	// included.
	Signals []SignalCount `json:"signals,omitempty"`
}

// A SignalCount is how many acts of a name came as signals.
type SignalCount struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Applied is a decision that has taken effect. Digest is empty where the
// process learned of the decision from PostgreSQL and does not know its
// content; then the activity that stores acts judges a repetition.
type Applied struct {
	DecisionID string `json:"decision_id"`
	Digest     string `json:"digest,omitempty"`
}

// How much is passed to the next run. What is left out is still in PostgreSQL,
// which has every decision id and every line of the timeline.
const (
	maxApplied  = 1000
	maxTimeline = 500
	// maxLines is how much text the timeline has, in bytes: the input of a run may
	// have 2 MiB, and JSON writes some characters in six.
	maxLines   = 192 << 10
	maxRecords = 40
)

// keep adds lines of the timeline and records that are new.
func (m *Memory) keep(lines []onboarding.TimelineEntry, records []onboarding.DecisionRecord) {
	for _, e := range lines {
		if !m.hasLine(e.Seq) {
			m.Timeline = append(m.Timeline, e)
		}
	}
	for _, r := range records {
		if !m.hasRecord(r.RecordID) {
			m.Records = append(m.Records, r)
		}
	}
	m.Timeline = readable(last(m.Timeline, maxTimeline))
	m.Records = last(m.Records, maxRecords)
}

func (m *Memory) hasLine(seq int64) bool {
	for _, e := range m.Timeline {
		if e.Seq == seq && seq != 0 {
			return true
		}
	}
	return false
}

func (m *Memory) hasRecord(id string) bool {
	for _, r := range m.Records {
		if r.RecordID == id && id != "" {
			return true
		}
	}
	return false
}

// remember notes that a decision has taken effect. A digest that is known is
// not forgotten again.
func (m *Memory) remember(id, digest string) {
	for i := range m.Applied {
		if m.Applied[i].DecisionID == id {
			if digest != "" {
				m.Applied[i].Digest = digest
			}
			return
		}
	}
	m.Applied = last(append(m.Applied, Applied{DecisionID: id, Digest: digest}), maxApplied)
}

// nextSignal is the number of a signal among those of its name. Names have a
// channel each, which keeps their order: the number stays the same where a
// workflow task that was lost is run again with more signals in it. A number
// over all names would not.
func (m *Memory) nextSignal(name string) int64 {
	for i := range m.Signals {
		if m.Signals[i].Name == name {
			m.Signals[i].Count++
			return m.Signals[i].Count
		}
	}
	m.Signals = append(m.Signals, SignalCount{Name: name, Count: 1})
	return 1
}

// repetition says how an act relates to the decisions that took effect.
type repetition int

const (
	firstTime repetition = iota
	sameAgain            // same id, same content: answered from memory
	reused               // same id, other content
	unclear              // same id, content unknown here: the activity judges
)

func (m *Memory) repeats(id, digest string) repetition {
	for _, x := range m.Applied {
		switch {
		case x.DecisionID != id:
		case x.Digest == "":
			return unclear
		case x.Digest == digest:
			return sameAgain
		default:
			return reused
		}
	}
	return firstTime
}

// readable is the end of a timeline whose text is not too long to be carried.
func readable(lines []onboarding.TimelineEntry) []onboarding.TimelineEntry {
	for i, n := len(lines)-1, 0; i >= 0; i-- {
		if n += len(lines[i].Text); n > maxLines {
			return last(lines, len(lines)-1-i)
		}
	}
	return lines
}

// last is the end of a list, at most n long.
func last[T any](list []T, n int) []T {
	if len(list) > n {
		return append([]T(nil), list[len(list)-n:]...)
	}
	return list
}

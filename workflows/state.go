package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/kamflow/kamflow/kam"
)

// Input is the workflow's input: what a client sends is [kam.StartInput] alone;
// Carried is there when a run continues an earlier one.
type Input struct {
	kam.StartInput
	Carried *Carried `json:"carried,omitempty"`
}

// Carried is everything that a case takes from one run to the next.
type Carried struct {
	Snapshot kam.Snapshot         `json:"snapshot"`
	Applied  []Applied            `json:"applied,omitempty"` // oldest first
	Timeline []kam.TimelineEntry  `json:"timeline,omitempty"`
	Records  []kam.DecisionRecord `json:"records,omitempty"`
	Spent    int64                `json:"spent,omitempty"`   // numbers of effects that left the version as it was
	Runs     int                  `json:"runs,omitempty"`    // earlier runs of this case
	Signals  int64                `json:"signals,omitempty"` // acts that came as signals, the refused ones included
}

// Applied is a decision that has taken effect. Digest is empty where the case
// learned of the decision from PostgreSQL and does not know its content; then
// RecordAct judges a repetition.
type Applied struct {
	DecisionID string `json:"decision_id"`
	Digest     string `json:"digest,omitempty"`
}

// How much a case carries. What falls out is still in PostgreSQL: RecordAct
// knows every decision id, and the client reads older lines there.
const (
	maxApplied  = 1000
	maxTimeline = 500
	// maxLines is how much text the timeline has, in bytes: the input of a run may
	// have 2 MiB, and JSON writes some characters in six.
	maxLines   = 192 << 10
	maxRecords = 40
)

// onboarding is one case at work.
type onboarding struct {
	start kam.StartInput
	Carried

	lock workflow.Mutex // one per case: handlers and the engine's own effects (D10c)

	inFlight int // acts between acceptance and answer
	taken    int // acts taken in this run
	hops     int // stages since the last wait for people

	unscreened bool // the screening service gave no answer: the next stage is told
	signals    []workflow.ReceiveChannel

	stopTimer workflow.CancelFunc // of the last wait

	// A deadline that could not be recorded is tried again at retryAt, so that
	// people may act meanwhile.
	stuck   *kam.Deadline
	retryAt time.Time
}

func newOnboarding(ctx workflow.Context, in Input) *onboarding {
	c := &onboarding{start: in.StartInput, lock: workflow.NewMutex(ctx)}
	if in.Carried != nil {
		c.Carried = *in.Carried
	}
	return c
}

// opened says whether 1.1.1 is done, and the snapshot is one.
func (c *onboarding) opened() bool { return c.Snapshot.State != "" }

// adopt takes over what an effect handed back, unless the case already knows
// more, and says whether the case has moved on.
func (c *onboarding) adopt(ctx workflow.Context, p kam.Progress) bool {
	c.keep(p)
	if p.Snapshot.State == "" || p.Snapshot.Version < c.Snapshot.Version {
		return false
	}
	moved := p.Snapshot.Version > c.Snapshot.Version
	c.Snapshot = p.Snapshot
	if id := p.Snapshot.LastDecision; id != "" {
		c.remember(id, "")
	}
	workflow.SetCurrentDetails(ctx, details(c.Snapshot))
	return moved
}

// keep adds lines of the timeline and records that are new.
func (c *onboarding) keep(p kam.Progress) {
	for _, e := range p.Timeline {
		if !c.hasLine(e.Seq) {
			c.Timeline = append(c.Timeline, e)
		}
	}
	for _, r := range p.Records {
		if !c.hasRecord(r.RecordID) {
			c.Records = append(c.Records, r)
		}
	}
	c.Timeline = readable(last(c.Timeline, maxTimeline))
	c.Records = last(c.Records, maxRecords)
}

func (c *onboarding) hasLine(seq int64) bool {
	for _, e := range c.Timeline {
		if e.Seq == seq && seq != 0 {
			return true
		}
	}
	return false
}

func (c *onboarding) hasRecord(id string) bool {
	for _, r := range c.Records {
		if r.RecordID == id && id != "" {
			return true
		}
	}
	return false
}

// remember notes that a decision has taken effect. A digest that is known is
// not forgotten again.
func (c *onboarding) remember(id, digest string) {
	for i := range c.Applied {
		if c.Applied[i].DecisionID == id {
			if digest != "" {
				c.Applied[i].Digest = digest
			}
			return
		}
	}
	c.Applied = last(append(c.Applied, Applied{DecisionID: id, Digest: digest}), maxApplied)
}

// repetition says how an act relates to the decisions that took effect.
type repetition int

const (
	firstTime repetition = iota
	sameAgain            // same id, same content: answered from memory
	reused               // same id, other content
	unclear              // same id, content unknown here: RecordAct judges
)

func (c *onboarding) repeats(a kam.Act) repetition {
	for _, x := range c.Applied {
		switch {
		case x.DecisionID != a.DecisionID:
		case x.Digest == "":
			return unclear
		case x.Digest == digestOf(a):
			return sameAgain
		default:
			return reused
		}
	}
	return firstTime
}

// digestOf binds a decision id to what was decided: each field that is filled,
// by name and length. It is the same for ever, since a repetition is answered
// by it on replay too; a field that kam.Act gains is added at the end.
func digestOf(a kam.Act) string {
	var b strings.Builder
	put := func(name, value string) {
		if value != "" {
			b.WriteString(name + " " + strconv.Itoa(len(value)) + " " + value + "\n")
		}
	}
	put("act", string(a.Name))
	put("by", string(a.By))
	put("decision", string(a.Verdict))
	if a.ExpectRevision != 0 {
		put("revision", strconv.Itoa(a.ExpectRevision))
	}
	put("material_hash", a.ExpectHash)
	put("reason_code", a.ReasonCode)
	put("reason", a.Reason)
	for _, f := range a.Fields {
		put("field", f)
	}
	put("customer_no", a.CustomerNo)
	put("tier", string(a.Tier))
	put("assignee", string(a.Assignee))
	put("owner_id", string(a.OwnerID))
	put("data_digest", a.DataDigest)
	put("release_account", a.ReleaseAccount)
	put("same_as", string(a.SameAs))
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// readable is the end of a timeline whose text is not too long to be carried.
func readable(lines []kam.TimelineEntry) []kam.TimelineEntry {
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

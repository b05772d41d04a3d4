package procdoc_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/procdoc"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/onboarding"
)

var update = flag.Bool("update", false, "write the pages anew")

// TestPagesAreUpToDate compares the pages under docs with the tables.
func TestPagesAreUpToDate(t *testing.T) {
	for name, want := range procdoc.Pages() {
		path := filepath.Join("..", "..", "docs", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		}
		have, err := os.ReadFile(path)
		require.NoError(t, err)
		if string(have) != want {
			t.Errorf("docs/%s is stale: go generate ./internal/procdoc", name)
		}
	}
}

func TestPageIsComplete(t *testing.T) {
	t.Parallel()
	page := procdoc.Process()
	for _, b := range kam.Boxes {
		require.Contains(t, page, "| "+b.Label()+" |")
	}
	for _, s := range onboarding.States {
		require.Contains(t, page, "| `"+string(s.State)+"` |")
	}
	rows := 0
	for _, s := range onboarding.States {
		_, section, _ := strings.Cut(page, "\n### "+string(s.State)+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		rows += strings.Count(section, "\n| `")
	}
	require.Equal(t, len(onboarding.Transitions), rows, "every transition is written out once")
	require.Contains(t, page, fmt.Sprintf("%d transitions.", len(onboarding.Transitions)))
	for _, a := range onboarding.Acts {
		require.Contains(t, page, "| `"+string(a.Name)+"` |")
	}
	permissions := procdoc.Permissions()
	require.Equal(t, len(access.Permissions), strings.Count(permissions, "| create |")+strings.Count(permissions, "| read |")+
		strings.Count(permissions, "| change |")+strings.Count(permissions, "| decide |"))
}

// TestPicture: well formed, named for screen readers, every state in it, and
// inside 1200 pixels.
func TestPicture(t *testing.T) {
	t.Parallel()
	svg := procdoc.SVG()
	dec := xml.NewDecoder(strings.NewReader(svg))
	elements := map[string]int{}
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		elements[start.Name.Local]++
		at := map[string]int{}
		for _, a := range start.Attr {
			var n int
			if _, err := fmt.Sscanf(a.Value, "%d", &n); err == nil {
				at[a.Name.Local] = n
			}
		}
		if start.Name.Local == "rect" {
			require.GreaterOrEqual(t, at["x"], 0)
			require.LessOrEqual(t, at["x"]+at["width"], 1200)
		}
	}
	require.Equal(t, 1, elements["title"])
	require.Equal(t, 1, elements["desc"])
	require.Contains(t, svg, `role="img" aria-labelledby="title desc"`)
	for _, s := range onboarding.States {
		require.Contains(t, svg, ">"+procdoc.Name(s.State)+"</text>")
	}
	for _, b := range kam.Boxes {
		if b.Level == 1 {
			require.Contains(t, svg, ">"+string(b.Code)+" ")
		}
	}
}

func TestTextPicture(t *testing.T) {
	t.Parallel()
	for _, typ := range kam.CaseTypes {
		for _, s := range onboarding.States {
			text := procdoc.TextPicture(typ, s.State)
			require.Contains(t, text, procdoc.Name(s.State), s.State)
			marks := strings.Count(text, "▶") + strings.Count(text, "■")
			require.Equal(t, 1, marks, "one place is marked for %s:\n%s", s.State, text)
			for _, line := range strings.Split(text, "\n") {
				require.LessOrEqual(t, len([]rune(line)), 120)
				require.Equal(t, strings.TrimRight(line, " "), line)
			}
		}
	}
	require.Zero(t, strings.Count(procdoc.TextPicture(kam.NewCase, "NONSENSE"), "▶"))
	require.Equal(t, strings.TrimPrefix(`
  1.1 Identify/Add Customer/Modify
    │  1.1.1 Receive request                          Draft
    │  1.1.2 Search existing customers                Identifying
    │  1.2.1a Enter data: screening set               Data entry
    ▶  1.1.5 Management Confirmation                  Awaiting confirmation, waits for confirming manager
  1.4 Validate
    ·  1.4.1 Field rules                              Validating
  1.5 Identify Key Accounts
    ·  1.5.6 Assign and hand off                      Handing off
`, "\n"), procdoc.TextPicture(kam.Deactivate, onboarding.AwaitingConfirmation), "no decision, no models, no question of key accounts")
	been := func(state onboarding.State, states ...onboarding.State) string {
		return procdoc.TextPicture(kam.Modify, state, append(states, onboarding.Draft, onboarding.Identifying, onboarding.DataEntry)...)
	}
	marks := func(text string) (all string) {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "    ") {
				all += strings.Fields(line)[0]
			}
		}
		return all
	}
	require.Contains(t, been(onboarding.Completed, onboarding.Validating, onboarding.HandingOff), "    –  1.1.5 Management Confirmation                  Awaiting confirmation, not needed\n")
	require.Equal(t, "│││–––│––│", marks(been(onboarding.Completed, onboarding.Validating, onboarding.HandingOff)))
	require.Equal(t, "│││–––▶···", marks(been(onboarding.Validating, onboarding.Validating)))
	require.Equal(t, "│││└▶·······", marks(been(onboarding.ChangesRequested, onboarding.AwaitingConfirmation, onboarding.ChangesRequested)), "it may have to go there again")
	require.Equal(t, "││││······", marks(been(onboarding.Withdrawn, onboarding.AwaitingConfirmation, onboarding.Withdrawn)))
	require.Equal(t, "│││···│···▶", marks(been(onboarding.NeedsIntervention, onboarding.Validating, onboarding.NeedsIntervention)))
	require.Equal(t, strings.TrimPrefix(`
  1.1 Identify/Add Customer/Modify
    │  1.1.1 Receive request                          Draft
    │  1.1.2 Search existing customers                Identifying
    │  1.2.1a Enter data: screening set               Data entry
    │  1.1.4 Determine whether to add                 Deciding
    └▶ 1.1.4c Compliance review                       Compliance review, waits for compliance_reviewer
    ·  1.1.5 Management Confirmation                  Awaiting confirmation
  1.2 Analyze Customer Details
    ·  1.2.1b Enter data: detail set                  Awaiting completion
    ·  1.2.2 Load sales history                       Analyzing
  1.3 Segment Customers
    ·  1.3.1 Prepare segmentation inputs              Segmenting
  1.4 Validate
    ·  1.4.1 Field rules                              Validating
  1.5 Identify Key Accounts
    ·  1.5.1 Gates                                    Classifying
    ·  1.5.5 Endorse                                  Awaiting endorsement
    ·  1.5.6 Assign and hand off                      Handing off
`, "\n"), procdoc.TextPicture(kam.NewCase, onboarding.ComplianceReview))
}

package rulescli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/identifier"
	"github.com/kamflow/kamflow/kam/rules/match"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

var bookVerbs = []bookVerb{
	{"add", "1.1.4 Determine whether to add", runAdd},
	{"segment", "1.3 Segment: ABC, RFM, matrix, Improvement Potential, capability", runSegment},
	{"rollup", "1.5 Roll groups up to a tier", runRollUp},
	{"classify", "1.5 Key accounts, with gates and history", runClassify},
	{"validate", "1.4 Validate: fields, identifiers, hierarchy", runValidate},
	{"match", "1.1.2 Pairs that may be one customer", runMatch},
}

// decision is a line of `add`.
type decision struct {
	CustomerNo  string                `json:"customer_no"`
	Outcome     string                `json:"outcome"`
	Score       *kam.Dec              `json:"score"`
	Confidence  *kam.Dec              `json:"confidence_pct"`
	Headline    string                `json:"headline"`
	HardStops   []string              `json:"hard_stops"`
	Criteria    []kam.CriterionResult `json:"criteria"`
	Missing     []string              `json:"missing"`
	WouldChange []kam.WouldChange     `json:"would_change"`
}

type addAnswer struct {
	Decisions []decision `json:"decisions"`
}

func runAdd(p *rules.Set, b rules.Book) (answer, error) {
	out := addAnswer{Decisions: make([]decision, len(b.Customers))}
	for i, c := range b.Customers {
		r, err := p.AddDecision(c, b.Rates)
		if err != nil {
			return nil, at(err, i)
		}
		d := decision{CustomerNo: c.CustomerNo, Outcome: r.Outcome, Score: r.Score, Confidence: r.Confidence, Headline: r.Headline,
			HardStops: []string{}, Criteria: r.Criteria, Missing: list(r.Missing), WouldChange: list(r.WouldChange)}
		for _, h := range r.HardStops {
			d.HardStops = append(d.HardStops, h.ID)
		}
		out.Decisions[i] = d
	}
	return out, nil
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// at puts the customer's place before the field of an error.
func at(err error, i int) error {
	e := kam.AsError(err)
	if e == nil {
		return err
	}
	c := *e
	c.Field = fmt.Sprintf("customers[%d].%s", i, e.Field)
	return &c
}

func (a addAnswer) table() [][]string {
	rows := [][]string{{"customer", "outcome", "score", "confidence", "headline"}}
	for _, d := range a.Decisions {
		rows = append(rows, []string{d.CustomerNo, d.Outcome, d.Score.Fixed(), d.Confidence.String() + "%", d.Headline})
	}
	return rows
}

type segmentAnswer struct {
	Customers []rules.SegmentResult `json:"customers"`
	Totals    rules.SegmentTotals   `json:"totals"`
}

func runSegment(p *rules.Set, b rules.Book) (answer, error) {
	results, totals, err := p.SegmentBook(b)
	if err != nil {
		return nil, err
	}
	for i := range results {
		results[i].Lines = nil // the leakage says it
	}
	return segmentAnswer{list(results), totals}, nil
}

func (a segmentAnswer) table() [][]string {
	rows := [][]string{{"customer", "segment", "potential", "attract.", "strength", "index", "capability", "KA score", "complete"}}
	for _, r := range a.Customers {
		potential := ""
		if r.AnnualPotential != nil {
			potential = r.AnnualPotential.String()
		}
		rows = append(rows, []string{r.CustomerNo, r.Segment, potential, r.Attractiveness.Fixed(), r.RelativeStrength.Fixed(),
			r.ImprovementIndex.Fixed(), r.CapabilityIndex.Fixed(), r.KAScore.Fixed(), r.CompletenessPct.String() + "%"})
	}
	return rows
}

type rollUpAnswer struct {
	Groups []rules.RollUp `json:"groups"`
}

func runRollUp(p *rules.Set, b rules.Book) (answer, error) {
	groups, err := p.RollUpBook(b)
	return rollUpAnswer{list(groups)}, err
}

func (a rollUpAnswer) table() [][]string {
	rows := [][]string{{"group", "members", "potential", "score", "buying", "span", "alone", "size", "tier", "home", "what stops the next level"}}
	for _, g := range a.Groups {
		rows = append(rows, rollUpRow(g, g.Stops))
	}
	return rows
}

func rollUpRow(g rules.RollUp, stops string) []string {
	return []string{g.GroupID, fmt.Sprint(len(g.Members)), g.Potential.String(), g.Score.Fixed(), string(g.Buying), string(g.SpanLevel),
		string(g.AloneLevel), orNone(g.SizeLevel), orNone(g.Tier), string(g.HomeNode), stops}
}

func orNone(t rules.TierOrNone) string {
	if t == "" {
		return string(kam.NonKA)
	}
	return string(t)
}

type classifyAnswer struct {
	Groups []rules.Classification `json:"groups"`
}

func runClassify(p *rules.Set, b rules.Book) (answer, error) {
	groups, err := p.ClassifyBook(b)
	return classifyAnswer{list(groups)}, err
}

func (a classifyAnswer) table() [][]string {
	rows := [][]string{{"group", "members", "potential", "score", "status", "tier", "change", "home", "review in", "headline"}}
	for _, g := range a.Groups {
		rows = append(rows, []string{g.GroupID, fmt.Sprint(len(g.Members)), g.Potential.String(), g.Score.Fixed(), string(g.KAStatus),
			orNone(g.Tier), string(g.Change), string(g.HomeNode), fmt.Sprintf("%d days", g.ReviewInDays), g.Headline})
	}
	return rows
}

type matchAnswer struct {
	Pairs []match.Pair `json:"pairs"`
}

func runMatch(p *rules.Set, b rules.Book) (answer, error) {
	return matchAnswer{list(p.MatchBook(b))}, nil
}

func (a matchAnswer) table() [][]string {
	rows := [][]string{{"left", "right", "class", "score", "name", "reasons", "vetoes"}}
	for _, m := range a.Pairs {
		rows = append(rows, []string{m.Left, m.Right, string(m.Class), m.Score.Fixed(), m.NameSimilarity.Fixed(), strings.Join(m.Reasons, ", "), strings.Join(m.Vetoes, ", ")})
	}
	return rows
}

type identifierAnswer struct {
	Scheme  kam.IdentifierScheme `json:"scheme"`
	Value   string               `json:"value"`
	Compact string               `json:"compact"`
	Valid   bool                 `json:"valid"`
	Problem *identifier.Problem  `json:"problem"`
}

func (a identifierAnswer) table() [][]string {
	problem := ""
	if a.Problem != nil {
		problem = string(*a.Problem)
	}
	return [][]string{{"scheme", "value", "compact", "valid", "problem"}, {string(a.Scheme), a.Value, a.Compact, yesNo(a.Valid), problem}}
}

func (o *options) identifier() *cobra.Command {
	country := ""
	cmd := &cobra.Command{
		Use: "identifier SCHEME VALUE", Short: "Check one identifier, under its scheme or the name of its register (FR-SIRET)", Args: exactArgs(2, "a scheme and a value"),
		RunE: func(cmd *cobra.Command, args []string) error {
			known := kam.Choices("identifiers[].scheme")
			id := identifier.Of(args[0], args[1], country)
			if id.Scheme == kam.SchemeOther && !strings.EqualFold(args[0], string(kam.SchemeOther)) {
				return kam.Errorf(kam.Invalid, "there is no scheme %q", args[0]).On("SCHEME").Try("use one of %s", kam.ListOf(known))
			}
			r := identifier.Check(id.Scheme, id.Value, country)
			a := identifierAnswer{Scheme: r.Scheme, Value: args[1], Compact: r.Compact, Valid: r.Valid}
			if r.Problem != "" {
				a.Problem = &r.Problem
			}
			return o.print(cmd.OutOrStdout(), a)
		},
	}
	cmd.Flags().StringVar(&country, "country", "", "issuing country, where the value does not say")
	return cmd
}

type normalizeAnswer struct {
	Plain    string `json:"plain"`
	Expanded string `json:"expanded"`
}

func (a normalizeAnswer) table() [][]string {
	return [][]string{{"plain", "expanded"}, {a.Plain, a.Expanded}}
}

func (o *options) normalize() *cobra.Command {
	var country string
	cmd := &cobra.Command{
		Use: "normalize NAME", Short: "The form in which names are compared", Args: exactArgs(1, "a name, in quotes"),
		RunE: func(cmd *cobra.Command, args []string) error {
			country = strings.ToUpper(country)
			if country != "" && !kam.IsCountry(country) {
				return kam.Errorf(kam.Invalid, "%q is not ISO 3166-1 alpha-2", country).On("country").Try("give a code such as DE")
			}
			n := match.Normalize(args[0], country)
			return o.print(cmd.OutOrStdout(), normalizeAnswer{n.Plain, n.Expanded})
		},
	}
	cmd.Flags().StringVar(&country, "country", "", "country of the company, such as DE: it says which legal forms stand where")
	return cmd
}

// policyCommand checks a policy file, or prints the default and its schema.
func (o *options) policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Check a policy file, or print the default one", Args: noVerb, RunE: help}
	cmd.AddCommand(&cobra.Command{
		Use: "check FILE", Short: "List every problem of a policy file", Args: exactArgs(1, "the policy file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := readPolicy(args[0], func(text []byte) (*policy.Policy, error) { return policy.Load(text, time.Now()) })
			if err != nil {
				return err
			}
			var out strings.Builder
			fmt.Fprintf(&out, "policy %s version %d is well formed\n", p.ID, p.Version)
			for _, s := range policy.NotInForce() {
				fmt.Fprintf(&out, "not in force, keeps its default: %s (%s)\n", s.Path, s.Why)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), out.String())
			return err
		},
	}, &cobra.Command{
		Use: "default", Short: "Print the default policy", Args: exactArgs(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(policy.DefaultYAML())
			return err
		},
	}, &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of a policy file", Args: exactArgs(0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(policy.Schema())
			return err
		},
	})
	return cmd
}

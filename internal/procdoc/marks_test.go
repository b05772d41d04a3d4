package procdoc_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/procdoc"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/access"
	"github.com/kamflow/kamflow/kam/book"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/policy"
)

var (
	root = filepath.Join("..", "..")

	heading = regexp.MustCompile(`(?m)^#+ (P[0-9.]+) `)
	// row is a table row that begins with an id.
	row = regexp.MustCompile(`(?m)^\| ([A-Z]+[0-9]+[a-d]?)(?:_[A-Z_]+)? \|`)

	// sectionMark and ruleMark are how code and pages point at a rule.
	sectionMark = regexp.MustCompile(`\bP[1-9](?:\.[0-9]+)*\b`)
	ruleMark    = regexp.MustCompile(`\b(?:(?:VF|VA|VI|VH|VD|VS|IB)[0-9]{2}|HS[0-9]|KG[0-9]|SOD[0-9]+|AC[0-9]{2}[a-d]?|AD[0-9])(?:_[A-Z_]+)?\b`)
	choiceMark  = regexp.MustCompile(`\bD[1-9][0-9]?[a-d]?\b|\bdecisions? [1-9][0-9]?[a-d]?\b`)
	adrMark     = regexp.MustCompile(`\bADR ([0-9]{4})\b`)
	pageMark    = regexp.MustCompile(`[\w./-]*\w\.md\b`)
	pageSection = regexp.MustCompile(`\b[\w-]+\.md [0-9]+\.[0-9.]+`)
	pathMark    = regexp.MustCompile("`([a-z]+/[a-zA-Z0-9_./*-]+\\.[a-z]+)`")
	link        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// TestMarksResolve reads every file and fails where one points to a rule, a
// decision or a page that this repository does not have.
func TestMarksResolve(t *testing.T) {
	t.Parallel()
	known := targets(t)
	require.Greater(t, len(known), 100)
	marks := 0
	for path, text := range texts(t, ".go", ".sql", ".yaml", ".yml", ".md", ".tmpl") {
		own := filepath.Base(path) == "marks_test.go"
		for n, line := range strings.Split(text, "\n") {
			for _, m := range marksIn(line) {
				marks++
				if !known[m] && !own {
					t.Errorf("%s:%d: %s is in neither docs/rules.md nor docs/decisions.md", path, n+1, m)
				}
			}
			for _, p := range deadPages(line, known) {
				if !own {
					t.Errorf("%s:%d: there is no %s here", path, n+1, p)
				}
			}
		}
	}
	require.Greater(t, marks, 500, "the test looks where the marks are")
	for _, p := range access.Permissions {
		section, _, _ := strings.Cut(p.Source, ",")
		require.True(t, known["P"+section], "a row of the matrix comes from %s", p.Source)
	}
}

// TestMarksAreFound: what the patterns take for a mark, and what not.
func TestMarksAreFound(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"the rule of P3.4.4, and P2":                {"P3.4.4", "P2"},
		"sorted (D10a, D9).":                        {"D10a", "D9"},
		"words are dropped (decision 33)":           {"D33"},
		"HS1_BLOCKED_PARTY and HS5, VF02":           {"HS1", "HS5", "VF02"},
		"AC24b, SOD10, KG6, AD7":                    {"AC24b", "SOD10", "KG6", "AD7"},
		`"D02AF30 D6WXY00", "D02"`:                  nil, // postal codes
		"decision of 3 managers, AC500, PG15, P0.5": nil,
	} {
		require.ElementsMatch(t, want, marksIn(line), line)
	}
	known := map[string]bool{"docs/names.md": true, "names.md": true, "0005": true}
	require.Empty(t, deadPages("see docs/names.md and ADR 0005", known))
	require.Equal(t, []string{"spec.md", "ADR 0099", "section names.md 3.8"}, deadPages("spec.md, names.md 3.8, ADR 0099", known))
}

func marksIn(line string) []string {
	var all []string
	all = append(all, sectionMark.FindAllString(line, -1)...)
	for _, m := range ruleMark.FindAllString(line, -1) {
		id, _, _ := strings.Cut(m, "_")
		all = append(all, id)
	}
	for _, m := range choiceMark.FindAllString(line, -1) {
		if _, n, words := strings.Cut(m, " "); words {
			m = "D" + n
		}
		all = append(all, m)
	}
	return all
}

// deadPages are the pages and records that a line names and nobody has.
func deadPages(line string, known map[string]bool) []string {
	var dead []string
	for _, p := range pageMark.FindAllString(line, -1) {
		if !known[strings.TrimLeft(p, "./")] && !known[filepath.Base(p)] {
			dead = append(dead, p)
		}
	}
	for _, m := range adrMark.FindAllStringSubmatch(line, -1) {
		if !known[m[1]] {
			dead = append(dead, m[0])
		}
	}
	for _, p := range pageSection.FindAllString(line, -1) {
		dead = append(dead, "section "+p) // pages have headings, no numbers
	}
	return dead
}

// targets is everything that a mark may mean.
func targets(t *testing.T) map[string]bool {
	known := map[string]bool{}
	for name, text := range texts(t, ".md") {
		known[name], known[filepath.Base(name)] = true, true
		if strings.HasPrefix(name, "docs/adr/") {
			known[filepath.Base(name)[:4]] = true
		}
		switch name {
		case "docs/rules.md":
			for _, m := range heading.FindAllStringSubmatch(text, -1) {
				known[m[1]] = true
			}
			fallthrough
		case "docs/decisions.md":
			for _, m := range row.FindAllStringSubmatch(text, -1) {
				known[m[1]] = true
			}
		}
	}
	return known
}

// texts are the files of the repository by path, those that tests read as data
// left out.
func texts(t *testing.T, kinds ...string) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "bin", "dist"}, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.Contains(kinds, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, path)
		all[filepath.ToSlash(short)] = string(text)
		return err
	}))
	return all
}

// TestLinksResolve follows the links of the pages to files and headings.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	pages := texts(t, ".md")
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") || strings.HasPrefix(file, "mailto:") {
				continue
			}
			target := name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
				_, err := os.Stat(filepath.Join(root, target))
				require.NoError(t, err, "%s links to %s", name, m[1])
			}
			if anchor != "" && !slices.Contains(anchors(pages[target]), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", name, m[1], target)
			}
		}
	}
}

// TestPathsExist: the files that these pages send a reader to.
func TestPathsExist(t *testing.T) {
	t.Parallel()
	for name, text := range texts(t, ".md") {
		if !slices.Contains([]string{"docs/rules.md", "ARCHITECTURE.md", "CONTRIBUTING.md"}, name) {
			continue
		}
		paths := pathMark.FindAllStringSubmatch(text, -1)
		require.NotEmpty(t, paths, name)
		for _, m := range paths {
			if found, err := filepath.Glob(filepath.Join(root, m[1])); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
}

// anchors are the ids that headings get where pages are shown.
func anchors(page string) []string {
	var all []string
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, title))
	}
	return all
}

// TestRulesPageIsComplete: each rule that the code knows is on the page.
func TestRulesPageIsComplete(t *testing.T) {
	t.Parallel()
	page := procdoc.Rules()
	for _, r := range customer.ValidationRules {
		require.Contains(t, page, fmt.Sprintf("| %s | %s | %s", r.ID, r.Text, r.Severity))
	}
	shipped, err := rules.Default()
	require.NoError(t, err)
	for _, h := range shipped.Add.HardStops {
		require.Contains(t, page, fmt.Sprintf("| %s | %s | %s |", h.ID, rules.English.Text(h.ID), h.Outcome))
	}
	for _, l := range shipped.RFM.Labels {
		require.Contains(t, page, "| "+string(l.Label)+" |")
	}
	for _, s := range policy.NotInForce() {
		if strings.Contains(page, "| `"+s.Path+"` |") {
			require.Regexp(t, "\\| `"+regexp.QuoteMeta(s.Path)+"` \\| [^|]* \\| not yet \\|", page)
		}
	}
	for _, f := range customer.Fields {
		require.Contains(t, page, "| `"+f.Name+"` |")
	}
	for _, role := range kam.Roles {
		require.Contains(t, page, string(role))
	}
	for _, scheme := range kam.Choices("identifiers[].scheme") {
		require.Regexp(t, `(?m)^\| [A-Z_, ]*\b`+scheme+`\b[A-Z_, ]* \|`, page)
	}
	for n := 1; n <= 11; n++ { // book.RuleBatchKey to book.RuleBatchOpenCase
		require.Contains(t, page, fmt.Sprintf("| IB%02d |", n))
	}
	require.Equal(t, "IB11", book.RuleBatchOpenCase, "and no rule of a batch beyond")
	require.NotContains(t, page, "<no value>")
}

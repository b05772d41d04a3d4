package pages_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jba/templatecheck"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/gateway/pages/casedata"
	"github.com/kamflow/kamflow/gateway/pages/cases"
	"github.com/kamflow/kamflow/gateway/pages/customers"
	"github.com/kamflow/kamflow/gateway/pages/inbox"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/gateway/pages/me"
	"github.com/kamflow/kamflow/gateway/pages/onecase"
	"github.com/kamflow/kamflow/gateway/pages/people"
	"github.com/kamflow/kamflow/gateway/pages/process"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/gateway/pages/start"
	"github.com/kamflow/kamflow/gateway/pages/terminal"
	"github.com/kamflow/kamflow/internal/text"
)

// TestTemplatesFitTheirTypes: a field that is not there fails here and not in
// front of somebody.
func TestTemplatesFitTheirTypes(t *testing.T) {
	t.Parallel()
	fits(t, signin.Template)
	fits(t, link.Template)
	fits(t, terminal.Template)
	fits(t, people.Template)
	fits(t, me.Template)
	fits(t, inbox.Template)
	fits(t, onecase.Template)
	fits(t, casedata.Template)
	fits(t, cases.Template)
	fits(t, start.Template)
	fits(t, customers.Template)
	fits(t, customers.OneTemplate)
	fits(t, process.Template)
}

func fits[T any](t *testing.T, p *page.Template[T]) {
	t.Helper()
	require.NoError(t, templatecheck.CheckHTML(p.Parsed(), page.View[T]{}), p.Name())
}

// TestTextsAreInTheCatalogue: each id that a template or a handler names.
func TestTextsAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`say "([^"]+)"|\.Text\("([^"]+)"[,)]|identity\.Link\w+: "([^"]+)"`)
	n := 0
	for _, pattern := range []string{"*/*.html", "*/*.go", "../*.go", "../*.html", "../page/*", "../caseview/*", "../dataform/*"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range said.FindAllStringSubmatch(string(b), -1) {
				n++
				id := m[1] + m[2] + m[3]
				require.True(t, text.Known(id), "%s: %s", file, id)
			}
		}
	}
	require.Greater(t, n, 60)
}

// TestNoInlineCode: what the content security policy forbids is in no template.
func TestNoInlineCode(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, pattern := range []string{"*/*.html", "../*.html", "../page/*.html", "../caseview/*.html", "../dataform/*.html"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			require.False(t, inline.Match(b), file)
		}
	}
}

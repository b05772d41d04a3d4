package pages_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jba/templatecheck"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/gateway/page"
	"github.com/kamflow/kamflow/gateway/pages/link"
	"github.com/kamflow/kamflow/gateway/pages/me"
	"github.com/kamflow/kamflow/gateway/pages/people"
	"github.com/kamflow/kamflow/gateway/pages/signin"
	"github.com/kamflow/kamflow/gateway/pages/terminal"
	"github.com/kamflow/kamflow/internal/text"
)

// TestTemplatesFitTheirTypes: a field that is not there fails here and not in
// front of somebody.
func TestTemplatesFitTheirTypes(t *testing.T) {
	t.Parallel()
	require.NoError(t, templatecheck.CheckHTML(signin.Template.Parsed(), page.View[signin.Page]{}))
	require.NoError(t, templatecheck.CheckHTML(link.Template.Parsed(), page.View[link.Page]{}))
	require.NoError(t, templatecheck.CheckHTML(terminal.Template.Parsed(), page.View[terminal.Page]{}))
	require.NoError(t, templatecheck.CheckHTML(people.Template.Parsed(), page.View[people.Page]{}))
	require.NoError(t, templatecheck.CheckHTML(me.Template.Parsed(), page.View[me.Page]{}))
}

// TestTextsAreInTheCatalogue: each id that a template or a handler names.
func TestTextsAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`say "([^"]+)"|text\.Say\("([^"]+)"|identity\.Link\w+: "([^"]+)"`)
	n := 0
	for _, pattern := range []string{"*/*.html", "*/*.go", "../*.go", "../*.html", "../page/*"} {
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
	inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, pattern := range []string{"*/*.html", "../*.html", "../page/*.html"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			require.False(t, inline.Match(b), file)
		}
	}
}

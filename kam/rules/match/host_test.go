package match_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam/rules/match"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for want, all := range map[string][]string{
		"example.com": {
			"example.com", "EXAMPLE.com", "www.example.com", "http://example.com", "HTTPS://WWW.Example.COM/", "https://example.com:8443/a/b?c=d#e",
			"example.com.", "https://www.example.com./", " example.com ", "//example.com/x", "http://user:secret@example.com/", "example.com/path%zz",
			"www.www.example.com", "example.com, example.org", "example.com; www.example.org", "https://example.com\\x", "ｅｘａｍｐｌｅ．ｃｏｍ", "<https://example.com>", "ftp://example.com",
		},
		"müller.de":           {"müller.de", "xn--mller-kva.de", "https://www.xn--mller-kva.de/", "MÜLLER.de", "mu\u0308ller.de", "XN--MLLER-KVA.DE"},
		"例え.jp":               {"例え.jp", "xn--r8jz45g.jp"},
		"www.com":             {"www.com", "http://www.com/"},
		"shop.example.com":    {"shop.example.com", "https://shop.example.com"},
		"xn--99zzzzzzzz9.com": {"xn--99zzzzzzzz9.com"},
		"2001:db8::1":         {"http://[2001:db8::1]:80/"},
		"":                    {"", " ", "http://", "https:///x", "//", "?"},
	} {
		for _, website := range all {
			require.Equal(t, want, match.Host(website), website)
			require.Equal(t, want, match.Host(want+"/x"), want)
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"https://www.example.com:80/", "xn--mller-kva.de", "xn--", "xn---.a", "[::1]", "http://@/", "www."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.NotContains(t, match.Host(s), "/")
		require.NotContains(t, match.Host(s), " ")
	})
}

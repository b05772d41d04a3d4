package main

import (
	"strconv"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/text"
)

// english is a starter that says what it says in English.
var english = &app{words: text.English()}

// TestChinese: a table and a refusal in the language that was asked for.
func TestChinese(t *testing.T) {
	got := start(t, waiting(), "", false, "--lang", "zh-CN", "--as", "rita", "list")
	require.Zero(t, got.status, got.err)
	require.Contains(t, got.out, "个案")
	require.Contains(t, got.out, "区域")

	got = start(t, waiting(), "", false, "--lang=zh-CN", "--as", "rita", "list", "--type", "MERGE")
	require.Equal(t, exitUsage, got.status)
	require.Equal(t, "无法理解: --type: \"MERGE\" 不是个案类型 (INVALID)\n  解决办法: 可选：NEW、MODIFY、REACTIVATE、DEACTIVATE、RECLASSIFY\n", got.err)

	got = start(t, waiting(), `{"country_code":"XX"}`, false, "--lang", "zh-CN", "--as", "rita", "onboard", "-f", "-")
	require.Contains(t, got.err, `country_code："XX" 不是国家 [VA01]；请给出 ISO 3166-1 二位代码，例如 DE`)

	got = start(t, waiting(), "", false, "--lang", "xx", "--as", "rita", "list")
	require.Equal(t, exitUsage, got.status)
	require.Contains(t, got.err, `lang: there are no texts in the language "xx"`)
}

// TestChineseHelp holds the help of every command against the catalogue.
func TestChineseHelp(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	var missing []string
	zh, ok := text.In("zh-CN")
	require.True(t, ok)
	see := func(s string) {
		if s != "" && !said[s] && !zh.Knows(s) {
			missing = append(missing, strconv.Quote(s))
		}
		said[s] = true
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		see(c.Short)
		if c.Name() != "help" && c.Name() != "completion" { // the library's own
			see(c.Long)
		}
		flags := func(f *pflag.Flag) {
			if f.Name != "help" {
				see(f.Usage)
			}
		}
		c.LocalFlags().VisitAll(flags)
		c.PersistentFlags().VisitAll(flags)
		for _, sub := range c.Commands() {
			if c.Name() == "completion" {
				continue // the library's own, for shells
			}
			walk(sub)
		}
	}
	walk((&app{words: text.English()}).root())
	for _, w := range helpWords {
		see(w)
	}
	see(moreHelp)
	require.Empty(t, missing, "not in zh_CN/help.json")
	for key := range text.Help() {
		require.True(t, said[key], "no command says %q", key)
	}
}

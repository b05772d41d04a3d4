package text_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
)

func TestLanguages(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"en": "en", "en-GB": "en", "en_US.UTF-8": "en", "zh-CN": "zh-Hans", "zh_CN.UTF-8": "zh-Hans", "zh": "zh-Hans", "zh-Hans-CN": "zh-Hans",
	} {
		p, ok := text.In(give)
		require.True(t, ok, give)
		require.Equal(t, want, p.Lang(), give)
	}
	for _, give := range []string{"", "C", "POSIX", "de_DE.UTF-8", "zh-TW", "no language"} {
		p, ok := text.In(give)
		require.False(t, ok, give)
		require.Equal(t, "en", p.Lang())
	}
}

// TestChinese: what was made in English, and has crossed JSON, is said in
// Chinese, sentences within sentences, too.
func TestChinese(t *testing.T) {
	t.Parallel()
	zh, _ := text.In("zh-CN")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{kam.Errorf(kam.NotFound, "there is no case %s", kam.CaseNo("KAM-2026-000001")), "没有个案 KAM-2026-000001"},
		{kam.Errorf(kam.Invalid, "%q %s", "x", kam.Say("is not a country")).On("country_code").By("VA01").Try("give an ISO 3166-1 alpha-2 code such as DE"),
			`country_code："x" 不是国家 [VA01]；请给出 ISO 3166-1 二位代码，例如 DE`},
		{kam.Errorf(kam.Invalid, "has %d entries", 12345).Try("one of %s", kam.ListOf([]string{"A", "B"})), "有 12,345 个条目；可选：A、B"},
		{kam.Errorf(kam.Invalid, "%s has hours twice", kam.NewMoney(1, "EUR")), "1 EUR 的工作时间出现两次"},
		{kam.Errorf(kam.Invalid, "a sentence of a later release about %d", 7), "a sentence of a later release about 7"},
		{&kam.Error{Code: kam.Invalid, Msg: "stored 100% early"}, "stored 100% early"},
		{errors.New("plain"), "plain"},
	} {
		err := tt.err
		if e := kam.AsError(err); e != nil {
			raw, jsonErr := json.Marshal(e)
			require.NoError(t, jsonErr)
			var back kam.Error
			require.NoError(t, json.Unmarshal(raw, &back))
			err = &back
		}
		require.Equal(t, tt.err.Error(), text.English().Error(err))
		require.Equal(t, tt.want, zh.Error(err))
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	zh, _ := text.In("zh-CN")
	require.Equal(t, "1 case", text.English().Say("audit.cases", 1))
	require.Equal(t, "2 cases", text.English().Say("audit.cases", 2))
	require.Equal(t, "1 个个案", zh.Say("audit.cases", 1))
	require.Equal(t, "no.such.id", zh.Say("no.such.id"))
}

// TestNotes: what is kept as finished English is known by its form again, whole or
// in parts; what people wrote stays as it is.
func TestNotes(t *testing.T) {
	t.Parallel()
	zh, _ := text.In("zh-CN")
	for give, want := range map[string]string{
		"Score 62.40, from 50 to under 70":                                 "得分 62.40，从 50 至小于 70",
		"Not a key account: potential 90000 EUR < 100000 EUR":              "不是大客户：潜力 90000 EUR < 100000 EUR",
		"Not a key account, KG5: potential 1000, 20000 needed":             "不是大客户，KG5：潜力 1000，需要 20000",
		"Key account NATIONAL on notice: potential 500000 EUR, score 61.2": "大客户 NATIONAL 处于观察期：潜力 500000 EUR，得分 61.2",

		"KAM-2026-000007: post of DE-S-03 is vacant; lea.terr is absent":                                 "KAM-2026-000007：DE-S-03 的岗位空缺；lea.terr 缺勤",
		"confirmation waits for lea.terr, max.reg":                                                       "confirmation 等待 lea.terr, max.reg",
		"post of DE-1 is vacant: confirmation waits for queue UNROUTED":                                  "DE-1 的岗位空缺：confirmation 等待队列 UNROUTED",
		"manager told: data_entry waits for rita.rep":                                                    "已通知经理：data_entry 等待 rita.rep",
		"P-000001: ada.policy proposes: the post of AT-2 goes from nobody to lea.terr":                   "P-000001：ada.policy 提出：AT-2 的岗位由 无人 转给 lea.terr",
		"P-000002 is refused: a load of 3 people and 2 territory nodes: Not now.":                        "P-000002 已被拒绝：载入 3 人和 2 个区域节点：Not now.",
		"worker.listen: \"x\" is not host:port\nlog.level: \"loud\" is none of debug, info, warn, error": "worker.listen：\"x\" 不是 host:port\nlog.level：\"loud\" 不属于 debug、info、warn、error",
		"2 active policy_admin: a change that gives rights takes two, so nobody could agree to one":      "在职的 policy_admin 有 2 名：授予权限的更改需要两人，因此无人能同意",
		"lea.terr would hold key accounts for 120% of one manager":                                       "lea.terr 持有的大客户将达到一名经理的 120%",

		"somebody wrote this":                        "somebody wrote this",
		"he said: call Ms Ito; then: call her again": "he said: call Ms Ito; then: call her again",
		"": "",
	} {
		require.Equal(t, want, zh.Note(give))
		require.Equal(t, give, text.English().Note(give))
	}
}

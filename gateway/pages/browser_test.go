package pages_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/browsertest"
	"github.com/kamflow/kamflow/internal/consoletest"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const (
	anna  = kam.UserID("anna.rep")
	hanna = kam.UserID("hanna.terr")
)

// TestDecideAndAdvance: a manager sees what waits for him and why, decides by one
// key, and the next task is there; a rejection says what it needs; the back button
// and the address hold.
func TestDecideAndAdvance(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	first, second, third := h.Ask(anna, "Alsterufer GmbH", nil), h.Ask(anna, "Weserbogen AG", nil), h.Ask(anna, "Deichgraf KG", nil)
	b := h.As(hanna)
	require.Equal(t, "/inbox", b.At())
	b.See(".rail [aria-current]", "3").See(".task", "your post: DE-N-01").See(".pane h1", "Alsterufer GmbH").See(".score", "63.00")
	b.See(".pane", "waits for you")

	b.Keys("c").See(".pane .note.done", "Confirm: "+string(first)).See(".pane h1", "Weserbogen AG")
	require.Equal(t, onboarding.AwaitingCompletion, h.Now(first).State)

	b.Keys("r").Wait(`document.activeElement.name === "reason_code"`)
	b.Choose("details[open] select", "TOO_SMALL").Type("details[open] textarea", "Not worth a visit.").Click("details[open] form .btn.main")
	b.See(".pane .note.done", string(second)).See(".pane h1", "Deichgraf KG")
	require.Equal(t, onboarding.Rejected, h.Now(second).State)
	b.See(".rail [aria-current]", "1")

	b.Keys("c").See(".tasks", "Nothing waits for you.")
	require.Equal(t, onboarding.AwaitingCompletion, h.Now(third).State)
	b.Go("/cases/"+string(second)).See("main", "Not worth a visit.").See(".path", "Rejected")
}

// TestTenDecisionsByKeyboard alone, with the list of keys.
func TestTenDecisionsByKeyboard(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	names := []string{"Alsterufer", "Weserbogen", "Deichgraf", "Thymianhof", "Kupferau", "Ostlicht", "Kastel", "Brombeer Labor", "Quellental Reha", "Zinnober Optik"}
	for _, n := range names {
		h.Ask(anna, n, nil)
	}
	b := h.As(hanna).Keys("?").See("#keys", "Confirm")
	browsertest.Run[bool](b, `document.getElementById("keys").close() ?? true`)
	for _, n := range names {
		b.See(".pane h1", n).Keys("c")
	}
	b.See(".tasks", "Nothing waits for you.")
}

// TestADecisionOnOlderData shows the difference and asks again.
func TestADecisionOnOlderData(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	no := h.Ask(anna, "Thymianhof GmbH", nil)
	b := h.As(hanna).See(".pane h1", "Thymianhof GmbH")
	d := h.Data("Thymianhof GmbH", consoletest.Fields{"declared_potential": consoletest.Fields{"amount": "60000.00", "currency": "EUR"}})
	h.Does(anna, no, onboarding.Act{Name: onboarding.ActAmendMaterial}, &d)
	b.Keys("c").See("#wrong", "the data changed since you opened them").See(".stale", "90,000 EUR").See(".stale", "60,000 EUR")
	b.Forgive("409")
	require.Equal(t, onboarding.AwaitingConfirmation, h.Now(no).State)
	b.Keys("c")
	b.See(".note.done", string(no))
	require.Equal(t, onboarding.AwaitingCompletion, h.Now(no).State)
}

// TestAVerbThatIsNotThere is shown with the cause in words.
func TestAVerbThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	no := h.Ask(anna, "Ostlicht GmbH", nil)
	b := h.As(anna).Go("/cases/" + string(no))
	b.See(".verbs [aria-disabled=true]", "Confirm").Click(".closed summary").See(".closed li", "requested the case or changed its data")
	require.False(t, b.Has(`button[value=CONFIRM]`))
	b.See(".case-head", "waits for Hanna Brodersen")
}

// TestWithoutScript everything is there but live updates.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	first, second := h.Ask(anna, "Kupferau GmbH", nil), h.Ask(anna, "Kastel GmbH", nil)
	b := h.As(hanna).NoScript().Go("/inbox")
	b.See(".pane h1", "Kupferau GmbH").Leave("button[value=CONFIRM]").See(".note.done", string(first)).See(".pane h1", "Kastel GmbH")
	b.Click("details[name=verb] summary[data-key=b]").Type("details[open] textarea", "What can we win of it?").Leave("details[open] form .btn.main")
	b.See(".note.done", string(second))
	require.Equal(t, onboarding.ChangesRequested, h.Now(second).State)
	b.Go("/cases").Type("#customer", "kastel").Leave(".filter .btn").See("table", "Kastel GmbH")
	require.Contains(t, b.At(), "customer=kastel")
	require.NotContains(t, b.Text("table"), "Kupferau")
}

// TestListsAreFilesToo, with the filters of the address.
func TestListsAreFilesToo(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	h.Ask(anna, "=cmd|' /C calc'!A0", nil)
	h.Ask(anna, "Zweite GmbH", nil)
	b := h.As(hanna).Go("/cases?customer=zweite").See("table", "Zweite GmbH")
	file := func(path string) string {
		return browsertest.Run[string](b, fmt.Sprintf(`fetch(%q).then(r => r.text())`, path))
	}
	require.Contains(t, file("/cases?as=csv"), "'=cmd|", "no spreadsheet takes a name for a formula")
	require.NotContains(t, file("/cases?as=csv&customer=zweite"), "cmd")
	require.Contains(t, file("/cases?as=json"), `"customer_name":"Zweite GmbH"`)
	require.True(t, strings.HasPrefix(file("/requests?as=xlsx"), "PK"))
	b.Go("/requests").See("main", "You have not asked for anything yet.")
	b.Go("/cases?customer=nobody").See("main", "Nothing fits these filters.").Leave(".empty .btn")
	require.Equal(t, "/cases", b.At())
}

// TestLanguage: by the choice of the person, else of the browser.
func TestLanguage(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	h.Ask(anna, "Sprachen GmbH", nil)
	b := browsertest.Open(t, h.URL).Reads("zh-CN,zh;q=0.9").Go("/sign-in")
	b.See("h1", "登录")
	b = h.As(hanna).See("h1", "Inbox").Leave(".language button").See("h1", "收件箱").See(".verbs", "确认")
	require.Equal(t, "zh-Hans", browsertest.Run[string](b, `document.documentElement.lang`))
	h.As(hanna).See("h1", "收件箱")
	b.Leave(".language button").See("h1", "Inbox")
}

// TestPhone: nothing is wider than the screen, and the case can be decided.
func TestPhone(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	no := h.Ask(anna, "Breite Straße Verwaltungsgesellschaft mit sehr langem Namen und noch mehr Wörtern GmbH & Co. KG", nil)
	b := h.As(hanna).Size(540, 900)
	for _, path := range []string{"/inbox", "/cases", "/requests", "/cases/" + string(no), "/cases/" + string(no) + "/data", "/me"} {
		b.Go(path)
		require.LessOrEqual(t, browsertest.Run[int](b, `document.documentElement.scrollWidth`), 540, path)
	}
	b.Go("/inbox").Click(".task").See(".pane h1", "Breite").Click("button[value=CONFIRM]").See("body", "Nothing waits for you.")
}

// TestLive: what others do is shown without a reload.
func TestLive(t *testing.T) {
	t.Parallel()
	h := consoletest.New(t)
	b := h.As(hanna).See(".tasks", "Nothing waits for you.")
	h.Ask(anna, "Plötzlich GmbH", nil)
	b.See(".task", "Plötzlich GmbH").See(".rail [aria-current]", "1")
}

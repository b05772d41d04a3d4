// Package browsertest drives a real Chromium in tests of pages. Where there is none
// the tests skip loudly; in CI (KAM_CHROMIUM=required) they fail.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// binaries are the names under which systems have it.
var binaries = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

func find() string {
	for _, name := range binaries {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// start starts one browser for all tests of a program. It ends with the program.
var start = sync.OnceValues(func() (context.Context, error) {
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(find()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("lang", "en-US"), chromedp.Flag("font-render-hinting", "none"))
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...) //nolint:govet // ends with the program
	ctx, _ = chromedp.NewContext(ctx)                                     //nolint:govet // as above
	return ctx, chromedp.Do(ctx, chromedp.Navigate("about:blank"))
})

// A Tab is a window of its own, with its own cookies.
type Tab struct {
	testing.TB
	ctx  context.Context
	base string

	mu     sync.Mutex
	errors []string
}

// Open opens a tab on the server at an address. It fails the test, at its end, for
// every error that the page reports: a script that throws, a file that is missing, a
// thing that the content security policy forbids.
func Open(t testing.TB, base string) *Tab {
	t.Helper()
	if find() == "" {
		if os.Getenv("KAM_CHROMIUM") == "required" {
			t.Fatal("there is no Chromium, and KAM_CHROMIUM=required")
		}
		t.Skip("SKIPPED, NOT PASSED: there is no Chromium here. Debian: apt-get install chromium fonts-noto-cjk")
	}
	root, err := start()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	b := &Tab{TB: t, base: base}
	ctx, end := chromedp.NewContext(root, chromedp.WithNewBrowserContext())
	b.ctx = ctx
	t.Cleanup(func() {
		end()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.errors {
			t.Errorf("the page reports: %s", e)
		}
	})
	b.do(chromedp.EmulateViewport(1366, 768))
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			if m.Type == "error" || m.Type == chromedp.ConsoleException {
				b.mu.Lock()
				b.errors = append(b.errors, m.Text+" "+m.URL)
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// Forgive takes back errors that hold a text: those that a test brings about.
func (b *Tab) Forgive(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.errors[:0]
	for _, e := range b.errors {
		if !strings.Contains(e, part) {
			kept = append(kept, e)
		}
	}
	b.errors = kept
}

// patience is how long something may take to come.
const patience = 20 * time.Second

func (b *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatalf("%v at %s", err, b.At())
	}
}

// Run is the value of an expression in the page.
func Run[T any](b *Tab, js string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", js, err)
	}
	return v
}

func quoted(s string) string {
	q, _ := json.Marshal(s) // a string
	return string(q)
}

// Go opens a page; it follows where that leads.
func (b *Tab) Go(path string) *Tab {
	b.Helper()
	if !strings.Contains(path, "://") {
		path = b.base + path
	}
	b.do(chromedp.Navigate(path))
	return b
}

// At is the path that the tab shows, with its query.
func (b *Tab) At() string {
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname + location.search`))
	if err != nil {
		return err.Error()
	}
	return v
}

// Wait waits until an expression is true.
func (b *Tab) Wait(js string) *Tab {
	b.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		v, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+js+")"))
		if err == nil && v {
			return b
		}
		if time.Now().After(end) {
			b.Fatalf("waited in vain for %s at %s (%v):\n%s", js, b.At(), err, b.Text("body"))
		}
	}
}

// See waits until an element shows a text.
func (b *Tab) See(css, text string) *Tab {
	b.Helper()
	return b.Wait(fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.checkVisibility() && e.innerText.includes(%s))`, quoted(css), quoted(text)))
}

// Text is what an element shows, "" where it is not there.
func (b *Tab) Text(css string) string {
	b.Helper()
	return Run[string](b, fmt.Sprintf(`document.querySelector(%s)?.innerText ?? ""`, quoted(css)))
}

// Has says whether an element is there.
func (b *Tab) Has(css string) bool {
	b.Helper()
	return Run[bool](b, fmt.Sprintf(`!!document.querySelector(%s)`, quoted(css)))
}

// Click clicks on an element, once it is there, as a person would: it must be
// visible.
func (b *Tab) Click(css string) *Tab {
	b.Helper()
	b.Wait(fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quoted(css)))
	b.do(chromedp.Click(chromedp.CSS(css)))
	return b
}

// Leave clicks on what leads to another page, and waits until that is there.
func (b *Tab) Leave(css string) *Tab {
	b.Helper()
	Run[bool](b, `window.kamHere = true`)
	b.Click(css)
	return b.Wait(`!window.kamHere && document.readyState === "complete"`)
}

// Type types into a field, in place of what stands there.
func (b *Tab) Type(css, text string) *Tab {
	b.Helper()
	b.Wait(fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quoted(css)))
	Run[bool](b, fmt.Sprintf(`(e => { e.focus(); if (e.select) e.select(); return true })(document.querySelector(%s))`, quoted(css)))
	if text == "" {
		b.do(chromedp.Clear(chromedp.CSS(css)))
		return b
	}
	b.do(chromedp.KeyEvent(text))
	return b
}

// Choose picks an option of a list.
func (b *Tab) Choose(css, value string) *Tab {
	b.Helper()
	b.Wait(fmt.Sprintf(`document.querySelector(%s)?.checkVisibility()`, quoted(css)))
	Run[bool](b, fmt.Sprintf(`(e => { e.value = %s; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return true })(document.querySelector(%s))`, quoted(value), quoted(css)))
	return b
}

// Keys presses keys, whatever has the focus.
func (b *Tab) Keys(keys string) *Tab {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
	return b
}

// Size sets the size of the window.
func (b *Tab) Size(width, height int64) *Tab {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
	return b
}

// Dark says whether the reader wants dark pages.
func (b *Tab) Dark(on bool) *Tab {
	b.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
		b.Fatal(err)
	}
	return b
}

// NoScript turns scripts off.
func (b *Tab) NoScript() *Tab {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.Fatal(err)
	}
	return b
}

// Reads is the language that the browser asks for.
func (b *Tab) Reads(lang string) *Tab {
	b.Helper()
	if _, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}); err != nil {
		b.Fatal(err)
	}
	return b
}

// Shot writes a picture of what the window shows.
func (b *Tab) Shot(file string) *Tab {
	b.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(file, png, 0o600)
	}
	if err != nil {
		b.Fatalf("%s: %v", file, err)
	}
	return b
}

package mutations

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Catcher is the check that has to find an edit.
type Catcher string

// The catchers. Replay and workflowcheck see different things: replay compares
// what is called with what was recorded, workflowcheck finds what may come out
// otherwise the next time.
const (
	Replay        Catcher = "replay"
	Workflowcheck Catcher = "workflowcheck"
	Nobody        Catcher = "nobody" // a control: the edit breaks nothing
)

// An Edit is one change somebody might make in good faith.
type Edit struct {
	Name     string
	What     string // what is changed
	Breaks   string // what that does to open cases
	CaughtBy Catcher
	Changes  []Change
}

// A Change replaces one piece of a file.
type Change struct {
	File   string // from the root of the repository
	Old    string // occurs exactly once
	New    string
	Import string // a package that New needs and the file does not import yet
}

// ErrMoved says that an edit no longer fits the code.
var ErrMoved = errors.New("the edit no longer fits the code: give it another old text")

// Files are the changed files, by their path from the root, with their new
// text. The error is ErrMoved where an old text does not occur exactly once.
func (e Edit) Files(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, c := range e.Changes {
		text, ok := files[c.File]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(c.File)))
			if err != nil {
				return nil, fmt.Errorf("edit %s: %w", e.Name, err)
			}
			text = string(b)
		}
		text, err := c.apply(text)
		if err != nil {
			return nil, fmt.Errorf("edit %s: %w", e.Name, err)
		}
		files[c.File] = text
	}
	return files, nil
}

func (c Change) apply(text string) (string, error) {
	if n := strings.Count(text, c.Old); n != 1 {
		return "", fmt.Errorf("%q occurs %d times in %s, not once: %w", c.Old, n, c.File, ErrMoved)
	}
	text = strings.Replace(text, c.Old, c.New, 1)
	if c.Import == "" {
		return text, nil
	}
	const imports = "import (\n"
	if !strings.Contains(text, imports) {
		return "", fmt.Errorf("no block of imports in %s: %w", c.File, ErrMoved)
	}
	return strings.Replace(text, imports, imports+"\t\""+c.Import+"\"\n", 1), nil
}

// Overlay writes the changed files into dir, which must be outside of the
// tree, and returns the file that the flag -overlay of go build and go test
// takes. The tree stays as it is.
func (e Edit) Overlay(root, dir string) (string, error) {
	files, err := e.Files(root)
	if err != nil {
		return "", err
	}
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for name, text := range files {
		original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return "", fmt.Errorf("edit %s: %w", e.Name, err)
		}
		changed := filepath.Join(dir, e.Name+"."+strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("edit %s: %w", e.Name, err)
		}
		overlay.Replace[original] = changed
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		return "", fmt.Errorf("edit %s: %w", e.Name, err)
	}
	path := filepath.Join(dir, e.Name+".json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", fmt.Errorf("edit %s: %w", e.Name, err)
	}
	return path, nil
}

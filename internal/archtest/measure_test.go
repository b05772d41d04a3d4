package archtest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A room is what a folder of Go holds.
type room struct {
	lines, comments, tests int
	imports                map[string]bool // by other files than tests
	program                bool
}

// longFile is how many lines make a file long.
const longFile = 250

// TestMeasure prints how large the system is: make measure.
func TestMeasure(t *testing.T) {
	t.Parallel()
	rooms := map[string]*room{}
	methods := map[string]int{}
	var long []string
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != root {
			return cmp.Or(err, error(filepath.SkipDir))
		}
		if d.IsDir() || filepath.Ext(file) != ".go" {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name := path.Dir(filepath.ToSlash(rel))
		if rooms[name] == nil {
			rooms[name] = &room{imports: map[string]bool{}}
		}
		r, lines := rooms[name], bytes.Count(src, []byte("\n"))
		if strings.HasSuffix(file, "_test.go") {
			r.tests += lines
			return nil
		}
		r.lines += lines
		r.comments += commentLines(src)
		if lines > longFile {
			long = append(long, fmt.Sprintf("%d %s", lines, filepath.ToSlash(rel)))
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
		if err != nil {
			return err
		}
		r.program = r.program || f.Name.Name == "main"
		for _, i := range f.Imports {
			if of, ok := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module+"/"); ok {
				r.imports[of] = true
			}
		}
		countMethods(f, name, methods)
		return nil
	}))
	proofs := onlyTests(rooms)
	var code, proof, comments, tests int
	for _, name := range slices.SortedFunc(maps.Keys(rooms), func(a, b string) int { return cmp.Compare(rooms[b].lines, rooms[a].lines) }) {
		r, note := rooms[name], ""
		if proofs[name] {
			proof, note = proof+r.lines, "  only tests use it"
		} else {
			code, comments = code+r.lines, comments+r.comments
		}
		tests += r.tests
		t.Logf("%6d lines %6d of tests  %s%s", r.lines, r.tests, name, note)
	}
	t.Logf("%6d lines of Go, %d%% of them comments; %d that only tests use; %d of tests", code, 100*comments/code, proof, tests)
	for _, of := range slices.Sorted(maps.Keys(methods)) {
		t.Logf("%6d methods of %s", methods[of], of)
	}
	slices.Sort(long) // all have three digits
	slices.Reverse(long)
	t.Logf("%6d files over %d lines, the longest: %s", len(long), longFile, strings.Join(long[:min(len(long), 10)], ", "))
}

func commentLines(src []byte) (n int) {
	var s scanner.Scanner
	files := token.NewFileSet()
	s.Init(files.AddFile("", files.Base(), len(src)), src, nil, scanner.ScanComments)
	for {
		switch _, tok, lit := s.Scan(); tok {
		case token.EOF:
			return n
		case token.COMMENT:
			n += 1 + strings.Count(lit, "\n")
		}
	}
}

// countMethods counts those that the record offers, and what the stages of a case
// ask.
func countMethods(f *ast.File, room string, methods map[string]int) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil {
			continue
		}
		e := fn.Recv.List[0].Type
		if p, ok := e.(*ast.StarExpr); ok {
			e = p.X
		}
		id, ok := e.(*ast.Ident)
		switch {
		case !ok:
		case strings.HasPrefix(room, "store") && fn.Name.IsExported() && (id.Name == "Store" || id.Name == "Tx"):
			methods["Store and Tx of all rooms, exported"]++
			methods[room+"."+id.Name]++
		case room == "activities" && (id.Name == "work" || id.Name == "lookup"):
			methods["activities."+id.Name]++
		}
	}
}

// onlyTests are the rooms that no program needs.
func onlyTests(rooms map[string]*room) map[string]bool {
	needed := map[string]bool{}
	var need func(name string)
	need = func(name string) {
		if r := rooms[name]; r != nil && !needed[name] {
			needed[name] = true
			for i := range r.imports {
				need(i)
			}
		}
	}
	for name, r := range rooms {
		if r.program && !strings.HasPrefix(name, "internal") {
			need(name)
		}
	}
	proofs := map[string]bool{}
	for name := range rooms {
		proofs[name] = !needed[name] && !strings.HasPrefix(name, "standalone/unused") // which stands in for modules
	}
	return proofs
}

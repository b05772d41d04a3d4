// Command cmd writes the generated pages of the documentation into a
// directory: go run ./internal/procdoc/cmd [directory, default "docs"].
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kamflow/kamflow/internal/procdoc"
)

func main() {
	dir := "docs"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	for name, page := range procdoc.Pages() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

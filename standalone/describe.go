package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/kamflow/kamflow/internal/runfile"
)

// describe says where things are. The password stays in the file that only
// this user can read.
func describe(dataDir string, r runfile.Running) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-16s %s\n", name, value)
		}
	}
	row("Console", r.Console)
	row("Temporal Web UI", r.UI)
	if r.TemporalAddress != "" {
		row("Temporal", fmt.Sprintf("%s, namespace %s", r.TemporalAddress, r.Namespace))
	}
	if u, err := url.Parse(r.DatabaseURL); err == nil {
		row("PostgreSQL", u.Redacted())
	}
	row("Data", dataDir)
	row("Passwords", filepath.Join(dataDir, runfile.Name))
	return b.String()
}

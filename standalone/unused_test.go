package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostPackages bounds what a first build compiles. An update that needs a few
// more may raise it; hundreds more are something that belongs in the folder unused.
const mostPackages = 1300

// never are modules, by the beginning of their paths, that came with what the
// modules in unused stand in for.
var never = []string{
	"cel.dev/",
	"cloud.google.com/go/auth",
	"cloud.google.com/go/iam",
	"cloud.google.com/go/longrunning",
	"cloud.google.com/go/monitoring",
	"cloud.google.com/go/run",
	"github.com/GoogleCloudPlatform/",
	"github.com/aws/",
	"github.com/cncf/xds/",
	"github.com/envoyproxy/",
	"github.com/googleapis/",
	"k8s.io/",
	"modernc.org/",
	"sigs.k8s.io/",
}

// TestProgramStaysSmall holds with the workspace, in which people build, and
// without it, as the module of standalone stands alone.
func TestProgramStaysSmall(t *testing.T) {
	t.Parallel()

	for name, workspace := range map[string]string{"with the workspace": "", "without it": "off"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			packages := linkedPackages(t, workspace)
			require.LessOrEqual(t, len(packages), mostPackages, "packages of standalone")

			unseen := standIns(t)
			for _, p := range packages {
				if _, folder, ok := strings.Cut(p.replacedBy, "/unused/"); ok {
					unseen = slices.DeleteFunc(unseen, func(f string) bool { return f == folder })
					continue
				}
				for _, module := range never {
					require.False(t, strings.HasPrefix(p.module, module), "standalone links %s, which %s brings", p.path, p.module)
				}
			}
			require.Empty(t, unseen, "folders that stand in for nothing any more")
		})
	}
}

// A linked package is one of the program, with its module and the folder that
// stands in for that.
type linked struct{ path, module, replacedBy string }

func linkedPackages(t *testing.T, workspace string) []linked {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{with .Module}}{{.Path}} {{with .Replace}}{{.Path}}{{end}}{{else}}std {{end}}", ".")
	cmd.Env = append(os.Environ(), "GOWORK="+workspace)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	require.NoError(t, err, complaints.String())
	var all []linked
	for line := range strings.Lines(string(out)) {
		f := append(strings.Fields(line), "")
		all = append(all, linked{path: f[0], module: f[1], replacedBy: f[2]})
	}
	return all
}

// standIns are the folders of unused that are modules.
func standIns(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("unused/*/go.mod")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i := range files {
		files[i] = filepath.Base(filepath.Dir(files[i]))
	}
	return files
}

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// MinMajor is the oldest PostgreSQL that kamflow runs on.
const MinMajor = 15

// BinDirEnv names the directory of PostgreSQL's programs, for installations
// in places that are not searched.
const BinDirEnv = "KAM_POSTGRES_BIN"

// ErrNoBinaries says that this machine has no usable PostgreSQL.
var ErrNoBinaries = fmt.Errorf(
	"no PostgreSQL %d or newer found: install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17) or set %s to the directory that holds initdb and postgres",
	MinMajor, BinDirEnv)

// searched are the places where distributions put PostgreSQL's programs, most
// of which are not on the PATH.
var searched = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/usr/local/pgsql/bin",
}

// An installation is one PostgreSQL on this machine.
type installation struct {
	binDir  string
	version string // as in "15.18"
	major   int
}

func (i installation) program(name string) string { return filepath.Join(i.binDir, name) }

// findInstallation returns the PostgreSQL to use. binDir, or else the
// environment, decides alone when set. A cluster can only be opened by the
// major version that made it, so a clusterMajor other than 0 must match.
// What was fetched into a directory before is found there again.
func findInstallation(ctx context.Context, binDir, fetched string, clusterMajor int) (installation, error) {
	if binDir == "" {
		binDir = os.Getenv(BinDirEnv)
	}
	var found []installation
	if binDir != "" {
		inst, err := inspect(ctx, binDir)
		if err != nil {
			return installation{}, err
		}
		found = append(found, inst)
	} else {
		found = installations(ctx, append(slices.Clone(searched), filepath.Join(fetched, "postgresql-*", "bin")))
	}
	return choose(found, clusterMajor)
}

func choose(found []installation, clusterMajor int) (installation, error) {
	found = slices.DeleteFunc(found, func(i installation) bool { return i.major < MinMajor })
	if len(found) == 0 {
		return installation{}, ErrNoBinaries
	}
	if clusterMajor == 0 {
		return found[0], nil
	}
	for _, inst := range found {
		if inst.major == clusterMajor {
			return inst, nil
		}
	}
	return installation{}, fmt.Errorf(
		"the data was written by PostgreSQL %d, and this machine has %s: install PostgreSQL %d, or move the data with pg_upgrade",
		clusterMajor, found[0].version, clusterMajor)
}

// installations lists what is on the PATH first, then the rest, newest first.
func installations(ctx context.Context, patterns []string) []installation {
	var found []installation
	for _, pattern := range patterns {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, dir := range dirs {
			if inst, err := inspect(ctx, dir); err == nil {
				found = append(found, inst)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b installation) int { return b.major - a.major })

	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			if inst, err := inspect(ctx, filepath.Dir(path)); err == nil {
				found = slices.Insert(found, 0, inst)
			}
		}
	}
	return found
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// inspect asks the programs in a directory for their version.
func inspect(ctx context.Context, binDir string) (installation, error) {
	inst := installation{binDir: binDir}
	if _, err := os.Stat(inst.program("initdb")); err != nil {
		return inst, fmt.Errorf("look for PostgreSQL in %s: %w", binDir, err)
	}
	out, err := exec.CommandContext(ctx, inst.program("postgres"), "--version").Output()
	if err != nil {
		return inst, fmt.Errorf("ask PostgreSQL in %s for its version: %w", binDir, err)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return inst, fmt.Errorf("version of PostgreSQL in %s: cannot read %q", binDir, out)
	}
	inst.version = string(m[1])
	inst.major, err = strconv.Atoi(string(m[2]))
	return inst, err
}

// clusterMajor tells which major version made the cluster; 0 when there is
// none yet.
func clusterMajor(cluster string) (int, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read version of cluster: %w", err)
	}
	m := leadingNumber.Find(text)
	major, err := strconv.Atoi(string(m))
	if err != nil {
		return 0, fmt.Errorf("read version of cluster %s: %w", cluster, err)
	}
	return major, nil
}

var leadingNumber = regexp.MustCompile(`^\d+`)

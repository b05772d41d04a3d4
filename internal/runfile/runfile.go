// Package runfile is how programs on one machine find a running standalone: a
// file in its data directory, which only the user who started it can read.
package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kamflow/kamflow/config"
)

// Name is the name of the file in the data directory.
const Name = "standalone.json"

// Running says where the parts of a standalone listen.
type Running struct {
	DatabaseURL     string `json:"database_url"`
	TemporalAddress string `json:"temporal_address"`
	Namespace       string `json:"namespace"`
	UI              string `json:"ui,omitempty"`
	Console         string `json:"console,omitempty"`
	PID             int    `json:"pid"`
	Token           string `json:"token,omitempty"`
}

// ErrNone says that no standalone runs on the data directory.
var ErrNone = errors.New("no standalone is running")

// Write puts the file in place at once: a reader sees all of it or none.
func Write(dataDir string, r Running) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", Name, err)
	}
	f, err := os.CreateTemp(dataDir, Name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", Name, err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dataDir, Name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", Name, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Read finds the standalone of a data directory. It may have ended without
// removing the file: whoever connects will see.
func Read(dataDir string) (Running, error) {
	var r Running
	b, err := os.ReadFile(filepath.Join(dataDir, Name))
	if errors.Is(err, os.ErrNotExist) {
		return r, fmt.Errorf("%w in %s", ErrNone, dataDir)
	}
	if err != nil {
		return r, fmt.Errorf("find standalone: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("find standalone: read %s: %w", filepath.Join(dataDir, Name), err)
	}
	return r, nil
}

// Remove takes the file away when standalone ends.
func Remove(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, Name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Locate fills in where PostgreSQL and Temporal are: what is set stays, else
// the standalone that runs on the data directory is meant. Running is empty
// where none was needed.
func Locate(cfg config.Config) (config.Config, Running, error) {
	if cfg.Database.URL != "" {
		return cfg, Running{}, nil
	}
	r, err := Read(cfg.DataDir)
	if err != nil {
		return cfg, r, fmt.Errorf("database.url is not set, and %w", err)
	}
	cfg.Database.URL = config.Secret(r.DatabaseURL)
	if cfg.Temporal.Address == "" {
		cfg.Temporal.Address = r.TemporalAddress
	}
	if cfg.Temporal.Namespace == "" {
		cfg.Temporal.Namespace = r.Namespace
	}
	return cfg, r, nil
}

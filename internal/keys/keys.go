// Package keys keeps the keys that acts are signed with, as files that their owner
// alone can read or as variables of the environment.
//
// In the directory stand the file keyring, public keys one on a line, which every
// worker needs, and for each key that signs here a file ID.secret.
package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/kam/signed"
)

const (
	ringFile = "keyring"
	secret   = ".secret"
)

// A Box is where keys are found.
type Box struct {
	Dir string

	signing, public string // from the environment, where they are set
}

// In is the box that a configuration names: keys.dir, else keys of the data
// directory.
func In(cfg config.Config) Box {
	dir := cfg.Keys.Dir
	if dir == "" {
		dir = filepath.Join(cfg.DataDir, "keys")
	}
	return Box{dir, cfg.Keys.Signing.Reveal(), cfg.Keys.Public}
}

// Ring are the public keys, the oldest first: those of the environment and those
// of the directory. It is empty where there are none.
func (b Box) Ring() (signed.Keyring, error) {
	ring, err := signed.ParseKeyring(strings.ReplaceAll(b.public, ",", "\n"))
	if err != nil {
		return nil, fmt.Errorf("keys.public: %w", err)
	}
	filed, err := b.filed()
	if err != nil {
		return nil, err
	}
	for _, k := range filed {
		if _, twice := ring.Key(k.ID); !twice {
			ring = append(ring, k)
		}
	}
	slices.SortStableFunc(ring, func(a, b signed.Key) int { return a.From.Compare(b.From) })
	return ring, nil
}

func (b Box) filed() (signed.Keyring, error) {
	path := filepath.Join(b.Dir, ringFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read public keys: %w", err)
	}
	ring, err := signed.ParseKeyring(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ring, nil
}

// Secrets are the keys that sign here. A file that others than its owner can read
// is refused.
func (b Box) Secrets() ([]signed.SigningKey, error) {
	var all []signed.SigningKey
	if b.signing != "" {
		k, err := signed.ParseSecret(b.signing)
		if err != nil {
			return nil, fmt.Errorf("keys.signing: %w", err)
		}
		all = append(all, k)
	}
	paths, err := filepath.Glob(filepath.Join(b.Dir, "*"+secret))
	if err != nil {
		return nil, fmt.Errorf("look for signing keys: %w", err)
	}
	for _, path := range paths {
		k, err := readSecret(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, k)
	}
	return all, nil
}

func readSecret(path string) (k signed.SigningKey, err error) {
	f, err := os.Open(path)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return k, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return k, fmt.Errorf("others may read it (%v): chmod 600 it, and make a new key if anybody has", mode)
	}
	text := make([]byte, 200)
	n, err := f.Read(text)
	if err != nil {
		return k, err
	}
	return signed.ParseSecret(string(text[:n]))
}

// Make makes a key pair: first the public half into the keyring, then the secret,
// so that nothing is signed with a key that stands nowhere.
func (b Box) Make(now time.Time) (signed.Key, error) {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return signed.Key{}, fmt.Errorf("make the directory of keys: %w", err)
	}
	private, key, err := signed.NewKey(now)
	if err != nil {
		return key, err
	}
	err = b.change(func(ring signed.Keyring) (signed.Keyring, error) { return append(ring, key), nil })
	if err != nil {
		return key, err
	}
	return key, write(filepath.Join(b.Dir, key.ID+secret), private.Secret()+"\n", 0o600)
}

// Ensure makes a key where none signs here, and says whether it did.
func (b Box) Ensure(now time.Time) (made bool, err error) {
	all, err := b.Secrets()
	if err != nil || len(all) > 0 {
		return false, err
	}
	_, err = b.Make(now)
	return err == nil, err
}

// Retire ends a key of the directory at an instant, and removes its secret. What
// was signed before can still be verified.
func (b Box) Retire(id string, at time.Time) error {
	err := b.change(func(ring signed.Keyring) (signed.Keyring, error) {
		for i := range ring {
			if ring[i].ID == id {
				ring[i].Until = at.UTC().Truncate(time.Second)
				return ring, nil
			}
		}
		return nil, fmt.Errorf("key %.20q is not in %s", id, filepath.Join(b.Dir, ringFile))
	})
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(b.Dir, id+secret)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the secret of a key: %w", err)
	}
	return nil
}

func (b Box) change(how func(signed.Keyring) (signed.Keyring, error)) error {
	ring, err := b.filed()
	if err != nil {
		return err
	}
	if ring, err = how(ring); err != nil {
		return err
	}
	const head = "# Public keys that acts are signed with: give this file to every worker.\n"
	return write(filepath.Join(b.Dir, ringFile), head+ring.Text(), 0o644)
}

// write puts a file in place at once: a reader sees all of it or none.
func write(path, text string, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write a key: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

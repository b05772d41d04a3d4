package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kamflow/kamflow/kam"
)

// credentials are how this user of the machine is signed in, by the address of the
// gateway. They stand in his configuration directory, for him alone.
type credentials struct {
	Last     string            `json:"last,omitempty"` // gateway that he signed in to last
	Gateways map[string]signIn `json:"gateways"`
}

type signIn struct {
	User  kam.UserID `json:"user_id"`
	Token string     `json:"token"`
}

func credentialsFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your configuration directory: %w", err)
	}
	return filepath.Join(dir, "kamflow", "credentials.json"), nil
}

// readCredentials reads them; there may be none. A file that others can read is
// refused: its tokens may be known.
func readCredentials() (c credentials, err error) {
	path, err := credentialsFile()
	if err != nil {
		return c, err
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return credentials{Gateways: map[string]signIn{}}, nil
	}
	if err != nil {
		return c, fmt.Errorf("read how you are signed in: %w", err)
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return c, usagef("%s can be read by others: revoke its tokens, remove it and sign in again with starter login", path)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, usagef("%s cannot be read; remove it and sign in again with starter login: %s", path, err)
	}
	if c.Gateways == nil {
		c.Gateways = map[string]signIn{}
	}
	return c, nil
}

// write puts them in place at once, for this user alone.
func (c credentials) write() error {
	path, err := credentialsFile()
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return fmt.Errorf("keep how you are signed in: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "credentials.*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep how you are signed in: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep how you are signed in: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

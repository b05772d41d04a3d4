package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// An owner is the user that PostgreSQL runs as. The zero owner is ourselves.
type owner struct {
	name     string
	uid, gid int
}

// pickOwner returns ourselves, except for root: PostgreSQL refuses to be root.
func pickOwner() (owner, error) {
	if os.Geteuid() != 0 {
		return owner{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return owner{}, fmt.Errorf("user %s: %w", name, err)
		}
		return owner{name: name, uid: uid, gid: gid}, nil
	}
	return owner{}, errors.New("PostgreSQL cannot run as root, and this machine has neither a user postgres nor nobody: start as another user")
}

func (o owner) isOther() bool { return o.name != "" }

// attr makes a process run as the owner, in its own process group: a Ctrl-C in
// the terminal must reach PostgreSQL only after those who use it have stopped.
func (o owner) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if o.isOther() {
		attr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return attr
}

// give hands a file to the owner.
func (o owner) give(path string) error {
	if !o.isOther() {
		return nil
	}
	return os.Chown(path, o.uid, o.gid)
}

// blockedBy returns the first directory on the way to dir that the owner may
// not enter, or "" when the way is free.
func (o owner) blockedBy(dir string) (string, error) {
	if !o.isOther() {
		return "", nil
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		if !o.mayEnter(info) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", nil
		}
	}
}

func (o owner) mayEnter(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		switch {
		case int(stat.Uid) == o.uid:
			return mode&0o100 != 0
		case int(stat.Gid) == o.gid:
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

package identity

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// TerminalState is what became of a terminal that asked to be let in.
type TerminalState string

// The states. Of one that has expired, or was used and forgotten, nothing is
// known.
const (
	TerminalPending  TerminalState = "PENDING"
	TerminalAgreed   TerminalState = "AGREED"
	TerminalDeclined TerminalState = "DECLINED"
	TerminalUnknown  TerminalState = "UNKNOWN"
)

// A Terminal is a program that asks to be let in as whoever agrees.
type Terminal struct {
	Code    string
	Name    string
	AskedAt time.Time
	State   TerminalState
	User    kam.UserID // who has decided
}

// TerminalLasts is for how long a terminal waits for somebody to agree.
const TerminalLasts = 10 * time.Minute

// maxTerminals is how many wait at one time.
const maxTerminals = 1000

// codeLetters make no words and are not taken for each other.
const codeLetters = "BCDFGHJKLMNPQRSTVWXZ"

// newCode is a code that a person reads and types: 34 bits, which hold for ten
// minutes and for whoever is signed in only.
func newCode() string {
	b := make([]byte, 0, 9)
	for raw := make([]byte, 1); len(b) < 9; {
		if len(b) == 4 {
			b = append(b, '-')
		}
		_, _ = rand.Read(raw) // never fails
		if n := int(raw[0]); n < 240 {
			b = append(b, codeLetters[n%len(codeLetters)])
		}
	}
	return string(b)
}

// AskTerminal has a terminal wait, and says the code that its user types. The
// secret is of the terminal, as [NewTokenSecret] makes it: it lets in as soon as
// somebody has agreed.
func (s *Store) AskTerminal(ctx context.Context, secret, name string) (code string, err error) {
	const ask = `
		with gone as (delete from kam.terminal_login where expiry < clock_timestamp() - interval '1 hour')
		insert into kam.terminal_login (hash, code, name, asked_at, expiry, state)
		select $1, $2, $3, clock_timestamp(), clock_timestamp() + $4::interval, $5
		where (select count(*) from kam.terminal_login where expiry > clock_timestamp() and state = $5) < $6
		returning code`

	name = strings.TrimSpace(name)
	if err := checkLine("name", name, maxTokenName); err != nil {
		return "", err
	}
	code, ok, err := pg.One(ctx, s.pool, "have a terminal wait", pgx.RowTo[string], ask, hashOf(secret), newCode(), name, TerminalLasts, TerminalPending, maxTerminals)
	if err == nil && !ok {
		err = kam.Errorf(kam.Unreachable, "%d terminals wait already", maxTerminals).Try("wait some minutes and try again")
	}
	return code, err
}

const terminalColumns = `code, name, asked_at, case when state = 'PENDING' and expiry < clock_timestamp() then 'UNKNOWN' else state end as state, user_id as "user"`

// TerminalOf is the terminal that waits under a code, as it was typed.
func (s *Store) TerminalOf(ctx context.Context, code string) (Terminal, error) {
	t, found, err := pg.One(ctx, s.pool, "look for a terminal", pgx.RowToStructByName[Terminal],
		`select `+terminalColumns+` from kam.terminal_login where code = $1`, typed(code))
	if err == nil && (!found || t.State != TerminalPending) {
		err = errCode
	}
	return t, err
}

var errCode = kam.Errorf(kam.NotFound, "no terminal waits under this code").On("code").Try("type the code as the terminal shows it; it holds for ten minutes")

// typed is a code as people type it.
func typed(code string) string {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(pg.Clip(code, 20)))
	if len(code) == 8 {
		code = code[:4] + "-" + code[4:]
	}
	return code
}

// AgreeTerminal lets the terminal in as whoever acts: its secret is a personal
// token of his, which lasts as long as said.
func (s *Store) AgreeTerminal(ctx context.Context, a accessdb.OrgAct, code string, lasts time.Duration) error {
	const agree = `update kam.terminal_login set state = 'AGREED', user_id = $2 where code = $1 and state = 'PENDING' and expiry > clock_timestamp() returning hash, name`
	type row struct {
		Hash []byte
		Name string
	}
	return s.act(ctx, a, []any{"terminal", typed(code), lasts}, func(tx *accessdb.Tx) (string, error) {
		t, found, err := pg.One(ctx, tx.SQL(), "let a terminal in", pgx.RowToStructByPos[row], agree, typed(code), a.By)
		if err == nil && !found {
			err = errCode
		}
		if err != nil {
			return "", err
		}
		return addToken(ctx, tx, Token{User: a.By, Name: t.Name, Scope: ScopeAll}, t.Hash, lasts)
	})
}

// DeclineTerminal sends the terminal away. It may run twice.
func (s *Store) DeclineTerminal(ctx context.Context, user kam.UserID, code string) error {
	_, err := pg.Exec(ctx, s.pool, "send a terminal away",
		`update kam.terminal_login set state = 'DECLINED', user_id = $2 where code = $1 and state = 'PENDING'`, typed(code), user)
	return err
}

// TerminalBy is what became of the terminal that holds a secret.
func (s *Store) TerminalBy(ctx context.Context, secret string) (Terminal, error) {
	t, found, err := pg.One(ctx, s.pool, "look for a terminal", pgx.RowToStructByName[Terminal],
		`select `+terminalColumns+` from kam.terminal_login where hash = $1`, hashOf(pg.Clip(secret, 100)))
	if err == nil && !found {
		t.State = TerminalUnknown
	}
	return t, err
}

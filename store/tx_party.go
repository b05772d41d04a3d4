package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/store/internal/pg"
)

const upsertParty = `
	insert into kam.party (ref, kind, group_id, country, names, name_text, keys, data)
	values ($1, $2, $3, $4, $5, $6, $7, $8)
	on conflict (ref) do update set kind = excluded.kind, group_id = excluded.group_id, country = excluded.country,
		names = excluded.names, name_text = excluded.name_text, keys = excluded.keys, data = excluded.data`

func partyArgs(p Party, k PartyKeys) []any {
	p.Data.KeysVersion = k.Version
	return []any{p.Ref, p.Kind, p.GroupID, k.Country, append([]string{}, k.Names...), k.text(), append([]string{}, k.tokens()...), p.Data}
}

// text is what similar names are looked up in.
func (k PartyKeys) text() string { return strings.Join(k.Names, " ") }

// staleKeys are the parties p whose keys are of an older form than the version
// behind it: stored by an earlier release, or by a worker of it that still runs.
const staleKeys = `coalesce((p.data ->> 'keys_version')::int, 0) < `

// RefreshParties writes keys in the present form, for at most limit parties
// that have older ones. It may run at any time and on several workers at once.
func (s *Store) RefreshParties(ctx context.Context, version, limit int, keys func(PartyData) PartyKeys) (n int, err error) {
	const old = `select ref, data from kam.party p where ` + staleKeys + `$1 order by ref limit $2 for update skip locked`
	const refresh = `
		update kam.party set country = $2, names = $3, name_text = $4, keys = $5, data = data || jsonb_build_object('keys_version', $6::int)
		where ref = $1`

	type row struct {
		Ref  string
		Data PartyData
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		all, err := pg.List(ctx, tx, "read parties with old keys", pgx.RowToStructByPos[row], old, version, limit)
		if err != nil || len(all) == 0 {
			return err
		}
		var b pgx.Batch
		for _, r := range all {
			k := keys(r.Data)
			b.Queue(refresh, r.Ref, k.Country, append([]string{}, k.Names...), k.text(), append([]string{}, k.tokens()...), version)
		}
		n = len(all)
		return pg.Send(ctx, tx, "write the keys of parties anew", &b)
	})
	return n, err
}

// SaveParty keeps what the case itself is found by. Ref and kind are filled
// in.
func (tx *CaseTx) SaveParty(p Party, keys PartyKeys) error {
	p.Ref, p.Kind = string(tx.no()), PartyCase
	_, err := pg.Exec(tx.ctx, tx.tx, "save the keys of the party", upsertParty, partyArgs(p, keys)...)
	return err
}

// DropParty forgets what the case is found by: it has become a change of an
// existing customer.
func (tx *CaseTx) DropParty() error {
	_, err := pg.Exec(tx.ctx, tx.tx, "forget the keys of the party", `delete from kam.party where ref = $1`, string(tx.no()))
	return err
}

// A case stands for a party while it is open and not yet committed as a
// customer, and for a time after it was rejected.
const parties = `
	select coalesce(s.customer_no, p.ref),
		case when p.kind in ('CUSTOMER', 'MERGED') then 'CUSTOMER' when c.open then 'CASE' else 'REJECTED' end,
		case p.kind when 'CUSTOMER' then p.ref when 'MERGED' then s.customer_no else c.customer_no end,
		coalesce(s.group_id, p.group_id), p.data
	from kam.party p left join kam.cases c on p.kind = 'CASE' and c.case_no = p.ref
		left join kam.customer s on s.customer_no = case p.kind when 'MERGED' then kam.survivor(p.ref) end
	where p.ref <> $2 and p.ref in (select ref from hit)
	  and (p.kind = 'CUSTOMER' or s.customer_no is not null or c.open and c.snapshot ->> 'customer_id' is null
	       or c.state = 'REJECTED' and c.updated_at >= $3)
	order by p.ref`

// Parties finds those who may be the party with the keys: customers, other
// cases that are open, and requests rejected not long ago. Names that are
// merely similar are found where the database has pg_trgm. What a record was
// found by before it was merged into another one leads to that one, which may
// then come twice, as itself and as the record that it took in.
func (tx *CaseTx) Parties(k PartyKeys) ([]Party, error) {
	const byKey = `
		with hit as (
			select ref from kam.party where keys && $1::text[]
			union
			select ref from kam.party p where ` + staleKeys + `$4
		) ` + parties
	const byKeyOrName = `
		with hit as (
			select ref from kam.party where keys && $1::text[]
			union
			select ref from kam.party p where ` + staleKeys + `$4
			union
			select ref from unnest($6::text[]) n join kam.party on name_text % n where country = $5
		) ` + parties
	const trigrams = `select to_regoperator('%(text,text)') is not null`

	similar, _, err := pg.One(tx.ctx, tx.tx, "look for pg_trgm", pgx.RowTo[bool], trigrams)
	if err != nil {
		return nil, err
	}
	args := []any{append([]string{}, k.tokens()...), tx.no(), k.rejectedSince(tx.At), k.Version}
	if !similar || k.Country == "" || len(k.Names) == 0 {
		return pg.List(tx.ctx, tx.tx, "search for duplicates", pgx.RowToStructByPos[Party], byKey, args...)
	}
	return pg.List(tx.ctx, tx.tx, "search for duplicates", pgx.RowToStructByPos[Party], byKeyOrName, append(args, k.Country, k.Names)...)
}

// LockIdentifiers makes others who lock one of the identifiers wait until the
// effect is committed, so that a search after it sees what they committed.
func (tx *Tx) LockIdentifiers(ids []kam.Identifier) error {
	const lock = `
		select pg_advisory_xact_lock(h)
		from (select distinct hashtextextended(k, 7) as h from unnest($1::text[]) k order by 1) ordered`

	var keys []string
	for _, id := range ids {
		if k := identifierKey(id); k != "" {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	_, err := pg.Exec(tx.ctx, tx.tx, "lock identifiers", lock, keys)
	return err
}

// A Rejection is another case that was rejected not long ago.
type Rejection struct {
	CaseNo         kam.CaseNo
	Party          PartyData
	SameIdentifier bool
}

// RejectedLike finds other cases that were rejected since then and may be about
// the party with the keys, the last ones first (HS5, HS9). Whether they are is
// for the rules to say.
func (tx *CaseTx) RejectedLike(k PartyKeys, since time.Time) ([]Rejection, error) {
	const rejected = `
		select c.case_no, p.data, p.keys && $4::text[]
		from kam.party p join kam.cases c on c.case_no = p.ref
		where p.kind = 'CASE' and c.case_no <> $1 and c.state = 'REJECTED' and c.updated_at >= $2
		  and (p.keys && $3::text[] or ` + staleKeys + `$5)
		order by c.updated_at desc, c.case_no`

	ids := PartyKeys{Identifiers: k.Identifiers}.tokens()
	return pg.List(tx.ctx, tx.tx, "look for recent rejections", pgx.RowToStructByPos[Rejection], rejected,
		tx.no(), since, append([]string{}, k.tokens()...), append([]string{}, ids...), k.Version)
}

// DomainOrIdentifierElsewhere finds customers of another group, or of none,
// that share a domain or identifier with the keys (VH04). Customer except is
// left out; without a group every other customer counts.
func (tx *Tx) DomainOrIdentifierElsewhere(k PartyKeys, groupID, except string) ([]string, error) {
	const elsewhere = `
		select distinct c.customer_no
		from kam.party p join kam.customer c on c.customer_no = case p.kind when 'MERGED' then kam.survivor(p.ref) else p.ref end
		where p.kind in ('CUSTOMER', 'MERGED') and (p.keys && $1::text[] or cardinality($1::text[]) > 0 and ` + staleKeys + `$4)
		  and c.customer_no <> $2 and (c.group_id <> $3 or $3 = '')
		order by 1`

	shared := PartyKeys{Domains: k.Domains, Identifiers: k.Identifiers}.tokens()
	return pg.List(tx.ctx, tx.tx, "look for shared domains", pgx.RowTo[string], elsewhere, append([]string{}, shared...), except, groupID, k.Version)
}

// ParentChain is the customer's parent, the parent's parent and so on, at
// most 20, also where they turn in a circle. exists is false for an unknown
// customer.
func (tx *Tx) ParentChain(customerNo string) (parents []string, exists bool, err error) {
	const up = `
		with recursive chain as (
			select customer_no, parent_no, 0 as depth from kam.customer where customer_no = $1
			union all
			select p.customer_no, p.parent_no, depth + 1
			from chain c join kam.customer p on p.customer_no = c.parent_no where depth < 20
		)
		select customer_no from chain order by depth`

	chain, err := pg.List(tx.ctx, tx.tx, "read the parents", pgx.RowTo[string], up, customerNo)
	if err != nil || len(chain) == 0 {
		return nil, false, err
	}
	return chain[1:], true, nil
}

package customer

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// PartyKeys are what a party is searched by (P3.4.4). The caller computes
// them, because how names and numbers are normalized belongs to the rules.
type PartyKeys struct {
	// Version is that of the form in which the caller writes the keys. Parties
	// whose keys were stored in an older form are found whatever their keys.
	Version     int
	Names       []string // normalized, both foldings, legal and trading names
	Sorted      []string // the names of several words, with their words sorted
	Country     string
	PostalCode  string
	Domains     []string
	Phones      []string
	Identifiers []customer.Identifier
	// RejectedDays is how far back Parties looks at rejected requests; 0 is 90.
	RejectedDays int `json:"-"`
}

// Tokens are the blocking keys as text: parties that share one are compared.
func (k PartyKeys) Tokens() []string {
	seen := map[string]bool{}
	var list []string
	add := func(kind string, parts ...string) {
		for _, p := range parts {
			if p == "" {
				return
			}
		}
		t := kind + ":" + strings.Join(parts, ":")
		if !seen[t] {
			seen[t] = true
			list = append(list, t)
		}
	}
	for _, id := range k.Identifiers {
		add("id", identifierKey(id))
	}
	for _, n := range k.Names {
		add(nameToken, k.Country, firstLetters(n, 4))
	}
	for _, n := range k.Sorted {
		add(sortedToken, k.Country, firstLetters(n, 8))
	}
	add("post", k.Country, strings.ToUpper(strings.ReplaceAll(k.PostalCode, " ", "")))
	for _, d := range k.Domains {
		add("web", strings.ToLower(d))
	}
	for _, p := range k.Phones {
		add("tel", p)
	}
	return list
}

// Names are found by their first letters: few where the order of the words is
// kept, more where they are sorted, because many begin with the same word then.
const (
	nameToken   = "name"
	sortedToken = "sort"
)

func firstLetters(name string, n int) string {
	letters := []rune(strings.ReplaceAll(name, " ", ""))
	return string(letters[:min(n, len(letters))])
}

// inAnyCountry are patterns of like for the names, whatever the country.
func (k PartyKeys) inAnyCountry() []string {
	return append([]string{}, PartyKeys{Names: k.Names, Sorted: k.Sorted, Country: "__"}.Tokens()...)
}

// identifierKey is the text under which an identifier is found and locked.
// The name tells apart the schemes that are not checked here.
func identifierKey(id customer.Identifier) string {
	if id.Value == "" {
		return ""
	}
	key := string(id.Scheme)
	if id.Scheme == kam.SchemeOther {
		key += "/" + strings.ToUpper(id.Name)
	}
	return key + "/" + strings.ToUpper(id.Value)
}

// A Party is somebody whom a request may be about again: a customer, an open
// case or a rejected request.
type Party struct {
	Ref        string    `json:"ref"`  // customer number or case number
	Kind       string    `json:"kind"` // CUSTOMER, CASE or REJECTED
	CustomerID string    `json:"customer_id,omitempty"`
	GroupID    string    `json:"group_id,omitempty"`
	Data       PartyData `json:"data"`
}

// The kinds of party.
const (
	PartyCustomer = "CUSTOMER"
	PartyCase     = "CASE"
	PartyRejected = "REJECTED"
	PartyMerged   = "MERGED" // in the table only: it is found as the record that it was merged into
)

// PartyData is what parties are compared by.
type PartyData struct {
	Name         string                `json:"name"`
	TradingNames []string              `json:"trading_names,omitempty"`
	Country      string                `json:"country,omitempty"`
	City         string                `json:"city,omitempty"`
	PostalCode   string                `json:"postal_code,omitempty"`
	Street       string                `json:"street,omitempty"`
	Identifiers  []customer.Identifier `json:"identifiers,omitempty"`
	Website      string                `json:"website,omitempty"`
	Phone        string                `json:"phone,omitempty"`
	Emails       []string              `json:"emails,omitempty"`
	// KeysVersion is that of the keys that are stored beside the data, 0 for
	// those of the first release.
	KeysVersion int `json:"keys_version,omitempty"`
}

// PartyDataOf takes from request data what parties are compared by.
func PartyDataOf(d customer.RequestData) PartyData {
	p := PartyData{
		Name: d.LegalName, TradingNames: d.TradingNames, Country: d.CountryCode, City: d.City,
		PostalCode: d.PostalCode, Street: d.Street, Identifiers: d.Identifiers, Website: d.Website, Phone: d.Phone,
	}
	if p.Street == "" {
		for _, a := range d.Addresses {
			if a.Type == kam.AddressLegal {
				p.Street = a.Line1
			}
		}
	}
	return p
}

// rejectedSince is the start of the time in which rejected requests count.
func (k PartyKeys) rejectedSince(at time.Time) time.Time {
	days := k.RejectedDays
	if days == 0 {
		days = 90
	}
	return at.AddDate(0, 0, -days)
}

const upsertParty = `
	insert into kam.party (ref, kind, group_id, country, names, name_text, keys, data)
	values ($1, $2, $3, $4, $5, $6, $7, $8)
	on conflict (ref) do update set kind = excluded.kind, group_id = excluded.group_id, country = excluded.country,
		names = excluded.names, name_text = excluded.name_text, keys = excluded.keys, data = excluded.data`

func PartyArgs(p Party, k PartyKeys) []any {
	p.Data.KeysVersion = k.Version
	return []any{p.Ref, p.Kind, p.GroupID, k.Country, append([]string{}, k.Names...), k.text(), append([]string{}, k.Tokens()...), p.Data}
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
			b.Queue(refresh, r.Ref, k.Country, append([]string{}, k.Names...), k.text(), append([]string{}, k.Tokens()...), version)
		}
		n = len(all)
		return pg.Send(ctx, tx, "write the keys of parties anew", &b)
	})
	return n, err
}

// SaveParty keeps what a party is found by.
func (tx *Tx) SaveParty(p Party, keys PartyKeys) error {
	_, err := pg.Exec(tx.ctx, tx.tx, "save the keys of the party", upsertParty, PartyArgs(p, keys)...)
	return err
}

// DropParty forgets what a case is found by: it has become a change of an
// existing customer.
func (tx *Tx) DropParty(no kam.CaseNo) error {
	_, err := pg.Exec(tx.ctx, tx.tx, "forget the keys of the party", `delete from kam.party where ref = $1`, no)
	return err
}

// A case stands for a party while it is open and not yet committed as a
// customer, and for a time after it was rejected.
const parties = `
	select coalesce(s.customer_no, p.ref) as ref,
		case when p.kind in ('CUSTOMER', 'MERGED') then 'CUSTOMER' when c.open then 'CASE' else 'REJECTED' end as kind,
		case p.kind when 'CUSTOMER' then p.ref when 'MERGED' then s.customer_no else c.customer_no end as customer_id,
		coalesce(s.group_id, p.group_id) as group_id, p.data
	from kam.party p left join kam.cases c on p.kind = 'CASE' and c.case_no = p.ref
		left join kam.customer s on s.customer_no = case p.kind when 'MERGED' then kam.survivor(p.ref) end
	where p.ref <> @except and p.ref in (select ref from hit)
	  and (p.kind = 'CUSTOMER' or s.customer_no is not null or c.open and c.snapshot ->> 'customer_id' is null
	       or c.state = 'REJECTED' and c.updated_at >= @since)
	order by p.ref`

// Parties finds those who may be the party with the keys: customers, other
// cases than one that are open, and requests rejected not long ago. Names that are
// merely similar are found where the database has pg_trgm. What a record was
// found by before it was merged into another one leads to that one, which may
// then come twice, as itself and as the record that it took in.
func (tx *Tx) Parties(k PartyKeys, except kam.CaseNo) ([]Party, error) {
	return partiesLike(tx.ctx, tx.tx, k, tx.At, except)
}

// Parties is what [Tx.Parties] finds, for whoever only looks.
func (s *Store) Parties(ctx context.Context, k PartyKeys, at time.Time) ([]Party, error) {
	return partiesLike(ctx, s.pool, k, at, "")
}

func partiesLike(ctx context.Context, q pg.Querier, k PartyKeys, at time.Time, except kam.CaseNo) ([]Party, error) {
	const byKey = `
		with hit as (
			select ref from kam.party where keys && @keys::text[]
			union
			select ref from kam.party p where ` + staleKeys + `@version
		) ` + parties
	const byKeyOrName = `
		with hit as (
			select ref from kam.party where keys && @keys::text[]
			union
			select ref from kam.party p where ` + staleKeys + `@version
			union
			select ref from unnest(@names::text[]) n join kam.party on name_text % n where country = @country
		) ` + parties
	const trigrams = `select to_regoperator('%(text,text)') is not null`

	similar, _, err := pg.One(ctx, q, "look for pg_trgm", pgx.RowTo[bool], trigrams)
	if err != nil {
		return nil, err
	}
	args := pgx.StrictNamedArgs{"keys": append([]string{}, k.Tokens()...), "except": except, "since": k.rejectedSince(at), "version": k.Version}
	if !similar || k.Country == "" || len(k.Names) == 0 {
		return pg.List(ctx, q, "search for duplicates", pgx.RowToStructByName[Party], byKey, args)
	}
	args["country"], args["names"] = k.Country, k.Names
	return pg.List(ctx, q, "search for duplicates", pgx.RowToStructByName[Party], byKeyOrName, args)
}

// LockIdentifiers makes others who lock one of the identifiers wait until the
// effect is committed, so that a search after it sees what they committed.
func (tx *Tx) LockIdentifiers(ids []customer.Identifier) error {
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
func (tx *Tx) RejectedLike(k PartyKeys, since time.Time, except kam.CaseNo) ([]Rejection, error) {
	const rejected = `
		select c.case_no, p.data, p.keys && @identifiers::text[]
		from kam.party p join kam.cases c on c.case_no = p.ref
		where p.kind = 'CASE' and c.case_no <> @except and c.state = 'REJECTED' and c.updated_at >= @since
		  and (p.keys && @keys::text[] or ` + staleKeys + `@version)
		order by c.updated_at desc, c.case_no`

	ids := PartyKeys{Identifiers: k.Identifiers}.Tokens()
	return pg.List(tx.ctx, tx.tx, "look for recent rejections", pgx.RowToStructByPos[Rejection], rejected, pgx.StrictNamedArgs{
		"except": except, "since": since, "keys": append([]string{}, k.Tokens()...), "identifiers": append([]string{}, ids...), "version": k.Version,
	})
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

	shared := PartyKeys{Domains: k.Domains, Identifiers: k.Identifiers}.Tokens()
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

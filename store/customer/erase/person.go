package erase

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/store/internal/pg"
)

// A family is what belongs to one customer: the records that became one with
// it, or came out of it, and the cases on each of them. Within it a name is one
// person's.
type family map[kam.CaseNo]bool

func (f family) add(subjects ...kam.CaseNo) {
	for _, s := range subjects {
		f[s] = true
	}
}

func (f family) all() []kam.CaseNo { return slices.Sorted(maps.Keys(f)) }

// of are the members of one kind by their numbers; cases have no prefix.
func (f family) of(prefix string) []string {
	out := []string{}
	for _, s := range f.all() {
		no, is := strings.CutPrefix(string(s), prefix)
		if is && (prefix != "" || !strings.Contains(no, "/")) {
			out = append(out, no)
		}
	}
	return out
}

const (
	customerPrefix = "customer/"
	importPrefix   = "import/"
)

func (f family) customers() []string { return f.of(customerPrefix) }
func (f family) cases() (out []kam.CaseNo) {
	for _, no := range f.of("") {
		out = append(out, kam.CaseNo(no))
	}
	slices.SortFunc(out, func(a, b kam.CaseNo) int {
		if a.Before(b) {
			return -1
		}
		return 1
	})
	return out
}

// familyOf follows what hangs together, from a customer or a case.
func familyOf(ctx context.Context, q pg.Querier, subject string) (family, error) {
	const start = `
		select case_no from kam.cases where case_no = $1
		union all
		select 'customer/' || customer_no from kam.customer where customer_no = $1`
	const next = `
		select c.case_no from kam.cases c where c.customer_no = any ($1) or c.holds = any ($1)
		union
		select c.case_no from kam.customer_version v join kam.cases c using (case_no) where v.customer_no = any ($1)
		union
		select c.case_no from kam.cases c where c.appeal_of = any ($2) or c.same_as = any ($2)
		union
		select c.case_no from kam.cases o, unnest(array[o.appeal_of, o.same_as, o.opening ->> 'draft_of']) linked join kam.cases c on c.case_no = linked
		where o.case_no = any ($2)
		union
		select 'customer/' || c.customer_no from kam.cases o, unnest(array[o.customer_no, o.holds]) linked join kam.customer c on c.customer_no = linked
		where o.case_no = any ($2)
		union
		select 'customer/' || customer_no from kam.customer where merged_into = any ($1)
		union
		select 'customer/' || merged_into from kam.customer where customer_no = any ($1) and merged_into <> ''
		union
		select 'customer/' || linked from kam.merge m, unnest(array[m.customer_no, m.other_no]) linked
		where m.undone_at is null and (m.customer_no = any ($1) or m.other_no = any ($1))`

	f := family{}
	found, err := pg.List(ctx, q, "look for the customer", pgx.RowTo[kam.CaseNo], start, subject)
	if err == nil && len(found) == 0 {
		err = kam.Errorf(kam.NotFound, "there is no customer and no case %s", pg.Clip(subject, 40)).On("subject")
	}
	for err == nil {
		n := len(f)
		f.add(found...)
		if len(f) == n {
			return f, nil
		}
		found, err = pg.List(ctx, q, "look for what belongs to the customer", pgx.RowTo[kam.CaseNo], next, f.customers(), f.cases())
	}
	return f, err
}

// A contactAt is an entry of a list of contacts, wherever it is kept.
type contactAt struct {
	Owner    string
	Position int
	Contact  customer.Contact
	Subject  kam.CaseNo
	InFamily bool
}

// what names the list, for people.
func (r contactAt) what() string {
	kind, rest, _ := strings.Cut(r.Owner, "/")
	switch {
	case kind == "merge":
		return kam.Note("contacts kept to undo a merge")
	case kind == "import":
		return kam.Note("contacts of an import that waits")
	case strings.HasPrefix(string(r.Subject), customerPrefix):
		return kam.Note("contacts of the customer")
	case rest == "opening":
		return kam.Note("contacts of the request")
	case strings.HasPrefix(rest, "staged/"):
		return kam.Note("contacts sent with an act")
	}
	return kam.Note("contacts of revision %s", rest)
}

// contactsAt are all contacts of a family, and those with one of the addresses
// wherever they are.
func contactsAt(ctx context.Context, q pg.Querier, f family, mails []string) ([]contactAt, error) {
	const read = `
		with parts as (
			select owner, position, contact, split_part(owner, '/', 1) as kind, split_part(owner, '/', 2) as no, split_part(owner, '/', 3) as part from kam.contact
		), found as (
			select p.owner, p.position, p.contact,
				case when c.customer_no is not null then 'customer/' || c.customer_no
					when p.kind = 'merge' then 'customer/' || case p.part when 'absorbed' then m.other_no else m.customer_no end
					when p.kind = 'import' then 'import/' || p.no
					else p.kind end as subject,
				coalesce(c.customer_no = any ($1) or p.kind = any ($2)
					or p.kind = 'merge' and (m.customer_no = any ($1) and p.part <> 'absorbed' or m.other_no = any ($1) and p.part <> 'before')
					or p.kind = 'import' and r.customer_no = any ($1), false) as in_family
			from parts p
			left join kam.customer c on c.customer_no = p.owner
			left join kam.merge m on p.kind = 'merge' and m.merge_id = p.no
			left join kam.batch_row r on p.kind = 'import' and r.batch_no = p.no and r.row_no::text = p.part
		)
		select owner, position, contact, subject, in_family from found
		where in_family or lower(contact ->> 'email') = any ($3)
		order by owner, position`

	return pg.List(ctx, q, "look for the contact", pgx.RowToStructByName[contactAt], read, f.customers(), f.cases(), mails)
}

// sameWords is a name as it is compared: case and spaces do not count.
func sameWords(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

func sameMail(c customer.Contact) string { return strings.ToLower(strings.TrimSpace(c.Email)) }

// meant are the entries that the order means, and the person as they name him.
// An address is followed wherever it stands. From there, and from a name, it is
// the same person who has the same name in the family without an address, and
// who has the same name and address elsewhere.
func (e *eraser) meant(f family) ([]contactAt, person, error) {
	mail, name := strings.ToLower(e.o.Email), sameWords(e.o.Name)
	all, err := contactsAt(e.ctx, e.tx, f, nonEmpty(mail))
	if err != nil {
		return nil, person{}, err
	}
	p := person{given: e.o}
	names := map[string]bool{}
	for _, r := range all {
		n, m := sameWords(r.Contact.Name), sameMail(r.Contact)
		if mail != "" && m == mail && (name == "" || n == name) || mail == "" && r.InFamily && n == name {
			if mail != "" && name == "" && sharedMailbox(all, r) {
				return nil, person{}, kam.Errorf(kam.Invalid, "several contacts of %s share this mail address", r.Subject).On("name").Try("give the name, too")
			}
			p.add(r.Contact)
			names[n] = true
		}
	}
	if len(names) == 0 {
		return nil, p, nil
	}
	if all, err = contactsAt(e.ctx, e.tx, f, p.mails()); err != nil {
		return nil, person{}, err
	}
	var out []contactAt
	for _, r := range all {
		n, m := sameWords(r.Contact.Name), sameMail(r.Contact)
		byMail := mail != "" && m == mail && (name == "" || n == name)
		byName := names[n] && (r.InFamily && (mail == "" || m == "") || slices.Contains(p.mails(), m))
		switch {
		case byMail || byName:
			p.add(r.Contact)
			out = append(out, r)
		case r.InFamily && (names[n] || slices.Contains(p.mails(), m)):
			p.others = append(p.others, r)
		}
	}
	p.ids, err = pg.List(e.ctx, e.tx, "look for colleagues", pgx.RowTo[string], `select lower(user_id) from kam.person where lower(user_id) = any ($1)`, p.mails())
	return out, p, err
}

// sharedMailbox says whether another person in the same list has the address.
func sharedMailbox(all []contactAt, r contactAt) bool {
	return slices.ContainsFunc(all, func(x contactAt) bool {
		return x.Owner == r.Owner && sameMail(x.Contact) == sameMail(r.Contact) && sameWords(x.Contact.Name) != sameWords(r.Contact.Name)
	})
}

func nonEmpty(s string) []string {
	if s == "" {
		return []string{}
	}
	return []string{s}
}

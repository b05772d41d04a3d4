package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/store/customer/erase"
	"github.com/kamflow/kamflow/store/ledger"
)

type erasingFake struct {
	*fake
	order  erase.Order
	answer erase.Erasure
	all    []erase.Erasure
}

func (f *erasingFake) kept() service.Record {
	r := f.fake.kept()
	r.Erasures = f
	return r
}

func (f *erasingFake) Contact(_ context.Context, o erase.Order, _ func(kam.Person) (kam.Role, error), _ ledger.Sign) (erase.Erasure, error) {
	f.order = o
	return f.answer, f.err
}

func (f *erasingFake) List(context.Context) ([]erase.Erasure, error) {
	return f.all, f.err
}

func TestEraseContact(t *testing.T) {
	dir := testdata(t)
	f := &erasingFake{fake: waiting()}
	admin := func(args ...string) result {
		return startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, append([]string{"--as", "cora", "admin"}, args...)...)
	}
	what := erase.ErasedWhat{
		Contacts: 3, Texts: 1,
		Places: []erase.ErasedPlace{{Subject: "customer/C-1", What: "contacts of the customer", Count: 1}, {Subject: theCase, What: "contacts of revision 1", Count: 2}, {Subject: theCase, What: "revisions", Count: 1}},
		Left:   []erase.ErasureStays{{Subject: theCase, Where: "audit trail", Seq: 7}, {Subject: "org", Where: "person ada"}},
	}
	f.answer = erase.Erasure{Subject: "C-1", Order: "ticket 4711", By: "cora", At: noon, LastAt: noon, DryRun: true, ErasedWhat: what}
	golden(t, dir, "erase_dry.txt", admin("erase-contact", "C-1", "--email", "ada@x.example", "--name", "Jo\u0308rg Berg", "--order", "ticket 4711", "--dry-run").out)
	require.Equal(t, erase.Order{Subject: "C-1", Email: "ada@x.example", Name: "J\u00f6rg Berg", Order: "ticket 4711", By: "cora", DryRun: true}, f.order)

	f.answer.DryRun, f.answer.No = false, "E-000001"
	got := admin("erase-contact", "C-1", "--email", "ada@x.example", "--order", "ticket 4711")
	golden(t, dir, "erase.txt", got.out)
	require.NotContains(t, got.out, "ada@x", "what a terminal shows is kept")
	got = admin("erase-contact", "C-1", "--email", "ada@x.example", "--order", "ticket 4711", "--json")
	golden(t, dir, "erase.json", got.out)

	f.answer.Again, f.answer.ErasedWhat, f.answer.LastAt = true, erase.ErasedWhat{Places: []erase.ErasedPlace{}, Left: []erase.ErasureStays{}}, noon.Add(time.Hour)
	golden(t, dir, "erase_again.txt", admin("erase-contact", "C-1", "--email", "ada@x.example", "--order", "ticket 4711").out)

	require.Equal(t, text.English().Say("erase.none")+"\n", admin("erasures").out)
	f.all = []erase.Erasure{f.answer}
	golden(t, dir, "erasures.txt", admin("erasures").out)
	var listed struct{ Erasures []erase.Erasure }
	require.NoError(t, json.Unmarshal([]byte(admin("erasures", "--json").out), &listed))
	require.Equal(t, "E-000001", listed.Erasures[0].No)

	require.Equal(t, exitUsage, startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, "--as=", "admin", "erasures").status, "whoever reads them is somebody")
	require.Equal(t, exitUsage, startOn(t, system{service.New(f.kept(), nil, ""), f.fake}, "", false, "--as=", "admin", "erase-contact", "C-1").status)
	require.Equal(t, exitUsage, admin("erase-contact").status)
	f.err = kam.Errorf(kam.Forbidden, "no")
	require.Equal(t, exitRefused, admin("erase-contact", "C-1", "--email", "ada@x.example", "--order", "t").status)
}

package acceptance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/servicetest"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/customer/merge"
)

// TestMergedRecordsAreOneCustomer: a request that names what the absorbed
// record was known by is asked about the survivor, once, and the case that
// ended there counts as open work on neither.
func TestMergedRecordsAreOneCustomer(t *testing.T) {
	w := newWorld(t)
	elbe := fields{"street": "Elbweg 2", "postal_code": "22765", "city": "Altona", "website": "https://elbklinik.example"}
	w.has(customerdb.BookCustomer{CustomerNo: "C-000001", Territory: "DE-N-01", OwnerID: "rep.north", Data: data(t, screening("Nordwind Klinik GmbH"), details(), identifier("VAT_EU", "DE136695976"))})
	w.has(customerdb.BookCustomer{CustomerNo: "C-000002", Territory: "DE-N-01", OwnerID: "rep.north", Data: data(t, screening("Elbklinik Altona GmbH"), elbe, identifier("LEI", "213800KUD8LAJWSQ9D15"))})
	c := servicetest.New(w.db, nil, "none")
	plan, err := c.MergePlan(t.Context(), service.As("stew.one"), "C-000001", "C-000002", kam.MergeChoice{})
	require.NoError(t, err)
	require.NotEmpty(t, plan.Fields)
	r, err := c.Merge(t.Context(), service.As("stew.one"), merge.Order{Survivor: "C-000001", Absorbed: "C-000002", Reason: "one clinic", By: "stew.one"})
	require.NoError(t, err)

	s := w.onboard("rep.north", data(t, screening("Elbklinik Altona"), elbe, identifier("LEI", "213800KUD8LAJWSQ9D15")))
	s.at(hour, func(now kam.Snapshot) {
		v, err := w.db.Cases.View(t.Context(), s.no)
		if err != nil {
			s.faults = append(s.faults, err.Error())
			return
		}
		if len(v.Candidates) != 1 || v.Candidates[0].Ref != "C-000001" || v.Candidates[0].Class != kam.MatchCertain {
			s.faults = append(s.faults, fmt.Sprintf("want the survivor alone, got %+v", v.Candidates))
		}
	})
	s.expect(hour, kam.DuplicateReview)
	s.act(2*hour, "", kam.Act{Name: kam.ActResolveDuplicate, Verdict: kam.UseExisting, By: "rep.north", CustomerNo: "C-000001", Reason: "it is the same clinic"})
	require.Equal(t, kam.Merged, s.run().State)

	u, err := c.UndoMerge(t.Context(), service.As("stew.one"), merge.UndoOrder{CustomerNo: "C-000001", MergeID: r.MergeID, Reason: "two clinics after all", By: "stew.one"})
	require.NoError(t, err)
	require.Empty(t, u.Stayed)
	v, err := c.Customer(t.Context(), service.As("stew.one"), "C-000002")
	require.NoError(t, err)
	require.Empty(t, v.Followed)
	require.Equal(t, "Elbklinik Altona GmbH", v.Customer.Data.LegalName)
}

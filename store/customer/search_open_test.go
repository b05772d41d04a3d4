package customer_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/parties"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/rules"
	"github.com/kamflow/kamflow/kam/rules/match"
	customerdb "github.com/kamflow/kamflow/store/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
	"github.com/kamflow/kamflow/store/storetest"
)

// sharedRows are the rows of a file of the shared data, which is not part of
// the repository: in KAM_SHARED_DATA, else in shared/data beside a parent
// folder.
func sharedRows(t *testing.T, name string) []map[string]string {
	t.Helper()
	path := filepath.Join(os.Getenv("KAM_SHARED_DATA"), name)
	if os.Getenv("KAM_SHARED_DATA") == "" {
		dir, err := os.Getwd()
		require.NoError(t, err)
		for path = filepath.Join(dir, "shared", "data", name); ; path = filepath.Join(dir, "shared", "data", name) {
			if _, err := os.Stat(path); err == nil || dir == filepath.Dir(dir) {
				break
			}
			dir = filepath.Dir(dir)
		}
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED, NOT PASSED: no shared/data/%s beside any parent folder and KAM_SHARED_DATA is not set", name)
	}
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var rows []map[string]string
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, h := range all[0] {
			row[h] = rec[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// TestSearchFindsWhatIsAccepted holds the search of the database against
// comparing each with each, on two lists of real restaurants: what the
// comparison would accept, the search brings.
func TestSearchFindsWhatIsAccepted(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	policy, err := rules.Default()
	require.NoError(t, err)
	read := func(guide string) (refs []string, all []kam.RequestData) {
		for _, r := range sharedRows(t, "er_restaurants/"+guide+".csv") {
			d := kam.RequestData{ScreeningData: kam.ScreeningData{LegalName: r["name"], CountryCode: "US", City: r["city"], Street: r["addr"], Phone: r["phone"]}}
			refs, all = append(refs, "C-"+guide[:1]+r["id"]), append(all, d)
		}
		return refs, all
	}
	party := func(d kam.RequestData) match.Party {
		return match.Party{Names: []string{d.LegalName}, CountryCode: d.CountryCode, City: d.City, Street: d.Street, Phone: d.Phone}
	}
	refs, zagats := read("zagats")
	_, fodors := read("fodors")
	book := make([]customerdb.BookCustomer, len(zagats))
	for i, d := range zagats {
		book[i] = customerdb.BookCustomer{CustomerNo: refs[i], Data: d, Territory: "US", Keys: parties.Keys(d)}
	}
	require.NoError(t, s.Customers.Load(t.Context(), storetest.Act(), book))
	const every = 8 // of the other list: each with each takes its time
	accepted, missed, brought := 0, 0, 0
	var took time.Duration
	storetest.Within(t, s, storetest.NewCase(t, s, "mine"), func(tx *casedb.Tx) {
		for i := 0; i < len(fodors); i += every {
			begin := time.Now()
			found, err := customerdb.In(tx.Entry).Parties(parties.Keys(fodors[i]), tx.Case.CaseNo)
			took += time.Since(begin)
			require.NoError(t, err)
			met := map[string]bool{}
			for _, p := range found {
				met[p.Ref] = true
			}
			brought += len(found)
			for j, d := range zagats {
				if m := policy.Match.Compare(party(fodors[i]), party(d)); m.Class != "" {
					accepted++
					if !met[refs[j]] {
						missed++
						t.Logf("not found: %+v | %+v: %+v", party(fodors[i]), party(d), m)
					}
				}
			}
		}
	})
	n := (len(fodors) + every - 1) / every
	t.Logf("er_restaurants: %d of %d pairs are accepted, the search misses %d of them; it brings %.1f parties and takes %v",
		accepted, n*len(zagats), missed, float64(brought)/float64(n), (took / time.Duration(n)).Round(time.Microsecond))
	require.Zero(t, missed, fmt.Sprint("of ", accepted))
	require.NotZero(t, accepted)
}

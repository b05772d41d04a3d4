package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// TestOpeningTellsWhatTheImportFound: by field, each once; the trail holds no
// data of customers.
func TestOpeningTellsWhatTheImportFound(t *testing.T) {
	t.Parallel()
	o := casedb.Request{Type: kam.NewCase, Findings: []customer.Finding{{Field: "phone", Message: "+49 40 123"}, {Field: "website"}, {Field: "phone"}, {}}}
	require.Equal(t, "NEW; found at import: phone, website", openingText(o))
	require.Equal(t, "MODIFY of customer C-1", openingText(casedb.Request{Type: kam.Modify, CustomerNo: "C-1"}))
}
